//! What a connection does with each request.

use std::{sync::Arc, task::Context};

use bytes::{BufMut, BytesMut};
use pravega_wire_protocol::{
    ConditionalAppend, ConditionalBlockEnd, Foreign, HEADER_BYTES, Hello, KeepAlive,
    OperationUnsupported, Payload, Request,
    append_block::{self, AppendBlockError},
    message_type::{self, Direction},
    negotiate,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::debug;

use super::Connection;
use crate::{
    append_memory::{APPEND_OVERHEAD, Share},
    handler::{self, Admitted, CloseReason, Held, IncomingAppend},
    security::Admission,
    store::{Append, AppendSink, AppendTag, Appended, Submitted, Ticket},
};

/// No expected offset.
const ANYWHERE: i64 = -1;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Takes requests while there are any and the bounds allow it; true when it took one.
    pub(super) fn take_requests(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        while self.may_take() {
            if let Some(held) = self.held.take() {
                if self.must_wait(&held) {
                    self.held = Some(held);
                    return progress;
                }
                self.resume(held, cx);
            } else {
                match self.inbox.next() {
                    Ok(Some(request)) => self.take(request, cx),
                    Ok(None) => return progress,
                    Err(error) => {
                        debug!(name: "server.message_unreadable", %error, "a message that cannot be read");
                        self.close(CloseReason::BadFrame);
                    }
                }
            }
            progress = true;
        }
        progress
    }

    fn take(&mut self, request: Request, cx: &mut Context<'_>) {
        if !self.greeted {
            self.greeted = true;
            drop(self.silent.take());
            self.deadlines.greeted();
            self.inbox.greeted();
        }
        if let Err(error) = self.assembler.admit(&request) {
            return self.bad_block(&error);
        }
        if self.is_admitted(&request) {
            self.serve(request, cx);
        }
        if self.assembler.held_bytes() == 0 {
            self.deadlines.frame_done();
            if self.held.is_none() {
                drop(self.inbox.take_share());
            }
        }
    }

    /// Whether the token of a request, where one is needed, gives the right to it. If not, that is told.
    fn is_admitted(&mut self, request: &Request) -> bool {
        let Some(guard) = &self.shared.guard else {
            return true;
        };
        match guard.admit(request) {
            Admission::Admitted => return true,
            Admission::AdmittedUntil(ends) => {
                self.deadlines.token_ends(ends);
                return true;
            }
            Admission::Refused(refusal) => self.reply(&refusal),
            Admission::Closed => self.close(CloseReason::TokenExpired),
        }
        false
    }

    fn serve(&mut self, request: Request, cx: &mut Context<'_>) {
        match request {
            Request::Hello(hello) => self.hello(&hello),
            Request::KeepAlive(_) => self.reply(&KeepAlive.into()),
            Request::Padding(_) => {}
            Request::SetupAppend(setup) => self.hold_or_resume(Held::Setup(setup), cx),
            Request::AppendBlock(block) => {
                if let Err(error) = self.assembler.begin(block) {
                    self.bad_block(&error);
                }
            }
            Request::AppendBlockEnd(end) => match self.assembler.finish(end) {
                Ok(append) => self.hold_or_resume(Held::Append(whole(append)), cx),
                Err(error) => self.bad_block(&error),
            },
            Request::ConditionalAppend(append) => {
                self.hold_or_resume(Held::Append(one_event(&append)), cx);
            }
            Request::ConditionalBlockEnd(append) => {
                self.hold_or_resume(Held::Append(conditional(append)), cx);
            }
            Request::ReadSegment(request) => {
                let (segments, parking) = (self.shared.segments.clone(), Arc::clone(&self.parking));
                self.call(Box::pin(handler::read(segments, request, parking)), cx);
            }
            Request::Foreign(foreign) => self.foreign(&foreign),
            request if handler::is_segment_request(&request) => {
                let segments = self.shared.segments.clone();
                self.call(Box::pin(handler::answer(segments, request)), cx);
            }
            request => {
                debug!(name: "server.message_unknown", code = request.code(), "a message of no known type");
                self.close(CloseReason::BadFrame);
            }
        }
    }

    fn hello(&mut self, hello: &Hello) {
        self.reply(&Hello::current().into());
        if negotiate(hello).is_err() {
            self.close(CloseReason::NoCommonVersion);
        }
    }

    /// A command of tables, transactions or administration: refused by name where it has an id to answer to.
    fn foreign(&mut self, foreign: &Foreign) {
        let is_request = message_type::lookup(foreign.code)
            .is_some_and(|(_, direction)| direction == Direction::Request);
        match foreign.body.first_chunk() {
            Some(request_id) if is_request && foreign.code > 0 => self.reply(
                &OperationUnsupported {
                    request_id: i64::from_be_bytes(*request_id),
                    operation_name: foreign.name.to_owned(),
                    server_stack_trace: String::new(),
                }
                .into(),
            ),
            _ => {
                debug!(name: "server.message_unexpected", name = foreign.name, "a message that is no request");
                self.close(CloseReason::BadFrame);
            }
        }
    }

    fn bad_block(&mut self, error: &AppendBlockError) {
        debug!(name: "server.append_malformed", %error, "an append against the rules");
        self.close(CloseReason::BadAppend);
    }

    fn must_wait(&self, held: &Held) -> bool {
        match held {
            Held::Setup(setup) => self.writers.must_wait_to_set_up(setup.writer_id),
            Held::Append(append) => self.writers.must_wait_to_append(append.writer),
        }
    }

    fn hold_or_resume(&mut self, held: Held, cx: &mut Context<'_>) {
        match self.must_wait(&held) {
            true => self.held = Some(held),
            false => self.resume(held, cx),
        }
    }

    fn resume(&mut self, held: Held, cx: &mut Context<'_>) {
        match held {
            Held::Setup(setup) => {
                let call = self.writers.set_up(&self.shared.segments, setup);
                self.call(Box::pin(call), cx);
            }
            Held::Append(append) => self.append(append),
        }
        if self.assembler.held_bytes() == 0 {
            drop(self.inbox.take_share());
        }
    }

    fn append(&mut self, incoming: IncomingAppend) {
        match self.writers.admit(incoming) {
            Admitted::Close(reason) => self.close(reason),
            Admitted::Refused(reply) => self.reply(&reply),
            Admitted::Append(append, tag) if self.shared.segments.is_durable() => {
                self.submit(append, tag);
            }
            Admitted::Append(append, tag) => {
                let ticket = || {
                    let sink: Arc<dyn AppendSink> = Arc::<super::Outbox>::clone(&self.outbox);
                    Ticket::new(tag, sink)
                };
                if let Submitted::Done(outcome) = self.shared.segments.append(append, ticket) {
                    self.finish(Appended { tag, outcome });
                }
            }
        }
    }

    /// Hands an append to the storage thread, with a share of memory for as long as it is on its way.
    fn submit(&mut self, append: Append, tag: AppendTag) {
        let sink: Arc<dyn AppendSink> = Arc::<super::Outbox>::clone(&self.outbox);
        let mut ticket = Ticket::new(tag, sink);
        let share = self.inbox.take_share();
        let needed = tag.bytes.saturating_add(APPEND_OVERHEAD);
        let needed = needed.saturating_sub(share.as_ref().map_or(0, Share::bytes));
        let segments = self.shared.segments.clone();
        match self.shared.append_memory.try_add(share, needed) {
            Ok(share) => {
                ticket.hold(share);
                if let Submitted::Postponed(postponed) = segments.append(append, || ticket) {
                    self.stalled = Some(Box::pin(async move { segments.submit(postponed).await }));
                }
            }
            Err(share) => {
                let share = self.shared.append_memory.add(share, needed);
                self.stalled = Some(Box::pin(async move {
                    // The memory is never closed; were it, the ticket would tell.
                    if let Ok(share) = share.await {
                        ticket.hold(share);
                        if let Submitted::Postponed(postponed) = segments.append(append, || ticket)
                        {
                            segments.submit(postponed).await;
                        }
                    }
                }));
            }
        }
    }
}

fn whole(append: append_block::Append) -> IncomingAppend {
    IncomingAppend {
        writer: append.writer_id,
        number: append.event_number,
        expected_offset: ANYWHERE,
        events: append.num_events,
        data: append.data,
        request_id: append.request_id,
    }
}

fn conditional(append: ConditionalBlockEnd) -> IncomingAppend {
    IncomingAppend {
        writer: append.writer_id,
        number: append.event_number,
        expected_offset: append.expected_offset,
        events: 1,
        data: append.data,
        request_id: append.request_id,
    }
}

/// An event is stored with its header: type 0 and its length.
fn one_event(append: &ConditionalAppend) -> IncomingAppend {
    let mut header = BytesMut::with_capacity(HEADER_BYTES);
    header.put_i32(message_type::EVENT);
    header.put_u32(u32::try_from(append.event.len()).unwrap_or(u32::MAX));
    let mut chunks = vec![header.freeze()];
    chunks.extend_from_slice(append.event.chunks());
    IncomingAppend {
        writer: append.writer_id,
        number: append.event_number,
        expected_offset: append.expected_offset,
        events: 1,
        data: Payload::from_chunks(chunks),
        request_id: append.request_id,
    }
}
