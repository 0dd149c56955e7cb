//! Clients of an embedded segment store that send any requests and any bytes, over pipes, on a clock that jumps.
//!
//! Oracles: no panic; every reply can be read; a connection whose client has said its last word ends; what was
//! acknowledged is in the segment, whole, where the ack says, and no two blocks share a place; a conditional block
//! is where it wanted to be.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures::{channel::mpsc, future::pending};
use pravega_client_shared::{DelegationToken, WriterId};
use pravega_standalone::{Limits, Services, Standalone};
use pravega_wire_protocol::{
    AppendBlock, AppendBlockEnd, ConditionalAppend, ConditionalBlockEnd, CreateSegment,
    DeleteSegment, FrameDecoder, FrameLimits, GetSegmentAttribute, GetStreamSegmentInfo, Hello,
    KeepAlive, LocateOffset, MAX_RECEIVED_PAYLOAD, Padding, ReadSegment, Reply, Request,
    SealSegment, SetupAppend, TruncateSegment, UpdateSegmentAttribute, UpdateSegmentPolicy,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::tape::Tape;

/// Always there, and never deleted.
const KEPT: &str = "scope/kept/0.#epoch.0";
/// There at times.
const OTHER: &str = "scope/other/0.#epoch.0";
const NEVER: &str = "scope/never/0.#epoch.0";
/// Far behind every deadline of the server, which waits five minutes for an idle peer.
const LONG: Duration = Duration::from_secs(3_600);
/// Bytes that a pipe holds.
const PIPE: usize = 4 * 1024;
/// The store's memory for appends, bytes: as little as it works with, which is one message of the largest size. A
/// client has all of it with the few bytes that announce such a message.
pub const APPEND_MEMORY: usize = 16 << 20;

/// How many clients go without a word. The store keeps a buffer for each until it has been idle for too long; those
/// who come later say that they go.
const SILENT: usize = 32;

/// A block as it was sent: where it wanted to be, if anywhere, and its bytes.
type Sent = (Option<i64>, Bytes);

/// A segment store and its clients.
pub struct Peers<'a> {
    tape: Tape<'a>,
    door: mpsc::UnboundedSender<io::Result<DuplexStream>>,
    open: [Option<Peer>; 2],
    /// What each connection was told.
    heard: Vec<JoinHandle<Vec<Reply>>>,
    /// Blocks by writer and number.
    sent: HashMap<(u128, i64), Vec<Sent>>,
    /// The newest number of each writer.
    newest: [i64; 3],
    /// Clients that went without a word.
    silent: usize,
    /// Bytes were sent that may be any request.
    is_raw: bool,
}

struct Peer {
    pipe: WriteHalf<DuplexStream>,
}

/// Plays a tape.
pub async fn play(tape: Tape<'_>) {
    let mut limits = Limits::default();
    limits.max_append_bytes = APPEND_MEMORY;
    let services = Standalone::builder()
        .memory()
        .limits(limits)
        .services()
        .await
        .unwrap();
    let (door, incoming) = mpsc::unbounded();
    let serving = tokio::spawn(serve(services, incoming));
    let mut peers = Peers {
        tape,
        door,
        open: [None, None],
        heard: Vec::new(),
        sent: HashMap::new(),
        newest: [0; 3],
        silent: 0,
        is_raw: false,
    };
    peers.make().await;
    while !peers.tape.is_over() {
        peers.step().await;
    }
    peers.finish().await;
    timeout(LONG, serving)
        .await
        .expect("the store ends")
        .unwrap();
}

async fn serve(services: Services, incoming: mpsc::UnboundedReceiver<io::Result<DuplexStream>>) {
    services.serve_store(incoming, pending()).await;
}

