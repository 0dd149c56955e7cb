//! How long a writer takes from a reset to its next acknowledgement.

use std::time::Duration;

use bytes::Bytes;
use pravega_byte_stream::WriteMode;
use tokio::time::Instant;

use super::{stage::broken, writing::story};
use crate::{Backend, campaign::Verdict, relay::Relay};

/// Resets in each mode.
const RESETS: u32 = 150;

/// Cuts the connections of a writer with the default configuration again and again, and measures. Gives one line
/// to report; nothing is demanded.
pub(super) async fn measure(backend: Backend) -> Verdict<String> {
    let relay = Relay::before(backend).await;
    let factory = relay.factory();
    let failed = |error: &dyn std::error::Error| broken(format!("recovery: {}", story(error)));
    let mut times = Vec::new();
    for mode in [WriteMode::Exclusive, WriteMode::Shared] {
        let segment = relay.backend().fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment).mode(mode);
        let mut writer = opening.await.map_err(|error| failed(&error))?;
        for _ in 0..RESETS {
            let bytes = Bytes::from_static(b"one more append of some bytes");
            let accepted = writer.append(bytes.clone()).await;
            accepted.map_err(|error| failed(&error))?;
            writer.flush().await.map_err(|error| failed(&error))?;
            let reset = Instant::now();
            relay.cut_all();
            let accepted = writer.append(bytes).await;
            accepted.map_err(|error| failed(&error))?;
            writer.flush().await.map_err(|error| failed(&error))?;
            times.push(reset.elapsed());
        }
    }
    times.sort_unstable();
    let part = |hundredths: usize| {
        let at = times.len().saturating_sub(1) * hundredths / 100;
        times.get(at).copied().unwrap_or(Duration::ZERO)
    };
    Ok(format!(
        "from a reset to the next ack, {} resets: median {:.1?}, p99 {:.1?}, longest {:.1?}",
        times.len(),
        part(50),
        part(99),
        part(100)
    ))
}
