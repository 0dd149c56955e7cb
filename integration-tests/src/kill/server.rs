//! A server in a process of its own.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use super::program;
use crate::campaign::{Verdict, Violation};

/// How often a server is started that finds its ports taken. A client that looks for the server may have been
/// given the port as its own for a moment.
const ATTEMPTS: u32 = 50;

/// `pravega-bytes serve`; killed when dropped.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    printed: BufReader<ChildStdout>,
    log: PathBuf,
    pub(super) ports: Ports,
}

/// Where it listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) controller: SocketAddr,
    pub(super) store: SocketAddr,
}

impl Ports {
    /// Any two that are free.
    pub(super) fn any() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            controller: any,
            store: any,
        }
    }

    pub(super) fn controller_uri(self) -> String {
        format!("tcp://{}", self.controller)
    }
}

/// What the system allows a server, in the words of a shell; for example `ulimit -n 40`.
pub(super) type Limits<'a> = &'a str;

impl Server {
    /// Starts the process; it does not answer yet.
    pub(super) fn launch(folder: &Path, ports: Ports, limits: Limits<'_>) -> Verdict<Self> {
        let program = program::find()?;
        let mut command = match limits {
            "" => Command::new(&program),
            limits => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")]);
                shell.arg(&program);
                shell
            }
        };
        // A pipe that nobody reads would stop the server some day.
        let log = log_beside(folder);
        let failed = |error| broken(format!("{}: {error}", program.display()));
        command
            .env_remove("PRAVEGA_CONTROLLER_URI")
            .env_remove("PRAVEGA_BYTES_DATA_DIR")
            .arg("--data-dir")
            .arg(folder)
            .arg("serve")
            .args(["--listen", &ports.controller.to_string()])
            .args(["--store-listen", &ports.store.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).map_err(failed)?);
        let mut child = command.spawn().map_err(failed)?;
        let printed = child.stdout.take().ok_or_else(|| broken("no output"))?;
        Ok(Self {
            child,
            printed: BufReader::new(printed),
            log,
            ports,
        })
    }

    /// Starts a server and waits until it answers.
    pub(super) async fn start(folder: &Path, ports: Ports, limits: Limits<'_>) -> Verdict<Self> {
        for _ in 0..ATTEMPTS {
            let mut server = Self::launch(folder, ports, limits)?;
            if server.is_ready() {
                return Ok(server);
            }
            let said = server.last_words();
            if !said.contains("in use") {
                return Err(broken(format!("the server did not start: {said}")));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(broken("somebody else has the server's ports"))
    }

    /// Waits until it says where it listens; false when it ends without a word.
    pub(super) fn is_ready(&mut self) -> bool {
        let mut address = |prefix: &str| -> Option<SocketAddr> {
            let mut line = String::new();
            self.printed.read_line(&mut line).ok()?;
            line.trim_end().strip_prefix(prefix)?.parse().ok()
        };
        let controller = address("controller tcp://");
        let store = address("store ");
        match (controller, store) {
            (Some(controller), Some(store)) => {
                self.ports = Ports { controller, store };
                true
            }
            _ => false,
        }
    }

    /// Ends it as a power cut ends a process: it gets no chance to clean up. What it had still to say about its
    /// addresses tells whether it had begun to answer.
    pub(super) fn kill(mut self) -> Verdict<bool> {
        self.end()?;
        Ok(self.is_ready())
    }

    fn end(&mut self) -> Verdict {
        let failed = |error| broken(format!("a server could not be killed: {error}"));
        self.child.kill().map_err(failed)?;
        self.child.wait().map_err(failed)?;
        Ok(())
    }

    /// Waits for its end, and gives what it said then.
    pub(super) fn last_words(&mut self) -> String {
        let status = self
            .child
            .wait()
            .map_or_else(|error| error.to_string(), |it| it.to_string());
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        format!("{status}: {}", said.trim())
    }

    /// Whether it has warned of something.
    pub(super) fn has_said(&self, warning: &str) -> bool {
        fs::read_to_string(&self.log).is_ok_and(|said| said.contains(warning))
    }

    /// True while it runs.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A file beside the folder, or where the folder could be if that is no place for one.
fn log_beside(folder: &Path) -> PathBuf {
    let name = folder.with_extension("log");
    let place = folder.ancestors().skip(1).find(|place| place.is_dir());
    match (place, name.file_name()) {
        (Some(place), Some(name)) => place.join(name),
        _ => name,
    }
}

/// Something that must not be.
pub(super) fn broken(what: impl Into<String>) -> Violation {
    Violation::broken(what)
}
