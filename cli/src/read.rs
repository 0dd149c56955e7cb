//! `read`: the bytes of a stream to stdout.

use std::{io, time::Duration};

use indicatif::ProgressBar;
use pravega_byte_stream::{ByteReader, ReadError, ReadFrom, ReadUntil, ScopedStream};
use snafu::{ResultExt as _, ensure};
use tokio::io::{AsyncWriteExt as _, Stdout};

use crate::{
    args::Read,
    error::{BeyondTailSnafu, CliError, IoSnafu},
    inspect::segment_of,
    output,
    session::Session,
};

/// The most that is written to stdout at once, in bytes.
const PIECE: usize = 1 << 20;

/// How long nothing may come before it is asked whether the process that served the directory has ended.
const QUIET: Duration = Duration::from_secs(1);

pub(crate) async fn run(session: &Session, options: &Read) -> Result<(), CliError> {
    let (from, until) = span(session, options).await?;
    let bar = output::progress(None);
    let mut copy = Copy {
        stdout: tokio::io::stdout(),
        bar,
        stream: options.stream.clone(),
        until,
    };
    let copied = copy.follow(session, from).await;
    copy.bar.finish_and_clear();
    copied
}

/// Where to begin and where to end, decided once, whichever process serves the bytes later.
async fn span(session: &Session, options: &Read) -> Result<(ReadFrom, ReadUntil), CliError> {
    let (from, until) = match &options.range {
        Some(range) => (Some(range.start), Some(range.end)),
        None => (options.from, options.until),
    };
    let start = from.map_or(ReadFrom::Head, ReadFrom::Offset);
    if options.follow {
        let end = until.map_or(ReadUntil::Sealed, ReadUntil::Offset);
        return Ok((start, end));
    }
    let handle = segment_of(session, &options.stream).await?;
    let tail = handle.info().await?.tail;
    let offset = match &options.range {
        Some(range) => range.end,
        None => from.unwrap_or_default(),
    };
    let stream = &options.stream;
    ensure!(
        offset <= tail,
        BeyondTailSnafu {
            stream: stream.clone(),
            offset,
            tail
        }
    );
    let end = until.map_or(tail, |until| until.min(tail));
    Ok((start, ReadUntil::Offset(end)))
}

struct Copy {
    stdout: Stdout,
    bar: ProgressBar,
    stream: ScopedStream,
    until: ReadUntil,
}

impl Copy {
    /// Copies until the end, from one process that serves the directory to the next.
    async fn follow(&mut self, session: &Session, from: ReadFrom) -> Result<(), CliError> {
        let mut own: Option<Session> = None;
        let mut from = from;
        loop {
            let session = own.as_ref().unwrap_or(session);
            let mut reader = self.open(session, from).await?;
            let next = self.copy(&mut reader, session).await?;
            from = ReadFrom::Offset(reader.position());
            drop(reader);
            let Some(next) = next else { break };
            if let Some(before) = own.replace(next) {
                before.close().await;
            }
        }
        if let Some(session) = own {
            session.close().await;
        }
        Ok(())
    }

    async fn open(&self, session: &Session, from: ReadFrom) -> Result<ByteReader, CliError> {
        let opening = session.factory.open_byte_reader(self.stream.clone());
        Ok(opening
            .from(from)
            .until(self.until)
            .idle_timeout(QUIET)
            .await?)
    }

    /// Copies until the end, or until another session has to go on.
    async fn copy(
        &mut self,
        reader: &mut ByteReader,
        session: &Session,
    ) -> Result<Option<Session>, CliError> {
        loop {
            match reader.read_chunk(PIECE).await {
                Ok(Some(chunk)) => {
                    if !self.write(&chunk).await? {
                        return Ok(None);
                    }
                }
                Ok(None) => return Ok(None),
                Err(ReadError::Idle { .. }) => {
                    if let Some(next) = session.take_over().await? {
                        return Ok(Some(next));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes to stdout; false when nobody reads it any more.
    async fn write(&mut self, chunk: &[u8]) -> Result<bool, CliError> {
        let written = async {
            self.stdout.write_all(chunk).await?;
            self.stdout.flush().await
        };
        match written.await {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            other => {
                other.context(IoSnafu {
                    what: "writing to stdout",
                })?;
                self.bar.inc(u64::try_from(chunk.len()).unwrap_or_default());
                Ok(true)
            }
        }
    }
}
