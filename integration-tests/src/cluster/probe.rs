//! Who serves the segments, found out without any of our client: ten times a second the controller is asked
//! anew, a connection is made anew, and an append is set up on it.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::BytesMut;
use pravega_byte_stream::ScopedSegment;
use pravega_client_shared::{DelegationToken, WriterId};
use pravega_controller_api::{self as api, controller_service_client::ControllerServiceClient};
use pravega_wire_protocol::{
    FrameDecoder, FrameLimits, Hello, MAX_RECEIVED_PAYLOAD, OLDEST_COMPATIBLE_VERSION, Reply,
    Request, SetupAppend, WIRE_VERSION,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Notify,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tonic::transport::Channel;

use super::delays::Interruption;
use crate::campaign::{Verdict, Violation};

/// How often the segments are asked for.
const PERIOD: Duration = Duration::from_millis(100);
/// An attempt that takes longer says nothing; later ones are on their way.
const PATIENCE: Duration = Duration::from_secs(5);
/// Answers further apart than this are an interruption, not a busy machine.
const NOTICED: Duration = Duration::from_secs(1);
/// The id of a writer that never writes.
const WRITER: u128 = 0x0070_726f_6265;

/// Asks all the time.
#[derive(Debug)]
pub(super) struct Probe {
    log: Arc<Log>,
    _tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Log {
    all: Mutex<Attempts>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Attempts {
    served: Vec<Sighting>,
    /// When an attempt came to nothing, and why.
    failed: Vec<(Instant, String)>,
}

/// All segments were served.
#[derive(Debug, Clone)]
struct Sighting {
    /// When the attempt began, which is before the answer was given.
    asked: Instant,
    at: Instant,
    store: String,
}

impl Probe {
    /// Asks for these segments, until this is dropped.
    pub(super) fn start(
        controller: ControllerServiceClient<Channel>,
        segments: Vec<ScopedSegment>,
    ) -> Self {
        let log = Arc::new(Log::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(ask_for_ever(controller, segments, Arc::clone(&log)));
        Self { log, _tasks: tasks }
    }

    /// The store that has served the segments last.
    pub(super) fn owner(&self) -> Verdict<String> {
        let log = self.log.lock();
        let last = log.served.last().map(|sighting| sighting.store.clone());
        last.ok_or_else(|| Violation::broken("nobody has ever served the segments"))
    }

    /// Waits until another store than `lost` serves the segments. Only what was asked after `moment` counts.
    pub(super) async fn answered_elsewhere(&self, lost: &str, moment: Instant) -> Instant {
        let is_meant = |seen: &&Sighting| seen.asked >= moment && seen.store != lost;
        self.log
            .until(|seen| seen.iter().find(is_meant).map(|seen| seen.at))
            .await
    }

    /// Waits until one store has served the segments for so long, without a break.
    pub(super) async fn calm(&self, calm: Duration) {
        let began = Instant::now();
        self.log
            .until(|seen| {
                let last = seen.last()?;
                let disturbed = |pair: &&[Sighting]| match pair {
                    [a, b] => a.store != b.store || b.at.duration_since(a.at) > NOTICED,
                    _ => false,
                };
                let disturbance = seen.windows(2).rev().find(disturbed);
                let since = disturbance.and_then(|pair| pair.last()).or(seen.first())?;
                let since = since.at.max(began);
                (last.at.saturating_duration_since(since) >= calm).then_some(())
            })
            .await;
    }

    /// The times since `moment` in which nobody served the segments.
    pub(super) fn interruptions(&self, moment: Instant) -> Vec<Interruption> {
        let log = self.log.lock();
        let pairs = log.served.windows(2).filter_map(|pair| match pair {
            [a, b] if a.at >= moment => Some((a.at, b.at)),
            _ => None,
        });
        pairs
            .filter(|(began, ended)| ended.duration_since(*began) > NOTICED)
            .map(|(began, ended)| Interruption { began, ended })
            .collect()
    }

    /// What the attempts during an interruption met, one after the other, and until when.
    pub(super) fn met_during(&self, interruption: &Interruption) -> Vec<(String, Duration)> {
        let Interruption { began, ended } = *interruption;
        let mut met: Vec<(String, Duration)> = Vec::new();
        for (at, why) in &self.log.lock().failed {
            let after = at.saturating_duration_since(began);
            match met.last_mut() {
                _ if *at < began || *at > ended => {}
                Some((last, until)) if last == why => *until = after,
                _ => met.push((why.clone(), after)),
            }
        }
        met
    }
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Attempts> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, sighting: Sighting) {
        let mut all = self.lock();
        // An attempt that took long may end behind a later one.
        let place = all.served.partition_point(|other| other.at <= sighting.at);
        all.served.insert(place, sighting);
        drop(all);
        self.news.notify_waiters();
    }

    fn note_failed(&self, why: String) {
        self.lock().failed.push((Instant::now(), why));
    }

    async fn until<T>(&self, find: impl Fn(&[Sighting]) -> Option<T>) -> T {
        loop {
            let news = self.news.notified();
            if let Some(found) = find(&self.lock().served) {
                return found;
            }
            news.await;
        }
    }
}

async fn ask_for_ever(
    controller: ControllerServiceClient<Channel>,
    segments: Vec<ScopedSegment>,
    log: Arc<Log>,
) {
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let segments = Arc::new(segments);
    let mut attempts = JoinSet::new();
    loop {
        period.tick().await;
        while attempts.try_join_next().is_some() {}
        let (controller, segments) = (controller.clone(), Arc::clone(&segments));
        let log = Arc::clone(&log);
        attempts.spawn(async move {
            let asked = Instant::now();
            match timeout(PATIENCE, attempt(controller, &segments)).await {
                Ok(Ok(store)) => {
                    let at = Instant::now();
                    log.note(Sighting { asked, at, store });
                }
                Ok(Err(error)) => log.note_failed(error.to_string()),
                Err(_) => log.note_failed("no answer in time".to_owned()),
            }
        });
    }
}

/// The store that serves all of the segments.
async fn attempt(
    mut controller: ControllerServiceClient<Channel>,
    segments: &[ScopedSegment],
) -> io::Result<String> {
    let mut owner = None;
    for segment in segments {
        let question = api::SegmentId {
            stream_info: Some(api::StreamInfo {
                scope: segment.stream().scope().to_string(),
                stream: segment.stream().stream().to_string(),
                ..Default::default()
            }),
            segment_id: segment.id().packed(),
        };
        let answer = controller.get_uri(question).await;
        let refused = |status: tonic::Status| io::Error::other(status.code().to_string());
        let named = answer.map_err(refused)?.into_inner();
        let store = format!("{}:{}", named.endpoint, named.port);
        set_up(&store, segment).await?;
        if owner.get_or_insert_with(|| store.clone()) != &store {
            return Err(io::Error::other("the segments are on different stores"));
        }
    }
    owner.ok_or_else(|| io::Error::other("no segments"))
}

/// Sets up an append at `store`, on a connection for nothing else.
async fn set_up(store: &str, segment: &ScopedSegment) -> io::Result<()> {
    let hello = Hello {
        high_version: WIRE_VERSION,
        low_version: OLDEST_COMPATIBLE_VERSION,
    };
    let setup = SetupAppend {
        request_id: 1,
        writer_id: WriterId::from_wire(WRITER),
        segment: segment.to_string().into(),
        delegation_token: DelegationToken::default(),
    };
    let refused = |error: io::Error| io::Error::other(error.kind().to_string());
    let mut socket = TcpStream::connect(store).await.map_err(refused)?;
    for request in [Request::from(hello), setup.into()] {
        let frame = request.encode_to_bytes().map_err(io::Error::other)?;
        socket.write_all(&frame).await?;
    }
    let mut decoder = FrameDecoder::new(FrameLimits::new(MAX_RECEIVED_PAYLOAD));
    let mut received = BytesMut::new();
    loop {
        let frame = decoder.decode_frame(&mut received);
        let Some(frame) = frame.map_err(io::Error::other)? else {
            if socket.read_buf(&mut received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            continue;
        };
        match Reply::decode(frame).map_err(io::Error::other)? {
            Reply::Hello(_) => {}
            Reply::AppendSetup(_) => return Ok(()),
            other => return Err(io::Error::other(other.name())),
        }
    }
}
