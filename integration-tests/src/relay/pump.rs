//! Moves frames between a client and the store, one way at a time.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
};

use bytes::{BufMut as _, Bytes, BytesMut};
use pravega_wire_protocol::{
    Frame, FrameDecoder, FrameLimits, HEADER_BYTES, MAX_FRAME, Reply, Request, WrongHost,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Mutex,
    task::JoinSet,
};

use super::{Direction, Fault, Shared, Verdict, faults::Message, lock};

/// Takes connections at one door.
pub(super) async fn serve(shared: Arc<Shared>, door: usize, listener: TcpListener) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::Relaxed);
        if shared.is_shut.load(Ordering::Relaxed) {
            continue;
        }
        connections.spawn(relay(Arc::clone(&shared), door, client));
        while connections.try_join_next().is_some() {}
    }
}

/// One connection. When one way ends, so does the other.
async fn relay(shared: Arc<Shared>, door: usize, client: TcpStream) {
    let cut = lock(&shared.cut).clone();
    let Ok(store) = TcpStream::connect(shared.store).await else {
        return;
    };
    if client.set_nodelay(true).is_err() || store.set_nodelay(true).is_err() {
        return;
    }
    let (from_client, to_client) = client.into_split();
    let (from_store, to_store) = store.into_split();
    let (to_client, to_store) = (Mutex::new(to_client), Mutex::new(to_store));
    let requests = Way {
        shared: &shared,
        door,
        direction: Direction::Request,
        onward: &to_store,
        back: &to_client,
    };
    let replies = Way {
        direction: Direction::Reply,
        onward: &to_client,
        back: &to_store,
        ..requests
    };
    tokio::select! {
        () = cut.cancelled() => {}
        _ = requests.run(from_client) => {}
        _ = replies.run(from_store) => {}
    }
}

/// One direction of one connection.
#[derive(Clone, Copy)]
struct Way<'a> {
    shared: &'a Shared,
    door: usize,
    direction: Direction,
    onward: &'a Mutex<OwnedWriteHalf>,
    back: &'a Mutex<OwnedWriteHalf>,
}

impl Way<'_> {
    /// Passes frames on until one end closes or a fault ends the connection.
    async fn run(self, mut from: OwnedReadHalf) -> io::Result<()> {
        let mut decoder = FrameDecoder::new(FrameLimits::new(MAX_FRAME));
        let mut received = BytesMut::new();
        loop {
            let frame = decoder.decode_frame(&mut received);
            match frame.map_err(io::Error::other)? {
                Some(frame) => self.treat(&frame).await?,
                None if from.read_buf(&mut received).await? == 0 => return Ok(()),
                None => {}
            }
        }
    }

    /// Does to a frame what is to be done. An error ends the connection.
    async fn treat(self, frame: &Frame) -> io::Result<()> {
        let Verdict { message, fault } = self.shared.judge(self.direction, frame);
        if let Message::Request(request) = &message
            && self.is_wrong_door(request)
        {
            return self.refuse(request).await;
        }
        match (fault, message) {
            (None, _) => self.pass(frame).await,
            (Some(Fault::Swallow), _) => Ok(()),
            (Some(Fault::SwallowAndCut), _) => Err(cut()),
            (Some(Fault::CutAfter), _) => {
                self.pass(frame).await?;
                Err(cut())
            }
            (Some(Fault::CutInside(bytes)), _) => {
                let whole = bytes_of(frame);
                let part = whole.get(..bytes).unwrap_or(&whole);
                self.onward.lock().await.write_all(part).await?;
                Err(cut())
            }
            (Some(Fault::Hold(gate)), _) => {
                gate.opened().await;
                self.pass(frame).await
            }
            (Some(Fault::Answer(answer)), Message::Request(request)) => {
                self.answer(answer(&request)).await
            }
            (Some(Fault::Answer(_)), _) => self.pass(frame).await,
        }
    }

    async fn pass(self, frame: &Frame) -> io::Result<()> {
        self.onward.lock().await.write_all(&bytes_of(frame)).await
    }

    async fn answer(self, reply: Reply) -> io::Result<()> {
        let reply = reply.encode_to_bytes().map_err(io::Error::other)?;
        self.back.lock().await.write_all(&reply).await
    }

    /// True when the segment that a request is for is not here any more.
    fn is_wrong_door(self, request: &Request) -> bool {
        let is_for_all = matches!(request, Request::Hello(_) | Request::KeepAlive(_));
        !is_for_all && !self.shared.is_home(self.door)
    }

    async fn refuse(self, request: &Request) -> io::Result<()> {
        let Some(request_id) = request.request_id() else {
            return Ok(());
        };
        let refusal = WrongHost {
            request_id,
            segment: request.segment().unwrap_or_default().into(),
            correct_host: String::new(),
            server_stack_trace: String::new(),
        };
        self.answer(refusal.into()).await
    }
}

fn cut() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

/// A frame as it came.
fn bytes_of(frame: &Frame) -> Bytes {
    let mut bytes = BytesMut::with_capacity(HEADER_BYTES + frame.body.len());
    bytes.put_i32(frame.code);
    bytes.put_u32(u32::try_from(frame.body.len()).unwrap_or(u32::MAX));
    bytes.extend_from_slice(&frame.body);
    bytes.freeze()
}
