//! Whatever carries a secret, printed: a marker in the secret must not come out.

use std::fmt::{Debug, Display};

use pravega_byte_stream::ClientFactory;
use pravega_client_config::{ClientConfigBuilder, Credentials};
use pravega_client_shared::{DelegationToken, FlowId, WriterId};
use pravega_connection_pool::ConnectionPool;
use pravega_segment_session::{AppendOptions, AppendSession, ReadOptions, ReadSession};
use pravega_wire_protocol::{
    CreateSegment, DeleteSegment, FrameQueue, GetSegmentAttribute, GetStreamSegmentInfo,
    LocateOffset, ReadSegment, Request, SealSegment, SetupAppend, TruncateSegment,
    UpdateSegmentAttribute, UpdateSegmentPolicy,
};

use crate::campaign::{Harm, Plan, Report, Tally, Verdict, Violation, over_seeds};

/// Part of every secret.
const MARKER: &str = "m4rk3r";
/// The same as it goes out in a header: itself, behind a user's name, and alone.
const ENCODED: &[&str] = &["bTRyazNy", "am9lOm00cmszcg"];

const SEGMENT: &str = "scope/stream/0.#epoch.0";

/// Prints everything, for each seed the same.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    over_seeds("secrets", plan, |_, tally| {
        show("DelegationToken", &token(), tally)?;
        for request in requests() {
            show("Request", &request, tally)?;
            let mut queue = FrameQueue::new();
            request.encode(&mut queue).map_err(failed)?;
            show("FrameQueue", &queue, tally)?;
        }
        sessions(tally)?;
        configurations(tally)?;
        Ok(0)
    })
}

fn token() -> DelegationToken {
    DelegationToken::new(&format!("header.{MARKER}.signature"))
}

fn failed(error: impl Display) -> Violation {
    Violation::broken(error.to_string())
}

/// Prints a value in both ways and looks for the marker.
fn show(what: &'static str, value: &impl Debug, tally: &mut Tally) -> Verdict {
    tally.count("secret printed", what);
    look(what, &format!("{value:?} {value:#?}"))
}

fn look(what: &str, text: &str) -> Verdict {
    let leaked = ENCODED
        .iter()
        .chain(&[MARKER])
        .find(|secret| text.contains(**secret));
    match leaked {
        None => Ok(()),
        Some(secret) => {
            let what = format!("{what} shows {secret}");
            Err(Violation::new(Harm::FalselyReported, 1, what))
        }
    }
}

/// Every request that carries a token.
fn requests() -> Vec<Request> {
    let request_id = 1;
    macro_rules! request {
        ($name:ident { $($field:ident: $value:expr),* }) => {
            $name {
                request_id,
                segment: SEGMENT.into(),
                delegation_token: token(),
                $($field: $value),*
            }
            .into()
        };
    }
    vec![
        request!(SetupAppend {
            writer_id: WriterId::from_wire(1)
        }),
        request!(ReadSegment {
            offset: 0,
            suggested_length: 0
        }),
        request!(GetStreamSegmentInfo {}),
        request!(CreateSegment {
            target_rate: 0,
            scale_type: 0,
            rollover_size_bytes: 0
        }),
        request!(SealSegment {}),
        request!(DeleteSegment {}),
        request!(UpdateSegmentPolicy {
            target_rate: 0,
            scale_type: 0
        }),
        request!(TruncateSegment {
            truncation_offset: 0
        }),
        request!(LocateOffset { target_offset: 0 }),
        request!(GetSegmentAttribute { attribute_id: 7 }),
        request!(UpdateSegmentAttribute {
            attribute_id: 7,
            new_value: 0,
            expected_value: 0
        }),
    ]
}

/// Sessions that hold a token, and what they send.
fn sessions(tally: &mut Tally) -> Verdict {
    let now = super::moment();
    let flow = FlowId::new(1).ok_or_else(|| Violation::broken("no flow"))?;
    let mut writer = AppendSession::new(
        WriterId::from_wire(1),
        SEGMENT.into(),
        AppendOptions::default(),
    );
    writer.submit(now, b"bytes").map_err(failed)?;
    writer.handle_attached(now, flow, token());
    show("AppendSession", &writer, tally)?;
    show("AppendSession's request", &writer.poll_transmit(), tally)?;
    let mut reader = ReadSession::new(SEGMENT.into(), &ReadOptions::default());
    reader.want();
    reader.handle_attached(now, flow, token());
    show("ReadSession", &reader, tally)?;
    show("ReadSession's request", &reader.poll_transmit(), tally)
}

/// Credentials, configurations good and bad, and what is made of them.
fn configurations(tally: &mut Tally) -> Verdict {
    let all = [
        Credentials::basic("joe", MARKER),
        Credentials::basic_token("am9lOm00cmszcg=="),
        Credentials::bearer(MARKER),
        Credentials::bearer_from(|| MARKER.into()),
        // Refused when the configuration is built.
        Credentials::bearer(format!("{MARKER}\n")),
        Credentials::basic(format!("{MARKER}:"), MARKER),
    ];
    for credentials in all {
        show("Credentials", &credentials, tally)?;
        let builder = ClientConfigBuilder::default()
            .controller_uri("tcp://localhost:9090")
            .credentials(credentials);
        show("ClientConfigBuilder", &builder, tally)?;
        match builder.build() {
            Ok(config) => {
                show("ClientConfig", &config, tally)?;
                show(
                    "ConnectionPool",
                    &ConnectionPool::new(&config).map_err(failed)?,
                    tally,
                )?;
                show("ClientFactory", &ClientFactory::new(config), tally)?;
            }
            Err(error) => {
                show("ConfigError", &error, tally)?;
                look("ConfigError", &error.to_string())?;
            }
        }
    }
    Ok(())
}
