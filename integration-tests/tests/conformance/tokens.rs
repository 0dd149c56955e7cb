//! Delegation tokens that end, are refused, or cannot be had. Nobody notices but when there is no other way.
//!
//! The store's part is played by the relay: it refuses what comes with a token that is not good, and closes the
//! connections of writers whose token has ended without a word, as a real store does.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::{join_all, try_join_all};
use pravega_byte_stream::{
    ByteReader, ClientFactory, ReadFrom, ScopedSegment, SegmentError, WriteError, WriteMode,
};
use pravega_integration_tests::{
    Honest, Pattern, ScriptedPravega,
    relay::{Fault, Frames, Relay},
};
use pravega_wire_protocol::{AuthTokenCheckFailed, Reply, Request, SegmentRead, StreamSegmentInfo};
use tokio::io::SeekFrom;
use tonic::Code;

use crate::{
    office::{Desk, EXPIRED, Manner, NOT_ACCEPTED, Office},
    support::{BOTH_MODES, content, in_a_hurry, short_of_time},
    writing::{offset, open},
};

/// A relay that looks at tokens, the office that issues them, and a client that has to show them.
struct Guarded {
    relay: Arc<Relay>,
    office: Office,
    factory: ClientFactory,
}

impl Guarded {
    async fn start() -> Self {
        let relay = Arc::new(Relay::embedded().await);
        let office = Office::before(relay.controller_uri()).await;
        // A setup that is refused is not answered: its connection ends.
        let (slam, mut slammed) = tokio::sync::mpsc::unbounded_channel();
        let setups = Arc::clone(office.desk());
        let setups = Fault::answer_some(move |request| match request {
            Request::SetupAppend(_) => setups.refusal(request, EXPIRED).map(|_| {
                slam.send(()).unwrap();
                Vec::new()
            }),
            _ => None,
        });
        relay.arm(Frames::requests().times(u64::MAX), setups);
        let others = refusing(office.desk(), EXPIRED);
        relay.arm(Frames::requests().times(u64::MAX), others);
        let door = Arc::downgrade(&relay);
        tokio::spawn(async move {
            while slammed.recv().await.is_some()
                && let Some(relay) = door.upgrade()
            {
                relay.cut_all();
            }
        });
        let factory = office.factory_with(in_a_hurry);
        Self {
            relay,
            office,
            factory,
        }
    }

    /// A new segment with these bytes, written by somebody who needs no tokens.
    async fn segment(&self, bytes: &[u8]) -> ScopedSegment {
        let open = self.relay.backend().factory();
        let segment = self.relay.backend().fresh_segment(&open).await;
        if !bytes.is_empty() {
            let mut writer = open.open_byte_writer(segment.clone()).await.unwrap();
            writer.write_all(bytes).await.unwrap();
            writer.flush().await.unwrap();
        }
        segment
    }

    /// All tokens end, and with them the connections of those who write with them.
    fn expire(&self) {
        self.office.desk().expire();
        self.relay.cut_all();
    }

    fn asked(&self) -> (usize, usize) {
        self.office.desk().asked()
    }
}

/// Refuses whatever comes with a bad token.
fn refusing(desk: &Arc<Desk>, error_code: i32) -> Fault {
    let desk = Arc::clone(desk);
    Fault::answer_some(move |request| Some(vec![desk.refusal(request, error_code)?]))
}

#[tokio::test]
async fn t79_a_token_that_ends_while_idle_is_renewed_once_for_all() {
    const READERS: usize = 20;
    let guarded = Guarded::start().await;
    let bytes = Pattern::new(79).bytes(0, 1_000);
    let segment = guarded.segment(&bytes).await;
    let readers: Vec<ByteReader> = join_all((0..READERS).map(|_| async {
        let opening = guarded.factory.open_byte_reader(segment.clone());
        opening.await.unwrap()
    }))
    .await;
    let mut writer = open(&guarded.factory, &segment, WriteMode::Exclusive).await;
    writer.write(b"one").await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(guarded.asked(), (1, 1));
    guarded.expire();
    let reads = readers.iter().map(|reader| reader.read_at(100, 500));
    for read in try_join_all(reads).await.unwrap() {
        assert_eq!(read, bytes[100..600]);
    }
    writer.write(b"two").await.unwrap();
    assert_eq!(writer.flush().await.unwrap(), 1_006);
    assert_eq!(guarded.asked(), (2, 2));
    let open = guarded.relay.backend().factory();
    assert_eq!(content(&open, &segment).await[1_000..], b"onetwo"[..]);
}

