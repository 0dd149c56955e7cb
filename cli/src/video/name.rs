//! The stream that a path names.

use axum::{
    extract::{FromRequestParts, Path, rejection::PathRejection},
    http::request::Parts,
};
use pravega_byte_stream::{ScopeName, ScopedStream, StreamName};
use snafu::ensure;

use super::problem::{Problem, ReservedSnafu};
use crate::inspect::is_internal;

/// The stream of a path `…/{scope}/{stream}`, checked.
pub(crate) struct Named(pub(crate) ScopedStream);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path: Result<_, PathRejection> = Path::from_request_parts(parts, state).await;
        let Path::<(String, String)>((scope, stream)) =
            path.map_err(|error| Problem::bad_request(error.body_text()))?;
        let scope = ScopeName::new(&scope).map_err(Problem::bad_request)?;
        let stream = StreamName::new(&stream).map_err(Problem::bad_request)?;
        let is_reserved = is_internal(scope.as_str()) || is_internal(stream.as_str());
        ensure!(!is_reserved, ReservedSnafu);
        Ok(Self(ScopedStream::new(scope, stream)))
    }
}
