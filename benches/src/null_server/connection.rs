//! One connection: as many requests as have arrived are answered with one write.

use std::{collections::HashMap, io, mem, sync::Arc};

use pravega_client_shared::WriterId;
use pravega_wire_protocol::{
    AppendSetup, DataAppended, FrameQueue, Hello, KeepAlive, NO_EVENT_NUMBER,
    OLDEST_COMPATIBLE_VERSION, Request, WIRE_VERSION,
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::mpsc, task::yield_now};

use super::{
    inbox::{Inbox, Received},
    store::{Outlet, Segment, Store},
};

const HELLO: Hello = Hello {
    high_version: WIRE_VERSION,
    low_version: OLDEST_COMPATIBLE_VERSION,
};

/// Serves a client until it goes, or says something that is no request.
pub(super) async fn serve(mut socket: TcpStream, store: Arc<Store>) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let (outlet, mut later) = mpsc::unbounded_channel();
    let mut inbox = Inbox::new();
    let mut desk = Desk {
        store,
        outlet,
        writers: HashMap::new(),
        now: FrameQueue::new(),
        held: FrameQueue::new(),
        has_told_readers: false,
    };
    loop {
        tokio::select! {
            biased;
            Some(mut replies) = later.recv() => {
                desk.now.append(&mut replies);
                while let Ok(mut replies) = later.try_recv() {
                    desk.now.append(&mut replies);
                }
            }
            filled = inbox.fill(&mut socket) => {
                if !filled? {
                    return Ok(());
                }
                while let Some(received) = inbox.next()? {
                    desk.answer(received)?;
                }
                desk.hold();
                if mem::take(&mut desk.has_told_readers) {
                    // Readers who wait hear of an append before its writer does.
                    yield_now().await;
                }
            }
        }
        socket.write_all_buf(&mut desk.now).await?;
    }
}

/// What is said on one connection.
struct Desk {
    store: Arc<Store>,
    outlet: Outlet,
    writers: HashMap<WriterId, Writer>,
    /// Replies that go out now.
    now: FrameQueue,
    /// Replies that are held back, if there is a delay.
    held: FrameQueue,
    /// Readers on other connections have replies to send.
    has_told_readers: bool,
}

struct Writer {
    segment: Arc<Segment>,
    acknowledged: i64,
}

impl Desk {
    fn answer(&mut self, received: Received) -> io::Result<()> {
        let Received { request, dropped } = received;
        match request {
            Request::Hello(_) => self.now.push(&HELLO),
            Request::KeepAlive(_) => self.now.push(&KeepAlive),
            Request::GetStreamSegmentInfo(ask) => self.now.push(&self.store.info(&ask)),
            Request::SetupAppend(setup) => {
                let segment = self.store.segment(&setup.segment);
                let acknowledged = NO_EVENT_NUMBER;
                self.writers.insert(
                    setup.writer_id,
                    Writer {
                        segment,
                        acknowledged,
                    },
                );
                self.now.push(&AppendSetup {
                    request_id: setup.request_id,
                    segment: setup.segment,
                    writer_id: setup.writer_id,
                    last_event_number: acknowledged,
                })
            }
            Request::AppendBlockEnd(end) => {
                let bytes = dropped.saturating_add(end.data.len());
                return self.append(end.writer_id, end.last_event_number, end.request_id, bytes);
            }
            Request::ConditionalBlockEnd(end) => {
                let bytes = dropped.saturating_add(end.data.len());
                return self.append(end.writer_id, end.event_number, end.request_id, bytes);
            }
            Request::ReadSegment(read) => match self.store.read(read, &self.outlet) {
                Some(reply) => self.held.push(&reply),
                None => Ok(()),
            },
            other => {
                return Err(io::Error::other(format!(
                    "nobody measures {}",
                    other.name()
                )));
            }
        }
        .map_err(io::Error::other)
    }

    fn append(
        &mut self,
        writer_id: WriterId,
        number: i64,
        id: i64,
        bytes: usize,
    ) -> io::Result<()> {
        let unknown = || io::Error::other("an append without a setup");
        let writer = self.writers.get_mut(&writer_id).ok_or_else(unknown)?;
        let (tail, has_told) = self.store.append(&writer.segment, bytes);
        self.has_told_readers |= has_told;
        let ack = DataAppended {
            writer_id,
            event_number: number,
            previous_event_number: writer.acknowledged,
            request_id: id,
            current_segment_write_offset: tail,
        };
        writer.acknowledged = number;
        self.held.push(&ack).map_err(io::Error::other)
    }

    /// Sends what was answered on its way: now, or after the delay.
    fn hold(&mut self) {
        match &self.store.delay {
            None => self.now.append(&mut self.held),
            Some(_) if self.held.is_empty() => {}
            Some(delay) => delay.hold(self.held.split(), self.outlet.clone()),
        }
    }
}