#[tokio::test]
async fn t79_t01_a_token_that_ends_during_appends_costs_nothing() {
    let guarded = Guarded::start().await;
    for mode in BOTH_MODES {
        let segment = guarded.segment(b"").await;
        let before = guarded.asked().1;
        let mut writer = open(&guarded.factory, &segment, mode).await;
        let mut all = Vec::new();
        for number in 0_u8..60 {
            let block = vec![number; 100 + usize::from(number)];
            all.extend_from_slice(&block);
            writer.append(Bytes::from(block)).await.unwrap();
            if number % 20 == 10 {
                guarded.expire();
            }
        }
        assert_eq!(writer.close().await.unwrap(), offset(all.len()), "{mode:?}");
        let open = guarded.relay.backend().factory();
        assert_eq!(content(&open, &segment).await, all, "{mode:?}");
        // The first one, and one for each that has ended; fewer where one end came upon the other.
        let asked = guarded.asked().1 - before;
        assert!((2..=4).contains(&asked), "{asked} in {mode:?} mode");
    }
}

#[tokio::test]
async fn t79_a_token_that_ends_before_the_setup_is_renewed() {
    let guarded = Guarded::start().await;
    for mode in BOTH_MODES {
        let segment = guarded.segment(b"").await;
        let mut writer = open(&guarded.factory, &segment, mode).await;
        // It was fetched to ask for the tail. The setup comes with the first byte.
        guarded.office.desk().expire();
        let before = guarded.asked().1;
        writer.write(b"in the end").await.unwrap();
        assert_eq!(writer.flush().await.unwrap(), 10, "{mode:?}");
        assert_eq!(guarded.asked().1 - before, 1, "{mode:?}");
        let open = guarded.relay.backend().factory();
        assert_eq!(content(&open, &segment).await, "in the end");
    }
}

#[tokio::test]
async fn t79_t80_a_token_that_ends_under_a_waiting_read() {
    let guarded = Guarded::start().await;
    // At offset 0 the refusal has the id 0.
    for bytes in [&b""[..], b"read before"] {
        let segment = guarded.segment(bytes).await;
        let opening = guarded.factory.open_byte_reader(segment.clone());
        let mut reader = opening.from(ReadFrom::Tail).await.unwrap();
        let before = guarded.asked().0;
        let parked = guarded
            .relay
            .arm(Frames::requests().named("ReadSegment"), Fault::Watch);
        let waiting = tokio::spawn(async move {
            let chunk = reader.read_chunk(100).await;
            (chunk, reader.position())
        });
        parked.struck().await;
        let asked_again = guarded
            .relay
            .arm(Frames::requests().named("ReadSegment"), Fault::Watch);
        guarded.expire();
        // Refused, renewed, and waiting again.
        asked_again.struck().await;
        let open = guarded.relay.backend().factory();
        let mut writer = open.open_byte_writer(segment).await.unwrap();
        writer.write(b"new").await.unwrap();
        writer.flush().await.unwrap();
        let (chunk, position) = waiting.await.unwrap();
        assert_eq!(chunk.unwrap().unwrap(), "new");
        assert_eq!(position, offset(bytes.len() + 3));
        assert_eq!(guarded.asked().0 - before, 1);
    }
}

#[tokio::test]
async fn t79_a_token_that_ends_before_a_question_is_renewed_once_for_all() {
    let guarded = Guarded::start().await;
    let segment = guarded.segment(b"12345").await;
    let handle = guarded.factory.segment(segment).unwrap();
    assert_eq!(handle.info().await.unwrap().tail, 5);
    guarded.office.desk().expire();
    let questions = (0..30).map(|_| handle.info());
    for info in try_join_all(questions).await.unwrap() {
        assert_eq!(info.tail, 5);
    }
    assert_eq!(guarded.asked(), (2, 0));
}

#[tokio::test]
async fn t80_a_refused_read_with_its_offset_for_an_id_at_any_offset() {
    let guarded = Guarded::start().await;
    let bytes = Pattern::new(80).bytes(0, 100);
    let segment = guarded.segment(&bytes).await;
    for from in [0, 1, 57, 99] {
        let opening = guarded.factory.open_byte_reader(segment.clone());
        let mut reader = opening.from(ReadFrom::Offset(from)).await.unwrap();
        guarded.office.desk().expire();
        let before = guarded.asked().0;
        let chunk = reader.read_chunk(100).await.unwrap().unwrap();
        let start = usize::try_from(from).unwrap();
        assert_eq!(chunk, bytes[start..], "from {from}");
        assert_eq!(reader.position(), 100, "from {from}");
        assert!(guarded.asked().0 - before <= 1, "from {from}");
    }
}

