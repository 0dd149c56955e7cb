//! Every failure reply of the protocol, in answer to every kind of request.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use pravega_byte_stream::{ReadError, WriteError};
use pravega_wire_protocol::{
    AuthTokenCheckFailed, ErrorMessage, NoSuchSegment, OperationUnsupported, ReadSegment, Reply,
    Request, SegmentAlreadyExists, SegmentIsSealed, SegmentIsTruncated, WrongHost,
};

use super::Script;
use crate::{
    campaign::Violation,
    proxy::stage::Stage,
    relay::{Armed, Fault, Frames, Relay},
};

pub(super) const SCRIPTS: &[Script] = &[
    Script::new("s01_a_setup_refused", setup),
    Script::new("s01_an_append_refused", append),
    Script::new("s01_a_read_refused", read),
    Script::new("s01_a_question_refused", question),
    Script::new("t79_expired_tokens_renewed", expired_tokens),
    Script::new("t79_expired_tokens_without_end", expired_without_end),
    Script::new("t02_tokens_refused_without_end", refused_without_end),
    Script::new("t80_a_token_refused_with_the_offset_as_id", offset_as_id),
    Script::new("t80_tokens_refused_with_other_ids", other_ids),
];

/// A failure reply, and what it does to who gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    WrongHost,
    NoSuchSegment,
    Sealed,
    Truncated,
    Exists,
    Error,
    Unsupported,
    Token(i32),
}

const REFUSALS: [Refusal; 11] = [
    Refusal::WrongHost,
    Refusal::NoSuchSegment,
    Refusal::Sealed,
    Refusal::Truncated,
    Refusal::Exists,
    Refusal::Error,
    Refusal::Unsupported,
    Refusal::Token(AuthTokenCheckFailed::UNSPECIFIED),
    Refusal::Token(AuthTokenCheckFailed::CHECK_FAILED),
    Refusal::Token(AuthTokenCheckFailed::EXPIRED),
    Refusal::Token(77),
];

impl Refusal {
    fn some(stage: &mut Stage) -> Self {
        let chosen = usize::try_from(stage.dice(11)).unwrap_or_default();
        REFUSALS.get(chosen).copied().unwrap_or(Self::WrongHost)
    }

