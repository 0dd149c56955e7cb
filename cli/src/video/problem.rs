//! What goes wrong, as a status and as RFC 9457 problem details.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use axum_extra::{TypedHeader, headers::ContentRange};
use pravega_byte_stream::{ControllerError, ReadError, SegmentError, WriteError};
use serde::Serialize;
use snafu::Snafu;

/// The media type of RFC 9457.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");
/// When a client that found no place may come again, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

#[derive(Debug, Snafu)]
#[snafu(visibility(pub(super)))]
pub(crate) enum Problem {
    #[snafu(display("{detail}"))]
    BadRequest { detail: String },
    #[snafu(display("names that begin with _ are Pravega's own"))]
    Reserved,
    #[snafu(display("this server is not known by that name; see --host"))]
    ForeignHost,
    #[snafu(display("there is nothing here"))]
    NoSuchPage,
    #[snafu(display("this server does not do that here"))]
    NoSuchMethod,
    #[snafu(display("too many {what} at the same time"))]
    Busy { what: &'static str },
    #[snafu(display("the server is ending"))]
    Ending,
    #[snafu(display("the range lies outside of the {len} bytes there are"))]
    Outside { len: u64 },
    #[snafu(context(false), display("{source}"))]
    Segment { source: SegmentError },
    #[snafu(context(false), display("{source}"))]
    Reading { source: ReadError },
    #[snafu(context(false), display("{source}"))]
    Controller { source: ControllerError },
    /// A recording that ended early.
    #[snafu(display("{source}; the stream is durable up to {durable}"))]
    Recording { durable: u64, source: Cut },
}

/// Why a recording ends before its body does.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(super)))]
pub(crate) enum Cut {
    #[snafu(display("the body broke off"))]
    Broken,
    #[snafu(display("nothing came for too long"))]
    Quiet,
    #[snafu(display("the server is ending"))]
    Stopped,
    #[snafu(context(false), display("{source}"))]
    Writing { source: WriteError },
}

/// What a client is told.
#[derive(Debug, Serialize)]
struct Details {
    title: &'static str,
    status: u16,
    detail: String,
    /// The first readable offset, where that is the point.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<u64>,
    /// Where the stream ends, where that is the point.
    #[serde(skip_serializing_if = "Option::is_none")]
    tail: Option<u64>,
    /// How far a recording is stored for sure.
    #[serde(skip_serializing_if = "Option::is_none")]
    durable: Option<u64>,
}

impl Problem {
    /// A request that makes no sense, in the words of whoever found out.
    pub(crate) fn bad_request(detail: impl std::fmt::Display) -> Self {
        let detail = detail.to_string();
        Self::BadRequest { detail }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest { .. } => StatusCode::BAD_REQUEST,
            Self::Reserved => StatusCode::FORBIDDEN,
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::NoSuchPage => StatusCode::NOT_FOUND,
            Self::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Busy { .. } | Self::Ending => StatusCode::SERVICE_UNAVAILABLE,
            Self::Outside { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Segment { source } => of_segment(source),
            Self::Reading { source } => of_read(source),
            Self::Controller { source } => of_controller(source),
            Self::Recording { source, .. } => of_cut(source),
        }
    }

    fn head(&self) -> Option<u64> {
        match self {
            Self::Reading {
                source: ReadError::Truncated { head, .. },
            } => Some(*head),
            _ => None,
        }
    }

    fn tail(&self) -> Option<u64> {
        match self {
            Self::Segment {
                source: SegmentError::TailConflict { actual, .. },
            } => Some(*actual),
            Self::Recording {
                source:
                    Cut::Writing {
                        source: WriteError::Conflict { actual, .. },
                    },
                ..
            } => *actual,
            _ => None,
        }
    }

    fn durable(&self) -> Option<u64> {
        match self {
            Self::Recording { durable, .. } => Some(*durable),
            _ => None,
        }
    }
}

fn of_segment(error: &SegmentError) -> StatusCode {
    match error {
        SegmentError::ScopeNotFound { .. }
        | SegmentError::StreamNotFound { .. }
        | SegmentError::NoSuchSegment { .. } => StatusCode::NOT_FOUND,
        SegmentError::StreamSealed { .. }
        | SegmentError::Sealed { .. }
        | SegmentError::NotAByteStream { .. }
        | SegmentError::TailConflict { .. } => StatusCode::CONFLICT,
        SegmentError::OutOfRange { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
        SegmentError::Unauthorized { .. } => StatusCode::FORBIDDEN,
        SegmentError::Unavailable { .. }
        | SegmentError::Timeout { .. }
        | SegmentError::ShutDown => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    }
}

fn of_read(error: &ReadError) -> StatusCode {
    match error {
        ReadError::Truncated { .. } => StatusCode::GONE,
        ReadError::NoSuchSegment { .. } => StatusCode::NOT_FOUND,
        ReadError::BeyondEnd { .. } | ReadError::Incomplete { .. } => {
            StatusCode::RANGE_NOT_SATISFIABLE
        }
        ReadError::Unreachable { .. } | ReadError::Idle { .. } | ReadError::Closed { .. } => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ReadError::Asking { source } => of_segment(source),
        _ => StatusCode::BAD_GATEWAY,
    }
}

fn of_cut(cut: &Cut) -> StatusCode {
    match cut {
        Cut::Broken => StatusCode::BAD_REQUEST,
        Cut::Quiet => StatusCode::REQUEST_TIMEOUT,
        Cut::Stopped => StatusCode::SERVICE_UNAVAILABLE,
        Cut::Writing { source } => of_write(source),
    }
}

fn of_controller(error: &ControllerError) -> StatusCode {
    if error.is_retryable() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::BAD_GATEWAY
    }
}

fn of_write(error: &WriteError) -> StatusCode {
    match error {
        WriteError::Conflict { .. } | WriteError::Sealed { .. } => StatusCode::CONFLICT,
        WriteError::NoSuchSegment { .. } => StatusCode::NOT_FOUND,
        WriteError::Timeout { .. } | WriteError::Closed { .. } => StatusCode::SERVICE_UNAVAILABLE,
        WriteError::Segment { source } => of_segment(source),
        _ => StatusCode::BAD_GATEWAY,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            let error: &dyn std::error::Error = &self;
            tracing::warn!(error, %status, "a request failed");
        }
        let details = Details {
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.to_string(),
            head: self.head(),
            tail: self.tail(),
            durable: self.durable(),
        };
        let mut response = (status, Json(details)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        match self {
            Self::Outside { len } => {
                (TypedHeader(ContentRange::unsatisfied_bytes(len)), response).into_response()
            }
            _ => response,
        }
    }
}
