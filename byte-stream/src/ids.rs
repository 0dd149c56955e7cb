//! Random writer ids.

use pravega_client_shared::WriterId;

/// A fresh id for a writer.
pub(crate) fn random_writer_id() -> WriterId {
    // A version 4 id has a fixed digit in its upper half that the reserved ids do not have, so the first
    // one always fits.
    loop {
        if let Ok(id) = WriterId::new(uuid::Uuid::new_v4().as_u128()) {
            return id;
        }
    }
}
