//! Every bad frame at every moment.

use std::time::Duration;

use pravega_byte_stream::{
    ByteReader, ClientFactory, ReadFrom, ScopedSegment, ScopedStream, WriteMode,
};
use tokio::time::timeout;

use super::{
    door::{Door, Fate, Moment},
    frames::{self, Expected},
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
        Self {
            door,
            factory,
            segment,
            content,
            cases,
        }
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
        writer
            .write_all(&data)
            .await
            .map_err(|error| story(&error))?;
        writer.flush().await.map_err(|error| story(&error))?;
        self.content.extend_from_slice(&data);
        Ok(())
    }

    /// Waits at the tail for what is written once the bad frame has come.
    async fn parks(&mut self) -> Result<(), String> {
        let opening = self.factory.open_byte_reader(self.segment.clone());
        let mut reader = opening
            .from(ReadFrom::Tail)
            .await
            .map_err(|error| story(&error))?;
        let mut found = [0; 11];
        let door = std::sync::Arc::clone(&self.door);
        let writing = async {
            door.sent().await;
            self.writes(WriteMode::Exclusive).await
        };
        let (read, written) = tokio::join!(reader.read_exact(&mut found), writing);
        written?;
        read.map_err(|error| story(&error))?;
        assert_eq!(self.content[self.content.len() - found.len()..], found);
        Ok(())
    }

    /// What is stored is what was written, each byte once.
    async fn check(&mut self, what: &str) {
        let reader = self.factory.create_byte_reader(self.segment.clone()).await;
        let tail = u64::try_from(self.content.len()).unwrap();
        let known = tail.saturating_sub(64);
        assert_eq!(reader.current_tail().await.unwrap(), tail, "{what}");
        let found = reader.read_range(known..tail).await.unwrap();
        assert_eq!(
            found,
            self.content[usize::try_from(known).unwrap()..],
            "{what}"
        );
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
            let mut reader = scene
                .factory
                .create_byte_reader(scene.segment.clone())
                .await;
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
    reader
        .read_exact(&mut found)
        .await
        .map_err(|error| story(&error))?;
    assert_eq!(found, expected);
    Ok(())
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap()
}

/// Plays every bad frame at one moment. Says how many there were.
async fn every_bad_frame_at(moment: Moment) -> usize {
    let mut scene = Scene::new().await;
    scene.writes(WriteMode::Exclusive).await.unwrap();
    let bad_frames = frames::all(&scene.segment.to_string());
    let count = bad_frames.len();
    for (index, bad) in bad_frames.into_iter().enumerate() {
        scene.door.end_all();
        let moment = match moment {
            Moment::Parked(_) => Moment::Parked(scene.content.len().try_into().unwrap()),
            other => other,
        };
        let name = format!("{} at {moment:?}", bad.name);
        // Before the hello nothing else may come.
        let is_closed = bad.expected == Expected::Close || moment == Moment::BeforeHello;
        scene.door.plan(moment, bad);
        let played = timeout(LONG, case(&mut scene, moment, index)).await;
        match played.unwrap_or_else(|_| panic!("{name}: it hangs")) {
            Ok(()) => {}
            // Who answers a hello with something else is no store, and that is told at once.
            Err(_) if moment == Moment::BeforeHello => {}
            Err(error) => panic!("{name}: {error}"),
        }
        match is_closed {
            true => {
                let closed = timeout(LONG, scene.door.closed()).await;
                closed.unwrap_or_else(|_| panic!("{name}: {:?}", scene.door.fate()));
            }
            false => assert_eq!(scene.door.fate(), Fate::Sent, "{name}"),
        }
        scene.check(&name).await;
    }
    count
}

/// The table of bad frames at all moments has more than ten thousand cases.
#[tokio::test(start_paused = true)]
async fn p01_p04_bad_frames_before_the_hello() {
    assert!(every_bad_frame_at(Moment::BeforeHello).await > 1_250);
}

#[tokio::test(start_paused = true)]
async fn p01_p04_bad_frames_behind_the_hello() {
    assert!(every_bad_frame_at(Moment::BehindHello).await > 1_250);
}

#[tokio::test(start_paused = true)]
async fn p01_p04_bad_frames_while_a_setup_is_out() {
    assert!(every_bad_frame_at(Moment::Setup).await > 1_250);
}

#[tokio::test(start_paused = true)]
async fn p01_p04_bad_frames_while_a_block_is_out() {
    assert!(every_bad_frame_at(Moment::Append).await > 1_250);
}

#[tokio::test(start_paused = true)]
async fn p01_p04_bad_frames_while_a_block_is_sent_again() {
    assert!(every_bad_frame_at(Moment::Resend).await > 1_250);
}

#[tokio::test(start_paused = true)]
async fn p01_p04_bad_frames_while_a_read_is_out() {
    assert!(every_bad_frame_at(Moment::Read).await > 1_250);
}

#[tokio::test(start_paused = true)]
async fn p01_p04_bad_frames_while_a_read_waits_at_the_tail() {
    assert!(every_bad_frame_at(Moment::Parked(0)).await > 1_250);
}

#[tokio::test(start_paused = true)]
async fn p01_p04_bad_frames_while_the_question_for_the_tail_is_out() {
    assert!(every_bad_frame_at(Moment::Info).await > 1_250);
}
