//! Completion scripts and man pages.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use crate::process::{program, succeed};

const COMMANDS: [&str; 13] = [
    "serve",
    "create",
    "ls",
    "stat",
    "write",
    "read",
    "truncate",
    "seal",
    "rm",
    "bench",
    "demo",
    "completions",
    "man",
];

/// A tool that cannot be asked for its version is there all the same.
fn is_there(tool: &str) -> bool {
    let mut asked = Command::new(tool);
    asked.arg("--version");
    asked
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

#[test]
fn every_shell_has_a_script_that_knows_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = succeed(program().args(["completions", shell]), b"");
        let script = String::from_utf8(script).unwrap();
        for command in COMMANDS {
            assert!(script.contains(command), "{shell} does not know {command}");
        }
    }
}

#[cfg(unix)]
#[test]
fn bash_completes_commands_options_and_values() {
    if !is_there("bash") {
        return;
    }
    let script = succeed(program().args(["completions", "bash"]), b"");
    for (typed, expected) in [
        (&["st"][..], "stat"),
        (&["stat", "--wat"], "--watch"),
        (&["bench", "lat"], "latency"),
        (&["serve", "--met"], "--metrics"),
        (&["completions", "fi"], "fish"),
    ] {
        let last = typed.len();
        let words = typed.join(" ");
        let ask = format!(
            "\nCOMP_WORDS=(pravega-bytes {words}); COMP_CWORD={last}\n\
             function=$(complete -p pravega-bytes | sed 's/.* -F \\([^ ]*\\).*/\\1/')\n\
             \"$function\" pravega-bytes \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        );
        let mut bash = Command::new("bash")
            .args(["--norc", "-eu"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = bash.stdin.take().unwrap();
        stdin.write_all(&script).unwrap();
        stdin.write_all(ask.as_bytes()).unwrap();
        drop(stdin);
        let output = bash.wait_with_output().unwrap();
        assert!(output.status.success(), "{typed:?}");
        assert_eq!(
            String::from_utf8(output.stdout).unwrap().trim(),
            expected,
            "{typed:?}"
        );
    }
}

#[test]
fn there_is_a_man_page_for_each_command_and_man_renders_it() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("new").join("man1");
    succeed(program().arg("man").arg(&pages), b"");
    let names = COMMANDS.map(|command| format!("pravega-bytes-{command}"));
    for name in ["pravega-bytes".to_owned()].iter().chain(&names) {
        let path = pages.join(format!("{name}.1"));
        let page = fs::read_to_string(&path).unwrap();
        for part in [".TH ", ".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS"] {
            assert!(page.contains(part), "{name} has no {part}");
        }
        render(&path);
    }
}

/// With what this machine has for it; warnings are failures.
fn render(page: &Path) {
    if !is_there("groff") {
        return;
    }
    let rendered = Command::new("groff")
        .args(["-k", "-man", "-Tutf8", "-ww", "-z"])
        .arg(page)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&rendered.stderr);
    assert!(
        rendered.status.success() && said.is_empty(),
        "{}: {said}",
        page.display()
    );
}