    fn name(self) -> &'static str {
        match self {
            Self::WrongHost => "WrongHost",
            Self::NoSuchSegment => "NoSuchSegment",
            Self::Sealed => "SegmentIsSealed",
            Self::Truncated => "SegmentIsTruncated",
            Self::Exists => "SegmentAlreadyExists",
            Self::Error => "ErrorMessage",
            Self::Unsupported => "OperationUnsupported",
            Self::Token(_) => "AuthTokenCheckFailed",
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table with one row for each reply")]
    fn reply(self, request: &Request) -> Option<Reply> {
        let request_id = request.request_id()?;
        let segment = || request.segment().unwrap_or_default().into();
        // A stack trace with what a terminal would obey.
        let server_stack_trace = "\u{1b}[2J at Store.java:7\r\n".to_owned();
        let offset = match request {
            Request::ReadSegment(read) => read.offset,
            _ => -1,
        };
        Some(match self {
            Self::WrongHost => WrongHost {
                request_id,
                segment: segment(),
                correct_host: "elsewhere:1".to_owned(),
                server_stack_trace,
            }
            .into(),
            Self::NoSuchSegment => NoSuchSegment {
                request_id,
                segment: segment(),
                server_stack_trace,
                offset,
            }
            .into(),
            Self::Sealed => SegmentIsSealed {
                request_id,
                segment: segment(),
                server_stack_trace,
                offset,
            }
            .into(),
            Self::Truncated => SegmentIsTruncated {
                request_id,
                segment: segment(),
                start_offset: offset + 1,
                server_stack_trace,
                offset,
            }
            .into(),
            Self::Exists => SegmentAlreadyExists {
                request_id,
                segment: segment(),
                server_stack_trace,
            }
            .into(),
            Self::Error => ErrorMessage {
                request_id,
                segment: segment(),
                message: "\u{1b}]0;out of memory\u{7}".repeat(30),
                error_code: -1,
            }
            .into(),
            Self::Unsupported => OperationUnsupported {
                request_id,
                operation_name: "anything".to_owned(),
                server_stack_trace,
            }
            .into(),
            Self::Token(error_code) => AuthTokenCheckFailed {
                request_id,
                server_stack_trace,
                error_code,
            }
            .into(),
        })
    }

    fn fault(self) -> Fault {
        Fault::answer_some(move |request| Some(vec![self.reply(request)?]))
    }

    /// What the writer may end with.
    fn allow_write(self, stage: &mut Stage) {
        match self {
            Self::NoSuchSegment => {
                stage.allowed.write = |error| matches!(error, WriteError::NoSuchSegment { .. });
            }
            Self::Sealed => {
                stage.allowed.write = |error| matches!(error, WriteError::Sealed { .. });
            }
            Self::Unsupported => {
                stage.allowed.write = |error| matches!(error, WriteError::Broken { .. });
            }
            Self::WrongHost | Self::Truncated | Self::Exists | Self::Error | Self::Token(_) => {}
        }
    }

    /// What a reader may end with.
    fn allow_read(self, stage: &mut Stage) {
        match self {
            Self::NoSuchSegment => {
                stage.allowed.read = |error| matches!(error, ReadError::NoSuchSegment { .. });
            }
            // A store that says so of a read at the tail is believed.
            Self::Sealed => stage.allowed.early_end = true,
            Self::Truncated => {
                stage.allowed.read = |error| matches!(error, ReadError::Truncated { .. });
            }
            Self::Unsupported => {
                stage.allowed.read = |error| matches!(error, ReadError::Broken { .. });
            }
            Self::WrongHost | Self::Exists | Self::Error | Self::Token(_) => {}
        }
    }
}

/// An append is answered by `say` and not passed on, and neither is anything behind it that was sent under the
/// same setup: a store that fails an append takes no later one.
pub(super) fn refuse_appends(
    stage: &mut Stage,
    say: impl Fn(&Request) -> Option<Vec<Reply>> + Send + Sync + 'static,
) -> Fault {
    // A store answers in order, so nothing in front may be unanswered.
    stage.is_lockstep = true;
    let wait = stage.dice(12);
    let state = Mutex::new((0, None));
    Fault::answer_some(move |request| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let (met, refused) = &mut *state;
        match *refused {
            Some(id) if id == request.request_id() => return Some(Vec::new()),
            Some(_) => return None,
            None => *met += 1,
        }
        if *met <= wait {
            return None;
        }
        *refused = Some(request.request_id());
        say(request)
    })
}

fn setup(stage: &mut Stage) {
    let refusal = Refusal::some(stage);
    let setups = Frames::requests()
        .named("SetupAppend")
        .nth(1 + stage.dice(3));
    stage.arm(refusal.name(), setups, refusal.fault());
    stage.cut_sometimes(3);
    refusal.allow_write(stage);
}

fn append(stage: &mut Stage) {
    let refusal = Refusal::some(stage);
    let fault = refuse_appends(stage, move |request| Some(vec![refusal.reply(request)?]));
    let appends = stage.appends_of_writer().times(u64::MAX);
    stage.arm(refusal.name(), appends, fault);
    refusal.allow_write(stage);
}

fn read(stage: &mut Stage) {
    let refusal = Refusal::some(stage);
    let reads = Frames::requests()
        .named("ReadSegment")
        .nth(1 + stage.dice(8));
    stage.arm(refusal.name(), reads, refusal.fault());
    refusal.allow_read(stage);
}

/// Questions are asked when a writer or reader is opened.
fn question(stage: &mut Stage) {
    let refusal = Refusal::some(stage);
    let questions = Frames::requests().named("GetStreamSegmentInfo");
    let questions = questions.nth(1 + stage.dice(3));
    stage.arm(refusal.name(), questions, refusal.fault());
    stage.allowed.write = |error| matches!(error, WriteError::Segment { .. });
    stage.allowed.read = |error| matches!(error, ReadError::Asking { .. });
}

