use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

const IDLE: Duration = Duration::from_secs(60);

type Table = Demux<u32, u32>;

fn table() -> (Table, Instant) {
    let now = Instant::now();
    (Demux::new(IDLE, now), now)
}

fn facts(id: RequestId, kind: ReplyKind) -> ReplyFacts {
    ReplyFacts {
        id: id.to_wire(),
        kind,
    }
}

#[test]
fn p4_tells_never_given_out_from_forgotten_and_live() {
    let (mut demux, now) = table();
    let live = demux.open_flow(1).unwrap();
    let forgotten = demux.open_flow(2).unwrap();
    demux.forget_flow(forgotten, now);
    let call = demux.call_id().unwrap();
    let unborn = FlowId::new(99).unwrap().request(0);
    let next_call = call.flow().request(call.sequence() + 1);
    demux.wait_for(call, None, 7).unwrap();
    let cases = [
        (live.request(3), Route::Flow(1), Route::Flow(1)),
        (forgotten.request(3), Route::Ignored, Route::Ignored),
        (unborn, Route::Ignored, Route::Untrusted),
        (next_call, Route::Ignored, Route::Untrusted),
    ];
    for (id, on_success, on_failure) in cases {
        assert_eq!(demux.route(facts(id, ReplyKind::Success), now), on_success);
        assert_eq!(demux.route(facts(id, ReplyKind::Failure), now), on_failure);
    }
    assert_eq!(demux.ignored(), 4);
    let reply = facts(call, ReplyKind::Failure);
    assert_eq!(demux.route(reply, now), Route::Call(7));
    assert_eq!(demux.route(reply, now), Route::Ignored);
}

#[test]
fn p4_offers_a_token_refusal_with_an_offset_to_everybody_it_may_mean() {
    let (mut demux, now) = table();
    demux.open_flow(1).unwrap();
    demux.open_flow(2).unwrap();
    for (offset, waiter) in [(Some(40), 10), (Some(41), 11), (None, 12), (Some(40), 13)] {
        let id = demux.call_id().unwrap();
        demux.wait_for(id, offset, waiter).unwrap();
    }
    let refusal = ReplyFacts {
        id: 40,
        kind: ReplyKind::TokenRefused,
    };
    let Route::Several {
        mut flows,
        mut calls,
    } = demux.route(refusal, now)
    else {
        panic!("the offset was not looked up");
    };
    flows.sort_unstable();
    calls.sort_unstable();
    assert_eq!((flows, calls), (vec![1, 2], vec![10, 13]));
    assert_eq!(demux.load().calls, 2);
}

#[test]
fn other_replies_with_an_id_that_is_none_of_ours() {
    let (mut demux, now) = table();
    demux.open_flow(1).unwrap();
    let of = |kind| ReplyFacts { id: 40, kind };
    assert_eq!(demux.route(of(ReplyKind::Success), now), Route::Ignored);
    assert_eq!(demux.route(of(ReplyKind::Failure), now), Route::Untrusted);
}

#[test]
fn calls_move_to_another_flow_when_the_sequence_numbers_are_used_up() {
    let (mut demux, now) = table();
    let first = demux.call_id().unwrap();
    demux.next_sequence = SEQUENCES_PER_FLOW - 1;
    let last = demux.call_id().unwrap();
    let next = demux.call_id().unwrap();
    assert_eq!(first.flow(), last.flow());
    assert_ne!(last.flow(), next.flow());
    assert_eq!(next.sequence(), 0);
    let late = facts(first.flow().request(5), ReplyKind::Failure);
    assert_eq!(demux.route(late, now), Route::Ignored);
}

#[test]
fn flow_ids_end_with_an_error() {
    let (mut demux, _) = table();
    demux.next_flow = FlowId::MAX;
    assert!(demux.open_flow(1).is_ok());
    assert!(matches!(demux.open_flow(1), Err(Refusal::Full { .. })));
}

#[test]
fn calls_are_bounded() {
    let (mut demux, now) = table();
    let mut ids = Vec::new();
    for waiter in 0..MAX_CALLS_PER_CONNECTION {
        let id = demux.call_id().unwrap();
        demux
            .wait_for(id, None, u32::try_from(waiter).unwrap())
            .unwrap();
        ids.push(id);
    }
    let id = demux.call_id().unwrap();
    assert!(matches!(
        demux.wait_for(id, None, 0),
        Err(Refusal::Full { what: "calls", .. })
    ));
    demux.forget_call(ids[0], now);
    assert!(demux.wait_for(id, None, 0).is_ok());
}

#[test]
fn an_unused_connection_closes_itself_and_a_reserved_one_does_not() {
    let (mut demux, now) = table();
    assert_eq!(demux.usage(now), Use::Until(now + IDLE));
    assert!(demux.reserve());
    assert_eq!(demux.usage(now + IDLE), Use::Busy);
    let flow = demux.open_flow(1).unwrap();
    assert!(!demux.release(now + IDLE));
    assert!(demux.forget_flow(flow, now + IDLE));
    assert!(!demux.forget_flow(flow, now + IDLE));
    assert_eq!(demux.usage(now + IDLE), Use::Until(now + IDLE * 2));
    assert_eq!(demux.usage(now + IDLE * 2), Use::Over);
    assert!(!demux.reserve());
    assert_eq!(demux.open_flow(1), Err(Refusal::Closed));
}

