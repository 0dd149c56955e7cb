//! A writer whose connection is lost between a block and its ack: what goes out again, and what does not.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]
#![expect(clippy::disallowed_methods, reason = "no time passes here")]

use std::time::Instant;

use pravega_client_shared::{DelegationToken, FlowId, WriterId};
use pravega_segment_session::{AppendEvent, AppendOptions, AppendSession, Disconnect};
use pravega_wire_protocol::{AppendSetup, NO_EVENT_NUMBER, Request};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    // The session is told the time; this is all the time that passes here.
    let now = Instant::now();
    let mut session = AppendSession::new(
        WriterId::new(7)?,
        "camera/front/0.#epoch.0".into(),
        AppendOptions::default(),
    );
    session.submit(now, b"first ")?;
    attach(&mut session, now, 1, NO_EVENT_NUMBER)?;
    print("the first connection carries", &mut session);

    session.submit(now, b"second")?;
    session.handle_disconnected(now, Disconnect::Lost);
    println!("the connection is lost; nobody knows whether the store got the block");
    // The session waits before it asks for another connection.
    let later = session.poll_timeout().unwrap_or(now);
    session.handle_timeout(later);

    attach(&mut session, later, 2, 1)?;
    println!(
        "the store says that it has block 1: {} bytes are durable",
        session.durable()
    );
    print("the second connection carries", &mut session);
    Ok(())
}

/// Plays the driver that has a connection, and the store that remembers the writer's last block.
fn attach(session: &mut AppendSession, now: Instant, number: u64, last: i64) -> Outcome<()> {
    while let Some(event) = session.poll_event() {
        if matches!(event, AppendEvent::NeedsAttachment { .. }) {
            println!("the session asks for a connection");
        }
    }
    let flow = FlowId::new(number).ok_or("no such flow")?;
    session.handle_attached(now, flow, DelegationToken::default());
    let Some(Request::SetupAppend(setup)) = session.poll_transmit() else {
        return Err("a setup comes first".into());
    };
    let answer = AppendSetup {
        request_id: setup.request_id,
        segment: setup.segment,
        writer_id: setup.writer_id,
        last_event_number: last,
    };
    Ok(session.handle_reply(now, answer.into())?)
}

fn print(what: &str, session: &mut AppendSession) {
    while let Some(request) = session.poll_transmit() {
        if let Request::ConditionalBlockEnd(block) = request {
            let (number, len) = (block.event_number, block.data.len());
            println!(
                "{what} block {number}: {len} bytes at offset {}",
                block.expected_offset
            );
        }
    }
}
