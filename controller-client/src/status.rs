//! The statuses inside of replies, one function for each kind. Pure.
//!
//! A number that the schema does not know is an error, never success. What the server says of a call that
//! was made before, with an outcome that never came back, is read in that light: "exists already" is then
//! our own doing.

use pravega_client_shared::{Endpoint, ScopeName, ScopedStream};
use pravega_controller_api::{
    self as api, create_scope_status, create_stream_status, delete_scope_status,
    delete_stream_status, streams_in_scope_response, update_stream_status,
};

use crate::{
    BadReply, ControllerError,
    error::{
        InvalidNameSnafu, ScopeNotEmptySnafu, ScopeNotFoundSnafu, StreamNotFoundSnafu,
        StreamNotSealedSnafu, StreamSealedSnafu,
    },
};

/// What is known when a reply is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// The controller that sent it.
    pub(crate) from: &'a Endpoint,
    /// An earlier attempt of the same call may have done the work.
    pub(crate) uncertain_before: bool,
}

/// Why a reply gives no result.
#[derive(Debug, Clone)]
pub(crate) enum Unusable {
    /// The server says that the call failed.
    Failure,
    /// A status that the schema does not know.
    UnknownStatus(i32),
    /// The rest of the reply makes no sense.
    Bad(BadReply),
    /// An answer, and the one that the caller gets.
    Final(ControllerError),
}

impl From<BadReply> for Unusable {
    fn from(bad: BadReply) -> Self {
        Self::Bad(bad)
    }
}

impl From<ControllerError> for Unusable {
    fn from(error: ControllerError) -> Self {
        Self::Final(error)
    }
}

type Read<T> = Result<T, Unusable>;

/// True when this call made the scope.
pub(crate) fn created_scope(
    reply: api::CreateScopeStatus,
    scope: &ScopeName,
    answer: Answer<'_>,
) -> Read<bool> {
    use create_scope_status::Status;
    match Status::try_from(reply.status) {
        Ok(Status::Success) => Ok(true),
        Ok(Status::ScopeExists) => Ok(answer.uncertain_before),
        Ok(Status::InvalidScopeName) => Err(invalid_name(scope.as_str()).into()),
        Ok(Status::Failure) => Err(Unusable::Failure),
        Err(_) => Err(Unusable::UnknownStatus(reply.status)),
    }
}

/// True when this call deleted the scope.
pub(crate) fn deleted_scope(
    reply: api::DeleteScopeStatus,
    scope: &ScopeName,
    answer: Answer<'_>,
) -> Read<bool> {
    use delete_scope_status::Status;
    match Status::try_from(reply.status) {
        Ok(Status::Success) => Ok(true),
        Ok(Status::ScopeNotFound) => Ok(answer.uncertain_before),
        Ok(Status::ScopeNotEmpty) => Err(ScopeNotEmptySnafu {
            scope: scope.clone(),
        }
        .build()
        .into()),
        Ok(Status::Failure) => Err(Unusable::Failure),
        Err(_) => Err(Unusable::UnknownStatus(reply.status)),
    }
}

/// True when this call made the stream.
pub(crate) fn created_stream(
    reply: api::CreateStreamStatus,
    stream: &ScopedStream,
    answer: Answer<'_>,
) -> Read<bool> {
    use create_stream_status::Status;
    match Status::try_from(reply.status) {
        Ok(Status::Success) => Ok(true),
        Ok(Status::StreamExists) => Ok(answer.uncertain_before),
        Ok(Status::ScopeNotFound) => Err(no_scope(stream).into()),
        Ok(Status::InvalidStreamName) => Err(invalid_name(stream.stream().as_str()).into()),
        Ok(Status::Failure) => Err(Unusable::Failure),
        Err(_) => Err(Unusable::UnknownStatus(reply.status)),
    }
}

/// True when this call deleted the stream.
pub(crate) fn deleted_stream(
    reply: api::DeleteStreamStatus,
    stream: &ScopedStream,
    answer: Answer<'_>,
) -> Read<bool> {
    use delete_stream_status::Status;
    match Status::try_from(reply.status) {
        Ok(Status::Success) => Ok(true),
        Ok(Status::StreamNotFound) => Ok(answer.uncertain_before),
        Ok(Status::StreamNotSealed) => Err(StreamNotSealedSnafu {
            stream: stream.clone(),
        }
        .build()
        .into()),
        Ok(Status::Failure) => Err(Unusable::Failure),
        Err(_) => Err(Unusable::UnknownStatus(reply.status)),
    }
}

/// For changing, truncating and sealing.
pub(crate) fn updated_stream(reply: api::UpdateStreamStatus, stream: &ScopedStream) -> Read<()> {
    use update_stream_status::Status;
    match Status::try_from(reply.status) {
        Ok(Status::Success) => Ok(()),
        Ok(Status::StreamNotFound) => Err(StreamNotFoundSnafu {
            stream: stream.clone(),
        }
        .build()
        .into()),
        Ok(Status::ScopeNotFound) => Err(no_scope(stream).into()),
        Ok(Status::StreamSealed) => Err(StreamSealedSnafu {
            stream: stream.clone(),
        }
        .build()
        .into()),
        Ok(Status::Failure) => Err(Unusable::Failure),
        Err(_) => Err(Unusable::UnknownStatus(reply.status)),
    }
}

/// For both listings of streams.
pub(crate) fn listed_streams(status: i32, scope: &ScopeName) -> Read<()> {
    use streams_in_scope_response::Status;
    match Status::try_from(status) {
        Ok(Status::Success) => Ok(()),
        Ok(Status::ScopeNotFound) => Err(ScopeNotFoundSnafu {
            scope: scope.clone(),
        }
        .build()
        .into()),
        Ok(Status::Failure) => Err(Unusable::Failure),
        Err(_) => Err(Unusable::UnknownStatus(status)),
    }
}

fn invalid_name(name: &str) -> ControllerError {
    InvalidNameSnafu { name }.build()
}

fn no_scope(stream: &ScopedStream) -> ControllerError {
    ScopeNotFoundSnafu {
        scope: stream.scope().clone(),
    }
    .build()
}