/// A segment that has bytes everywhere, at the store of a cluster that looks at tokens.
async fn endless(id_of_refusal: fn(i64, i64) -> i64) -> (ScriptedPravega, Office) {
    let (tell, told) = tokio::sync::watch::channel(None::<Arc<Desk>>);
    let pravega = ScriptedPravega::answering(move |request, _| {
        let desk = told.borrow().clone().unwrap();
        match (desk.refusal(request, EXPIRED), request) {
            (Some(_), Request::ReadSegment(read)) => {
                let refusal = AuthTokenCheckFailed {
                    request_id: id_of_refusal(read.offset, read.request_id),
                    server_stack_trace: String::new(),
                    error_code: EXPIRED,
                };
                Some(Reply::from(refusal))
            }
            (None, Request::ReadSegment(read)) => Some(Reply::from(SegmentRead {
                data: Pattern::new(80).bytes(read.offset.unsigned_abs(), 8).into(),
                ..Honest::nothing(read)
            })),
            (None, Request::GetStreamSegmentInfo(ask)) => Some(Reply::from(StreamSegmentInfo {
                write_offset: i64::MAX,
                ..Honest::open("").info(ask)
            })),
            (refusal, _) => refusal,
        }
    })
    .await;
    let office = Office::before(pravega.controller_uri()).await;
    tell.send_replace(Some(Arc::clone(office.desk())));
    (pravega, office)
}

#[tokio::test]
async fn t80_an_offset_that_looks_like_the_id_of_a_request_on_its_way() {
    // As a real store does it, and as it should be.
    let ids: [fn(i64, i64) -> i64; 2] = [|offset, _| offset, |_, request_id| request_id];
    for id_of_refusal in ids {
        let (pravega, office) = endless(id_of_refusal).await;
        let factory = office.factory_with(in_a_hurry);
        let opening = factory.open_byte_reader(pravega.segment());
        let far_from_any = 1 << 62;
        let mut reader = opening.from(ReadFrom::Offset(far_from_any)).await.unwrap();
        let mut bytes = [0; 8];
        reader.read_exact(&mut bytes).await.unwrap();
        assert_eq!(Pattern::new(80).differs(far_from_any, &bytes), None);
        // All bits of the id but the one that no offset has.
        let last = pravega.record().reads().last().unwrap().request_id;
        for lookalike in [
            last & i64::MAX,
            (last + 1) & i64::MAX,
            (last + 2) & i64::MAX,
        ] {
            let lookalike = u64::try_from(lookalike).unwrap();
            office.desk().expire();
            reader.seek(SeekFrom::Start(lookalike)).await.unwrap();
            reader.read_exact(&mut bytes).await.unwrap();
            assert_eq!(Pattern::new(80).differs(lookalike, &bytes), None);
            assert_eq!(reader.position(), lookalike + 8);
        }
        assert!(office.desk().asked().0 <= 4);
        assert_eq!(pravega.record().connections, 1);
    }
}

#[tokio::test]
async fn t80_t2_a_token_that_is_never_accepted_is_renewed_once_and_then_an_error() {
    let relay = Relay::embedded().await;
    let office = Office::before(relay.controller_uri()).await;
    relay.arm(
        Frames::requests().times(u64::MAX),
        refusing(office.desk(), NOT_ACCEPTED),
    );
    let segment = relay
        .backend()
        .fresh_segment(&relay.backend().factory())
        .await;
    office
        .desk()
        .behave(Manner::Says("no.token.of-ours".to_owned()));
    let factory = office.factory_with(in_a_hurry);

    let error = factory.open_byte_writer(segment.clone()).await.unwrap_err();
    assert!(
        matches!(error, SegmentError::Unauthorized { .. }),
        "{error:?}"
    );
    assert!(!error.is_retryable());
    let mut writer = factory.create_byte_writer(segment.clone());
    writer.write(b"never").await.unwrap();
    let error = writer.flush().await.unwrap_err();
    assert!(matches!(error, WriteError::Broken { .. }), "{error:?}");
    assert!(!error.is_retryable());
    let mut reader = factory.create_byte_reader(segment).await;
    let error = reader.read(&mut [0; 8]).await.unwrap_err();
    assert!(!error.is_retryable(), "{error:?}");
    // Each of the three asked once, and once more; those who write share.
    let (reading, writing) = office.desk().asked();
    assert!(reading <= 2 && writing <= 4, "{reading} and {writing}");
}

