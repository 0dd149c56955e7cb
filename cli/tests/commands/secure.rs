//! TLS and accounts on the command line, from the first password to the last refusal.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::process::{Running, program, run, succeed};

/// The files of an operator, and the server that they make.
struct Office {
    folder: TempDir,
    uri: String,
    _server: Running,
}

fn account(user: &str, password: &str, rules: &str) -> String {
    let mut command = program();
    command.args(["hash-password", "--account", user, "--rules", rules]);
    let line = succeed(&mut command, format!("{password}\n").as_bytes());
    String::from_utf8(line).unwrap()
}

fn make_certificate(folder: &Path) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

impl Office {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        make_certificate(folder.path());
        let lines = [
            "# who may do what\n".to_owned(),
            account("ann", "correct horse", "prn::*,READ_UPDATE"),
            account("bob", "battery staple", "prn::*,READ"),
        ];
        fs::write(path("accounts"), lines.concat()).unwrap();
        fs::write(path("ann"), "correct horse\n").unwrap();
        fs::write(path("bob"), "battery staple").unwrap();
        let mut command = program();
        command.args([
            "serve",
            "--memory",
            "--listen",
            "127.0.0.1:0",
            "--store-listen",
            "127.0.0.1:0",
        ]);
        for (option, name) in [
            ("--tls-cert", "cert.pem"),
            ("--tls-key", "key.pem"),
            ("--accounts", "accounts"),
        ] {
            command.arg(option).arg(path(name));
        }
        let mut server = Running::start(&mut command);
        let mut lines = server.lines();
        let line = lines.next().unwrap().unwrap();
        assert!(lines.next().unwrap().unwrap().starts_with("store "));
        let uri = line.strip_prefix("controller ").unwrap().to_owned();
        assert!(uri.starts_with("tls://localhost:"), "{uri}");
        Self {
            folder,
            uri,
            _server: server,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program as somebody who trusts the server.
    fn stranger(&self) -> std::process::Command {
        let mut command = program();
        command.args(["--controller", &self.uri]);
        command.arg("--ca").arg(self.path("ca.pem"));
        command
    }

    /// The same with an account.
    fn client(&self, user: &str) -> std::process::Command {
        let mut command = self.stranger();
        command
            .args(["--user", user, "--password-file"])
            .arg(self.path(user));
        command
    }
}

#[test]
fn who_has_an_account_uses_its_rights_and_no_more() {
    let office = Office::open();
    succeed(
        office.client("ann").args(["write", "demo/secret"]),
        b"behind the door",
    );
    let read = succeed(office.client("bob").args(["read", "demo/secret"]), b"");
    assert_eq!(read, b"behind the door");
    succeed(office.client("bob").args(["stat", "demo/secret"]), b"");
    for change in [
        &["write", "demo/secret"][..],
        &["truncate", "demo/secret", "3"],
        &["seal", "demo/secret"],
        &["rm", "demo/secret"],
        &["create", "demo/other"],
    ] {
        let output = run(office.client("bob").args(change), b"never");
        assert_eq!(output.status.code(), Some(1), "{change:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!told.contains("staple"), "{told}");
    }
    // A password from the environment.
    let mut command = office.stranger();
    command
        .args(["--user", "ann"])
        .env("pravega_client_auth_password", "correct horse");
    assert_eq!(
        succeed(command.args(["read", "demo/secret"]), b""),
        b"behind the door"
    );
}

#[test]
fn who_has_none_or_trusts_nobody_gets_nothing() {
    let office = Office::open();
    let wrong = office.path("wrong");
    fs::write(&wrong, "correct horses").unwrap();
    let mut untrusting = program();
    untrusting.args(["--controller", &office.uri]);
    let mut guessing = office.stranger();
    guessing
        .args(["--user", "ann", "--password-file"])
        .arg(wrong);
    let mut speechless = office.stranger();
    speechless
        .args(["--user", "ann"])
        .env_remove("pravega_client_auth_password");
    for command in [
        &mut untrusting,
        &mut guessing,
        &mut speechless,
        &mut office.stranger(),
    ] {
        let output = run(command.arg("ls"), b"");
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert!(!String::from_utf8(output.stderr).unwrap().contains("horse"));
    }
}

#[test]
fn what_cannot_be_served_is_told_before_anything_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    make_certificate(folder.path());
    fs::write(
        path("accounts"),
        account("ann", "correct horse", "prn::*,READ"),
    )
    .unwrap();
    fs::write(path("bad"), "ann:correct horse:prn::*,READ\n").unwrap();
    let serve = |options: &[(&str, &str)]| {
        let mut command = program();
        command.args(["serve", "--memory", "--store-listen", "127.0.0.1:0"]);
        for (option, value) in options {
            match option.starts_with("--tls") || *option == "--accounts" {
                true => command.arg(option).arg(path(value)),
                false => command.arg(option).arg(value),
            };
        }
        let output = run(&mut command, b"");
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, told) = serve(&[("--listen", "0.0.0.0:0"), ("--accounts", "accounts")]);
    assert!(code == Some(1) && told.contains("TLS"), "{told}");
    let (code, told) = serve(&[("--listen", "127.0.0.1:0"), ("--accounts", "bad")]);
    assert!(
        code == Some(1) && told.contains("line 1") && !told.contains("horse"),
        "{told}"
    );
    let (code, told) = serve(&[
        ("--listen", "127.0.0.1:0"),
        ("--tls-cert", "key.pem"),
        ("--tls-key", "key.pem"),
    ]);
    assert!(code == Some(1) && told.contains("certificate"), "{told}");
    let (code, _) = serve(&[("--listen", "127.0.0.1:0"), ("--tls-cert", "cert.pem")]);
    assert_eq!(code, Some(2));
}

#[test]
fn a_password_makes_a_hash_that_does_not_show_it() {
    let output = succeed(program().arg("hash-password"), b"correct horse\nignored\n");
    let hash = String::from_utf8(output).unwrap();
    assert!(
        hash.starts_with("$argon2id$") && !hash.contains("horse"),
        "{hash}"
    );
    for bad in ["", "\n"] {
        let output = run(program().arg("hash-password"), bad.as_bytes());
        assert_eq!(output.status.code(), Some(1), "{bad:?}");
    }
    let mut command = program();
    command.args(["hash-password", "--account", "a:b"]);
    assert_eq!(run(&mut command, b"x\n").status.code(), Some(1));
}
