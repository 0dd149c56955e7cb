//! The programs of a comparison: servers that run for all of it, contenders that run for one job each.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::job::Outcome;

/// Figures by name, as a contender prints them.
pub type Figures = BTreeMap<String, f64>;

/// Beyond the time of its job a contender gets this long before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(60);
/// The processor that pinned programs share.
const PINNED_TO: &str = "0";

/// Stands for the address of a server that is not there yet.
pub const ADDRESS: &str = "@";
/// For a shell: puts the address into the arguments, and runs them.
const WITH_ADDRESS: &str = r#"exec "$0" "${@/#@/$PRAVEGA_CONTROLLER_URI}""#;

/// Whether programs can be pinned here.
#[must_use]
pub fn can_pin() -> bool {
    let mut taskset = std::process::Command::new("taskset");
    let tried = taskset.args(["--cpu-list", PINNED_TO, "true"]).output();
    tried.is_ok_and(|tried| tried.status.success())
}

/// A program with its arguments.
#[derive(Debug, Clone)]
pub struct Program {
    /// The file.
    pub file: PathBuf,
    /// What it is called with.
    pub arguments: Vec<String>,
    /// Variables of its environment.
    pub environment: &'static [(&'static str, &'static str)],
    /// All pinned programs run on one and the same processor.
    pub is_pinned: bool,
}

impl Program {
    /// A program with arguments, and nothing special.
    #[must_use]
    pub fn new(file: &Path, arguments: &[&str]) -> Self {
        Self {
            file: file.to_owned(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            environment: &[],
            is_pinned: false,
        }
    }

    /// The same, run by another program that starts a server first: `starter run -- command`, with the server's address
    /// in the environment. It takes the place of the argument [`ADDRESS`].
    #[must_use]
    pub fn started_by(mut self, starter: &Path) -> Self {
        let file = self.file.display().to_string();
        let before = ["run", "--", "bash", "-c", WITH_ADDRESS, &file];
        let before = before.iter().map(ToString::to_string);
        self.arguments.splice(..0, before);
        self.file = starter.to_owned();
        self
    }

    fn command(&self) -> Command {
        let mut command = if self.is_pinned {
            let mut taskset = Command::new("taskset");
            taskset.args(["--cpu-list", PINNED_TO]).arg(&self.file);
            taskset
        } else {
            Command::new(&self.file)
        };
        command
            .args(&self.arguments)
            .envs(self.environment.iter().copied())
            .kill_on_drop(true);
        command
    }

    /// Runs it as a contender, to its end.
    ///
    /// # Errors
    /// When it fails, hangs, or prints something else than figures.
    pub async fn figures(&self, seconds: f64) -> Outcome<Figures> {
        let running = self.command().stdin(Stdio::null()).output();
        let limit = PATIENCE + Duration::from_secs_f64(seconds * 2.0);
        let done = timeout(limit, running)
            .await
            .map_err(|_| format!("{self:?} hangs"))??;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr);
            return Err(format!("{self:?}: {}: {said}", done.status).into());
        }
        let mut figures = Figures::new();
        for line in String::from_utf8(done.stdout)?.lines() {
            let (name, value) = line
                .split_once('=')
                .ok_or_else(|| format!("no figure: {line}"))?;
            figures.insert(name.to_owned(), value.parse()?);
        }
        Ok(figures)
    }

    /// Starts it as a server, which prints its address when it is ready and ends with its standard input.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn serve(&self) -> Outcome<Server> {
        let mut child = self
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("no standard output")?;
        let mut address = String::new();
        let mut output = BufReader::new(output);
        timeout(PATIENCE, output.read_line(&mut address))
            .await
            .map_err(|_| format!("{self:?} does not start"))??;
        let address = address.trim().to_owned();
        if address.is_empty() {
            return Err(format!("{self:?} has no address").into());
        }
        Ok(Server {
            address,
            _child: child,
        })
    }
}

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    /// What it has printed.
    pub address: String,
    _child: Child,
}
