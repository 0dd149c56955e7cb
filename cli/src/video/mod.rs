//! `video`: byte streams over HTTP, for a browser: recorded with PUT, played from any point, also while they grow.
//!
//! | module | does |
//! | --- | --- |
//! | `serve` | the command: a session, a listener, an end |
//! | `server` | connections: how many, how slow, until when |
//! | `router` | which address is answered by what; headers that every answer has |
//! | `range` | which bytes a request asks for; pure |
//! | `opened` | a stream as one request sees it: where it begins and ends, what it holds |
//! | `play`, `live`, `record`, `list`, `page` | one answer each |
//! | `problem` | what goes wrong, as a status and as JSON |
//! | `limits` | every bound |

mod args;
mod limits;
mod list;
mod live;
mod name;
mod opened;
mod page;
mod play;
mod problem;
mod range;
mod rate;
mod record;
mod router;
mod serve;
mod server;
#[cfg(test)]
mod tests;

pub(crate) use args::{Record, Video};
pub(crate) use serve::run as serve;

use crate::{args::Write, error::CliError, inspect, session::Session, write};

/// `video record`: what `write` does, and a seal behind it if that is wanted.
pub(crate) async fn record(session: &Session, options: &Record) -> Result<(), CliError> {
    let stream = options.stream.clone();
    let writing = Write {
        stream,
        file: options.file.clone(),
        shared: false,
        expect_at: None,
        json: options.json,
    };
    write::run(session, &writing).await?;
    if options.seal {
        inspect::seal(session, &options.stream).await?;
    }
    Ok(())
}
