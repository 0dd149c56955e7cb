//! A reader: reads to the end of the sealed segment, and writes down what it got.

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use pravega_byte_stream::{ByteReader, OnTruncation, ReadError, ReadFrom};
use std::io::SeekFrom;

use super::{
    client::{Client, Stage},
    plan::{Reading, between},
    record::Event,
};
use crate::{
    Random,
    campaign::{Harm, Violation},
};

/// One reader, until the end of the segment.
pub(super) async fn run(client: &Client, part: u32, reading: Reading, mut random: Random) {
    // More than once only where something else than a store answered.
    while !reads_to_the_end(client, part, reading, &mut random).await {}
}

/// False when another reader has to go on.
async fn reads_to_the_end(
    client: &Client,
    part: u32,
    reading: Reading,
    random: &mut Random,
) -> bool {
    let seat = &client.seat;
    // Each begins anew: what the one before had read is another reader's account.
    let number = seat.record.new_life();
    let Some(mut reader) = open(client, reading).await else {
        return true;
    };
    loop {
        let offset = reader.position();
        let asked = seat.record.with(|book| book.history.ask(number));
        seat.activity.reads.fetch_add(1, Ordering::Relaxed);
        let read = reader.read_chunk(reading.chunk).await;
        seat.activity.reads.fetch_sub(1, Ordering::Relaxed);
        let skipped = reader.take_gap();
        match read {
            Ok(Some(bytes)) => {
                let at = skipped.map_or(offset, |gap| gap.end);
                let end = at + u64::try_from(bytes.len()).unwrap_or_default();
                seat.record.note(Event::Read, part, end);
                seat.record.with(|book| {
                    book.history.read(asked, end);
                    book.reads.entry(number).or_default().push((at, bytes));
                });
                check_position(client, &reader, end);
            }
            Ok(None) => {
                let end = reader.position();
                seat.record.note(Event::Ended, part, end);
                seat.record.with(|book| book.ends.insert(number, end));
                return true;
            }
            Err(ReadError::Truncated { head, .. }) => {
                let limit = seat.plan.pace.operation;
                let seeking = reader.seek(SeekFrom::Start(head));
                seat.within("seek", limit, seeking).await;
            }
            // The reader still tries.
            Err(ReadError::Unreachable { .. }) => {}
            Err(ReadError::Broken { .. }) if seat.plan.has_stranger() => return false,
            Err(error) => {
                let text = format!("the reader broke at {offset}: {error:?}");
                seat.record.violate(Violation::broken(text));
                return true;
            }
        }
        if !reading.pause.is_zero() {
            seat.pause(between(random, Duration::ZERO, reading.pause))
                .await;
        }
    }
}

async fn open(client: &Client, reading: Reading) -> Option<ByteReader> {
    let seat = &client.seat;
    let from = match reading.from_tail {
        true => ReadFrom::Tail,
        false => ReadFrom::Head,
    };
    let on_truncation = match reading.skips {
        true => OnTruncation::SkipToHead,
        false => OnTruncation::Error,
    };
    loop {
        let was_calm = seat.stage() >= Stage::Calm;
        let opening = client
            .factory
            .open_byte_reader(client.stream.clone())
            .from(from)
            .on_truncation(on_truncation);
        // The controller is asked for the segment, and then the store for its ends.
        let limit = seat.plan.pace.operation * 2;
        match seat
            .within("open_byte_reader", limit, opening.into_future())
            .await
        {
            Some(Ok(reader)) => return Some(reader),
            Some(Err(error)) if was_calm => {
                let text = format!("no reader in calm weather: {error:?}");
                seat.record.violate(Violation::broken(text));
                return None;
            }
            _ => {}
        }
    }
}

fn check_position(client: &Client, reader: &ByteReader, end: u64) {
    if reader.position() != end {
        let text = format!("the reader is at {} behind byte {end}", reader.position());
        let violation = Violation::new(Harm::Reordered, 1, text);
        client.seat.record.violate(violation);
    }
}

/// Reads a range with a new reader, which must find all that was flushed before.
pub(super) async fn range(client: &Client, from: u64, to: u64) -> Option<Bytes> {
    let seat = &client.seat;
    let reader = open(
        client,
        Reading {
            from_tail: false,
            chunk: usize::MAX,
            pause: Duration::ZERO,
            skips: false,
        },
    )
    .await?;
    let limit = seat.plan.pace.operation;
    let reading = reader.read_range(from..to);
    match seat.within("read_range", limit, reading).await? {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            let text = format!("a new reader in calm weather: {error:?}");
            seat.record.violate(Violation::broken(text));
            None
        }
    }
}
