//! What becomes of a segment under way: sealed, truncated, deleted, written by others.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use pravega_byte_stream::{ClientFactory, ReadError, ScopedSegment, WriteError, WriteMode};

use super::Script;
use crate::{
    evidence::{Block, Fate, Ledger, MIN_BLOCK_BYTES},
    proxy::{stage::Stage, writing::WRITER},
    relay::{Fault, Frames, Relay},
};

pub(super) const SCRIPTS: &[Script] = &[
    Script::new("s02_sealed_under_way", sealed),
    Script::new("s02_sealed_behind_a_lost_ack", sealed_behind_lost_ack),
    Script::new("s03_truncated_under_way", truncated),
    Script::new("s04_deleted_under_way", deleted),
    Script::new("s07_a_rival_writes", rival),
    Script::new(
        "s07_a_rival_writes_where_an_append_was_lost",
        rival_behind_cut,
    ),
    Script::new(
        "s08_a_rival_writes_while_a_copy_is_under_way",
        rival_and_late_copy,
    ),
];

fn sealed(stage: &mut Stage) {
    let append = stage.some_append();
    let (clean, segment) = (stage.clean.clone(), stage.segment.clone());
    stage.at(append, Some("sealed"), move |_| {
        async move {
            if let Ok(handle) = clean.segment(segment) {
                handle.seal().await.ok();
            }
        }
        .boxed()
    });
    stage.allowed.write = |error| matches!(error, WriteError::Sealed { .. });
    stage.allowed.must_fail = true;
    stage.allowed.is_sealed = true;
    let cuts = stage.dice(3);
    stage.cut_sometimes(cuts);
}

fn sealed_behind_lost_ack(stage: &mut Stage) {
    sealed(stage);
    let acks = Frames::replies().named("DataAppended");
    let acks = acks.nth(1 + stage.dice(20)).times(1 + stage.dice(3));
    stage.arm("ack lost, cut", acks, Fault::SwallowAndCut);
}

fn truncated(stage: &mut Stage) {
    for _ in 0..=stage.dice(3) {
        let append = stage.some_append();
        let (clean, segment) = (stage.clean.clone(), stage.segment.clone());
        let kept = Arc::clone(&stage.kept);
        let part = 1 + stage.dice(4);
        stage.at(append, Some("truncated"), move |_| {
            truncate(clean, segment, kept, part).boxed()
        });
    }
    stage.allowed.read = |error| matches!(error, ReadError::Truncated { .. });
    let cuts = stage.dice(3);
    stage.cut_sometimes(cuts);
}

/// Truncates a part of what is there, and keeps it.
async fn truncate(
    clean: ClientFactory,
    segment: ScopedSegment,
    kept: Arc<Mutex<Vec<u8>>>,
    part: u64,
) {
    let reader = clean.create_byte_reader(segment.clone()).await;
    let Ok(info) = reader.info().await else {
        return;
    };
    let head = info.head + (info.tail - info.head) / part;
    let Ok(bytes) = reader.read_range(info.head..head).await else {
        return;
    };
    let Ok(handle) = clean.segment(segment) else {
        return;
    };
    kept.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .extend_from_slice(&bytes);
    // If it fails, the content shows it: the head is not where the kept bytes end.
    handle.truncate_data_before(head).await.ok();
}

fn deleted(stage: &mut Stage) {
    let append = stage.some_append();
    let segment = stage.segment.clone();
    stage.at(append, Some("deleted"), move |relay: Arc<Relay>| {
        async move { relay.backend().delete_segment(&segment).await }.boxed()
    });
    stage.allowed.write = |error| matches!(error, WriteError::NoSuchSegment { .. });
    stage.allowed.must_fail = true;
    stage.allowed.read = |error| {
        matches!(
            error,
            ReadError::NoSuchSegment { .. } | ReadError::Asking { .. }
        )
    };
    stage.allowed.is_gone = true;
    let cuts = stage.dice(3);
    stage.cut_sometimes(cuts);
}

/// Another writer appends one block, through connections without faults.
async fn intrude(
    clean: ClientFactory,
    segment: ScopedSegment,
    ledger: Arc<Mutex<Ledger>>,
    number: u32,
    len: usize,
) {
    let block = Block::new(WRITER + 1, number, 1, len);
    let note = |fate: Option<Fate>| {
        let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
        match fate {
            Some(fate) => ledger.told(block, fate),
            None => ledger.tried(block),
        }
    };
    note(None);
    let opening = clean.open_byte_writer(segment).mode(WriteMode::Shared);
    let Ok(mut writer) = opening.await else {
        return;
    };
    if writer.append(block.bytes()).await.is_ok() && writer.close().await.is_ok() {
        note(Some(Fate::Durable));
    }
}

/// The rival's blocks are as long as the writer's, or of any length.
fn add_rival(stage: &mut Stage, append: u32) {
    let (clean, segment) = (stage.clean.clone(), stage.segment.clone());
    let ledger = Arc::clone(&stage.ledger);
    let len = match stage.dice(2) {
        0 => MIN_BLOCK_BYTES,
        _ => usize::try_from(stage.dice(300)).unwrap_or_default(),
    };
    stage.at(append, Some("rival wrote"), move |_| {
        intrude(clean, segment, ledger, append, len).boxed()
    });
    stage.allowed.conflicts = stage.mode == WriteMode::Exclusive;
}

/// Appends in the middle of the run, each another one.
fn some_appends(stage: &mut Stage, times: u64) -> Vec<u32> {
    let mut appends: Vec<u32> = (0..times).map(|_| stage.some_append()).collect();
    appends.sort_unstable();
    appends.dedup();
    appends
}

fn rival(stage: &mut Stage) {
    let times = 1 + stage.dice(5);
    for append in some_appends(stage, times) {
        add_rival(stage, append);
    }
}

/// The connection is cut, a rival writes, and then the writer comes back with what was in flight.
fn rival_behind_cut(stage: &mut Stage) {
    let times = 1 + stage.dice(5);
    for append in some_appends(stage, times) {
        stage.at_once(append, Some("all connections cut"), Relay::cut_all);
        add_rival(stage, append);
    }
    let appends = stage.appends_of_writer().nth(1 + stage.dice(10));
    let appends = appends.times(1 + stage.dice(4));
    stage.arm("append lost, cut", appends, Fault::SwallowAndCut);
}

fn rival_and_late_copy(stage: &mut Stage) {
    let times = 1 + stage.dice(3);
    for append in some_appends(stage, times) {
        add_rival(stage, append);
    }
    let appends = stage.appends_of_writer().nth(1 + stage.dice(20));
    let (orphan, gate) = stage.orphan("late copy", appends);
    let progress = stage.watch(Frames::replies().named("AppendSetup"));
    let until = 1 + stage.dice(2);
    stage.beside(async move {
        orphan.struck().await;
        progress.struck_times(progress.strikes() + until).await;
        gate.open();
    });
}