impl Peers<'_> {
    /// The segment that stays.
    async fn make(&mut self) {
        self.connect(0).await;
        self.send(0, Hello::current().into()).await;
        let create = CreateSegment {
            request_id: 1,
            segment: KEPT.into(),
            target_rate: 0,
            scale_type: 0,
            delegation_token: DelegationToken::default(),
            rollover_size_bytes: 0,
        };
        self.send(0, create.into()).await;
        sleep(Duration::from_millis(1)).await;
    }

    async fn leave(&mut self, index: usize) {
        let Some(mut peer) = self.open[index].take() else {
            return;
        };
        if self.silent < SILENT {
            self.silent += 1;
        } else {
            peer.pipe.shutdown().await.ok();
        }
    }

    async fn connect(&mut self, index: usize) {
        self.leave(index).await;
        let (near, far) = duplex(PIPE);
        let (reader, pipe) = split(near);
        self.heard.push(tokio::spawn(hear(reader)));
        self.open[index] = Some(Peer { pipe });
        self.door.unbounded_send(Ok(far)).ok();
    }

    async fn step(&mut self) {
        let index = self.tape.below(2);
        match self.tape.below(24) {
            0 => self.leave(index).await,
            1 => {
                self.connect(index).await;
                self.send(index, Hello::current().into()).await;
            }
            2 => self.connect(index).await,
            3 | 4 => sleep(Duration::from_millis(1)).await,
            5 => sleep(Duration::from_secs(self.tape.byte().into())).await,
            6 => self.raw(index).await,
            _ => {
                let request = self.request();
                self.send(index, request).await;
            }
        }
    }

    async fn raw(&mut self, index: usize) {
        self.is_raw = true;
        let length = self.tape.byte();
        let bytes = self.tape.bytes(length.into());
        if let Some(peer) = &mut self.open[index] {
            peer.pipe.write_all(bytes).await.ok();
        }
    }

    async fn send(&mut self, index: usize, request: Request) {
        let frame = request.encode_to_bytes().unwrap();
        if let Some(peer) = &mut self.open[index] {
            // A connection that the store has closed takes nothing.
            peer.pipe.write_all(&frame).await.ok();
        }
    }

    fn request(&mut self) -> Request {
        let tape = &mut self.tape;
        let segment: Arc<str> = (*tape.pick(&[KEPT, KEPT, OTHER, NEVER])).into();
        let request_id = tape.number(1_000);
        let delegation_token = DelegationToken::default();
        match tape.below(20) {
            0 => {
                let (high_version, low_version) = (tape.number(17), tape.number(5));
                let [high_version, low_version] =
                    [high_version, low_version].map(|version| i32::try_from(version).unwrap_or(17));
                Hello {
                    high_version,
                    low_version,
                }
                .into()
            }
            1 => KeepAlive.into(),
            2 => Padding {
                len: tape.byte().into(),
            }
            .into(),
            3 | 4 => {
                let writer_id = WriterId::from_wire(tape.below(3).try_into().unwrap());
                SetupAppend {
                    request_id,
                    writer_id,
                    segment,
                    delegation_token,
                }
                .into()
            }
            5..=10 => self.append(request_id),
            11 | 12 => {
                let (offset, length) = (tape.number(0), tape.number(100));
                let suggested_length = i32::try_from(length).unwrap_or(i32::MAX);
                ReadSegment {
                    segment,
                    offset,
                    suggested_length,
                    delegation_token,
                    request_id,
                }
                .into()
            }
            13 => GetStreamSegmentInfo {
                request_id,
                segment,
                delegation_token,
            }
            .into(),
            14 => CreateSegment {
                request_id,
                segment,
                target_rate: 0,
                scale_type: i8::from_be_bytes([tape.byte()]),
                delegation_token,
                rollover_size_bytes: tape.number(0),
            }
            .into(),
            15 if tape.one_in(4) => SealSegment {
                request_id,
                segment,
                delegation_token,
            }
            .into(),
            15 => {
                let segment = OTHER.into();
                DeleteSegment {
                    request_id,
                    segment,
                    delegation_token,
                }
                .into()
            }
            16 => {
                let truncation_offset = tape.number(20);
                TruncateSegment {
                    request_id,
                    segment,
                    truncation_offset,
                    delegation_token,
                }
                .into()
            }
            _ => self.attribute(request_id, segment),
        }
    }

    fn attribute(&mut self, request_id: i64, segment: Arc<str>) -> Request {
        let tape = &mut self.tape;
        let delegation_token = DelegationToken::default();
        match tape.below(4) {
            0 => GetSegmentAttribute {
                request_id,
                segment,
                attribute_id: 1_000 + u128::from(tape.byte()),
                delegation_token,
            }
            .into(),
            1 => UpdateSegmentAttribute {
                request_id,
                segment,
                attribute_id: 1_000 + u128::from(tape.byte()),
                new_value: tape.number(0),
                expected_value: tape.number(i64::MIN),
                delegation_token,
            }
            .into(),
            2 => LocateOffset {
                request_id,
                segment,
                target_offset: tape.number(0),
                delegation_token,
            }
            .into(),
            _ => UpdateSegmentPolicy {
                request_id,
                segment,
                target_rate: 1,
                scale_type: 0,
                delegation_token,
            }
            .into(),
        }
    }

    /// A block, or a part of one.
    fn append(&mut self, request_id: i64) -> Request {
        let tape = &mut self.tape;
        let writer = tape.below(3);
        let newest = &mut self.newest[writer];
        let number = match tape.byte() {
            0..=239 => newest.saturating_add(1),
            _ => tape.number(*newest),
        };
        *newest = number;
        let writer: u128 = writer.try_into().unwrap();
        let writer_id = WriterId::from_wire(writer);
        let length = *tape.pick(&[1, 0, 5, 100, 3_000]);
        let data = block(writer, number, length);
        let mut sent = |at| {
            let blocks = self.sent.entry((writer, number)).or_default();
            blocks.push((at, data.clone()));
        };
        match tape.below(8) {
            0 => {
                // A block that is not ended, or by whatever comes next.
                self.is_raw = true;
                AppendBlock {
                    writer_id,
                    data: data.into(),
                }
                .into()
            }
            1 | 2 => {
                let expected_offset = tape.number(0);
                sent((expected_offset >= 0).then_some(expected_offset));
                ConditionalBlockEnd {
                    writer_id,
                    event_number: number,
                    expected_offset,
                    data: data.into(),
                    request_id,
                }
                .into()
            }
            3 => {
                self.is_raw = true;
                let expected_offset = tape.number(0);
                ConditionalAppend {
                    writer_id,
                    event_number: number,
                    expected_offset,
                    event: data.into(),
                    request_id,
                }
                .into()
            }
            _ => {
                sent(None);
                AppendBlockEnd {
                    writer_id,
                    size_of_whole_events: i32::try_from(length).unwrap(),
                    data: data.into(),
                    num_events: if tape.one_in(32) { 0 } else { 1 },
                    last_event_number: number,
                    request_id,
                }
                .into()
            }
        }
    }

    /// Everybody says goodbye; then the segment is compared with what was acknowledged.
    async fn finish(&mut self) {
        self.open = [None, None];
        let mut heard = Vec::new();
        for hearing in self.heard.drain(..) {
            let replies = timeout(LONG, hearing).await.expect("the store closes, too");
            heard.push(replies.unwrap());
        }
        if !self.is_raw {
            self.compare(&heard).await;
        }
        self.open = [None, None];
        self.door.close_channel();
    }

    async fn compare(&mut self, heard: &[Vec<Reply>]) {
        let (head, content) = self.content().await;
        let mut places = BTreeMap::new();
        for replies in heard {
            let mut set_up = HashMap::new();
            for reply in replies {
                match reply {
                    Reply::AppendSetup(setup) => {
                        set_up.insert(setup.writer_id.as_u128(), Arc::clone(&setup.segment));
                    }
                    Reply::DataAppended(ack) => {
                        let writer = ack.writer_id.as_u128();
                        let segment = set_up.get(&writer).expect("a writer that was set up");
                        if **segment == *KEPT {
                            let end = ack.current_segment_write_offset;
                            let blocks = &self.sent[&(writer, ack.event_number)];
                            let length = is_there(head, &content, end, blocks);
                            let before = places.insert(end, length).unwrap_or(0);
                            assert!(before == 0 || length == 0, "two blocks end at {end}");
                        }
                    }
                    _ => {}
                }
            }
        }
        let mut free = 0;
        for (end, length) in places {
            assert!(end - length >= free, "two blocks lie around {end}");
            free = end;
        }
    }

    /// Head and content of the segment that stays; zeros in front of the head.
    async fn content(&mut self) -> (usize, Vec<u8>) {
        let (near, far) = duplex(PIPE);
        self.door.unbounded_send(Ok(far)).ok();
        let (reader, mut pipe) = split(near);
        let mut hearing = Hearing::new(reader);
        let segment: Arc<str> = KEPT.into();
        let delegation_token = DelegationToken::default();
        let info = GetStreamSegmentInfo {
            request_id: 1,
            segment: Arc::clone(&segment),
            delegation_token: delegation_token.clone(),
        };
        for request in [Request::from(Hello::current()), info.into()] {
            pipe.write_all(&request.encode_to_bytes().unwrap())
                .await
                .unwrap();
        }
        assert!(matches!(hearing.next().await, Some(Reply::Hello(_))));
        let Some(Reply::StreamSegmentInfo(info)) = hearing.next().await else {
            panic!("no answer");
        };
        let head = usize::try_from(info.start_offset).unwrap();
        let tail = usize::try_from(info.write_offset).unwrap();
        let mut content = vec![0; head];
        while content.len() < tail {
            let read = ReadSegment {
                segment: Arc::clone(&segment),
                offset: i64::try_from(content.len()).unwrap(),
                suggested_length: 1 << 20,
                delegation_token: delegation_token.clone(),
                request_id: 2,
            };
            let frame = Request::from(read).encode_to_bytes().unwrap();
            pipe.write_all(&frame).await.unwrap();
            let Some(Reply::SegmentRead(read)) = hearing.next().await else {
                panic!("no bytes at {}", content.len());
            };
            assert!(!read.data.is_empty());
            content.extend_from_slice(&read.data.into_bytes());
        }
        assert_eq!(content.len(), tail);
        (head, content)
    }
}

