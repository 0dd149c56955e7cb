//! `stat --watch`: a stream while it grows.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use serde::Serialize;
use snafu::ResultExt as _;
use tokio::{
    signal,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    args::Stat,
    error::{CliError, IoSnafu},
    inspect::{Facts, segment_of},
    output,
    session::Session,
};

/// What is printed as JSON each time.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    facts: &'a Facts,
    /// Since the line before; 0 in the first.
    bytes_per_second: u64,
}

/// Prints until the stream is sealed, or until Ctrl-C.
pub(crate) async fn run(session: &Session, options: &Stat) -> Result<(), CliError> {
    tokio::select! {
        ended = watch(session, options) => ended,
        interrupted = signal::ctrl_c() => interrupted.context(IoSnafu {
            what: "waiting for a signal",
        }),
    }
}

async fn watch(session: &Session, options: &Stat) -> Result<(), CliError> {
    let handle = segment_of(session, &options.stream).await?;
    let view = View::choose(options.json);
    let mut ticks = interval(options.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before: Option<(u64, Instant)> = None;
    loop {
        ticks.tick().await;
        let facts = Facts::of(&handle, &options.stream).await?;
        let now = Instant::now();
        let (grown, elapsed) = before.map_or((0, Duration::ZERO), |(tail, then)| {
            (facts.tail.saturating_sub(tail), now - then)
        });
        before = Some((facts.tail, now));
        view.show(&facts, output::per_second(grown, elapsed))?;
        if facts.sealed {
            return Ok(());
        }
    }
}

/// How the facts are shown.
enum View {
    Json,
    Lines,
    /// Redrawn in place.
    Screen(ProgressBar),
}

impl View {
    fn choose(json: bool) -> Self {
        if json {
            return Self::Json;
        }
        if !std::io::stdout().is_terminal() {
            return Self::Lines;
        }
        let screen = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
        let style = ProgressStyle::with_template("{msg}");
        // The last facts stay where they are, however the watch ends.
        let screen = screen.with_finish(ProgressFinish::Abandon);
        Self::Screen(screen.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    fn show(&self, facts: &Facts, bytes_per_second: u64) -> Result<(), CliError> {
        let rate = HumanBytes(bytes_per_second);
        match self {
            Self::Json => output::json(&Line {
                facts,
                bytes_per_second,
            }),
            Self::Lines => output::line(&format!(
                "head {} tail {} sealed {} {rate}/s",
                facts.head, facts.tail, facts.sealed
            )),
            Self::Screen(screen) => {
                screen.set_message(format!("{}\nrate     {rate}/s", facts.text()));
                screen.tick();
                Ok(())
            }
        }
    }
}
