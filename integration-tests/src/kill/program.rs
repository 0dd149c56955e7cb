//! The program that is killed: `pravega-bytes`, of the sources as they are now.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    time::SystemTime,
};

use crate::campaign::{Verdict, Violation};

/// The variable that names the program.
const PROGRAM: &str = "PRAVEGA_BYTES";

/// The crates that the program is made of.
const MADE_OF: [&str; 10] = [
    "byte-stream",
    "cli",
    "client-config",
    "connection-pool",
    "controller-api",
    "controller-client",
    "segment-session",
    "shared",
    "standalone",
    "wire-protocol",
];

/// The program: the one that the environment names, or the one beside this program if it is not older than its
/// sources, or else one that cargo builds there.
pub(super) fn find() -> Verdict<PathBuf> {
    static FOUND: OnceLock<Verdict<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(look).clone()
}

fn look() -> Verdict<PathBuf> {
    if let Some(named) = env::var_os(PROGRAM) {
        return Ok(named.into());
    }
    beside().map_err(|error| Violation::broken(format!("no program to kill: {error}")))
}

fn beside() -> io::Result<PathBuf> {
    let missing = || io::Error::other("this program has no place");
    let own = env::current_exe()?;
    let mut folder = own.parent().ok_or_else(missing)?;
    // Test programs lie one folder deeper.
    if folder.ends_with("deps") {
        folder = folder.parent().ok_or_else(missing)?;
    }
    let name = format!("pravega-bytes{}", env::consts::EXE_SUFFIX);
    let program = folder.join(name);
    if !is_up_to_date(&program) {
        build(folder)?;
    }
    Ok(program)
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn is_up_to_date(program: &Path) -> bool {
    let built = fs::metadata(program).and_then(|it| it.modified());
    let sources = MADE_OF.map(|name| changed(&workspace().join(name).join("src")));
    built.is_ok_and(|built| sources.into_iter().all(|it| it.is_ok_and(|it| it <= built)))
}

/// When something in a folder was changed last.
fn changed(folder: &Path) -> io::Result<SystemTime> {
    let mut latest = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let changed = match entry.file_type()?.is_dir() {
            true => changed(&entry.path())?,
            false => fs::metadata(entry.path())?.modified()?,
        };
        latest = latest.max(changed);
    }
    Ok(latest)
}

/// Builds the program as this one was built, into the same folder.
fn build(folder: &Path) -> io::Result<()> {
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([
        "build",
        "--quiet",
        "-p",
        "pravega-bytes",
        "--profile",
        profile,
    ]);
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    command.current_dir(workspace()).stdin(Stdio::null());
    match command.status()? {
        status if status.success() => Ok(()),
        status => Err(io::Error::other(format!("cargo build: {status}"))),
    }
}
