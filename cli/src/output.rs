//! What a person or a program sees: results on stdout, errors and progress on stderr.

use std::{error::Error, io::Write as _, process::ExitCode, time::Duration};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde::Serialize;
use snafu::ResultExt as _;

use crate::error::{CliError, IoSnafu};

/// How often a progress line is redrawn.
const REDRAW: Duration = Duration::from_millis(200);

/// Writes one line to stdout.
pub(crate) fn line(text: &str) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .context(IoSnafu {
            what: "writing to stdout",
        })
}

/// Writes a value to stdout as one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string(value).map_err(std::io::Error::from);
    line(&text.context(IoSnafu {
        what: "encoding JSON",
    })?)
}

/// Writes one line to stderr.
pub(crate) fn note(text: &str) {
    // Nobody is left to tell when stderr is closed.
    writeln!(std::io::stderr(), "{text}").ok();
}

/// An error and its causes on one line. A cause that its parent has told already is left out.
pub(crate) fn story(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.ends_with(&told) {
            text.push_str(&format!(": {told}"));
        }
        cause = error.source();
    }
    text
}

/// Writes an error with its causes to stderr, and gives the exit code of a failure.
pub(crate) fn fail(error: &dyn Error) -> ExitCode {
    note(&format!("pravega-bytes: {}", story(error)));
    ExitCode::FAILURE
}

/// Counts bytes on a terminal; invisible where stderr is none.
pub(crate) fn progress(total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{bytes} of {total_bytes} at {binary_bytes_per_sec} {wide_bar} {eta} {msg}",
        ),
        None => (
            ProgressBar::new_spinner(),
            "{bytes} at {binary_bytes_per_sec} {msg}",
        ),
    };
    let style = ProgressStyle::with_template(template);
    let bar = bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(REDRAW);
    bar
}

/// A rate, in bytes per second; 0 when no time has passed.
pub(crate) fn per_second(bytes: u64, elapsed: Duration) -> u64 {
    let micros = elapsed.as_micros();
    let per_second = (u128::from(bytes) * 1_000_000).checked_div(micros);
    u64::try_from(per_second.unwrap_or_default()).unwrap_or(u64::MAX)
}

/// A rate, for people.
pub(crate) fn rate(bytes: u64, elapsed: Duration) -> String {
    format!("{}/s", HumanBytes(per_second(bytes, elapsed)))
}