/// A token may expire twice in a row, for clocks that differ.
fn expired_tokens(stage: &mut Stage) {
    let expired = Refusal::Token(AuthTokenCheckFailed::EXPIRED);
    let name = match stage.dice(4) {
        0 => "SetupAppend",
        1 => "ReadSegment",
        2 => "GetStreamSegmentInfo",
        _ => {
            let fault = refuse_appends(stage, move |request| Some(vec![expired.reply(request)?]));
            let appends = stage.appends_of_writer().times(u64::MAX);
            stage.arm("token expired", appends, fault);
            return;
        }
    };
    let frames = Frames::requests().named(name).nth(1 + stage.dice(3));
    let frames = frames.times(1 + stage.dice(2));
    stage.cut_sometimes(2);
    stage.arm("token expired", frames, expired.fault());
}

/// All tokens are refused from some time on: both ends say so after a few.
fn without_end(stage: &mut Stage, name: &'static str, code: i32) {
    let append = stage.some_append();
    let mut refused = Vec::new();
    for request in ["SetupAppend", "ReadSegment", "GetStreamSegmentInfo"] {
        // The first question and the first setup pass, and all until the cut.
        let frames = Frames::requests().named(request).times(u64::MAX);
        let fault = Refusal::Token(code).fault();
        let is_on = Arc::new(AtomicBool::new(false));
        let gate = Arc::clone(&is_on);
        let Fault::Answer(answer) = fault else { return };
        let fault = Fault::answer_some(move |request| {
            gate.load(Ordering::Relaxed)
                .then(|| answer(request))
                .flatten()
        });
        refused.push(stage.arm(name, frames, fault));
        stage.at_once(append, None, move |_| {
            is_on.store(true, Ordering::Relaxed);
        });
    }
    stage.at_once(append, Some("all connections cut"), Relay::cut_all);
    stage.allowed.write = |error| matches!(error, WriteError::Broken { .. });
    stage.allowed.must_fail = true;
    stage.allowed.read =
        |error| matches!(error, ReadError::Broken { .. } | ReadError::Asking { .. });
    stage.check_at_the_end(move || {
        let asked: u64 = refused.iter().map(Armed::strikes).sum();
        match asked > MOST_TRIES {
            true => Err(Violation::broken(format!("{asked} tokens were tried"))),
            false => Ok(()),
        }
    });
}

/// A writer, two readers and their questions try a few each.
const MOST_TRIES: u64 = 40;

fn expired_without_end(stage: &mut Stage) {
    without_end(
        stage,
        "tokens always expired",
        AuthTokenCheckFailed::EXPIRED,
    );
}

fn refused_without_end(stage: &mut Stage) {
    without_end(
        stage,
        "tokens always refused",
        AuthTokenCheckFailed::CHECK_FAILED,
    );
}

fn with_offset(read: &ReadSegment, request_id: i64, error_code: i32) -> Vec<Reply> {
    debug_assert!(read.offset >= 0);
    let refused = AuthTokenCheckFailed {
        request_id,
        server_stack_trace: String::new(),
        error_code,
    };
    vec![refused.into()]
}

fn offset_as_id(stage: &mut Stage) {
    let error_code = match stage.dice(2) {
        0 => AuthTokenCheckFailed::CHECK_FAILED,
        _ => AuthTokenCheckFailed::EXPIRED,
    };
    let fault = Fault::answer_some(move |request| match request {
        Request::ReadSegment(read) => Some(with_offset(read, read.offset, error_code)),
        _ => None,
    });
    // The first read is at offset 0, those of later connections are not.
    let reads = Frames::requests().named("ReadSegment");
    let reads = reads.nth(1 + stage.dice(4)).times(1 + stage.dice(2));
    stage.arm("token refused, offset as id", reads, fault);
}

/// Offsets at which nobody reads, beside the right answers: nobody may feel meant, or fail.
fn other_ids(stage: &mut Stage) {
    let error_code = i32::try_from(stage.dice(3)).unwrap_or_default();
    let ahead = i64::try_from(stage.dice(3)).unwrap_or_default() * 1_000_003 + 5_000_011;
    let fault = Fault::replace(move |reply| {
        let refused = AuthTokenCheckFailed {
            request_id: ahead,
            server_stack_trace: String::new(),
            error_code,
        };
        match reply {
            Reply::Hello(_) => None,
            reply => Some(vec![refused.into(), reply.clone()]),
        }
    });
    let replies = Frames::replies()
        .nth(2 + stage.dice(6))
        .times(1 + stage.dice(5));
    stage.arm("token refused, another id", replies, fault);
}
