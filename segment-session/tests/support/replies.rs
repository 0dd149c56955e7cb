//! Failure replies, as a real segment store words them.

use std::sync::Arc;

use pravega_wire_protocol::{
    AuthTokenCheckFailed, ErrorMessage, NoSuchSegment, Reply, SegmentIsSealed, SetupAppend,
    WrongHost,
};

use super::script::segment;

/// The answer to the next setups, instead of the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    WrongHost,
    Expired,
    Error,
}

/// The answer that refuses a setup.
pub(crate) fn refusal(refusal: Refusal, setup: &SetupAppend) -> Reply {
    let (request_id, segment) = (setup.request_id, Arc::clone(&setup.segment));
    let server_stack_trace = String::new();
    match refusal {
        Refusal::WrongHost => {
            let correct_host = String::new();
            WrongHost {
                request_id,
                segment,
                correct_host,
                server_stack_trace,
            }
            .into()
        }
        Refusal::Expired => {
            let error_code = AuthTokenCheckFailed::EXPIRED;
            AuthTokenCheckFailed {
                request_id,
                server_stack_trace,
                error_code,
            }
            .into()
        }
        Refusal::Error => {
            let message = "busy".to_owned();
            ErrorMessage {
                request_id,
                segment,
                message,
                error_code: -1,
            }
            .into()
        }
    }
}

/// The answer to an append to a sealed segment.
pub(crate) fn sealed(request_id: i64, offset: i64) -> Reply {
    let server_stack_trace = String::new();
    let segment = segment();
    SegmentIsSealed {
        request_id,
        segment,
        server_stack_trace,
        offset,
    }
    .into()
}

/// The answer to a request for a segment that is not there.
pub(crate) fn missing(request_id: i64) -> Reply {
    let server_stack_trace = String::new();
    let segment = segment();
    NoSuchSegment {
        request_id,
        segment,
        server_stack_trace,
        offset: -1,
    }
    .into()
}
