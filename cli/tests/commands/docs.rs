//! The shell blocks of `docs/`, run as printed.
//!
//! The `sh` blocks of a page are one bash script, in an empty directory with a data directory of its own. An `output`
//! block behind one of them is exactly what that block prints on stdout. Blocks of other kinds are not run.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// Printed in front of each block's output. No page prints it.
const MARK: &str = "\u{1}";

struct Block {
    script: String,
    output: Option<String>,
}

#[test]
fn every_shell_block_does_what_is_printed() {
    let mut pages: Vec<PathBuf> = fs::read_dir(docs())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        // That page needs ffmpeg: the test of the video page in a browser runs it.
        .filter(|path| !path.ends_with("video.md"))
        .collect();
    pages.sort();
    let mut blocks = 0;
    for page in &pages {
        blocks += check(page);
    }
    assert!(blocks >= 10, "{blocks} blocks in {pages:?}");
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// Runs a page, and says how many blocks it has.
fn check(page: &Path) -> usize {
    let blocks = blocks(&fs::read_to_string(page).unwrap());
    if blocks.is_empty() {
        return 0;
    }
    let printed = run(page, &blocks);
    let printed: Vec<&str> = printed.split(MARK).skip(1).collect();
    assert_eq!(printed.len(), blocks.len(), "{page:?}: {printed:?}");
    for (block, printed) in blocks.iter().zip(printed) {
        if let Some(output) = &block.output {
            assert_eq!(printed, output, "{page:?}:\n{}", block.script);
        }
    }
    blocks.len()
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside: Option<(String, String)> = None;
    for event in Parser::new(page) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                inside = Some((language.to_string(), String::new()));
            }
            Event::Text(text) => {
                if let Some((_, content)) = &mut inside {
                    content.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => match inside.take() {
                Some((language, script)) if language == "sh" => {
                    let output = None;
                    blocks.push(Block { script, output });
                }
                Some((language, content)) if language == "output" => {
                    let before = blocks.last_mut().expect("a block that prints it");
                    before.output = Some(content);
                }
                _ => {}
            },
            _ => {}
        }
    }
    blocks
}

fn run(page: &Path, blocks: &[Block]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_pravega-bytes"));
    let folder = program.parent().unwrap().display();
    let work = directory.path().join("work");
    fs::create_dir(&work).unwrap();
    // What a page leaves running in the background ends with it.
    let mut script = format!(
        "set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\nexport PATH={folder}:$PATH\n"
    );
    for block in blocks {
        script.push_str(&format!("printf '{MARK}'\n{}\n", block.script));
    }
    // Files and not pipes, which would be open for as long as the last background process.
    let (stdout, stderr) = (
        directory.path().join("stdout"),
        directory.path().join("stderr"),
    );
    let status = Command::new("bash")
        .args(["-c", &script])
        .current_dir(work)
        .env_remove("PRAVEGA_CONTROLLER_URI")
        .env("PRAVEGA_BYTES_DATA_DIR", directory.path().join("data"))
        .stdin(Stdio::null())
        .stdout(fs::File::create(&stdout).unwrap())
        .stderr(fs::File::create(&stderr).unwrap())
        .status()
        .unwrap();
    let printed = fs::read_to_string(stdout).unwrap();
    let trouble = fs::read_to_string(stderr).unwrap();
    assert!(status.success(), "{page:?}: {printed}{trouble}");
    printed
}