#[test]
fn a_touched_connection_has_its_time_again() {
    let (mut demux, now) = table();
    assert!(demux.touch(now + IDLE / 2));
    assert_eq!(demux.usage(now + IDLE), Use::Until(now + IDLE / 2 + IDLE));
    assert_eq!(demux.usage(now + IDLE * 2), Use::Over);
    assert!(!demux.touch(now + IDLE * 2));
}

#[test]
fn a_retired_connection_ends_with_its_last_user() {
    let (mut demux, now) = table();
    let flow = demux.open_flow(1).unwrap();
    demux.retire();
    assert_eq!(demux.usage(now), Use::Busy);
    demux.forget_flow(flow, now);
    assert_eq!(demux.usage(now), Use::Over);
}

#[test]
fn closing_gives_everybody_back_once() {
    let (mut demux, _) = table();
    demux.open_flow(1).unwrap();
    let id = demux.call_id().unwrap();
    demux.wait_for(id, None, 2).unwrap();
    assert_eq!(demux.close(), (vec![1], vec![2]));
    assert_eq!(demux.close(), (vec![], vec![]));
    assert_eq!(demux.call_id(), Err(Refusal::Closed));
}

#[derive(Debug, Clone)]
enum Step {
    OpenFlow,
    ForgetFlow(usize),
    Call,
    ForgetCall(usize),
    Reply { id: usize, fails: bool },
    Stray { flow: u64, sequence: u32 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        Just(Step::OpenFlow),
        any::<usize>().prop_map(Step::ForgetFlow),
        Just(Step::Call),
        any::<usize>().prop_map(Step::ForgetCall),
        (any::<usize>(), any::<bool>()).prop_map(|(id, fails)| Step::Reply { id, fails }),
        (0_u64..80, 0_u32..80).prop_map(|(flow, sequence)| Step::Stray { flow, sequence }),
    ];
    prop::collection::vec(step, 0..60)
}

/// What the table should do, by looking everything up in plain lists.
#[derive(Default)]
struct Model {
    flows: HashMap<FlowId, u32>,
    calls: HashMap<RequestId, u32>,
    given_flows: HashSet<FlowId>,
    given_calls: Vec<RequestId>,
}

impl Model {
    fn expect(&mut self, id: RequestId, fails: bool) -> Route<u32, u32> {
        if let Some(&handler) = self.flows.get(&id.flow()) {
            return Route::Flow(handler);
        }
        if let Some(waiter) = self.calls.remove(&id) {
            return Route::Call(waiter);
        }
        let known = self.given_flows.contains(&id.flow()) || self.given_calls.contains(&id);
        if known || !fails {
            Route::Ignored
        } else {
            Route::Untrusted
        }
    }

    fn pick<T: Copy + Ord>(of: impl Iterator<Item = T>, at: usize) -> Option<T> {
        let mut all: Vec<T> = of.collect();
        all.sort_unstable();
        all.get(at % all.len().max(1)).copied()
    }
}

fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (mut demux, now) = table();
    let mut model = Model::default();
    for (name, step) in (0..).zip(steps) {
        match step {
            Step::OpenFlow => {
                let id = demux.open_flow(name).unwrap();
                prop_assert!(
                    model.given_flows.insert(id),
                    "a flow id was given out twice"
                );
                prop_assert!(model.given_calls.iter().all(|call| call.flow() != id));
                model.flows.insert(id, name);
            }
            Step::ForgetFlow(at) => {
                if let Some(id) = Model::pick(model.flows.keys().copied(), at) {
                    demux.forget_flow(id, now);
                    model.flows.remove(&id);
                }
            }
            Step::Call => {
                let id = demux.call_id().unwrap();
                prop_assert!(
                    !model.given_calls.contains(&id),
                    "an id was given out twice"
                );
                demux.wait_for(id, None, name).unwrap();
                model.given_calls.push(id);
                model.calls.insert(id, name);
            }
            Step::ForgetCall(at) => {
                if let Some(id) = Model::pick(model.calls.keys().copied(), at) {
                    demux.forget_call(id, now);
                    model.calls.remove(&id);
                }
            }
            Step::Reply { id, fails } => {
                let flows = model.given_flows.iter().map(|flow| flow.request(1));
                let all = flows.chain(model.given_calls.iter().copied());
                if let Some(id) = Model::pick(all, id) {
                    check(&mut demux, &mut model, id, fails, now)?;
                }
            }
            Step::Stray { flow, sequence } => {
                let id = FlowId::new(flow).unwrap().request(sequence);
                check(&mut demux, &mut model, id, sequence % 2 == 0, now)?;
            }
        }
        let load = demux.load();
        prop_assert_eq!(
            (load.flows, load.calls),
            (model.flows.len(), model.calls.len())
        );
    }
    Ok(())
}

fn check(
    demux: &mut Table,
    model: &mut Model,
    id: RequestId,
    fails: bool,
    now: Instant,
) -> Result<(), TestCaseError> {
    let kind = if fails {
        ReplyKind::Failure
    } else {
        ReplyKind::Success
    };
    prop_assert_eq!(demux.route(facts(id, kind), now), model.expect(id, fails));
    Ok(())
}

proptest! {
    #[test]
    fn routes_as_the_model_does(steps in steps()) {
        run(steps)?;
    }
}
