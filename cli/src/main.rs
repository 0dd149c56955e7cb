//! `pravega-bytes`: Pravega byte streams on the command line, with an embedded server.
//!
//! Data goes to stdout, everything else to stderr; progress is shown only on a terminal. Exit codes:
//! 0 done, 1 failed, 2 usage.

mod args;
mod bench;
mod demo;
mod error;
mod inspect;
mod manual;
mod metrics;
mod output;
mod read;
mod secure;
mod serve;
mod session;
#[cfg(feature = "video")]
mod video;
mod watch;
mod write;

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

#[cfg(feature = "video")]
use crate::video::Video;
use crate::{
    args::{Arguments, Command},
    error::CliError,
    session::Session,
};

fn main() -> ExitCode {
    let arguments = Arguments::of_process();
    log_to_stderr();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&error),
    };
    let ended = runtime.block_on(run(arguments));
    // A read of stdin cannot be taken back and must not keep the process alive.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&error),
    }
}

/// Warnings are shown unless `RUST_LOG` asks for something else.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

async fn run(arguments: Arguments) -> Result<(), CliError> {
    let Arguments { place, command } = arguments;
    match command {
        Command::Serve(options) => return serve::run(&place, &options).await,
        Command::Demo(options) => return demo::run(&options).await,
        #[cfg(feature = "video")]
        Command::Video(Video::Serve(options)) => return video::serve(&place, &options).await,
        Command::HashPassword(options) => return secure::print_hash(&options),
        Command::Completions { shell } => return manual::completions(shell),
        Command::Man { dir } => return manual::pages(&dir),
        _ => {}
    }
    let mut session = Session::open(&place).await?;
    let done = loop {
        // A process that serves the directory may end at any time. What can be repeated then is.
        let done = tokio::select! {
            done = on_streams(&session, &command) => done,
            next = session.successor(), if command.can_be_repeated() => match next {
                Ok(next) => {
                    std::mem::replace(&mut session, next).close().await;
                    continue;
                }
                Err(error) => Err(error),
            },
        };
        break done;
    };
    session.close().await;
    done
}

async fn on_streams(session: &Session, command: &Command) -> Result<(), CliError> {
    match command {
        Command::Serve(_)
        | Command::Demo(_)
        | Command::HashPassword(_)
        | Command::Completions { .. }
        | Command::Man { .. } => Ok(()),
        Command::Create { stream, json } => inspect::create(session, stream, *json).await,
        Command::Ls { scope, all, json } => {
            inspect::list(session, scope.as_ref(), *all, *json).await
        }
        Command::Stat(options) if options.watch => watch::run(session, options).await,
        Command::Stat(options) => inspect::stat(session, options).await,
        Command::Write(options) => write::run(session, options).await,
        Command::Read(options) => read::run(session, options).await,
        Command::Truncate { stream, offset } => inspect::truncate(session, stream, *offset).await,
        Command::Bench(options) => bench::run(session, options).await,
        Command::Seal { stream } => inspect::seal(session, stream).await,
        Command::Rm { stream } => inspect::remove(session, stream).await,
        #[cfg(feature = "video")]
        Command::Video(Video::Serve(_)) => Ok(()),
        #[cfg(feature = "video")]
        Command::Video(Video::Record(options)) => video::record(session, options).await,
    }
}
