//! Streams in a data directory, without a server of their own.

use std::io::Write as _;

use crate::process::{Running, in_dir, run, succeed};

/// Bytes in which no two neighbouring blocks are alike.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .flatten()
    .take(len)
    .collect()
}

#[test]
fn what_is_written_is_read_back_by_later_processes() {
    let dir = tempfile::tempdir().unwrap();
    let first = noise(3 << 20);
    succeed(in_dir(dir.path()).args(["write", "demo/big"]), &first);
    let second = noise(100);
    let written = succeed(
        in_dir(dir.path()).args(["write", "demo/big", "--json"]),
        &second,
    );
    let written: serde_json::Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written["durable_offset"], first.len() + second.len());

    let read = succeed(in_dir(dir.path()).args(["read", "demo/big"]), b"");
    assert!(
        read == [first.as_slice(), &second].concat(),
        "the bytes differ"
    );
    let from = first.len().to_string();
    let read = succeed(
        in_dir(dir.path()).args(["read", "demo/big", "--from", &from]),
        b"",
    );
    assert!(read == second, "the last bytes differ");
    let read = succeed(
        in_dir(dir.path()).args(["read", "demo/big", "--until", "10"]),
        b"",
    );
    assert_eq!(read, &first[..10]);
}

#[test]
fn a_directory_on_the_command_line_counts_more_than_a_controller_of_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    succeed(in_dir(dir.path()).args(["create", "demo/here"]), b"");
    // Nobody listens there.
    let mut elsewhere = in_dir(dir.path());
    elsewhere.env("PRAVEGA_CONTROLLER_URI", "tcp://127.0.0.1:1");
    assert_eq!(succeed(elsewhere.args(["ls"]), b""), b"demo\n");
    // Set to nothing is not set.
    let mut nowhere = crate::process::program();
    nowhere.env("PRAVEGA_CONTROLLER_URI", "");
    nowhere.env("PRAVEGA_BYTES_DATA_DIR", dir.path());
    assert_eq!(succeed(nowhere.args(["ls"]), b""), b"demo\n");
}

#[test]
fn reading_ends_where_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let call = |arguments: &[&str]| run(in_dir(dir.path()).args(arguments), b"0123456789");
    let reads = |arguments: &[&str], expected: &str| {
        let output = call(&[&["read", "demo/ends"], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    };
    let fails = |arguments: &[&str], says: &str| {
        let output = call(&[&["read", "demo/ends"], arguments].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.contains(says), "{arguments:?}: {error}");
        assert!(output.stdout.is_empty(), "{arguments:?} wrote to stdout");
    };
    assert!(call(&["write", "demo/ends"]).status.success());
    reads(&["--range", "2..5"], "234");
    reads(&["--range", "7..10"], "789");
    reads(&["--range", "4..4"], "");
    reads(&["--from", "2", "--until", "5"], "234");
    // What is not there yet is waited for by a follower only, and a range is whole or an error.
    reads(&["--from", "7", "--until", "12"], "789");
    reads(&["--from", "10"], "");
    fails(&["--from", "11"], "ends at 10");
    fails(&["--range", "7..11"], "ends at 10");
    reads(&["--follow", "--until", "5"], "01234");
    assert!(call(&["truncate", "demo/ends", "4"]).status.success());
    fails(&["--range", "3..5"], "it starts at 4");
    reads(&["--until", "5"], "4");
}

#[test]
fn a_file_is_appended_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("input");
    std::fs::write(&path, b"from a file").unwrap();
    let data = dir.path().join("data");
    succeed(in_dir(&data).args(["write", "demo/file"]).arg(&path), b"");
    assert_eq!(
        succeed(in_dir(&data).args(["read", "demo/file"]), b""),
        b"from a file"
    );
}

#[test]
fn the_life_of_a_stream() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = |arguments: &[&str]| succeed(in_dir(dir.path()).args(arguments), b"0123456789");
    let text = |arguments: &[&str]| String::from_utf8(bytes(arguments)).unwrap();
    let created = |is_new: bool| format!("{{\"stream\":\"demo/life\",\"created\":{is_new}}}\n");
    assert_eq!(text(&["create", "demo/life", "--json"]), created(true));
    assert_eq!(text(&["create", "demo/life", "--json"]), created(false));
    assert_eq!(text(&["create", "demo/life"]), "");
    assert_eq!(text(&["ls"]), "demo\n");
    assert_eq!(text(&["ls", "demo"]), "demo/life\n");
    assert_eq!(text(&["ls", "demo", "--json"]), "[\"demo/life\"]\n");
    bytes(&["write", "demo/life"]);
    bytes(&["truncate", "demo/life", "4"]);
    bytes(&["seal", "demo/life"]);
    bytes(&["seal", "demo/life"]);
    assert_eq!(text(&["read", "demo/life"]), "456789");
    assert_eq!(text(&["read", "--follow", "demo/life"]), "456789");
    let stat: serde_json::Value =
        serde_json::from_str(&text(&["stat", "demo/life", "--json"])).unwrap();
    assert_eq!((&stat["head"], &stat["tail"]), (&4.into(), &10.into()));
    assert_eq!(stat["sealed"], true);
    bytes(&["rm", "demo/life"]);
    assert_eq!(text(&["ls", "demo"]), "");
    assert_eq!(
        run(in_dir(dir.path()).args(["rm", "demo/life"]), b"")
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn a_follower_prints_while_another_process_writes_and_goes_on_when_that_ends() {
    let dir = tempfile::tempdir().unwrap();
    succeed(in_dir(dir.path()).args(["create", "demo/live"]), b"");
    let mut writer = Running::start(in_dir(dir.path()).args(["write", "demo/live"]));
    let mut follower = Running::start(in_dir(dir.path()).args(["read", "-f", "demo/live"]));
    let (mut input, mut printed) = (writer.stdin(), follower.lines());
    for line in ["one", "two", "three"] {
        writeln!(input, "{line}").unwrap();
        input.flush().unwrap();
        assert_eq!(printed.next().unwrap().unwrap(), line);
    }
    drop(input);
    assert!(writer.wait().success());
    succeed(in_dir(dir.path()).args(["write", "demo/live"]), b"four\n");
    assert_eq!(printed.next().unwrap().unwrap(), "four");
    succeed(in_dir(dir.path()).args(["seal", "demo/live"]), b"");
    assert!(printed.next().is_none());
    assert!(follower.wait().success());
}

#[test]
fn the_demo_finds_what_it_wrote() {
    for place in [
        &["demo", "--mib", "2"][..],
        &["demo", "--mib", "2", "--disk"],
    ] {
        let said = succeed(crate::process::program().args(place), b"");
        assert!(String::from_utf8(said).unwrap().contains("hashes agree"));
    }
}

#[test]
fn the_demo_gives_its_figures_to_programs() {
    let said = succeed(
        crate::process::program().args(["demo", "--mib", "1", "--json"]),
        b"",
    );
    let figures: serde_json::Value = serde_json::from_slice(&said).unwrap();
    assert_eq!(figures["bytes"], 1 << 20);
    assert_eq!(figures["sha256"].as_str().map(str::len), Some(64));
    for rate in ["written_bytes_per_second", "read_bytes_per_second"] {
        assert!(figures[rate].as_u64() > Some(0), "{rate}: {figures}");
    }
}
