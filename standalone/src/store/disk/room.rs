//! Whether there is room on the disk, and for whom.
//!
//! When a write finds the disk full, the [reserve](Reserve) is given up and only operations that make room, or
//! need hardly any, are done. What truncations and deletions then free stays inside the library's file: it is
//! counted, and appends may use it, but for as much as the reserve had. Once the disk has room again the
//! reserve is taken again, and nothing is counted any more.

use std::io;

use tracing::{debug, info};

use super::reserve::Reserve;

/// How often a full disk is looked at again, milliseconds.
const LOOK_AGAIN_MS: i64 = 1000;

/// What a transaction is charged beside its bytes: pages on the way to the changed ones.
const TRANSACTION_COST: u64 = 64 * 1024;

/// The room for appends.
#[derive(Debug)]
pub(super) struct Room {
    reserve: Reserve,
    state: State,
    /// Bytes freed inside the file since the disk was full.
    freed: u64,
    look_again_at: i64,
    /// Not even garbage could be removed.
    is_stuck: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The disk has room, as far as is known.
    Enough,
    /// The disk is full. So many bytes are free inside the file, the reserve not counted.
    Inside(u64),
    /// There is only room for making room.
    Full,
}

impl Room {
    /// The room beside a reserve; none when that could not be taken.
    pub(super) fn new(reserve: Reserve) -> Self {
        let state = match reserve.is_held() {
            true => State::Enough,
            false => State::Full,
        };
        Self {
            reserve,
            state,
            freed: 0,
            look_again_at: i64::MIN,
            is_stuck: false,
        }
    }

    /// True when only what makes room may be done.
    pub(super) fn is_full(&self) -> bool {
        self.state == State::Full
    }

    /// True unless there was no room for removing garbage a moment ago.
    pub(super) fn can_sweep(&self) -> bool {
        !self.is_stuck
    }

    /// Looks whether a full disk has room again, if the last look was some time ago.
    pub(super) fn look_again(&mut self, now_ms: i64) {
        if self.state == State::Enough || now_ms < self.look_again_at {
            return;
        }
        self.look_again_at = now_ms.saturating_add(LOOK_AGAIN_MS);
        self.is_stuck = false;
        match self.reserve.take() {
            Ok(()) => {
                info!(name: "store.has_room", "the disk has room again");
                self.state = State::Enough;
                self.freed = 0;
            }
            Err(error) => debug!(name: "store.still_full", %error, "the disk is still full"),
        }
    }

    /// Gives the reserve to what makes room.
    pub(super) fn give_up_reserve(&mut self) -> io::Result<()> {
        match self.reserve.is_held() {
            true => self.reserve.release(),
            false => Ok(()),
        }
    }

    /// A write found no room.
    pub(super) fn is_used_up(&mut self, now_ms: i64) {
        self.is_stuck = self.is_full();
        self.state = State::Full;
        self.freed = 0;
        self.look_again_at = now_ms.saturating_add(LOOK_AGAIN_MS);
    }

    /// A transaction with so many bytes of appends was committed.
    pub(super) fn used(&mut self, bytes: u64) {
        let State::Inside(left) = self.state else {
            return;
        };
        // Pages are powers of two, and the old ones are free only one transaction later.
        let cost = bytes.saturating_mul(2).saturating_add(TRANSACTION_COST);
        self.state = match left.checked_sub(cost) {
            Some(left) => State::Inside(left),
            None => State::Full,
        };
    }

    /// Garbage of so many bytes was removed; `is_all` when nothing is left of it.
    pub(super) fn was_made(&mut self, bytes: u64, is_all: bool) {
        match self.state {
            State::Enough => return,
            State::Inside(left) => self.state = State::Inside(left.saturating_add(bytes)),
            State::Full => self.freed = self.freed.saturating_add(bytes),
        }
        let kept = self.reserve.bytes().saturating_mul(2);
        if self.state == State::Full && is_all && self.freed > kept {
            self.state = State::Inside(self.freed - kept);
            self.freed = 0;
        }
    }
}
