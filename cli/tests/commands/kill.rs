//! A server killed in the middle of everything, and started again.

use std::{io::Write as _, net::SocketAddr, path::Path};

use crate::process::{Running, Server, any_port, in_dir, succeed};

/// How often the server is killed.
const KILLS: usize = 12;

/// Lines written before, between and after the kills.
const LINES: usize = 100;

#[test]
fn d1_a_writer_goes_on_by_itself_through_twelve_kills_and_nothing_is_lost_or_doubled() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = serve(dir.path(), any_port(), any_port());
    let (controller, store) = (server.controller, server.store);
    succeed(server.client().args(["create", "demo/killed"]), b"");
    let mut writer = Running::start(server.client().args(["write", "demo/killed"]));
    let mut input = writer.stdin();
    let mut follower = Running::start(server.client().args(["read", "-f", "demo/killed"]));
    let mut followed = follower.lines();
    let mut number = 0..;
    let mut write_some = |lines: usize| {
        for number in number.by_ref().take(lines) {
            writeln!(input, "{}", line(number)).unwrap();
            input.flush().unwrap();
        }
    };
    // From here on the writer takes what comes, whether there is a server or not.
    write_some(1);
    assert_eq!(followed.next().unwrap().unwrap(), line(0));
    for _ in 0..KILLS {
        write_some(LINES);
        server.process.kill();
        write_some(LINES);
        server = serve(dir.path(), controller, store);
    }
    write_some(LINES);
    let expected: Vec<String> = (0..=LINES * (2 * KILLS + 1)).map(line).collect();
    // The follower has seen them all before the writer even ends.
    for line in &expected[1..] {
        assert_eq!(&followed.next().unwrap().unwrap(), line);
    }
    drop(input);
    assert!(writer.wait().success());
    let stored = succeed(server.client().args(["read", "demo/killed"]), b"");
    assert!(
        String::from_utf8(stored).unwrap() == expected.join("\n") + "\n",
        "the bytes differ"
    );
}

#[test]
fn c5_a_server_that_is_stopped_and_continued_is_written_to_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(dir.path(), any_port(), any_port());
    succeed(server.client().args(["create", "demo/stopped"]), b"");
    let mut writer = Running::start(server.client().args(["write", "demo/stopped"]));
    let mut input = writer.stdin();
    let expected: Vec<String> = (0..LINES).map(line).collect();
    // Both are at work before the server stops.
    writeln!(input, "{}", expected[0]).unwrap();
    input.flush().unwrap();
    let mut follower = Running::start(server.client().args(["read", "-f", "demo/stopped"]));
    let mut followed = follower.lines();
    assert_eq!(followed.next().unwrap().unwrap(), expected[0]);
    server.process.signal("STOP");
    for line in &expected[1..] {
        writeln!(input, "{line}").unwrap();
        input.flush().unwrap();
    }
    server.process.signal("CONT");
    for line in &expected[1..] {
        assert_eq!(&followed.next().unwrap().unwrap(), line);
    }
    drop(input);
    assert!(writer.wait().success());
    let stored = succeed(server.client().args(["read", "demo/stopped"]), b"");
    assert!(
        String::from_utf8(stored).unwrap() == expected.join("\n") + "\n",
        "the bytes differ"
    );
}

/// A line that tells itself from all others.
fn line(number: usize) -> String {
    format!("{number} {}", "x".repeat(number % 97))
}

fn serve(dir: &Path, controller: SocketAddr, store: SocketAddr) -> Server {
    Server::start(in_dir(dir).arg("serve"), controller, store)
}
