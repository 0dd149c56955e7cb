//! Servers to which the system refuses something: room in a file, descriptors, a directory.
//!
//! A file that may not grow is what a full disk looks like to a server that keeps everything in one file.

use std::{fs, io, net::TcpStream, path::Path, time::Duration};

use pravega_byte_stream::{
    ByteWriter, Certainty, ClientFactory, ScopedSegment, SegmentHandle, WriteError,
};
use tokio::time::{Instant, timeout};

use super::{
    life::{patient_factory, segment},
    server::{Ports, Server, broken},
};
use crate::{
    Random, Trace,
    campaign::{Harm, Tally, Verdict, Violation},
    evidence::{Block, Fate, Ledger},
};

/// What a shell calls a block of a file, in bytes.
const SHELL_BLOCK: usize = 512;

/// Descriptors of a server that gets few of them: what it needs for itself and some dozens of connections.
const FEW_DESCRIPTORS: usize = 64;

/// No file of a run gets larger, in MiB.
const LARGEST: usize = 24;

/// More bytes than any limit lets through.
const MORE_THAN_ANY_FILE: u64 = 64 << 20;

/// Any wait for what a server must do takes less.
const SOON: Duration = Duration::from_secs(30);

/// One run. Gives the hash of what the seed has chosen.
pub(super) async fn live(folder: &Path, seed: u64, tally: &mut Tally) -> Verdict<u64> {
    let (mut random, mut trace) = (Random::new(seed), Trace::new());
    let mib = 8 + random.below(LARGEST - 8);
    trace.add(u64::try_from(mib).unwrap_or_default());
    let limits = files_of(mib);
    let mut written = Written::default();
    fill(folder, &limits, &mut written, &mut random, tally).await?;
    // Again: the server starts where there is no room.
    fill(folder, &limits, &mut written, &mut random, tally).await?;
    grow(folder, &mut written).await?;
    make_room(folder, &mut written, &mut random, tally).await?;
    no_descriptors(&folder.with_extension("few"), tally).await?;
    no_directory(folder, tally)?;
    Ok(trace.value())
}

/// A file may have so many MiB; the signal that comes with the error is ignored.
fn files_of(mib: usize) -> String {
    blocks_of(mib * (1 << 20) / SHELL_BLOCK)
}

fn blocks_of(blocks: usize) -> String {
    format!("trap '' XFSZ; ulimit -f {blocks}")
}

/// No file may get longer than the longest is now. Less would forbid to write inside of it, which no full disk does.
fn as_they_are(folder: &Path) -> Verdict<String> {
    let lengths = || -> io::Result<Vec<u64>> {
        let files = fs::read_dir(folder)?;
        files.map(|file| Ok(file?.metadata()?.len())).collect()
    };
    let lengths = lengths().map_err(|error| broken(format!("the files: {error}")))?;
    let longest = lengths.into_iter().max().unwrap_or_default();
    let longest = usize::try_from(longest).unwrap_or(usize::MAX);
    Ok(blocks_of(longest.div_ceil(SHELL_BLOCK)))
}

/// What is in a segment.
#[derive(Default)]
struct Written {
    ledger: Ledger,
    last: u32,
    durable: u64,
}

/// A segment of a server, and everybody who uses it.
struct Client {
    factory: ClientFactory,
    segment: ScopedSegment,
    handle: SegmentHandle,
    writer: ByteWriter,
}

impl Client {
    async fn of(server: &Server) -> Verdict<Self> {
        let factory = patient_factory(&server.ports.controller_uri());
        let segment = segment(&factory, "limits/full").await?;
        let handle = factory.segment(segment.clone());
        let opening = factory.open_byte_writer(segment.clone());
        Ok(Self {
            handle: handle.map_err(|error| broken(format!("a handle: {error}")))?,
            writer: opening
                .await
                .map_err(|error| broken(format!("a writer: {error}")))?,
            factory,
            segment,
        })
    }

    /// Writes a block and tells what became of it.
    async fn write(&mut self, len: usize, written: &mut Written) -> Verdict<Option<WriteError>> {
        written.last += 1;
        let block = Block::new(1, 0, written.last, len);
        written.ledger.tried(block);
        let appended = async {
            self.writer.append(block.bytes()).await?;
            self.writer.flush().await
        };
        let endless = |_| broken("an append without room has no end");
        match timeout(SOON, appended).await.map_err(endless)? {
            Ok(durable) => {
                written.durable = durable;
                written.ledger.told(block, Fate::Durable);
                Ok(None)
            }
            Err(error) => {
                if error.certainty() == Certainty::Definite {
                    written.ledger.told(block, Fate::NotStored);
                }
                Ok(Some(error))
            }
        }
    }

    /// Writes until the file may not grow any more, and tells what was said then.
    async fn write_until_refused(
        &mut self,
        written: &mut Written,
        random: &mut Random,
    ) -> Verdict<WriteError> {
        loop {
            let len = 20_000 + random.below(300_000);
            if let Some(error) = self.write(len, written).await? {
                return Ok(error);
            }
            if written.durable > MORE_THAN_ANY_FILE {
                return Err(broken("a file has more bytes than the system allows"));
            }
        }
    }

    /// Ends both, the server as a power cut would.
    async fn end(self, mut server: Server) -> Verdict {
        if !server.is_alive() {
            return Err(broken(format!("the server ended: {}", server.last_words())));
        }
        self.factory.shutdown().await;
        server.kill().map(|_| ())
    }

