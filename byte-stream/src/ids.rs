//! Random writer ids.

use pravega_client_shared::{Chance, WriterId};
use uuid::{Builder, Uuid};

/// A fresh id for a writer.
pub(crate) fn random_writer_id(chance: &Chance) -> WriterId {
    // A version 4 id has a fixed digit in its upper half that the reserved ids do not have, so the first
    // one always fits.
    loop {
        if let Ok(id) = WriterId::new(random_uuid(chance).as_u128()) {
            return id;
        }
    }
}

/// Where the random part of somebody's pauses starts.
pub(crate) fn random_seed(chance: &Chance) -> u64 {
    chance
        .seeded()
        .unwrap_or_else(|| Uuid::new_v4().as_u64_pair().1)
}

fn random_uuid(chance: &Chance) -> Uuid {
    match (chance.seeded(), chance.seeded()) {
        (Some(upper), Some(lower)) => {
            Builder::from_random_bytes(Uuid::from_u64_pair(upper, lower).into_bytes()).into_uuid()
        }
        _ => Uuid::new_v4(),
    }
}
