//! What stands before the embedded store in a store's host: it knows which store has the segment, and which
//! tokens are good, as a store of a cluster does.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::{BufMut as _, Bytes, BytesMut};
use pravega_client_shared::{DelegationToken, WriterId};
use pravega_wire_protocol::{
    AuthTokenCheckFailed, Frame, FrameDecoder, FrameLimits, HEADER_BYTES, MAX_FRAME, Reply,
    Request, WrongHost,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, split},
    sync::Mutex as AsyncMutex,
};
use turmoil::net::{TcpStream, tcp::OwnedWriteHalf};

use super::{
    cluster::{Cluster, Host},
    lock,
    tokens::ends_at,
};

/// Passes frames between a client and the store until one of them ends.
pub(super) async fn run(cluster: Arc<Cluster>, host: Host, client: TcpStream, store: DuplexStream) {
    let (from_client, to_client) = client.into_split();
    let (from_store, to_store) = split(store);
    let gate = Gate {
        cluster,
        host,
        owed: Mutex::default(),
        writers: Mutex::default(),
        denied: Mutex::default(),
        to_client: AsyncMutex::new(to_client),
    };
    // Whatever ends, ends all: both sockets close.
    tokio::select! {
        biased;
        _ = gate.follow_moves() => {}
        _ = gate.pass_requests(from_client, to_store) => {}
        _ = gate.pass_replies(from_store) => {}
    }
}

struct Gate {
    cluster: Arc<Cluster>,
    host: Host,
    /// Requests that are not answered: how many have this id, and for which segment they are.
    owed: Mutex<BTreeMap<i64, (u64, Arc<str>)>>,
    /// When the tokens end with which writers were set up.
    writers: Mutex<BTreeMap<WriterId, Duration>>,
    /// Writers one of whose requests was denied: until they are set up again, nothing that they had sent behind
    /// it is stored, or there would be a hole.
    denied: Mutex<BTreeSet<WriterId>>,
    to_client: AsyncMutex<OwnedWriteHalf>,
}

/// What becomes of a request.
enum Fate {
    Passes,
    Answered(Reply),
    /// A real store says nothing when the token of a writer that is set up has ended.
    Closes,
    Vanishes,
}

impl Gate {
    /// When the segment has gone from here, those who wait are told, or the connection ends.
    async fn follow_moves(&self) -> io::Result<()> {
        let mut seen = self.cluster.home.get().moves;
        loop {
            let home = self.cluster.home.until(|home| home.moves > seen).await;
            seen = home.moves;
            if home.store == self.host {
                continue;
            }
            if home.cuts {
                return Ok(());
            }
            let owed = std::mem::take(&mut *lock(&self.owed));
            for (request_id, (_, segment)) in owed {
                self.say(&wrong_host(request_id, segment)).await?;
            }
        }
    }

    async fn pass_requests(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut onward: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let mut frames = Frames::default();
        while let Some(frame) = frames.next(&mut from).await? {
            let request = Request::decode(frame.clone()).map_err(io::Error::other)?;
            match self.judge(&request) {
                Fate::Passes => onward.write_all(&bytes_of(&frame)).await?,
                Fate::Answered(reply) => self.say(&reply).await?,
                Fate::Closes => break,
                Fate::Vanishes => {}
            }
        }
        Ok(())
    }

    async fn pass_replies(&self, mut from: impl AsyncRead + Unpin) -> io::Result<()> {
        let mut frames = Frames::default();
        while let Some(frame) = frames.next(&mut from).await? {
            let reply = Reply::decode(frame.clone()).map_err(io::Error::other)?;
            // What was answered here is not answered again.
            if reply.request_id().is_none_or(|id| self.is_owed(id)) {
                self.to_client
                    .lock()
                    .await
                    .write_all(&bytes_of(&frame))
                    .await?;
            }
        }
        Ok(())
    }

    fn judge(&self, request: &Request) -> Fate {
        if matches!(request, Request::Hello(_) | Request::KeepAlive(_)) {
            return Fate::Passes;
        }
        let segment: Arc<str> = request.segment().unwrap_or_default().into();
        let request_id = request.request_id();
        if self.is_denied(request) {
            return request_id.map_or(Fate::Vanishes, |id| Fate::Answered(wrong_host(id, segment)));
        }
        if self.cluster.token_lifetime.is_some()
            && let Some(fate) = self.refuse(request)
        {
            return fate;
        }
        if let Some(id) = request_id {
            lock(&self.owed).entry(id).or_insert((0, segment)).0 += 1;
        }
        Fate::Passes
    }

