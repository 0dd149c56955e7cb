//! `bench`: how fast this place is, on a stream that is removed again.

use bytes::Bytes;
use hdrhistogram::Histogram;
use indicatif::HumanBytes;
use pravega_byte_stream::{ByteReader, ByteWriter, ClientFactory, ReadUntil, ScopedStream};
use serde::Serialize;
use snafu::{ResultExt as _, ensure};
use tokio::{signal, time::Instant};
use uuid::Uuid;

use crate::{
    args::{Bench, Measure},
    error::{BenchShortSnafu, CliError, IoSnafu},
    output,
    session::Session,
};

/// The longest time that the histogram tells from longer ones, in nanoseconds: 5 min.
const LONGEST: u64 = 300_000_000_000;

/// The digits of a time that the histogram keeps.
const DIGITS: u8 = 3;

/// Writes and flushes before the first that is measured: the connection is there then.
const WARM_UP: u32 = 10;

/// What `bench` found.
#[derive(Serialize)]
struct Report {
    /// The bytes of one write.
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    write: Option<Throughput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<Throughput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<Latency>,
}

#[derive(Serialize)]
struct Throughput {
    bytes: u64,
    seconds: f64,
    bytes_per_second: u64,
}

/// From a write to the ack of its flush.
#[derive(Serialize)]
struct Latency {
    count: u64,
    p50_us: f64,
    p90_us: f64,
    p99_us: f64,
    p999_us: f64,
    max_us: f64,
}

/// Measures, and removes the stream however that went, also after Ctrl-C.
pub(crate) async fn run(session: &Session, options: &Bench) -> Result<(), CliError> {
    let factory = &session.factory;
    let name = format!("bench-{}", Uuid::new_v4().simple());
    let stream = ScopedStream::new(options.scope.clone(), name.parse()?);
    let is_new = factory.controller()?.create_scope(&options.scope).await?;
    let measured = tokio::select! {
        measured = measure(factory, &stream, options) => measured.map(Some),
        interrupted = signal::ctrl_c() => interrupted.map(|()| None).context(IoSnafu {
            what: "waiting for a signal",
        }),
    };
    let removed = remove(factory, &stream, is_new).await;
    if let Some(report) = measured? {
        report.print(options.json)?;
    }
    removed
}

async fn remove(
    factory: &ClientFactory,
    stream: &ScopedStream,
    with_scope: bool,
) -> Result<(), CliError> {
    let controller = factory.controller()?;
    // Interrupted early, there may be none yet.
    if controller.stream_exists(stream).await? {
        controller.seal_stream(stream).await?;
        controller.delete_stream(stream).await?;
    }
    if with_scope {
        controller.delete_scope(stream.scope()).await?;
    }
    Ok(())
}

async fn measure(
    factory: &ClientFactory,
    stream: &ScopedStream,
    options: &Bench,
) -> Result<Report, CliError> {
    let is_wanted = |measure| options.measures.is_empty() || options.measures.contains(&measure);
    factory.ensure_byte_stream(stream).await?;
    let mut writer = factory.open_byte_writer(stream.clone()).await?;
    let piece = Bytes::from(vec![0x5a; options.size]);
    let total = options.total.as_u64();
    let mut report = Report {
        size: options.size,
        write: None,
        read: None,
        latency: None,
    };
    // What is read has to be written first.
    if is_wanted(Measure::Write) || is_wanted(Measure::Read) {
        let written = write(&mut writer, &piece, total).await?;
        report.write = is_wanted(Measure::Write).then_some(written);
    }
    if is_wanted(Measure::Read) {
        let opening = factory.open_byte_reader(stream.clone());
        let reader = opening.until(ReadUntil::TailAtOpen).await?;
        let read = read(reader).await?;
        ensure!(
            read.bytes >= total,
            BenchShortSnafu {
                stream: stream.clone()
            }
        );
        report.read = Some(read);
    }
    if is_wanted(Measure::Latency) {
        report.latency = Some(latency(&mut writer, &piece, options.count).await?);
    }
    writer.close().await?;
    Ok(report)
}

/// Writes `total` bytes, or a little more, and waits until all are durable.
async fn write(writer: &mut ByteWriter, piece: &Bytes, total: u64) -> Result<Throughput, CliError> {
    let bar = output::progress(Some(total));
    let began = Instant::now();
    while writer.position() < total {
        writer.append(piece.clone()).await?;
        bar.set_position(writer.position());
    }
    writer.flush().await?;
    bar.finish_and_clear();
    Ok(Throughput::since(began, writer.position()))
}

async fn read(mut reader: ByteReader) -> Result<Throughput, CliError> {
    let bar = output::progress(None);
    let began = Instant::now();
    while reader.read_chunk(usize::MAX).await?.is_some() {
        bar.set_position(reader.position());
    }
    bar.finish_and_clear();
    Ok(Throughput::since(began, reader.position()))
}

/// Writes and flushes, one after the other.
async fn latency(writer: &mut ByteWriter, piece: &Bytes, count: u32) -> Result<Latency, CliError> {
    let mut times = times();
    for number in 0..WARM_UP.saturating_add(count) {
        let began = Instant::now();
        writer.append(piece.clone()).await?;
        writer.flush().await?;
        if number >= WARM_UP {
            let nanoseconds = began.elapsed().as_nanos();
            times.saturating_record(u64::try_from(nanoseconds).unwrap_or(LONGEST));
        }
    }
    Ok(Latency::of(&times))
}

#[expect(
    clippy::expect_used,
    reason = "the bounds are constants that a histogram takes"
)]
fn times() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, DIGITS).expect("bounds that make sense")
}

impl Throughput {
    fn since(began: Instant, bytes: u64) -> Self {
        let elapsed = began.elapsed();
        Self {
            bytes,
            seconds: elapsed.as_secs_f64(),
            bytes_per_second: output::per_second(bytes, elapsed),
        }
    }

    fn text(&self) -> String {
        let (bytes, rate) = (HumanBytes(self.bytes), HumanBytes(self.bytes_per_second));
        format!("{rate}/s  ({bytes} in {:.3} s)", self.seconds)
    }
}

impl Latency {
    fn of(times: &Histogram<u64>) -> Self {
        let at = |quantile| microseconds(times.value_at_quantile(quantile));
        Self {
            count: times.len(),
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: microseconds(times.max()),
        }
    }
}

fn microseconds(nanoseconds: u64) -> f64 {
    std::time::Duration::from_nanos(nanoseconds).as_secs_f64() * 1e6
}

impl Report {
    fn print(&self, json: bool) -> Result<(), CliError> {
        if json {
            return output::json(self);
        }
        output::line(&format!(
            "size     {} for each write",
            HumanBytes(wide(self.size))
        ))?;
        if let Some(write) = &self.write {
            output::line(&format!("write    {}", write.text()))?;
        }
        if let Some(read) = &self.read {
            output::line(&format!("read     {}", read.text()))?;
        }
        let Some(latency) = &self.latency else {
            return Ok(());
        };
        let count = latency.count;
        output::line(&format!(
            "latency  of {count} writes, each flushed alone, in µs"
        ))?;
        let Latency {
            p50_us: p50,
            p90_us: p90,
            p99_us: p99,
            p999_us: p999,
            max_us: max,
            ..
        } = latency;
        output::line(&format!(
            "  {:>10} {:>10} {:>10} {:>10} {:>10}",
            "p50", "p90", "p99", "p99.9", "max"
        ))?;
        output::line(&format!(
            "  {p50:>10.1} {p90:>10.1} {p99:>10.1} {p999:>10.1} {max:>10.1}"
        ))
    }
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
