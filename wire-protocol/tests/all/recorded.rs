//! Frames recorded between a client and a Pravega 0.13.0, both directions: each decodes, and encodes to
//! the same bytes again. Nothing else would catch a mistake that our encoder and decoder share.

use bytes::Bytes;
use pravega_wire_protocol::{DecodeError, Foreign, KeepAlive, Padding, Reply, Request};
use serde::Deserialize;

use crate::{only_frame, unhex};

const RECORDED: &str = include_str!("../golden/pravega-0.13.0-frames.jsonl");

/// Scenes in which the recording client sent what a correct one does not: nested types on top, a payload
/// where none belongs, fields left out, bytes left over.
const HOSTILE: [&str; 7] = [
    "evnt",
    "kapayload",
    "pad",
    "partial",
    "readtrail",
    "short",
    "trailing",
];

#[derive(Debug, Deserialize)]
struct Recorded {
    scene: String,
    dir: String,
    name: String,
    frame: String,
}

impl Recorded {
    fn all() -> Vec<Self> {
        RECORDED
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn bytes(&self) -> Bytes {
        unhex(&self.frame)
    }

    fn is_request(&self) -> bool {
        self.dir == "to_server"
    }

    fn is_hostile(&self) -> bool {
        self.is_request() && HOSTILE.contains(&self.scene.as_str())
    }

    /// The name and the bytes of what it decodes to.
    fn again(&self) -> (&'static str, Bytes) {
        let frame = only_frame(&self.bytes());
        if self.is_request() {
            let request = Request::decode(frame).unwrap();
            (request.name(), request.encode_to_bytes().unwrap())
        } else {
            let reply = Reply::decode(frame).unwrap();
            (reply.name(), reply.encode_to_bytes().unwrap())
        }
    }
}

#[test]
fn every_recorded_frame_encodes_to_the_same_bytes() {
    let recorded = Recorded::all();
    assert!(recorded.len() >= 255, "only {} frames", recorded.len());
    for frame in recorded.iter().filter(|frame| !frame.is_hostile()) {
        let (name, bytes) = frame.again();
        assert_eq!(name, frame.name, "{frame:?}");
        assert_eq!(bytes, frame.bytes(), "{frame:?}");
    }
}

#[test]
fn the_client_s_deliberate_mistakes_are_told_apart() {
    let seen: Vec<_> = Recorded::all()
        .into_iter()
        .filter(Recorded::is_hostile)
        .map(|frame| {
            (
                frame.scene.clone(),
                Request::decode(only_frame(&frame.bytes())),
            )
        })
        .collect();
    assert_eq!(seen.len(), HOSTILE.len());
    for (scene, decoded) in seen {
        match scene.as_str() {
            // Nested frames on top: known, but no requests.
            "evnt" | "partial" => assert!(
                matches!(decoded, Ok(Request::Foreign(Foreign { ref body, .. })) if body == "abc"),
                "{decoded:?}"
            ),
            // Its bytes mean nothing and are not kept.
            "pad" => assert_eq!(decoded, Ok(Padding { len: 3 }.into())),
            "kapayload" => assert_eq!(decoded, Ok(KeepAlive.into())),
            "short" => assert_eq!(
                decoded,
                Err(DecodeError::Short {
                    message: "GetStreamSegmentInfo",
                    field: "delegation_token",
                    needed: 2,
                    left: 0
                })
            ),
            "trailing" => assert!(
                matches!(decoded, Ok(Request::GetStreamSegmentInfo(_))),
                "{decoded:?}"
            ),
            "readtrail" => assert_eq!(decoded.unwrap().request_id(), Some(-1)),
            _ => panic!("scene {scene} has no expectation"),
        }
    }
}

#[test]
fn the_server_s_replies_read_as_what_was_observed() {
    let replies: Vec<_> = Recorded::all()
        .into_iter()
        .filter(|frame| !frame.is_request())
        .map(|frame| {
            (
                frame.scene.clone(),
                Reply::decode(only_frame(&frame.bytes())).unwrap(),
            )
        })
        .collect();
    let in_scene = |scene: &'static str| {
        let found = replies.iter().filter(move |(name, _)| name == scene);
        found.map(|(_, reply)| reply).collect::<Vec<_>>()
    };
    assert!(
        matches!(in_scene("hello-versions")[..], [Reply::Hello(hello)]
        if (hello.high_version, hello.low_version) == (16, 5))
    );
    assert!(matches!(in_scene("kapayload")[..], [Reply::KeepAlive(_)]));
    let numbers = in_scene("append-reserved");
    assert!(numbers.iter().any(|reply| reply.is_failure()
        && matches!(reply, Reply::InvalidEventNumber(invalid) if invalid.event_number >= 0)));
    assert!(
        replies
            .iter()
            .all(|(_, reply)| !matches!(reply, Reply::Foreign(_) | Reply::Unknown(_)))
    );
}
