//! What several modules of this suite need.

use std::time::Duration;

use bytes::Bytes;
use pravega_byte_stream::{ClientConfigBuilder, ClientFactory, ScopedSegment, WriteMode};
use pravega_client_config::RetryPolicy;

pub(crate) const BOTH_MODES: [WriteMode; 2] = [WriteMode::Exclusive, WriteMode::Shared];

/// All readable bytes of a segment.
pub(crate) async fn content(factory: &ClientFactory, segment: &ScopedSegment) -> Bytes {
    let reader = factory.create_byte_reader(segment.clone()).await;
    let info = reader.info().await.unwrap();
    reader.read_range(info.head..info.tail).await.unwrap()
}

/// Small pauses between attempts, so that a test of a thousand reconnects is a short one.
pub(crate) fn in_a_hurry(config: ClientConfigBuilder) -> ClientConfigBuilder {
    let retry = RetryPolicy::default()
        .with_initial_backoff(Duration::from_millis(1))
        .with_max_backoff(Duration::from_millis(20));
    config.retry(retry)
}

/// Gives up soon, for peers that will never answer.
pub(crate) fn short_of_time(config: ClientConfigBuilder) -> ClientConfigBuilder {
    let moment = Duration::from_millis(300);
    in_a_hurry(config)
        .request_timeout(moment)
        .connect_timeout(moment)
        .hello_timeout(moment)
        .operation_timeout(2 * moment)
}

/// An error and all its sources, as a user would print them.
pub(crate) fn story(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
