//! One writer sends five blocks, each step in turn, and its connection is cut before every one of the steps.

use super::{
    client::Client,
    scene::{Modes, Scene},
    world::{Cut, World},
};
use crate::{
    Random,
    campaign::{Plan, Report, Tally, Verdict, Violation, over_seeds},
};

/// Every step of the exchange, cut in every way, in both modes.
#[must_use]
pub fn exchange() -> Report {
    let cuts = |at, cut| vec![(at, cut)];
    let single = |at: usize, cut| cuts(at, cut);
    over_steps("exchange", 1, move |at, _, cut| single(at, cut))
}

/// Every pair of steps that are at most so far apart, cut in the same way, in both modes.
#[must_use]
pub fn exchange_cut_twice() -> Report {
    over_steps("exchange, cut twice", PAIR_DISTANCE, |at, behind, cut| {
        vec![(at, cut), (at + behind, cut)]
    })
}

/// Makes the runs of both modes, of all steps, of so many seconds behind them, and of all cuts.
fn over_steps(
    name: &'static str,
    seconds: usize,
    cuts: impl Fn(usize, usize, Cut) -> Vec<(usize, Cut)> + Sync,
) -> Report {
    let steps = |modes| run(modes, &[], &mut Tally::default()).map_or(0, |(steps, _)| steps);
    let steps = [steps(Modes::Exclusive), steps(Modes::Shared)];
    let [exclusive, shared] = steps;
    let kinds = seconds * Cut::ALL.len();
    let runs = u64::try_from((exclusive + shared) * kinds).unwrap_or(u64::MAX);
    over_seeds(name, &Plan::new(runs), |seed, tally| {
        let number = usize::try_from(seed).unwrap_or(usize::MAX);
        let (place, kind) = (number / kinds, number % kinds);
        let (modes, at) = match place.checked_sub(exclusive) {
            None => (Modes::Exclusive, place),
            Some(at) => (Modes::Shared, at),
        };
        let cut = Cut::ALL.get(kind % Cut::ALL.len()).copied();
        let cut = cut.unwrap_or(Cut::NothingArrives);
        let (_, trace) = run(modes, &cuts(at, 1 + kind / Cut::ALL.len(), cut), tally)?;
        Ok(trace)
    })
}

/// One exchange, cut before these steps: how many steps it takes, and its trace.
fn run(modes: Modes, cuts: &[(usize, Cut)], tally: &mut Tally) -> Verdict<(usize, u64)> {
    let mut world = World::new(Scene::exchange(modes), Random::new(0), tally);
    let mut steps = 0;
    for turn in 0..MAX_TURNS {
        for part in 0..6 {
            for (_, cut) in cuts.iter().filter(|(at, _)| *at == steps) {
                world.cut(WRITER, *cut)?;
            }
            world.exchange_part(turn, part)?;
            steps += 1;
        }
        if turn >= LAST_SUBMISSION && world.writer(0)?.session.unacked_bytes() == 0 {
            break;
        }
    }
    let session = &world.writer(0)?.session;
    if session.accepted() != FIVE_BLOCKS || session.failure().is_some() {
        return Err(Violation::broken("the blocks are not all accepted"));
    }
    world.run().map(|trace| (steps, trace))
}

impl World<'_> {
    fn exchange_part(&mut self, turn: usize, part: usize) -> Verdict {
        match part {
            0 if turn.is_multiple_of(3) && turn < LAST_SUBMISSION => {
                let now = self.now();
                self.writer(0)?.submit(now, 4)
            }
            1 if self.writer(0)?.way.is_wanted => self.attach(WRITER, false),
            1 => self.drive(WRITER),
            2 => match self.any_link(|_, _, link| link.has_request()) {
                Some(link) => self.receive(link),
                None => Ok(()),
            },
            3 => {
                self.store.apply(&mut self.random);
                self.sync();
                Ok(())
            }
            4 => {
                if let Some(link) = self.any_link(|store, id, _| store.can_answer(id)) {
                    self.store.answer(link, false);
                }
                Ok(())
            }
            5 if self.writer(0)?.way.link.is_some() => self.deliver(WRITER),
            _ => self.pass_time(WRITER),
        }
    }
}

const WRITER: Client = Client::Writer(0);
/// The second cut comes at most so many steps behind the first.
const PAIR_DISTANCE: usize = 40;
const LAST_SUBMISSION: usize = 15;
const FIVE_BLOCKS: u64 = 20;
/// Many more than an exchange takes.
const MAX_TURNS: usize = 60;
