//! `serve`: other processes on its address, and its end.

use crate::process::{Running, Server, any_port, in_dir, program, run, succeed};

#[test]
fn clients_of_a_server_in_memory_share_its_streams() {
    let server = Server::start(
        program().arg("serve").arg("--memory"),
        any_port(),
        any_port(),
    );
    succeed(
        server.client().args(["write", "demo/shared"]),
        b"through the server",
    );
    assert_eq!(
        succeed(server.client().args(["read", "demo/shared"]), b""),
        b"through the server"
    );
    assert!(server.process.terminate().success());
}

#[test]
fn in_memory_means_in_memory_also_where_the_environment_names_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let untouched = dir.path().join("untouched");
    let mut command = program();
    command
        .env("PRAVEGA_BYTES_DATA_DIR", &untouched)
        .args(["serve", "--memory"]);
    let server = Server::start(&mut command, any_port(), any_port());
    succeed(server.client().args(["create", "demo/memory"]), b"");
    assert!(!untouched.exists());
}

#[test]
fn a_host_may_be_named_where_it_listens_and_where_clients_go() {
    let mut process = Running::start(program().args([
        "serve",
        "--memory",
        "--listen",
        "localhost:0",
        "--store-listen",
        "0.0.0.0:0",
        "--advertised-host",
        "localhost",
    ]));
    let mut lines = process.lines();
    let uri = lines.next().unwrap().unwrap();
    let uri = uri.strip_prefix("controller ").unwrap();
    assert!(uri.starts_with("tcp://localhost:"), "{uri}");
    assert!(lines.next().unwrap().unwrap().starts_with("store 0.0.0.0:"));
    succeed(
        program().args(["--controller", uri, "create", "demo/named"]),
        b"",
    );
    assert!(process.terminate().success());
}

#[test]
fn a_served_directory_is_shared_with_processes_that_name_only_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(in_dir(dir.path()).arg("serve"), any_port(), any_port());
    succeed(
        in_dir(dir.path()).args(["write", "demo/one"]),
        b"by directory",
    );
    assert_eq!(
        succeed(server.client().args(["read", "demo/one"]), b""),
        b"by directory"
    );
    assert!(server.process.terminate().success());
    assert_eq!(
        succeed(in_dir(dir.path()).args(["read", "demo/one"]), b""),
        b"by directory"
    );
}

#[test]
fn two_servers_on_one_directory_are_one_too_many() {
    let dir = tempfile::tempdir().unwrap();
    let _server = Server::start(in_dir(dir.path()).arg("serve"), any_port(), any_port());
    let second = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--store-listen",
        "127.0.0.1:0",
    ];
    let output = run(in_dir(dir.path()).args(second), b"");
    assert_eq!(output.status.code(), Some(1));
}