#[tokio::test]
async fn t82_an_office_that_knows_nobody_is_an_error_at_once() {
    for code in [Code::Unauthenticated, Code::PermissionDenied] {
        let guarded = Guarded::start().await;
        let segment = guarded.segment(b"closed").await;
        guarded.office.desk().behave(Manner::Refuses(code));
        let error = guarded.factory.open_byte_writer(segment.clone()).await;
        let error = error.unwrap_err();
        assert!(
            matches!(error, SegmentError::Unauthorized { .. }),
            "{code:?}: {error:?}"
        );
        let mut reader = guarded.factory.create_byte_reader(segment.clone()).await;
        let error = reader.read(&mut [0; 8]).await.unwrap_err();
        assert!(!error.is_retryable(), "{code:?}: {error:?}");
        let (reading, writing) = guarded.asked();
        assert!(reading + writing <= 6, "{code:?}: {reading} and {writing}");

        guarded.office.desk().behave(Manner::Issues);
        let reader = guarded.factory.create_byte_reader(segment).await;
        assert_eq!(reader.read_at(0, 6).await.unwrap(), "closed");
    }
}

#[tokio::test]
async fn t82_an_office_that_is_closed_for_a_while_is_waited_for_by_one() {
    const READERS: usize = 30;
    let guarded = Guarded::start().await;
    let segment = guarded.segment(b"open again").await;
    guarded
        .office
        .desk()
        .behave(Manner::Refuses(Code::Unavailable));
    let reads = join_all((0..READERS).map(|_| async {
        let reader = guarded.factory.create_byte_reader(segment.clone()).await;
        reader.read_at(0, 10).await
    }));
    let opening = async {
        while guarded.asked().0 < 4 {
            tokio::task::yield_now().await;
        }
        let asked = guarded.asked().0;
        guarded.office.desk().behave(Manner::Issues);
        asked
    };
    let (reads, asked) = tokio::join!(reads, opening);
    for read in reads {
        assert_eq!(read.unwrap(), "open again");
    }
    // Thirty wait, and one asks.
    assert!(
        guarded.asked().0 <= asked + 2,
        "{asked}, {:?}",
        guarded.asked()
    );
}

#[tokio::test]
async fn t82_an_office_that_never_answers_is_an_error_at_the_deadline() {
    let guarded = Guarded::start().await;
    let segment = guarded.segment(b"in the end").await;
    let factory = guarded.office.factory_with(short_of_time);
    guarded.office.desk().behave(Manner::IsSilent);
    let error = factory.open_byte_writer(segment.clone()).await.unwrap_err();
    let is_late = matches!(
        error,
        SegmentError::Unavailable { .. } | SegmentError::Timeout { .. }
    );
    assert!(is_late && error.is_retryable(), "{error:?}");
    let mut reader = factory.create_byte_reader(segment.clone()).await;
    let error = reader.read(&mut [0; 8]).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    let mut writer = factory.create_byte_writer(segment.clone());
    writer.write(b"x").await.unwrap();
    let error = writer.flush().await.unwrap_err();
    assert!(matches!(error, WriteError::Timeout { .. }), "{error:?}");

    guarded.office.desk().behave(Manner::Issues);
    while let Err(error) = reader.read_exact(&mut [0; 10]).await {
        assert!(error.is_retryable(), "{error:?}");
    }
}

#[tokio::test]
async fn t82_answers_that_are_no_tokens() {
    let answers = ["", "a", "..", "{}", "\u{0}\n", "=.=.=", "e30.bnVsbA.e30"];
    let long = ["x".repeat(65_535), "y".repeat(65_536), "z".repeat(1 << 20)];
    for answer in answers.map(str::to_owned).into_iter().chain(long) {
        let guarded = Guarded::start().await;
        let segment = guarded.segment(b"kept").await;
        let what = answer.chars().take(10).collect::<String>();
        guarded.office.desk().behave(Manner::Says(answer));
        let factory = guarded.office.factory_with(short_of_time);
        let mut reader = factory.create_byte_reader(segment.clone()).await;
        let read = reader.read(&mut [0; 8]).await;
        assert!(read.is_err(), "{what:?}: {read:?}");
        let info = factory.segment(segment.clone()).unwrap().info().await;
        assert!(info.is_err(), "{what:?}: {info:?}");
        let (reading, writing) = guarded.asked();
        assert!(reading + writing <= 60, "{what:?}: {reading} and {writing}");

        guarded.office.desk().behave(Manner::Issues);
        let reader = factory.create_byte_reader(segment).await;
        assert_eq!(reader.read_at(0, 4).await.unwrap(), "kept", "{what:?}");
    }
}
