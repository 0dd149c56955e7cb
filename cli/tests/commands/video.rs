//! `video`: real processes, and HTTP as it is on the wire.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::Command,
};

use crate::process::{Running, Server, any_port, in_dir, program, run, succeed};

/// `video serve` in a process of its own.
struct Site {
    process: Running,
    address: SocketAddr,
}

impl Site {
    fn start(command: &mut Command) -> Self {
        let mut process = Running::start(command.args(["--listen", "127.0.0.1:0"]));
        let line = process.lines().next().unwrap().unwrap();
        let address = line
            .strip_prefix("video http://")
            .and_then(|rest| rest.strip_suffix('/'));
        let address = address
            .unwrap_or_else(|| panic!("{line:?}"))
            .parse()
            .unwrap();
        Self { process, address }
    }

    /// Sends a request and gives the whole answer, as text.
    fn ask(&self, request: &str, headers: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let len = body.len();
        let head = format!(
            "{request} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {len}\r\n{headers}\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

#[test]
fn what_another_process_records_is_served_and_what_is_put_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::start(in_dir(dir.path()).args(["video", "serve"]));
    let told = succeed(
        in_dir(dir.path()).args(["video", "record", "--json", "--seal", "demo/film"]),
        b"0123456789",
    );
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
    assert_eq!(told["durable_offset"], 10);
    let answer = site.ask("GET /streams/demo/film", "range: bytes=2-4\r\n", b"");
    assert!(answer.starts_with("HTTP/1.1 206 "), "{answer}");
    assert!(
        answer.contains("content-range: bytes 2-4/10\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\n234"), "{answer}");
    let answer = site.ask("GET /live/demo/film", "", b"");
    assert!(
        answer.contains("transfer-encoding: chunked\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("0123456789") && answer.ends_with("\r\n0\r\n\r\n"),
        "{answer}"
    );
    let answer = site.ask(
        "PUT /streams/demo/put",
        "expect: 100-continue\r\n",
        b"was put",
    );
    assert!(answer.contains("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert!(site.process.terminate().success());
    assert_eq!(
        succeed(in_dir(dir.path()).args(["read", "demo/put"]), b""),
        b"was put"
    );
}

#[test]
fn the_page_goes_on_when_the_process_that_served_its_directory_ends() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(in_dir(dir.path()).arg("serve"), any_port(), any_port());
    let site = Site::start(in_dir(dir.path()).args(["video", "serve"]));
    site.ask("PUT /streams/demo/film", "", b"film");
    assert!(server.process.terminate().success());
    // Requests fail for the moment that it takes to notice.
    while !site
        .ask("GET /streams/demo/film", "", b"")
        .ends_with("\r\n\r\nfilm")
    {}
    assert!(site.process.terminate().success());
}

#[test]
fn any_server_is_served_and_read_only_takes_no_recordings() {
    let server = Server::start(
        program().arg("serve").arg("--memory"),
        any_port(),
        any_port(),
    );
    let site = Site::start(server.client().args(["video", "serve", "--read-only"]));
    succeed(
        server.client().args(["video", "record", "demo/film"]),
        b"film",
    );
    assert!(
        site.ask("GET /streams/demo/film", "", b"")
            .ends_with("\r\n\r\nfilm")
    );
    assert!(
        site.ask("PUT /streams/demo/film", "", b"x")
            .starts_with("HTTP/1.1 405 ")
    );
    let list = site.ask("GET /streams", "", b"");
    assert!(
        list.contains(r#""stream":"demo/film","head":0,"tail":4,"sealed":false"#),
        "{list}"
    );
}

#[test]
fn a_port_that_is_taken_is_a_failure_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind(any_port()).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(
        in_dir(dir.path()).args(["video", "serve", "--listen", &address]),
        b"",
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains(&address));
}
