//! `write`: a file or stdin into a byte stream.

use std::{path::Path, time::Duration};

use bytes::BytesMut;
use indicatif::{HumanBytes, ProgressBar};
use pravega_byte_stream::{ByteWriter, ScopedStream, WriteMode};
use serde::Serialize;
use snafu::ResultExt as _;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    time::Instant,
};

use crate::{
    args::Write,
    error::{CliError, IoSnafu},
    output,
    session::Session,
};

/// How much is read from the input at once, in bytes. What comes is appended as it is, without a copy.
const PIECE: usize = 1 << 20;

/// What `write` prints.
#[derive(Serialize)]
struct Written {
    stream: String,
    bytes: u64,
    durable_offset: u64,
}

pub(crate) async fn run(session: &Session, options: &Write) -> Result<(), CliError> {
    let (input, len) = open(options.file.as_deref()).await?;
    session.factory.ensure_byte_stream(&options.stream).await?;
    let mode = if options.shared {
        WriteMode::Shared
    } else {
        WriteMode::Exclusive
    };
    let mut opening = session
        .factory
        .open_byte_writer(options.stream.clone())
        .mode(mode);
    if let Some(offset) = options.expect_at {
        opening = opening.expect_at(offset);
    }
    let mut writer = opening.await?;
    let bar = output::progress(len);
    let started = Instant::now();
    let copied = copy(input, &mut writer, &bar).await;
    // What was read is made durable even when reading more failed.
    let durable_offset = writer.close().await?;
    bar.finish_and_clear();
    report(
        &options.stream,
        copied?,
        durable_offset,
        started.elapsed(),
        options.json,
    )
}

type Input = Box<dyn AsyncRead + Send + Unpin>;

async fn open(path: Option<&Path>) -> Result<(Input, Option<u64>), CliError> {
    let Some(path) = path else {
        return Ok((Box::new(tokio::io::stdin()), None));
    };
    let what = || format!("opening {}", path.display());
    let file = tokio::fs::File::open(path)
        .await
        .with_context(|_| IoSnafu { what: what() })?;
    let len = file
        .metadata()
        .await
        .with_context(|_| IoSnafu { what: what() })?
        .len();
    Ok((Box::new(file), Some(len)))
}

async fn copy(
    mut input: Input,
    writer: &mut ByteWriter,
    bar: &ProgressBar,
) -> Result<u64, CliError> {
    let mut bytes = 0;
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(PIECE);
        let read = input.read_buf(&mut buffer).await;
        let len = read.context(IoSnafu {
            what: "reading the input",
        })?;
        if len == 0 {
            return Ok(bytes);
        }
        writer.append(buffer.split().freeze()).await?;
        bytes += u64::try_from(len).unwrap_or(u64::MAX);
        bar.set_position(bytes);
        bar.set_message(format!("durable to {}", writer.durable_offset()));
    }
}

fn report(
    stream: &ScopedStream,
    bytes: u64,
    durable_offset: u64,
    elapsed: Duration,
    json: bool,
) -> Result<(), CliError> {
    if json {
        return output::json(&Written {
            stream: stream.to_string(),
            bytes,
            durable_offset,
        });
    }
    let (amount, rate) = (HumanBytes(bytes), output::rate(bytes, elapsed));
    output::note(&format!(
        "{stream}: {amount} written at {rate}, durable to {durable_offset}"
    ));
    Ok(())
}
