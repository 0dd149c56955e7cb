//! Running the program.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
};

/// The program, without whatever the environment of the test says about servers.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pravega-bytes"));
    command
        .env_remove("PRAVEGA_CONTROLLER_URI")
        .env_remove("PRAVEGA_BYTES_DATA_DIR");
    command
}

/// The program on the embedded server of a directory.
pub(crate) fn in_dir(dir: &Path) -> Command {
    let mut command = program();
    command.arg("--data-dir").arg(dir);
    command
}

/// Runs to the end with this input.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // A program that fails early does not read its input.
    feeder.join().unwrap().ok();
    output
}

/// Runs to the end, which must be a success, and gives what it printed.
pub(crate) fn succeed(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let output = run(command, input);
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// A process that is still running; killed when dropped.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap(),
        )
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.0.stdin.take().unwrap()
    }

    pub(crate) fn lines(&mut self) -> std::io::Lines<BufReader<ChildStdout>> {
        BufReader::new(self.0.stdout.take().unwrap()).lines()
    }

    /// Ends it as a power cut would: it gets no chance to clean up.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        kill.args(["-s", name, &self.0.id().to_string()]);
        assert!(kill.status().unwrap().success());
    }

    /// Asks it to end, and waits for that.
    pub(crate) fn terminate(mut self) -> std::process::ExitStatus {
        self.signal("TERM");
        self.0.wait().unwrap()
    }

    /// As Ctrl-C does.
    pub(crate) fn interrupt(mut self) -> std::process::ExitStatus {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status();
        assert!(sent.unwrap().success());
        self.0.wait().unwrap()
    }

    pub(crate) fn wait(mut self) -> std::process::ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// `serve` in a process of its own.
pub(crate) struct Server {
    pub(crate) process: Running,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    pub(crate) controller: SocketAddr,
    pub(crate) store: SocketAddr,
}

impl Server {
    /// Starts `command`, which ends in `serve` and its options, and waits until it says that it answers.
    pub(crate) fn start(command: &mut Command, controller: SocketAddr, store: SocketAddr) -> Self {
        command.args(["--listen", &controller.to_string()]);
        command.args(["--store-listen", &store.to_string()]);
        let mut process = Running::start(command);
        let mut lines = process.lines();
        let mut address = |prefix: &str| -> SocketAddr {
            let line = lines.next().unwrap().unwrap();
            line.strip_prefix(prefix)
                .unwrap_or_else(|| panic!("{line:?}"))
                .parse()
                .unwrap()
        };
        let controller = address("controller tcp://");
        let store = address("store ");
        Self {
            process,
            lines,
            controller,
            store,
        }
    }

    /// What it says next.
    pub(crate) fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    /// The program as a client of this server.
    pub(crate) fn client(&self) -> Command {
        let mut command = program();
        command.args(["--controller", &format!("tcp://{}", self.controller)]);
        command
    }
}

/// Any free port of this machine.
pub(crate) fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}