/// How long the block is that ends at `end`: one of those sent.
fn is_there(head: usize, content: &[u8], end: i64, blocks: &[Sent]) -> i64 {
    let at_end = usize::try_from(end).unwrap();
    assert!(at_end <= content.len(), "acknowledged, and not there");
    let fits = blocks.iter().find(|(at, data)| {
        let Some(start) = at_end.checked_sub(data.len()) else {
            return false;
        };
        let stored = &content[start..at_end];
        let lost = head.saturating_sub(start).min(data.len());
        at.is_none_or(|at| usize::try_from(at) == Ok(start)) && stored[lost..] == data[lost..]
    });
    let (_, data) = fits.unwrap_or_else(|| panic!("none of {blocks:?} ends at {end}"));
    i64::try_from(data.len()).unwrap()
}

/// A block that tells who sent it.
fn block(writer: u128, number: i64, length: usize) -> Bytes {
    let mut seed = number.cast_unsigned() ^ (u64::try_from(writer).unwrap() << 56) | 1;
    (0..length)
        .map(|_| {
            seed = seed
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(0x1405_7b7e_f767_814f);
            seed.to_be_bytes()[0]
        })
        .collect()
}

/// Everything that comes on a connection until it ends.
async fn hear(reader: ReadHalf<DuplexStream>) -> Vec<Reply> {
    let mut hearing = Hearing::new(reader);
    let mut replies = Vec::new();
    while let Some(reply) = hearing.next().await {
        replies.push(reply);
    }
    replies
}

struct Hearing {
    reader: ReadHalf<DuplexStream>,
    buffer: BytesMut,
    decoder: FrameDecoder,
}

impl Hearing {
    fn new(reader: ReadHalf<DuplexStream>) -> Self {
        Self {
            reader,
            buffer: BytesMut::new(),
            decoder: FrameDecoder::new(FrameLimits::new(MAX_RECEIVED_PAYLOAD)),
        }
    }

    async fn next(&mut self) -> Option<Reply> {
        loop {
            if let Some(frame) = self.decoder.decode_frame(&mut self.buffer).unwrap() {
                let reply = Reply::decode(frame).unwrap();
                assert!(!matches!(reply, Reply::Unknown(_) | Reply::Foreign(_)));
                return Some(reply);
            }
            if self.reader.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }
}
