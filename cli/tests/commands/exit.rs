//! Exit codes and error messages.

use crate::process::{in_dir, program, run};

#[test]
fn usage_errors_exit_with_2() {
    let bad: &[&[&str]] = &[
        &[],
        &["nonsense"],
        &["read"],
        &["read", "no-slash"],
        &["read", "a/b/c"],
        &["truncate", "demo/x", "-1"],
        &["serve", "--listen", "nowhere"],
        &["serve", "--listen", "127.0.0.1:70000"],
        &["serve", "--memory", "--data-dir", "unused"],
        &["--data-dir", "unused", "serve", "--memory"],
        &["serve", "--controller", "tcp://localhost:9090"],
        &["demo", "--controller", "tcp://localhost:9090"],
        &["demo", "--data-dir", "unused"],
        &[
            "ls",
            "--data-dir",
            "unused",
            "--controller",
            "tcp://localhost:9090",
        ],
        &["read", "a/b", "--range", "3"],
        &["read", "a/b", "--range", "3..2"],
        &["read", "a/b", "--range", "-1..2"],
        &["read", "a/b", "--range", "1..2", "--from", "1"],
        &["read", "a/b", "--range", "1..2", "--follow"],
    ];
    for arguments in bad {
        let output = run(program().args(*arguments), b"");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?} wrote to stdout");
    }
}

#[test]
fn failures_exit_with_1_and_say_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let fails = |arguments: &[&str], says: &str| {
        let output = run(in_dir(dir.path()).args(arguments), b"");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(says), "{arguments:?}: {error}");
        assert!(output.stdout.is_empty(), "{arguments:?} wrote to stdout");
    };
    fails(&["read", "demo/none"], "scope demo does not exist");
    assert!(
        run(in_dir(dir.path()).args(["create", "demo/some"]), b"")
            .status
            .success()
    );
    fails(&["read", "demo/none"], "stream demo/none does not exist");
    fails(
        &["truncate", "demo/some", "1"],
        "offset 1 is behind the tail",
    );
    fails(&["write", "demo/some", "/no/such/file"], "/no/such/file");
    assert!(
        run(in_dir(dir.path()).args(["seal", "demo/some"]), b"")
            .status
            .success()
    );
    fails(&["write", "demo/some"], "is sealed");
}

#[test]
fn a_name_that_is_none_says_why() {
    let output = run(program().args(["create", "demo/a b"]), b"");
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("' ' at byte 1 is not allowed"), "{error}");
}

#[test]
fn a_bad_controller_address_is_a_failure_that_names_it() {
    let output = run(program().args(["--controller", "ftp://x:1", "ls"]), b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("ftp"));
}