    /// Takes note of a reply. False when nobody waits for it any more.
    fn is_owed(&self, id: i64) -> bool {
        let mut owed = lock(&self.owed);
        let Some((times, _)) = owed.get_mut(&id) else {
            return false;
        };
        *times -= 1;
        if *times == 0 {
            owed.remove(&id);
        }
        true
    }

    /// Whether the segment is said not to be here.
    fn is_denied(&self, request: &Request) -> bool {
        let is_away = self.cluster.home.get().store != self.host || self.cluster.takes_denial();
        let mut denied = lock(&self.denied);
        match (request, writer_of(request)) {
            (Request::SetupAppend(setup), _) if is_away => drop(denied.insert(setup.writer_id)),
            (Request::SetupAppend(setup), _) => drop(denied.remove(&setup.writer_id)),
            (_, Some(writer)) if is_away => drop(denied.insert(writer)),
            (_, Some(writer)) => return denied.contains(&writer),
            _ => {}
        }
        is_away
    }

    /// What becomes of a request whose token is not good.
    fn refuse(&self, request: &Request) -> Option<Fate> {
        let now = turmoil::sim_elapsed().unwrap_or_default();
        if let Some(writer) = writer_of(request) {
            let end = lock(&self.writers).get(&writer).copied();
            return end.is_some_and(|end| end <= now).then_some(Fate::Closes);
        }
        let end = ends_at(token_of(request)?);
        if let (Request::SetupAppend(setup), Some(end)) = (request, end) {
            lock(&self.writers).insert(setup.writer_id, end);
        }
        let error_code = match end {
            Some(end) if now < end => return None,
            Some(_) => AuthTokenCheckFailed::EXPIRED,
            None => AuthTokenCheckFailed::CHECK_FAILED,
        };
        let request_id = match request {
            Request::ReadSegment(read) => read.offset,
            other => other.request_id()?,
        };
        let refusal = AuthTokenCheckFailed {
            request_id,
            server_stack_trace: String::new(),
            error_code,
        };
        Some(Fate::Answered(refusal.into()))
    }

    async fn say(&self, reply: &Reply) -> io::Result<()> {
        let bytes = reply.encode_to_bytes().map_err(io::Error::other)?;
        self.to_client.lock().await.write_all(&bytes).await
    }
}

fn wrong_host(request_id: i64, segment: Arc<str>) -> Reply {
    Reply::from(WrongHost {
        request_id,
        segment,
        correct_host: String::new(),
        server_stack_trace: String::new(),
    })
}

/// The writer of an append.
fn writer_of(request: &Request) -> Option<WriterId> {
    Some(match request {
        Request::AppendBlock(append) => append.writer_id,
        Request::AppendBlockEnd(append) => append.writer_id,
        Request::ConditionalAppend(append) => append.writer_id,
        Request::ConditionalBlockEnd(append) => append.writer_id,
        _ => return None,
    })
}

fn token_of(request: &Request) -> Option<&DelegationToken> {
    Some(match request {
        Request::SetupAppend(setup) => &setup.delegation_token,
        Request::ReadSegment(read) => &read.delegation_token,
        Request::GetStreamSegmentInfo(info) => &info.delegation_token,
        Request::SealSegment(seal) => &seal.delegation_token,
        Request::TruncateSegment(truncate) => &truncate.delegation_token,
        Request::GetSegmentAttribute(attribute) => &attribute.delegation_token,
        Request::UpdateSegmentAttribute(attribute) => &attribute.delegation_token,
        _ => return None,
    })
}

/// Cuts frames out of what comes.
struct Frames {
    decoder: FrameDecoder,
    received: BytesMut,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            decoder: FrameDecoder::new(FrameLimits::new(MAX_FRAME)),
            received: BytesMut::new(),
        }
    }
}

impl Frames {
    /// The next one; none when no more come.
    async fn next(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Frame>> {
        loop {
            let frame = self.decoder.decode_frame(&mut self.received);
            if let Some(frame) = frame.map_err(io::Error::other)? {
                return Ok(Some(frame));
            }
            if from.read_buf(&mut self.received).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// A frame as it came.
fn bytes_of(frame: &Frame) -> Bytes {
    let mut bytes = BytesMut::with_capacity(HEADER_BYTES + frame.body.len());
    bytes.put_i32(frame.code);
    bytes.put_u32(u32::try_from(frame.body.len()).unwrap_or(u32::MAX));
    bytes.extend_from_slice(&frame.body);
    bytes.freeze()
}
