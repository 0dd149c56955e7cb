//! Holds replies back for a fixed time.

use std::{io, sync::mpsc, thread, time::Duration};

use pravega_wire_protocol::FrameQueue;
use tokio::time::Instant;

use super::store::Outlet;

/// A thread that passes replies on when their time has come: more precise than the runtime's timer, which counts in
/// milliseconds. The delay is the same for all, so they leave in the order in which they came.
pub(super) struct DelayLine {
    delay: Duration,
    line: mpsc::Sender<Held>,
}

struct Held {
    due: Instant,
    replies: FrameQueue,
    outlet: Outlet,
}

impl DelayLine {
    /// None without a delay.
    pub(super) fn start(delay: Duration) -> io::Result<Option<Self>> {
        if delay.is_zero() {
            return Ok(None);
        }
        let (line, held) = mpsc::channel();
        thread::Builder::new().spawn(move || pass_on(&held))?;
        Ok(Some(Self { delay, line }))
    }

    pub(super) fn hold(&self, replies: FrameQueue, outlet: Outlet) {
        let due = Instant::now() + self.delay;
        // The thread ends only when this sender is gone.
        self.line
            .send(Held {
                due,
                replies,
                outlet,
            })
            .ok();
    }
}

fn pass_on(line: &mpsc::Receiver<Held>) {
    // Nobody ever unparks this thread, or sends into this channel: it is how a thread waits for a time.
    let (_never, timer) = mpsc::channel::<()>();
    while let Ok(Held {
        due,
        replies,
        outlet,
    }) = line.recv()
    {
        while let Some(left) = due
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
        {
            timer.recv_timeout(left).ok();
        }
        // A client that has gone needs no reply.
        outlet.send(replies).ok();
    }
}
