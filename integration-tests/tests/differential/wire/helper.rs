//! What a script needs done and does not want to see.

use std::sync::Arc;

use bytes::Bytes;
use pravega_client_shared::{DelegationToken, WriterId};
use pravega_wire_protocol::{
    AppendBlockEnd, CreateSegment, GetStreamSegmentInfo, Payload, ReadSegment, Reply, Request,
    SetupAppend, StreamSegmentInfo,
};
use uuid::Uuid;

use super::{
    peer::{Heard, Peer},
    scene::Name,
    show,
};

/// The request id of everything that is asked beside the script.
pub(super) const OWN: i64 = i64::MAX;

/// The most that is asked for in one read.
const READ_BYTES: i32 = 2 * 1024 * 1024;

pub(super) fn info(segment: &Name) -> Request {
    GetStreamSegmentInfo {
        request_id: OWN,
        segment: Arc::clone(segment),
        delegation_token: DelegationToken::default(),
    }
    .into()
}

/// A connection beside those of the script.
pub(crate) struct Helper(Peer);

impl Helper {
    /// Connects.
    pub(crate) async fn connect(store: &str) -> Self {
        Self(Peer::connect(store).await)
    }

    async fn ask(&mut self, request: impl Into<Request>) -> Reply {
        self.0
            .send(&request.into().encode_to_bytes().unwrap())
            .await;
        match self.0.hear().await {
            Heard::Reply { reply, .. } => *reply,
            other => panic!("no reply: {other:?}"),
        }
    }

    /// Makes a segment.
    pub(crate) async fn create(&mut self, segment: &Name) {
        let create = CreateSegment {
            request_id: OWN,
            segment: Arc::clone(segment),
            target_rate: 0,
            scale_type: 0,
            delegation_token: DelegationToken::default(),
            rollover_size_bytes: 0,
        };
        let reply = self.ask(create).await;
        assert!(matches!(reply, Reply::SegmentCreated(_)), "{reply:?}");
    }

    /// Appends bytes to a segment.
    pub(crate) async fn append(&mut self, segment: &Name, data: &'static [u8]) {
        let writer_id = WriterId::from_wire(Uuid::new_v4().as_u128());
        let setup = SetupAppend {
            request_id: OWN,
            writer_id,
            segment: Arc::clone(segment),
            delegation_token: DelegationToken::default(),
        };
        let reply = self.ask(setup).await;
        assert!(matches!(reply, Reply::AppendSetup(_)), "{reply:?}");
        let append = AppendBlockEnd {
            writer_id,
            size_of_whole_events: 0,
            data: Payload::from(Bytes::from_static(data)),
            num_events: 1,
            last_event_number: 1,
            request_id: OWN,
        };
        let reply = self.ask(append).await;
        assert!(matches!(reply, Reply::DataAppended(_)), "{reply:?}");
    }

    async fn read(&mut self, segment: &Name, offset: i64) -> Vec<u8> {
        let read = ReadSegment {
            segment: Arc::clone(segment),
            offset,
            suggested_length: READ_BYTES,
            delegation_token: DelegationToken::default(),
            request_id: OWN,
        };
        match self.ask(read).await {
            Reply::SegmentRead(read) => read.data.into_bytes().to_vec(),
            other => panic!("instead of bytes at {offset}: {other:?}"),
        }
    }

    /// A read of the last byte waits for it.
    pub(crate) async fn readable(&mut self, segment: &Name, tail: i64) {
        assert!(!self.read(segment, tail - 1).await.is_empty());
    }

    /// What a segment is and holds.
    pub(crate) async fn content(&mut self, segment: &Name) -> String {
        let StreamSegmentInfo {
            is_sealed,
            start_offset,
            write_offset,
            ..
        } = match self.ask(info(segment)).await {
            Reply::StreamSegmentInfo(info) => info,
            Reply::NoSuchSegment(_) => return "is not there".to_owned(),
            other => panic!("instead of info: {other:?}"),
        };
        let mut content = Vec::new();
        let mut offset = start_offset;
        while offset < write_offset {
            let bytes = self.read(segment, offset).await;
            assert!(!bytes.is_empty(), "nothing at {offset} of {write_offset}");
            offset += i64::try_from(bytes.len()).unwrap();
            content.extend_from_slice(&bytes);
        }
        let state = if is_sealed { "sealed" } else { "open" };
        let content = show::bytes(&content);
        format!("is {state}, {start_offset} to {write_offset}, {content}")
    }
}
