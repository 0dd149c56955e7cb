//! For bugs planted on purpose: which scripts must find them.
//!
//! | planted bug | hunt | what finds it |
//! | --- | --- | --- |
//! | 3 new id on reconnect | [`hunt_new_id_on_reconnect`] | acks lost, so that the setup must know the writer |
//! | 6 setup acks all | [`hunt_setup_acks_all`] | appends lost, which the setup does not know of |
//! | 9 condition failure after reconnect taken as success | [`hunt_condition_failure_taken_as_success`] | a rival between a cut and the reconnect |
//! | 10 old replies obeyed | [`hunt_old_replies_obeyed`] | failures of an earlier setup, said late |
//! | 16 resend in another order | [`hunt_resent_in_another_order`] | several appends held when the connection ends |
//! | 19 dirty connection back in the pool | [`hunt_dirty_connection_reused`] | questions dropped half-way, answered later |
//! | 20 read reply at another offset taken | [`hunt_read_reply_at_another_offset`] | just such replies |
//! | 22 no frame deadline | [`hunt_no_frame_deadline`] | a reply that drips without end |
//! | 23 expiry taken as fatal, or renewed without end | [`hunt_expiry_taken_as_fatal`] | expired tokens, a few and without end |

use super::{
    run_some,
    scripts::{self, Script},
};
use crate::campaign::{Plan, Report};

fn hunt(plan: &Plan, parts: &[&str]) -> Report {
    let is_meant = |script: &Script| parts.iter().any(|part| script.name.contains(part));
    let all = scripts::all().chain(scripts::slow());
    let scripts: Vec<&'static Script> = all.filter(|script| is_meant(script)).collect();
    run_some(&scripts, plan)
}

/// Plays what finds a writer that takes another id for a new connection.
#[must_use]
pub fn hunt_new_id_on_reconnect(plan: &Plan) -> Report {
    hunt(plan, &["t24_acks_lost_in_a_row"])
}

/// Plays what finds a writer that takes every setup as an ack of everything sent.
#[must_use]
pub fn hunt_setup_acks_all(plan: &Plan) -> Report {
    hunt(plan, &["n01_"])
}

/// Plays what finds a writer that believes, after a reconnect, that a failed condition means "stored before".
#[must_use]
pub fn hunt_condition_failure_taken_as_success(plan: &Plan) -> Report {
    hunt(plan, &["s07_a_rival_writes_where_an_append_was_lost"])
}

/// Plays what finds a client that obeys replies of an earlier connection.
#[must_use]
pub fn hunt_old_replies_obeyed(plan: &Plan) -> Report {
    hunt(plan, &["n07_a_failure_of_an_earlier_setup"])
}

/// Plays what finds a writer that sends blocks again in another order.
#[must_use]
pub fn hunt_resent_in_another_order(plan: &Plan) -> Report {
    hunt(plan, &["n01_several_appends_held_then_cut"])
}

/// Plays what finds a pool that lends a connection which owes somebody else a reply.
#[must_use]
pub fn hunt_dirty_connection_reused(plan: &Plan) -> Report {
    hunt(plan, &["p14_"])
}

/// Plays what finds a reader that takes a reply at another offset than it asked for.
#[must_use]
pub fn hunt_read_reply_at_another_offset(plan: &Plan) -> Report {
    hunt(plan, &["t41_a_read_answered_at_another_offset"])
}

/// Plays what finds a client that waits without end for a frame that has begun. Takes more than half a minute for
/// each seed, because that is how long a frame may take.
#[must_use]
pub fn hunt_no_frame_deadline(plan: &Plan) -> Report {
    hunt(plan, &["n06_a_reply_drips_without_end"])
}

/// Plays what finds a client that gives up when its token expires, or renews it without end.
#[must_use]
pub fn hunt_expiry_taken_as_fatal(plan: &Plan) -> Report {
    hunt(plan, &["t79_"])
}
