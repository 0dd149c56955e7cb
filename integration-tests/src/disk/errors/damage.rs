//! Bits that flip and files with another length (D3, D6).

use pravega_standalone::storage::SteppedStore;

use super::failing::{check_allowed, check_bytes};
use crate::{
    campaign::{Harm, Tally, Verdict, Violation},
    disk::{
        folder::SimulatedFolder,
        image::Image,
        look::look,
        place::{open, try_open},
        start::filled,
        state::StoreState,
        workload::{SEGMENTS, Workload},
    },
    random::Random,
};

/// The file with the data.
const DATABASE: &str = "segments.redb";

/// A bit flips while no server runs: the next one refuses, or finds everything.
pub(super) fn flipped_at_rest(mut random: Random, tally: &mut Tally) -> Verdict<u64> {
    let (image, model) = filled(&mut random, 5)?;
    let name = match random.below(8) {
        0 => "format",
        1 => "reserve",
        _ => DATABASE,
    };
    let length = image.file(name).map_or(0, <[u8]>::len);
    // The pages at the front hold what the others hang on.
    let length = if random.one_in(3) {
        length.min(24 * 1024)
    } else {
        length
    };
    let bit = random.below(length * 8);
    let folder = SimulatedFolder::from_image(&image);
    if !folder.flip(name, bit) {
        return Err(Violation::broken("there is no such bit"));
    }
    tally.count("bit flipped", "at rest");
    match try_open(&folder) {
        Ok(mut store) => {
            model.compare(&look(&mut store)?)?;
            Ok(1)
        }
        Err(_) => {
            // Refusing changes nothing: with the bit as it was, everything is there.
            folder.flip(name, bit);
            check_allowed(&folder, &[model])?;
            Ok(2)
        }
    }
}

/// Bits flip under a running server: it answers with an error, or with what was written.
pub(super) fn flipped_under_way(mut random: Random, tally: &mut Tally) -> Verdict<u64> {
    let (image, model) = filled(&mut random, 6)?;
    let folder = SimulatedFolder::from_image(&image);
    let mut store = open(&folder)?;
    let length = image.file(DATABASE).map_or(0, <[u8]>::len);
    for _ in 0..1 + random.below(40) {
        folder.flip(DATABASE, random.below(length * 8));
        tally.count("bit flipped", "under a server");
    }
    let mut workload = Workload::new(Random::new(random.next()), model);
    let mut allowed = Vec::new();
    let mut refused = 0;
    for _ in 0..3 {
        refused += read_what_there_is(&store, &workload.model)?;
        let round = workload.round(&mut store)?;
        if round.is_open {
            allowed.push(round.whole);
        }
    }
    drop(store);
    allowed.insert(0, workload.model);
    // The next server refuses, or finds everything.
    if let Ok(mut store) = try_open(&SimulatedFolder::from_image(&folder.now())) {
        let found = look(&mut store)?;
        let verdicts: Vec<Verdict> = allowed.iter().map(|state| state.compare(&found)).collect();
        if verdicts.iter().all(Verdict::is_err) {
            verdicts.into_iter().next().unwrap_or(Ok(()))?;
        }
    }
    Ok(refused)
}

/// A bit of a block flips, and the block is read.
pub(super) fn flipped_block(mut random: Random, tally: &mut Tally) -> Verdict<u64> {
    let (image, model) = filled(&mut random, 8)?;
    let folder = SimulatedFolder::from_image(&image);
    let store = open(&folder)?;
    let content = image.file(DATABASE).unwrap_or_default();
    for segment in model.segments.values() {
        let Some(block) = segment.readable().get(..32) else {
            continue;
        };
        let mut places = content.windows(32).enumerate();
        // The same bytes may stand in free pages as well.
        while let Some((at, _)) = places.find(|(_, window)| *window == block) {
            folder.flip(DATABASE, at * 8 + random.below(256));
            tally.count("bit flipped", "in a block to be read");
        }
    }
    read_what_there_is(&store, &model)
}

/// Reads every segment; returns how many reads were refused.
fn read_what_there_is(store: &SteppedStore, model: &StoreState) -> Verdict<u64> {
    use pravega_standalone::storage::Read;

    let requests = store.requests();
    let mut refused = 0;
    for name in SEGMENTS {
        let Some(segment) = model.segments.get(name) else {
            continue;
        };
        let (mut at, tail) = (segment.head, segment.tail());
        requests.forget_recent(name).ok();
        while at < tail {
            match requests.read(name, at, 9000) {
                Ok(Read::Bytes(bytes)) if !bytes.is_empty() => {
                    check_bytes(name, &segment.content, at, &bytes)?;
                    at += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                }
                Err(_) => {
                    refused += 1;
                    break;
                }
                Ok(other) => {
                    let what = format!("{name} has a tail of {tail}, and at {at} {other:?}");
                    return Err(Violation::new(Harm::FalselyReported, tail - at, what));
                }
            }
        }
    }
    Ok(refused)
}

/// The file of the data is shorter or longer than it was: refused, or everything is there.
pub(super) fn cut_or_longer(mut random: Random, tally: &mut Tally) -> Verdict<u64> {
    let (image, model) = filled(&mut random, 5)?;
    let mut content = image.file(DATABASE).unwrap_or_default().to_vec();
    match random.one_in(2) {
        true => {
            tally.count("file cut", "at rest");
            let length = match random.one_in(2) {
                true => random.below(content.len()),
                false => 4096 * random.below(content.len() / 4096),
            };
            content.truncate(length);
        }
        false => {
            tally.count("file longer", "at rest");
            let more = 1 + random.below(20_000);
            let fill = random.next().to_le_bytes();
            content.extend(fill.into_iter().cycle().take(more));
        }
    }
    refused_or_whole(&image.with(DATABASE, Some(content)), &model)
}

fn refused_or_whole(image: &Image, model: &StoreState) -> Verdict<u64> {
    match try_open(&SimulatedFolder::from_image(image)) {
        Ok(mut store) => {
            model.compare(&look(&mut store)?)?;
            Ok(1)
        }
        Err(_) => Ok(2),
    }
}
