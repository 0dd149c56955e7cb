//! `completions` and `man`: what clap knows of the arguments, for shells and for `man`.

use std::{fs, io::Write as _, path::Path};

use clap::CommandFactory as _;
use clap_complete::Shell;
use snafu::ResultExt as _;

use crate::{
    args::Arguments,
    error::{CliError, IoSnafu},
};

const PROGRAM: &str = "pravega-bytes";

pub(crate) fn completions(shell: Shell) -> Result<(), CliError> {
    // Not straight to stdout, because the generator panics when that is closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), PROGRAM, &mut script);
    let script = mended(shell, String::from_utf8_lossy(&script).into_owned());
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(script.as_bytes())
        .and_then(|()| stdout.flush())
        .context(IoSnafu {
            what: "writing to stdout",
        })
}

/// `clap_complete` (4.6.12) takes the hyphen in the program's name for a separator in one place of its script for
/// bash and not in the other, so that no option is completed. Both places get the same name here.
fn mended(shell: Shell, script: String) -> String {
    match shell {
        Shell::Bash => script.replace("pravega__subcmd__bytes", "pravega__bytes"),
        _ => script,
    }
}

/// Writes `pravega-bytes.1` and a page for each command, such as `pravega-bytes-read.1`.
pub(crate) fn pages(dir: &Path) -> Result<(), CliError> {
    let written =
        fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(Arguments::command(), dir));
    written.with_context(|_| IoSnafu {
        what: format!("writing to {}", dir.display()),
    })
}
