//! Many open writers and tail readers in one process: what each costs, idle and at work.

use std::{fs, time::Duration};

use bytes::Bytes;
use futures::future;
use pravega_byte_stream::{ByteReader, ByteWriter, ClientFactory, ReadFrom, ScopedStream};
use tokio::time::{Instant, sleep};

use crate::{
    job::{Job, Outcome},
    meter::{float, print},
    ours,
};

/// Opened at the same time.
const AT_ONCE: usize = 256;
/// Before the crowd is called idle: a writer gives its memory back a second after its last append.
const REST: Duration = Duration::from_secs(3);
/// The least time for all at once, for each of them: in less, a large crowd has not made two turns.
const LEAST_SPAN: Duration = Duration::from_micros(50);
const PIECE: &[u8] = &[7; 100];

/// Opens `size` writers and as many readers at their tails, looks at them idle, then lets each writer append once in
/// turn until its reader has the bytes, and last all at once for the time of the job.
pub(crate) async fn run(job: &Job, factory: &ClientFactory) -> Outcome<()> {
    let began = Instant::now();
    let before = Process::now()?;
    let mut pairs = open(job, factory).await?;
    print("open_seconds", began.elapsed().as_secs_f64());
    sleep(REST).await;
    let opened = Process::now()?;
    let crowd = float(u64::try_from(pairs.len() * 2)?);
    print(
        "bytes_each",
        float(opened.resident.saturating_sub(before.resident)) / crowd,
    );
    print(
        "connections",
        float(opened.sockets.saturating_sub(before.sockets)),
    );
    sleep(Duration::from_secs(1)).await;
    let rested = Process::now()?;
    // One switch is this task's own sleep.
    let woken = rested.switches.saturating_sub(opened.switches + 1);
    print("idle_wakeups_per_second", float(woken));
    in_turn(&mut pairs).await?;
    all_at_once(job, pairs).await
}

type Pair = (ByteWriter, ByteReader);

async fn open(job: &Job, factory: &ClientFactory) -> Outcome<Vec<Pair>> {
    let mut pairs = Vec::with_capacity(job.size);
    while pairs.len() < job.size {
        let next = pairs.len()..job.size.min(pairs.len() + AT_ONCE);
        let opening = next.map(|number| open_pair(job, factory, number));
        pairs.extend(future::try_join_all(opening).await?);
    }
    Ok(pairs)
}

async fn open_pair(job: &Job, factory: &ClientFactory, number: usize) -> Outcome<Pair> {
    let stream: ScopedStream = format!("crowd/p{}-{number}", std::process::id()).parse()?;
    factory.ensure_byte_stream(&stream).await?;
    let opening = factory
        .open_byte_writer(stream.clone())
        .mode(ours::mode(job));
    let mut writer = opening.await?;
    let opening = factory.open_byte_reader(stream);
    let mut reader = opening.from(ReadFrom::Tail).await?;
    // Both have been at work once: the writer is set up, the reader waits at the tail.
    writer.append(Bytes::from_static(PIECE)).await?;
    writer.flush().await?;
    reader.read_exact(&mut [0; PIECE.len()]).await?;
    let parked = reader.readable();
    tokio::select! {
        biased;
        arrived = parked => arrived?,
        () = tokio::task::yield_now() => {}
    }
    Ok((writer, reader))
}

async fn in_turn(pairs: &mut [Pair]) -> Outcome<()> {
    let began = Instant::now();
    let mut reached = 0_u64;
    for (writer, reader) in &mut *pairs {
        writer.append(Bytes::from_static(PIECE)).await?;
        reader.read_exact(&mut [0; PIECE.len()]).await?;
        reached += 1;
    }
    print("reached", float(reached));
    print("in_turn_seconds", began.elapsed().as_secs_f64());
    Ok(())
}

async fn all_at_once(job: &Job, pairs: Vec<Pair>) -> Outcome<()> {
    let least = LEAST_SPAN * u32::try_from(pairs.len())?;
    let span = Duration::from_secs_f64(job.seconds).max(least);
    let began = Instant::now();
    let working = pairs.into_iter().map(|(mut writer, mut reader)| {
        tokio::spawn(async move {
            let mut bytes = 0_usize;
            while began.elapsed() < span {
                writer.append(Bytes::from_static(PIECE)).await?;
                reader.read_exact(&mut [0; PIECE.len()]).await?;
                bytes += PIECE.len();
            }
            Outcome::Ok(bytes)
        })
    });
    let mut calls = 0;
    for done in future::join_all(working).await {
        calls += done?? / PIECE.len();
    }
    let seconds = began.elapsed().as_secs_f64();
    print("calls_per_second", float(u64::try_from(calls)?) / seconds);
    Ok(())
}

/// What the system says of this process.
struct Process {
    resident: u64,
    switches: u64,
    sockets: u64,
}

impl Process {
    fn now() -> Outcome<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let kib = number(&status, "VmRSS:").ok_or("no VmRSS")?;
        let mut switches = 0;
        for task in fs::read_dir("/proc/self/task")? {
            let status = fs::read_to_string(task?.path().join("status"))?;
            switches += number(&status, "voluntary_ctxt_switches:").unwrap_or(0);
        }
        let mut sockets = 0;
        for file in fs::read_dir("/proc/self/fd")? {
            let target = fs::read_link(file?.path()).unwrap_or_default();
            sockets += u64::from(target.to_string_lossy().starts_with("socket:"));
        }
        Ok(Self {
            resident: kib * 1024,
            switches,
            sockets,
        })
    }
}

fn number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
