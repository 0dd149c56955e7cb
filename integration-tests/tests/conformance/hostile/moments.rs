//! Every bad frame at every moment.

use std::{future::Future, time::Duration};

use pravega_byte_stream::{ByteReader, ClientFactory, ScopedSegment, ScopedStream, WriteMode};
use tokio::time::timeout;

use super::{
    door::{Door, Fate, Moment},
    frames::{self, BadFrame, Expected},
};
use crate::support::story;

/// Far behind every deadline, on a clock that jumps.
const LONG: Duration = Duration::from_secs(3_600);

/// A client and the segment that it uses, which grows from case to case.
struct Scene {
    door: std::sync::Arc<Door>,
    factory: ClientFactory,
    segment: ScopedSegment,
    /// What the segment holds.
    content: Vec<u8>,
    cases: usize,
}

impl Scene {
    async fn new() -> Self {
        let door = Door::open().await;
        let factory = door.factory();
        let stream = ScopedStream::from("hostile/stream");
        factory.ensure_byte_stream(&stream).await.unwrap();
        let segment = factory.segment_of(&stream).await.unwrap();
        let (content, cases) = (Vec::new(), 0);
        Self { door, factory, segment, content, cases }
    }

    /// A few bytes that no other case has.
    fn fresh(&mut self) -> Vec<u8> {
        self.cases += 1;
        format!("case {:06}", self.cases).into_bytes()
    }

    /// Writes some bytes, which reach the store once whatever comes.
    async fn writes(&mut self, mode: WriteMode) -> Result<(), String> {
        let data = self.fresh();
        let opening = self.factory.open_byte_writer(self.segment.clone());
        let mut writer = opening.mode(mode).await.map_err(|error| story(&error))?;
        writer.write_all(&data).await.map_err(|error| story(&error))?;
        writer.flush().await.map_err(|error| story(&error))?;
        self.content.extend_from_slice(&data);
        Ok(())
    }

    /// Writes some bytes with a writer that had no need of the store before.
    async fn appends(&mut self, data: &[u8]) {
        let mut writer = self.factory.open_byte_writer(self.segment.clone()).await.unwrap();
        writer.write_all(data).await.unwrap();
        writer.close().await.unwrap();
        self.content.extend_from_slice(data);
    }

    /// What is stored is what was written, each byte once.
    async fn check(&mut self, what: &str) {
        let reader = self.factory.create_byte_reader(self.segment.clone()).await;
        let tail = u64::try_from(self.content.len()).unwrap();
        let known = tail.saturating_sub(64);
        assert_eq!(reader.current_tail().await.unwrap(), tail, "{what}");
        let found = reader.read_range(known..tail).await.unwrap();
        assert_eq!(found, self.content[usize::try_from(known).unwrap()..], "{what}");
    }
}

/// What a bad frame did is what is wanted: the connection is closed, or is not.
async fn settle(door: &Door, bad: &BadFrame) {
    match bad.expected {
        Expected::Close => {
            let closed = timeout(LONG, door.closed()).await;
            closed.unwrap_or_else(|_| panic!("{}: the connection is still open", bad.name));
        }
        Expected::Ignore => assert_eq!(door.fate(), Fate::Sent, "{}", bad.name),
    }
}

/// How one case is played: it takes the scene and gives what the client said, or why it failed.
async fn case(scene: &mut Scene, moment: Moment, index: usize) -> Result<(), String> {
    match moment {
        Moment::BeforeHello
        | Moment::BehindHello
        | Moment::Setup
        | Moment::Append
        | Moment::Resend => {
            let modes = [WriteMode::Exclusive, WriteMode::Shared];
            scene.writes(modes[index % 2]).await
        }
        Moment::Read => {
            let mut reader = scene.factory.create_byte_reader(scene.segment.clone()).await;
            reads(&mut reader, &scene.content).await
        }
        Moment::Parked(_) => scene.parks().await,
        Moment::Info => {
            let handle = scene.factory.segment(scene.segment.clone()).unwrap();
            let info = handle.info().await.map_err(|error| story(&error))?;
            assert_eq!((info.head, info.tail), (0, wide(scene.content.len())));
            Ok(())
        }
    }
}

async fn reads(reader: &mut ByteReader, expected: &[u8]) -> Result<(), String> {
    let mut found = vec![0; expected.len()];
    reader.read_exact(&mut found).await.map_err(|error| story(&error))?;
    assert_eq!(found, expected);
    Ok(())
}
