//! What is left at the stores when all clients have gone: nothing.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    client::{Seat, Stage},
    cluster::Host,
};
use crate::campaign::Violation;

/// The auditor's part in the run.
pub(super) const AUDITOR: u32 = 998;

/// The longest that a store keeps what nobody uses: until its idle time-out, and a little.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for the end of the clients, and then for the end of their connections at the stores.
pub(super) async fn run(seat: Arc<Seat>) -> turmoil::Result {
    seat.reached(Stage::Left).await;
    let step = Duration::from_millis(200);
    let mut waited = Duration::ZERO;
    while connections() > 0 && waited < PATIENCE {
        sleep(step).await;
        waited += step;
    }
    if connections() > 0 {
        let text = format!("{} connections are left at the stores", connections());
        seat.record.violate(Violation::broken(text));
    }
    seat.record.finish(AUDITOR);
    Ok(())
}

fn connections() -> usize {
    let stores = [Host::StoreA, Host::StoreB];
    let count = |store: Host| turmoil::established_tcp_stream_count_on(store.name());
    stores.into_iter().map(count).sum()
}
