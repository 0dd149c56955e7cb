//! The stories: each arms its faults and says what may come of them.

mod acks;
mod cuts;
mod places;
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
    /// Why it can be played before an embedded server only.
    pub(super) only_embedded: Option<&'static str>,
    pub(super) prepare: fn(&mut Stage),
}

impl Script {
    const fn new(name: &'static str, prepare: fn(&mut Stage)) -> Self {
        Self {
            name,
            only_embedded: None,
            prepare,
        }
    }

    const fn only_embedded(self, reason: &'static str) -> Self {
        Self {
            only_embedded: Some(reason),
            ..self
        }
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
    ]
    .into_iter()
    .flatten()
}
