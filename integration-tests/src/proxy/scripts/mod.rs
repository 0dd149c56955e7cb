//! The stories: each arms its faults and says what may come of them.

mod acks;
mod cuts;
mod places;
mod questions;
mod reads;
mod refusals;
mod segments;
mod setups;
mod silence;
mod strangers;

use super::stage::Stage;

/// A story with a name.
#[derive(Clone, Copy)]
pub(super) struct Script {
    pub(super) name: &'static str,
    pub(super) prepare: fn(&mut Stage),
}

impl Script {
    const fn new(name: &'static str, prepare: fn(&mut Stage)) -> Self {
        Self { name, prepare }
    }
}

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Script> {
    [
        cuts::SCRIPTS,
        silence::SCRIPTS,
        strangers::SCRIPTS,
        setups::SCRIPTS,
        acks::SCRIPTS,
        refusals::SCRIPTS,
        reads::SCRIPTS,
        places::SCRIPTS,
        segments::SCRIPTS,
        questions::SCRIPTS,
    ]
    .into_iter()
    .flatten()
}

/// Those that take more than half a minute each, and so are not among [`all`].
pub(super) fn slow() -> impl Iterator<Item = &'static Script> {
    silence::SLOW.iter()
}