    /// The content is what was acknowledged.
    async fn check(&self, written: &Written) -> Verdict {
        let reader = self.factory.create_byte_reader(self.segment.clone()).await;
        let failed = |error| broken(format!("reading without room: {error}"));
        let tail = reader.current_tail().await.map_err(failed)?;
        let content = reader.read_range(0..tail).await.map_err(failed)?;
        if tail < written.durable {
            let lost = written.durable - tail;
            return Err(Violation::new(
                Harm::Lost,
                lost,
                "acknowledged bytes are gone",
            ));
        }
        written.ledger.judge(&content).map(|_| ())
    }
}

/// A server whose file may not grow any more refuses appends for good, and reads.
async fn fill(
    folder: &Path,
    limits: &str,
    written: &mut Written,
    random: &mut Random,
    tally: &mut Tally,
) -> Verdict {
    let server = Server::start(folder, Ports::any(), limits).await?;
    let mut client = Client::of(&server).await?;
    client.check(written).await?;
    let refused = client.write_until_refused(written, random).await?;
    tally.count("file may not grow", "appending");
    if refused.is_retryable() || refused.certainty() != Certainty::Definite {
        let what = format!("refused for good, and told as passing or uncertain: {refused}");
        return Err(Violation::new(Harm::FalselyReported, 1, what));
    }
    client.check(written).await?;
    client.end(server).await
}

/// The disk has been made larger.
async fn grow(folder: &Path, written: &mut Written) -> Verdict {
    let server = Server::start(folder, Ports::any(), "").await?;
    let mut client = Client::of(&server).await?;
    client.check(written).await?;
    if let Some(error) = client.write(1_000, written).await? {
        return Err(broken(format!("refused although there is room: {error}")));
    }
    client.check(written).await?;
    client.end(server).await
}

/// Where no file may grow, a truncation is done all the same, and lasts; if not a page is left for it, it is refused
/// as passing, and done as soon as there is room. The server's reserve is of no use here: it gives back room of the
/// disk, and the file may not have it. (With it, on a full disk, no truncation is ever refused: campaign `disk`.)
async fn make_room(
    folder: &Path,
    written: &mut Written,
    random: &mut Random,
    tally: &mut Tally,
) -> Verdict {
    let limits = as_they_are(folder)?;
    let server = Server::start(folder, Ports::any(), &limits).await?;
    let mut client = Client::of(&server).await?;
    client.check(written).await?;
    client.write_until_refused(written, random).await?;
    let failed = |error| broken(format!("making room: {error}"));
    let tail = client.handle.info().await.map_err(failed)?.tail;
    let truncated = client.handle.truncate_data_before(tail).await;
    match &truncated {
        Ok(()) => tally.count("file may not grow", "truncating"),
        Err(error) if error.is_retryable() => {
            tally.count("file may not grow", "truncating without a page");
        }
        Err(error) => return Err(broken(format!("refused for good: {error}"))),
    }
    client.end(server).await?;
    let server = Server::start(folder, Ports::any(), "").await?;
    let client = Client::of(&server).await?;
    if truncated.is_err() {
        let again = client.handle.truncate_data_before(tail).await;
        again.map_err(failed)?;
    }
    let info = client.handle.info().await.map_err(failed)?;
    if (info.head, info.tail) != (tail, tail) {
        let what = format!("truncated to {tail}, and now {info:?}");
        return Err(Violation::new(Harm::FalselyReported, 1, what));
    }
    client.end(server).await
}

/// A server without descriptors takes no more connections. Those of now go on, and new ones are taken as soon as
/// others have ended.
async fn no_descriptors(folder: &Path, tally: &mut Tally) -> Verdict {
    let limits = format!("ulimit -n {FEW_DESCRIPTORS}");
    let server = Server::start(folder, Ports::any(), &limits).await?;
    let mut client = Client::of(&server).await?;
    let mut written = Written::default();
    let expect_stored = |error: Option<WriteError>| match error {
        None => Ok(()),
        Some(error) => Err(broken(format!("an open connection: {error}"))),
    };
    expect_stored(client.write(500, &mut written).await?)?;
    let connect = |_| TcpStream::connect(server.ports.store);
    let idle: Result<Vec<TcpStream>, _> = (0..2 * FEW_DESCRIPTORS).map(connect).collect();
    let idle = idle.map_err(|error| broken(format!("the backlog is full: {error}")))?;
    let until = Instant::now() + SOON;
    while !server.has_said("cannot accept a connection") {
        if Instant::now() > until {
            return Err(broken("the server has more descriptors than it may have"));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tally.count("no descriptor left", "accepting");
    expect_stored(client.write(500, &mut written).await?)?;
    drop(idle);
    // Somebody new.
    let mut next = Client::of(&server).await?;
    drop(client);
    expect_stored(next.write(500, &mut written).await?)?;
    next.check(&written).await?;
    next.end(server).await
}

/// A directory that cannot be made, and one whose file may not have a byte: both are refused with a reason.
fn no_directory(folder: &Path, tally: &mut Tally) -> Verdict {
    let file = folder.with_extension("file");
    let failed = |error| broken(format!("a file: {error}"));
    fs::write(&file, "not a directory").map_err(failed)?;
    let no_byte = folder.with_extension("small");
    for (place, limits) in [
        (&file, String::new()),
        (&file.join("below"), String::new()),
        (&no_byte, files_of(0)),
    ] {
        let mut server = Server::launch(place, Ports::any(), &limits)?;
        if server.is_ready() {
            return Err(broken(format!("a server in {}", place.display())));
        }
        let said = server.last_words();
        if !said.starts_with("exit status: 1") || said.contains("panicked") {
            return Err(broken(format!(
                "{} was refused with {said}",
                place.display()
            )));
        }
        tally.count("directory refused", "starting");
    }
    let content = fs::read(&file).map_err(failed)?;
    match content == b"not a directory" {
        true => Ok(()),
        false => Err(broken("a refused file was changed")),
    }
}
