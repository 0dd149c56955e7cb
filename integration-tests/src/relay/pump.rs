//! Moves frames between a client and the store, one way at a time.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use pravega_wire_protocol::{Frame, FrameDecoder, FrameLimits, MAX_FRAME, Request, WrongHost};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Mutex,
    task::JoinSet,
};

use super::{
    Direction, Gate, Shared, bytes_of,
    faults::{Message, Treatment, encoded},
    lock,
};

/// What a frame announces that will never end: just below the limit for small messages.
const MANY_BYTES: u32 = 60_000;

/// A long frame is not cut into more pieces than this, so that it does not take a minute.
const MOST_PIECES: usize = 100;

/// Takes connections at one door.
pub(super) async fn serve(shared: Arc<Shared>, door: usize, listener: TcpListener) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        shared.connections.send_modify(|count| *count += 1);
        if shared.is_shut.load(Ordering::Relaxed) {
            continue;
        }
        connections.spawn(relay(Arc::clone(&shared), door, client));
        while connections.try_join_next().is_some() {}
    }
}

/// How one way of a connection ended.
enum End {
    /// One peer closed it, or a fault did.
    Over,
    /// The client's end goes; the store is given this request when the gate opens.
    Orphaned(Gate, Bytes),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Over
    }
}

/// One connection. When one way ends, so does the other.
async fn relay(shared: Arc<Shared>, door: usize, client: TcpStream) {
    let cut = lock(&shared.cut).clone();
    let (host, port) = lock(&shared.store).clone();
    let Ok(store) = TcpStream::connect((host.as_str(), port)).await else {
        return;
    };
    if client.set_nodelay(true).is_err() || store.set_nodelay(true).is_err() {
        return;
    }
    let (mut from_client, to_client) = client.into_split();
    let (mut from_store, to_store) = store.into_split();
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
    let end = tokio::select! {
        () = cut.cancelled() => End::Over,
        end = requests.run(&mut from_client) => end,
        end = replies.run(&mut from_store) => end,
    };
    drop((from_client, to_client));
    if let End::Orphaned(gate, request) = end {
        gate.opened().await;
        let mut answer = BytesMut::new();
        if to_store.lock().await.write_all(&request).await.is_ok() {
            // An answer, or the end: either shows that the request was taken in.
            from_store.read_buf(&mut answer).await.ok();
        }
        gate.note_answered();
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
    async fn run(self, from: &mut OwnedReadHalf) -> End {
        match self.pass_all(from).await {
            Ok(()) => End::Over,
            Err(end) => end,
        }
    }

    async fn pass_all(self, from: &mut OwnedReadHalf) -> Result<(), End> {
        let mut decoder = FrameDecoder::new(FrameLimits::new(MAX_FRAME));
        let mut received = BytesMut::new();
        loop {
            let frame = decoder.decode_frame(&mut received);
            match frame.map_err(io::Error::other)? {
                Some(frame) => self.judge(&frame).await?,
                None if from.read_buf(&mut received).await? == 0 => return Ok(()),
                None => {}
            }
        }
    }

    /// Does to a frame what is to be done. An error ends the connection.
    async fn judge(self, frame: &Frame) -> Result<(), End> {
        let (message, treatment) = self.shared.judge(self.direction, frame);
        if let Message::Request(request) = &message
            && self.is_wrong_door(request)
        {
            return self.refuse(request).await;
        }
        self.treat(frame, treatment).await
    }

    async fn treat(self, frame: &Frame, treatment: Treatment) -> Result<(), End> {
        let whole = bytes_of(frame);
        match treatment {
            Treatment::Pass => self.pass(&whole).await,
            Treatment::CutAfter => {
                self.pass(&whole).await?;
                Err(End::Over)
            }
            Treatment::CutInside(bytes) => {
                self.pass(whole.get(..bytes).unwrap_or(&whole)).await?;
                Err(End::Over)
            }
            Treatment::StallInside(bytes, gate) => {
                let (front, rest) = whole.split_at(bytes.min(whole.len()));
                self.pass(front).await?;
                gate.opened().await;
                self.pass(rest).await
            }
            Treatment::Orphan(gate) => Err(End::Orphaned(gate, whole)),
            Treatment::Drip(piece, pause) => self.drip(&whole, piece, pause).await,
            Treatment::DripWithoutEnd(pause) => self.drip_without_end(frame.code, pause).await,
            Treatment::Onward(bytes) => self.pass(&bytes).await,
            Treatment::Back(bytes) => Ok(self.back.lock().await.write_all(&bytes).await?),
        }
    }

    async fn pass(self, bytes: &[u8]) -> Result<(), End> {
        Ok(self.onward.lock().await.write_all(bytes).await?)
    }

    async fn drip(self, whole: &[u8], piece: usize, pause: Duration) -> Result<(), End> {
        for piece in whole.chunks(piece.max(whole.len() / MOST_PIECES).max(1)) {
            self.pass(piece).await?;
            match pause.is_zero() {
                true => tokio::task::yield_now().await,
                false => tokio::time::sleep(pause).await,
            }
        }
        Ok(())
    }

    async fn drip_without_end(self, code: i32, pause: Duration) -> Result<(), End> {
        self.pass(&code.to_be_bytes()).await?;
        self.pass(&MANY_BYTES.to_be_bytes()).await?;
        loop {
            self.pass(&[0]).await?;
            tokio::time::sleep(pause).await;
        }
    }

    /// True when the segment that a request is for is not here any more.
    fn is_wrong_door(self, request: &Request) -> bool {
        let is_for_all = matches!(request, Request::Hello(_) | Request::KeepAlive(_));
        !is_for_all && !self.shared.is_home(self.door)
    }

    async fn refuse(self, request: &Request) -> Result<(), End> {
        let Some(request_id) = request.request_id() else {
            return Ok(());
        };
        let refusal = WrongHost {
            request_id,
            segment: request.segment().unwrap_or_default().into(),
            correct_host: String::new(),
            server_stack_trace: String::new(),
        };
        let refusal = encoded(&[refusal.into()]);
        Ok(self.back.lock().await.write_all(&refusal).await?)
    }
}
