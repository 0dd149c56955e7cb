//! Under which circumstances it was measured.

use std::{fs, path::Path, process::Command};

/// What a reader of the figures has to know, as names and values.
#[must_use]
pub fn circumstances(rounds: usize, seconds: f64) -> Vec<(String, String)> {
    let command: Vec<String> = std::env::args().skip(1).collect();
    let all = [
        ("date", said_by("date", &["-u", "+%F %H:%M UTC"])),
        (
            "commit",
            said_by("git", &["describe", "--always", "--dirty", "--abbrev=12"]),
        ),
        ("command", Some(format!("compare {}", portable(&command)))),
        (
            "rounds",
            Some(format!(
                "{rounds} of {seconds} s, medians; ratios within a round"
            )),
        ),
        ("processor", processor()),
        ("system", said_by("uname", &["-sr"])),
        ("network", Some(network())),
        ("load before", load()),
    ];
    let known = all
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    known.collect()
}

fn said_by(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}

/// The arguments as they mean something elsewhere: of a path its last part.
fn portable(arguments: &[String]) -> String {
    let short = |argument: &String| {
        let path = Path::new(argument);
        let name = path.file_name().filter(|_| path.is_absolute());
        name.map_or_else(|| argument.clone(), |name| name.display().to_string())
    };
    arguments.iter().map(short).collect::<Vec<_>>().join(" ")
}

fn processor() -> Option<String> {
    let known = fs::read_to_string("/proc/cpuinfo").ok()?;
    let model = known
        .lines()
        .find_map(|line| line.strip_prefix("model name"))?;
    let count = std::thread::available_parallelism().ok()?;
    Some(format!(
        "{count} x {}",
        model.trim_start_matches([':', ' ', '\t'])
    ))
}

fn load() -> Option<String> {
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    load.split_once(' ')
        .map(|(last_minute, _)| last_minute.to_owned())
}

/// The congestion control in force. Anything but reno makes loopback slower and noisier.
#[must_use]
pub fn network() -> String {
    let control =
        fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control").unwrap_or_default();
    match control.trim() {
        "" => "loopback".to_owned(),
        "reno" => "loopback, reno".to_owned(),
        other => format!("loopback, {other}, which is noisier than reno: see benches/run.sh"),
    }
}
