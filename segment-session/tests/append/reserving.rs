//! Room that is kept for submissions which are still to come.

use bytes::Bytes;
use pravega_segment_session::{
    AppendEvent, AppendOptions, AppendSession, Reservation, SubmitError, WriteMode,
};
use proptest::prelude::*;

use crate::support::{
    random::Random,
    script::{Script, Sent, sent},
};

const WINDOW: usize = 10_000;

fn script(mode: WriteMode) -> Script {
    let options = AppendOptions::default().with_mode(mode);
    Script::new(options.with_max_unacked_bytes(WINDOW))
}

fn reserve(session: &mut AppendSession, len: usize) -> Reservation {
    session.reserve(len).expect("there is room")
}

fn is_full<T: std::fmt::Debug>(tried: Result<T, SubmitError>) -> bool {
    match tried {
        Ok(_) => false,
        Err(SubmitError::Full { .. }) => true,
        Err(other) => panic!("{other:?}"),
    }
}

fn has_released(script: &mut Script) -> bool {
    let events = script.events();
    events.iter().any(|it| matches!(it, AppendEvent::Released))
}

#[test]
fn reserved_room_is_taken_for_everybody_but_its_owner() {
    let mut script = script(WriteMode::Exclusive);
    let all = script.session.room();
    let reserved = reserve(&mut script.session, 6_000);
    assert_eq!(reserved.max_len(), 6_000);
    assert!(script.session.room() < WINDOW - 6_000);
    assert!(is_full(script.session.submit(script.now, &[0; 4_000])));
    assert!(is_full(script.session.reserve(4_000)));
    script.submit(&[1; 3_000]);
    assert!(is_full(script.session.submit(script.now, &[0; 1_000])));

    let data = Bytes::from(vec![2; 6_000]);
    let range = script.session.submit_reserved(script.now, reserved, data);
    assert_eq!(range.unwrap(), 3_000..9_000);
    script.open(0);
    let content = [vec![1; 3_000], vec![2; 6_000]].concat();
    assert_eq!(script.sent(), [sent(1, 0, &content)]);
    script.ack(1, 0, 9_000);
    assert_eq!(script.session.room(), all);
}

#[test]
fn released_room_is_there_again_and_is_told() {
    let mut script = script(WriteMode::Exclusive);
    let all = script.session.room();
    let reserved = reserve(&mut script.session, 9_000);
    assert!(is_full(script.session.reserve(1_000)));
    assert!(!has_released(&mut script));
    script.session.release(reserved);
    assert!(has_released(&mut script));
    assert_eq!(script.session.room(), all);
    assert!(!has_released(&mut script), "it is told once");
}

#[test]
fn room_that_a_submission_does_not_need_is_given_back_and_told() {
    let mut script = script(WriteMode::Shared);
    let reserved = reserve(&mut script.session, 9_000);
    let data = Bytes::from_static(b"little");
    let range = script.session.submit_reserved(script.now, reserved, data);
    assert_eq!(range.unwrap(), 0..6);
    assert!(has_released(&mut script));
    script.submit(&[1; 9_000]);
}

#[test]
fn more_than_was_reserved_is_refused_and_the_room_is_given_back() {
    let mut script = script(WriteMode::Exclusive);
    let all = script.session.room();
    let reserved = reserve(&mut script.session, 10);
    let data = Bytes::from_static(b"eleven byte");
    let refused = script.session.submit_reserved(script.now, reserved, data);
    assert!(
        matches!(refused, Err(SubmitError::TooLarge { max: 10 })),
        "{refused:?}"
    );
    assert_eq!((script.session.accepted(), script.session.room()), (0, all));
    let too_much = script.session.reserve(WINDOW + 1);
    assert!(matches!(
        too_much,
        Err(SubmitError::TooLarge { max: WINDOW })
    ));
}

#[test]
fn nothing_can_be_reserved_and_submitted() {
    let mut script = script(WriteMode::Exclusive);
    let all = script.session.room();
    let reserved = reserve(&mut script.session, 0);
    assert_eq!(script.session.room(), all);
    let range = script
        .session
        .submit_reserved(script.now, reserved, Bytes::new());
    assert_eq!(range.unwrap(), 0..0);
}

#[test]
fn a_window_smaller_than_a_block_costs_can_be_reserved_whole() {
    for window in [1, 2, 255, 256, 257] {
        let options = AppendOptions::default().with_max_unacked_bytes(window);
        let mut script = Script::new(options);
        let reserved = reserve(&mut script.session, window);
        assert!(is_full(script.session.reserve(1)), "{window}");
        assert!(is_full(script.session.submit(script.now, b"x")), "{window}");
        let data = Bytes::from(vec![7; window]);
        let range = script.session.submit_reserved(script.now, reserved, data);
        assert_eq!(range.unwrap(), 0..u64::try_from(window).unwrap());
    }
}

