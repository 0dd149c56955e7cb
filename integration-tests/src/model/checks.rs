//! What must hold after every step.

use super::{
    automaton::{Automata, Input, Told},
    store::Stored,
    world::{Call, World},
};
use crate::campaign::{Harm, Verdict, Violation};

/// Whether the log, and what the callers were told, agree. `before` is the world one step earlier.
pub(super) fn check(before: &World, world: &World, automata: &mut Automata) -> Verdict {
    check_log(world)?;
    for (owner, writer) in world.writers.iter().enumerate() {
        for (block, call) in writer.calls.iter().enumerate() {
            let earlier = before
                .writers
                .get(owner)
                .and_then(|one| one.calls.get(block));
            let earlier = earlier.map_or(Told::Nothing, |call| call.told);
            check_call(world, (owner, block), call, earlier)?;
        }
    }
    check_late_answers(world, automata)
}

/// Nothing goes on by itself: every call has its answer.
pub(super) fn check_quiet(world: &World) -> Verdict {
    for (owner, writer) in world.writers.iter().enumerate() {
        let open = writer
            .calls
            .iter()
            .position(|call| call.told == Told::Nothing);
        if let Some(block) = open {
            let what = format!("writer {owner} waits for block {block} for ever");
            return Err(Violation::broken(what));
        }
    }
    Ok(())
}

/// Every block once, in its writer's order, without a hole, and where its caller expected it.
fn check_log(world: &World) -> Verdict {
    let mut seen: Vec<(usize, usize)> = Vec::new();
    for stored in &world.store.log {
        let (owner, block) = (stored.owner, stored.append.block);
        let harmed = |harm, what: &str| {
            let what = format!(
                "block {block} of writer {owner} at {}: {what}",
                stored.offset
            );
            Err(Violation::new(harm, stored.append.len, what))
        };
        let calls = world.writers.get(owner).map(|writer| &writer.calls);
        let Some((call, calls)) = calls.and_then(|calls| Some((calls.get(block)?, calls))) else {
            return harmed(Harm::FalselyReported, "nobody wrote it");
        };
        if seen.contains(&(owner, block)) {
            return harmed(Harm::Doubled, "is there a second time");
        }
        if seen
            .iter()
            .any(|&(other, later)| other == owner && later > block)
        {
            return harmed(Harm::Reordered, "is behind a later one");
        }
        let hole = calls
            .iter()
            .take(block)
            .enumerate()
            .find(|(earlier, other)| {
                other.epoch == call.epoch && !seen.contains(&(owner, *earlier))
            });
        if hole.is_some() {
            return harmed(Harm::Lost, "is behind a hole");
        }
        if call
            .expected
            .is_some_and(|expected| expected != stored.offset)
        {
            return harmed(Harm::Reordered, "was expected elsewhere");
        }
        seen.push((owner, block));
    }
    Ok(())
}

fn check_call(
    world: &World,
    (owner, block): (usize, usize),
    call: &Call,
    earlier: Told,
) -> Verdict {
    let has = |log: &[Stored]| {
        log.iter()
            .any(|stored| stored.owner == owner && stored.append.block == block)
    };
    let harmed = |harm, what: &str| {
        let what = format!("block {block} of writer {owner} {what}");
        Err(Violation::new(harm, 1, what))
    };
    if earlier != call.told && !matches!(earlier, Told::Nothing | Told::Unknown) {
        return harmed(Harm::FalselyReported, "was told something else before");
    }
    match call.told {
        Told::Stored if !has(world.store.synced_log()) => {
            harmed(Harm::Lost, "was acknowledged and is not there")
        }
        Told::Conflict | Told::NotStored if has(&world.store.log) => {
            harmed(Harm::FalselyReported, "failed for certain and is there")
        }
        Told::Conflict if !call.elsewhere => {
            let what = "failed though the segment ended where it was expected";
            harmed(Harm::FalselyReported, what)
        }
        _ => Ok(()),
    }
}

/// Answers on connections that were given up change nothing, whenever they come.
fn check_late_answers(world: &World, automata: &mut Automata) -> Verdict {
    for &(owner, answer) in &world.store.late {
        let Some(writer) = world.writers.get(owner) else {
            continue;
        };
        let step = automata
            .of_mut(owner)?
            .step(writer.session, Input::Answer(answer))?;
        if step.state != writer.session || !step.outputs.is_empty() {
            let what = format!("writer {owner} obeyed the {answer:?} of an earlier connection");
            return Err(Violation::broken(what));
        }
    }
    Ok(())
}
