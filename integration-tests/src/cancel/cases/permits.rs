//! Permits that wait for the room of other permits.

use futures::FutureExt as _;
use pravega_byte_stream::{AppendPermit, WriteError};

use super::Case;
use crate::{
    campaign::{Verdict, Violation},
    cancel::{
        pen::Pen,
        scene::{Trial, failed},
    },
};

/// The writer's window in bytes, overhead included.
const WINDOW: usize = 2_000;

pub(super) const CASES: &[Case] = &[
    Case::new("ByteWriter::reserve", "its room is kept", |trial| {
        kept(trial).boxed()
    })
    .parking(),
    Case::new("ByteWriter::reserve", "room comes bit by bit", |trial| {
        bit_by_bit(trial).boxed()
    }),
];

/// All room is kept by a permit that is dropped, or used, behind the drop of the one that waits.
async fn kept(trial: &mut Trial) -> Verdict {
    let mode = trial.some_mode();
    let mut pen = Pen::open(trial, mode, |it| it.max_unacked_bytes(WINDOW)).await?;
    let keeper = pen.writer.reserve(WINDOW).await;
    let keeper = keeper.map_err(failed("reserving all room"))?;
    let reserved = trial.knife.cut(pen.writer.reserve(WINDOW / 2)).await;
    if let Some(reserved) = reserved {
        let what = format!("room was given out twice: {reserved:?}");
        return Err(Violation::broken(what));
    }
    trial.some_moment().await;
    if trial.random.one_in(2) {
        use_up(&mut pen, keeper, WINDOW / 4)?;
    } else {
        drop(keeper);
    }
    all_room_is_there(&mut pen).await?;
    pen.finish().await
}

/// Small permits are given back one after the other, so that the one that waits is woken in vain again and again.
async fn bit_by_bit(trial: &mut Trial) -> Verdict {
    let mode = trial.some_mode();
    let mut pen = Pen::open(trial, mode, |it| it.max_unacked_bytes(WINDOW)).await?;
    let mut keepers = Vec::new();
    for _ in 0..4 {
        let keeper = pen.writer.reserve(200).await;
        keepers.push(keeper.map_err(failed("reserving"))?);
    }
    let give_back = async {
        while let Some(keeper) = keepers.pop() {
            tokio::task::yield_now().await;
            drop(keeper);
        }
    };
    let reserve = pen.writer.reserve(WINDOW);
    let both = async { tokio::join!(biased; reserve, give_back).0 };
    if let Some(reserved) = trial.knife.cut(both).await {
        let permit = reserved.map_err(failed("reserving"))?;
        use_up(&mut pen, permit, 300)?;
    }
    drop(keepers);
    all_room_is_there(&mut pen).await?;
    pen.finish().await
}

/// A block of this length is accepted by the permit.
fn use_up(pen: &mut Pen, permit: AppendPermit, len: usize) -> Verdict {
    let block = pen.notes.next(len);
    let receipt = permit.append(block.bytes());
    let receipt = receipt.map_err(failed("appending with a permit"))?;
    pen.notes.accepted(block, Some(receipt));
    Ok(())
}

/// Once everything is durable, no room is missing.
async fn all_room_is_there(pen: &mut Pen) -> Verdict {
    pen.flush().await?;
    match pen.writer.reserve(WINDOW).now_or_never() {
        Some(Ok(_permit)) => Ok(()),
        Some(Err(error)) => Err(failed::<WriteError>("reserving all room again")(error)),
        None => Err(Violation::broken("a dropped reserve has kept its room")),
    }
}