#[test]
fn a_reservation_outlives_a_conflict_and_serves_behind_the_resync() {
    let mut script = script(WriteMode::Exclusive);
    let reserved = reserve(&mut script.session, 9_000);
    let other = reserve(&mut script.session, 100);
    script.submit(b"refused");
    script.open(0);
    script.sent();
    script.reply(script.condition_failed(1)).unwrap();
    let failed = script
        .session
        .submit_reserved(script.now, other, Bytes::from_static(b"x"));
    assert!(
        matches!(failed, Err(SubmitError::Failed { .. })),
        "{failed:?}"
    );
    let failed = script.session.reserve(1);
    assert!(
        matches!(failed, Err(SubmitError::Failed { .. })),
        "{failed:?}"
    );
    script.session.resync(100).unwrap();
    assert!(is_full(script.session.submit(script.now, &[0; 1_000])));
    let data = Bytes::from(vec![3; 9_000]);
    let range = script
        .session
        .submit_reserved(script.now, reserved, data.clone());
    assert_eq!(range.unwrap(), 7..9_007);
    assert_eq!(script.sent(), [sent(2, 100, &data)]);
}

/// A session with reservations, and what must be true of it.
struct Model {
    script: Script,
    random: Random,
    reservations: Vec<Reservation>,
    accepted: Vec<u8>,
    stored: Vec<u8>,
    in_flight: Vec<Sent>,
    acked: i64,
}

impl Model {
    fn new(random: Random, mode: WriteMode) -> Self {
        let mut script = script(mode);
        script.session.attach(script.now);
        script.open(0);
        Self {
            script,
            random,
            reservations: Vec::new(),
            accepted: Vec::new(),
            stored: Vec::new(),
            in_flight: Vec::new(),
            acked: 0,
        }
    }

    fn step(&mut self) {
        let now = self.script.now;
        let session = &mut self.script.session;
        let len = self.random.below(1 << self.random.clone().below(14));
        let data = vec![u8::try_from(len % 251).unwrap(); len];
        match self.random.below(5) {
            0 => self.reservations.extend(session.reserve(len).ok()),
            1 => {
                if session.submit(now, &data).is_ok() {
                    self.accepted.extend(&data);
                }
            }
            2 | 3 if !self.reservations.is_empty() => {
                let index = self.random.below(self.reservations.len());
                let reservation = self.reservations.swap_remove(index);
                if self.random.one_in(4) {
                    session.release(reservation);
                } else {
                    let data = Bytes::from(data).slice(..len.min(reservation.max_len()));
                    let submitted = session.submit_reserved(now, reservation, data.clone());
                    submitted.expect("room for it was reserved");
                    self.accepted.extend(&data);
                }
            }
            _ => self.ack(),
        }
        self.in_flight.extend(self.script.sent());
    }

    /// The store acknowledges the oldest block.
    fn ack(&mut self) {
        if self.in_flight.is_empty() {
            return;
        }
        let block = self.in_flight.remove(0);
        self.stored.extend(block.data);
        let tail = i64::try_from(self.stored.len()).unwrap();
        self.script.ack(block.number, self.acked, tail);
        self.acked = block.number;
        self.in_flight.extend(self.script.sent());
    }

    /// What is reserved or not acknowledged, in bytes.
    fn held(&self) -> usize {
        let reserved = self.reservations.iter().map(Reservation::max_len);
        let unacked = usize::try_from(self.script.session.unacked_bytes()).unwrap();
        reserved.sum::<usize>() + unacked
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reserved_submission_never_lacks_room_and_the_window_is_never_exceeded(
        seed: u64,
        is_shared: bool,
    ) {
        let mode = if is_shared { WriteMode::Shared } else { WriteMode::Exclusive };
        let mut model = Model::new(Random::new(seed), mode);
        let all = model.script.session.room();
        for _ in 0..200 {
            model.step();
            prop_assert!(model.held() <= WINDOW);
            // What is said to fit does fit.
            let room = model.script.session.room();
            let fits = model.script.session.reserve(room);
            prop_assert!(fits.is_ok(), "{} bytes: {:?}", room, fits);
            model.script.session.release(fits.unwrap());
        }
        for reservation in std::mem::take(&mut model.reservations) {
            model.script.session.release(reservation);
        }
        model.script.session.flush(model.script.now);
        model.in_flight.extend(model.script.sent());
        while !model.in_flight.is_empty() {
            model.ack();
        }
        prop_assert_eq!(model.script.session.room(), all);
        prop_assert!(model.stored == model.accepted);
    }
}
