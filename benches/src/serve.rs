//! How long the command line needs to serve, and what it holds then.

use std::{fs, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
    time::{Instant, sleep},
};

use crate::{
    job::{Job, Outcome},
    meter::{float, print},
};

/// Before the server is called idle.
const REST: Duration = Duration::from_millis(300);

/// Starts the program that the job names as its address on a fresh directory.
///
/// # Errors
/// When it does not start.
pub async fn run(job: &Job) -> Outcome<()> {
    let directory = tempfile::tempdir_in(std::env::current_dir()?)?;
    let began = Instant::now();
    let mut server = Command::new(&job.address)
        .arg("--data-dir")
        .arg(directory.path())
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--store-listen",
            "127.0.0.1:0",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let output = server.stdout.take().ok_or("no standard output")?;
    // Kept until the end: a server whose next line nobody can read any more ends.
    let mut output = BufReader::new(output);
    let mut said = String::new();
    output.read_line(&mut said).await?;
    let ready = began.elapsed();
    if said.is_empty() {
        return Err("the server ended without a word".into());
    }
    print("ready_ns", float(u64::try_from(ready.as_nanos())?));
    sleep(REST).await;
    let id = server.id().ok_or("the server has ended")?;
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no VmRSS")?;
    print("resident_bytes", float(kib.parse::<u64>()? * 1024));
    server.kill().await?;
    Ok(())
}
