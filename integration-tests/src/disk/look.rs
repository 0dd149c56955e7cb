//! Everything that a store says, as the model has it.

use std::{collections::BTreeMap, sync::Arc};

use pravega_standalone::{
    StoreError,
    storage::{Read, Requests, SteppedStore},
};

use super::{
    state::{NO_NUMBER, SegmentState, StoreState},
    workload::{OTHERS, SEGMENTS, WRITERS},
};
use crate::campaign::{Harm, Verdict, Violation};

/// What a read asks for, bytes.
const READ: u64 = 32 * 1024;

/// Looks at everything: extents, bytes, numbers and catalog.
pub(super) fn look(store: &mut SteppedStore) -> Verdict<StoreState> {
    let requests = store.requests();
    let mut found = StoreState::default();
    let mut asked = Vec::new();
    for name in SEGMENTS {
        let extent = match requests.extent(name) {
            Ok(extent) => extent,
            Err(StoreError::NoSuchSegment) => continue,
            Err(error) => return Err(Violation::broken(format!("{name}: {error:?}"))),
        };
        let content = read_all(&requests, name, extent.head, extent.tail)?;
        let segment = SegmentState {
            head: extent.head,
            is_sealed: extent.is_sealed,
            content: Arc::new(content),
            numbers: BTreeMap::new(),
        };
        found.segments.insert(name, segment);
        for id in WRITERS.into_iter().chain(OTHERS) {
            asked.push((name, id, requests.number(name, id)));
        }
    }
    if !asked.is_empty() {
        store.turn();
    }
    for (name, id, mut pending) in asked {
        let number = match pending.take() {
            Some(Ok(number)) => number,
            answer => return Err(Violation::broken(format!("number {id}: {answer:?}"))),
        };
        let segment = found.segments.get_mut(name);
        if let Some(segment) = segment.filter(|_| number != NO_NUMBER) {
            segment.numbers.insert(id, number);
        }
    }
    let catalog = requests.catalog();
    let catalog = catalog.map_err(|error| Violation::broken(format!("catalog: {error:?}")))?;
    found.catalog = catalog;
    Ok(found)
}

/// The bytes of a segment, with zeros for those below the head.
fn read_all(requests: &Requests, name: &str, head: u64, tail: u64) -> Verdict<Vec<u8>> {
    let mut content = vec![0; usize::try_from(head).unwrap_or_default()];
    loop {
        let at = u64::try_from(content.len()).unwrap_or(u64::MAX);
        if at >= tail {
            return Ok(content);
        }
        match requests.read(name, at, READ) {
            Ok(Read::Bytes(bytes)) if !bytes.is_empty() => content.extend_from_slice(&bytes),
            other => {
                let what = format!("{name} has a tail of {tail}, and at {at} {other:?}");
                return Err(Violation::new(Harm::Lost, tail - at, what));
            }
        }
    }
}
