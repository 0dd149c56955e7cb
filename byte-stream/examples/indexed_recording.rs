//! Records frames into one byte stream and an index of them into a second one, so that a crash at any moment leaves
//! no index record that points at missing data.
//!
//!     indexed_recording [STREAM [FRAMES]]
//!
//! The rule is one line: a record is written only when its frame is durable. A frame that has no record yet is
//! bytes that nobody looks at. Video recorders do it this way to find the key frames of a stream again.
//!
//! It runs on a server in the same process or, with `PRAVEGA_CONTROLLER_URI` set, on that Pravega, where a second
//! run goes on behind the first. `CRASH_AT=3` ends the process at its third step, as if the power had failed.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::{env, error::Error};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use pravega_byte_stream::{
    ByteWriter, ClientConfigBuilder, ClientFactory, ScopedStream, WriteError,
};
use pravega_standalone::Standalone;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Standalone::builder().memory().start().await?;
    let config = ClientConfigBuilder::default()
        .controller_uri(server.controller_uri())
        .with_env()
        .build()?;
    let factory = ClientFactory::new(config);
    let mut arguments = env::args().skip(1);
    let name = arguments.next().unwrap_or("example/recording".into());
    let frames: u64 = arguments.next().map_or(Ok(3), |frames| frames.parse())?;

    let mut recorder = Recorder::open(&factory, &name).await?;
    let first = recorder.recorded();
    println!("{first} frames are recorded");
    for number in first..first + frames {
        recorder.record(number, &frame(number)).await?;
    }
    for record in recorder.records(&factory).await? {
        let found = recorder.read(&factory, &record).await?;
        println!(
            "frame {} at {}: {} bytes",
            record.number,
            record.offset,
            found.len()
        );
    }
    Ok(())
}

/// What a camera would deliver.
fn frame(number: u64) -> Bytes {
    let pixels = usize::try_from(number % 50).unwrap_or_default();
    format!("frame {number};").repeat(1 + pixels).into()
}

/// Writes frames and their index.
struct Recorder {
    data: ByteWriter,
    index: ByteWriter,
    steps: Steps,
}

impl Recorder {
    async fn open(factory: &ClientFactory, name: &str) -> Result<Self, Box<dyn Error>> {
        let data: ScopedStream = name.parse()?;
        let index: ScopedStream = format!("{name}-index").parse()?;
        for stream in [&data, &index] {
            factory.ensure_byte_stream(stream).await?;
        }
        Ok(Self {
            data: factory.open_byte_writer(data).await?,
            index: factory.open_byte_writer(index).await?,
            steps: Steps::from_env()?,
        })
    }

    /// How many records the index has.
    fn recorded(&self) -> u64 {
        self.index.position() / Record::BYTES
    }

    async fn record(&mut self, number: u64, frame: &[u8]) -> Result<(), WriteError> {
        let Self { data, index, steps } = self;
        steps.take("a frame comes");
        // Returns when the frame is durable, and only then there is an offset to put into the index.
        let offset = store(data, frame, steps).await?;
        let length = frame.len();
        let record = Record {
            number,
            offset,
            length: u64::try_from(length).unwrap_or(u64::MAX),
        };
        store(index, &record.to_bytes(), steps).await?;
        Ok(())
    }

    async fn records(&self, factory: &ClientFactory) -> Result<Vec<Record>, Box<dyn Error>> {
        let reader = factory
            .create_byte_reader(self.index.segment()?.clone())
            .await;
        let tail = reader.wait_for_tail(self.index.durable_offset()).await?;
        let mut all = reader
            .read_range(reader.current_head().await?..tail)
            .await?;
        let mut records = Vec::new();
        while all.has_remaining() {
            records.push(Record::from_bytes(&mut all)?);
        }
        Ok(records)
    }

    async fn read(
        &self,
        factory: &ClientFactory,
        record: &Record,
    ) -> Result<Bytes, Box<dyn Error>> {
        let reader = factory
            .create_byte_reader(self.data.segment()?.clone())
            .await;
        let range = record.offset..record.offset.saturating_add(record.length);
        let found = reader.read_range(range).await?;
        match found == frame(record.number) {
            true => Ok(found),
            false => Err(format!("frame {} is not where its record points", record.number).into()),
        }
    }
}

/// Appends bytes and waits until they are durable. Returns their offset.
async fn store(
    writer: &mut ByteWriter,
    bytes: &[u8],
    steps: &mut Steps,
) -> Result<u64, WriteError> {
    loop {
        let offset = writer.position();
        writer.write_all(bytes).await?;
        steps.take("accepted");
        match writer.flush().await {
            Ok(_) => break Ok(offset),
            // The last append of a process that has crashed may arrive after this one has looked for the tail.
            Err(WriteError::Conflict { .. }) => drop(writer.resync().await?),
            Err(error) => break Err(error),
        }
    }
    .inspect(|_| steps.take("durable"))
}

/// Where a frame is.
struct Record {
    number: u64,
    offset: u64,
    length: u64,
}

impl Record {
    /// All records are of one length, and a record is written whole or not at all.
    const BYTES: u64 = 24;

    fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::new();
        bytes.put_u64(self.number);
        bytes.put_u64(self.offset);
        bytes.put_u64(self.length);
        bytes.freeze()
    }

    fn from_bytes(bytes: &mut Bytes) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            number: bytes.try_get_u64()?,
            offset: bytes.try_get_u64()?,
            length: bytes.try_get_u64()?,
        })
    }
}

/// Counts steps, and crashes at one of them if it is told to.
struct Steps {
    taken: u64,
    crash_at: Option<u64>,
}

impl Steps {
    fn from_env() -> Result<Self, Box<dyn Error>> {
        let crash_at = env::var("CRASH_AT").ok();
        let crash_at = crash_at.map(|step| step.parse()).transpose()?;
        Ok(Self { taken: 0, crash_at })
    }

    fn take(&mut self, what: &str) {
        self.taken += 1;
        if self.crash_at == Some(self.taken) {
            println!("crash at step {}: {what}", self.taken);
            std::process::abort();
        }
    }
}
