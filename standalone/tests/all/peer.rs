//! A client that says exactly what a test wants, and hears everything.

use std::{net::SocketAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use pravega_client_shared::{DelegationToken, WriterId};
use pravega_wire_protocol::{
    AppendBlockEnd, AppendSetup, ConditionalBlockEnd, CreateSegment, DataAppended, FrameDecoder,
    FrameLimits, GetStreamSegmentInfo, Hello, KeepAlive, MAX_RECEIVED_PAYLOAD, ReadSegment, Reply,
    Request, SealSegment, SegmentRead, SetupAppend, StreamSegmentInfo, TruncateSegment,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Peer {
    pub(crate) socket: TcpStream,
    buffer: BytesMut,
    decoder: FrameDecoder,
}

pub(crate) fn writer(id: u128) -> WriterId {
    WriterId::from_wire(id)
}

pub(crate) fn read_request(segment: &str, offset: i64, length: i32, id: i64) -> ReadSegment {
    ReadSegment {
        segment: segment.into(),
        offset,
        suggested_length: length,
        delegation_token: DelegationToken::default(),
        request_id: id,
    }
}

pub(crate) fn append_request(id: u128, number: i64, data: impl Into<Bytes>) -> AppendBlockEnd {
    AppendBlockEnd {
        writer_id: writer(id),
        size_of_whole_events: 0,
        data: data.into().into(),
        num_events: 1,
        last_event_number: number,
        request_id: number.wrapping_add(1000),
    }
}

pub(crate) fn conditional_request(
    id: u128,
    number: i64,
    expected_offset: i64,
    data: impl Into<Bytes>,
) -> ConditionalBlockEnd {
    ConditionalBlockEnd {
        writer_id: writer(id),
        event_number: number,
        expected_offset,
        data: data.into().into(),
        request_id: number.wrapping_add(1000),
    }
}

pub(crate) fn setup_request(id: u128, segment: &str, request_id: i64) -> SetupAppend {
    SetupAppend {
        request_id,
        writer_id: writer(id),
        segment: segment.into(),
        delegation_token: DelegationToken::default(),
    }
}

impl Peer {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Self {
            socket,
            buffer: BytesMut::new(),
            decoder: FrameDecoder::new(FrameLimits::new(MAX_RECEIVED_PAYLOAD)),
        }
    }

    pub(crate) async fn greet(&mut self) {
        self.send(Hello::current()).await;
        assert_eq!(self.receive().await, Hello::current().into());
    }

    pub(crate) async fn send(&mut self, request: impl Into<Request>) {
        let frame = request.into().encode_to_bytes().unwrap();
        self.send_bytes(&frame).await;
    }

    /// Sends several requests in one write.
    pub(crate) async fn send_all(&mut self, requests: impl IntoIterator<Item = Request>) {
        let mut bytes = BytesMut::new();
        for request in requests {
            bytes.extend_from_slice(&request.encode_to_bytes().unwrap());
        }
        self.send_bytes(&bytes).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).await.unwrap();
    }

    /// The next reply, or none when the server closed the connection.
    pub(crate) async fn next(&mut self) -> Option<Reply> {
        let next = async {
            loop {
                if let Some(frame) = self.decoder.decode_frame(&mut self.buffer).unwrap() {
                    return Some(Reply::decode(frame).unwrap());
                }
                self.buffer.reserve(64 * 1024);
                match self.socket.read_buf(&mut self.buffer).await {
                    Ok(0) => {
                        assert!(self.buffer.is_empty(), "closed inside a reply");
                        return None;
                    }
                    Ok(_) => {}
                    Err(error) => panic!("reset: {error}"),
                }
            }
        };
        timeout(PATIENCE, next).await.expect("no reply")
    }

    pub(crate) async fn receive(&mut self) -> Reply {
        self.next().await.expect("closed")
    }

    pub(crate) async fn call(&mut self, request: impl Into<Request>) -> Reply {
        self.send(request).await;
        self.receive().await
    }

    /// Checks that the server closes, without a further reply.
    pub(crate) async fn assert_closed(mut self) {
        assert_eq!(self.next().await, None);
    }

    /// Checks that nothing comes before the echo of a sign of life.
    pub(crate) async fn assert_nothing_comes(&mut self) {
        assert_eq!(self.call(KeepAlive).await, KeepAlive.into());
    }

    pub(crate) async fn create(&mut self, segment: &str) -> Reply {
        self.call(CreateSegment {
            request_id: 1,
            segment: segment.into(),
            target_rate: 0,
            scale_type: 0,
            delegation_token: DelegationToken::default(),
            rollover_size_bytes: 0,
        })
        .await
    }

    pub(crate) async fn seal(&mut self, segment: &str) -> Reply {
        self.call(SealSegment {
            request_id: 6,
            segment: segment.into(),
            delegation_token: DelegationToken::default(),
        })
        .await
    }

    pub(crate) async fn truncate(&mut self, segment: &str, offset: i64) -> Reply {
        self.call(TruncateSegment {
            request_id: 7,
            segment: segment.into(),
            truncation_offset: offset,
            delegation_token: DelegationToken::default(),
        })
        .await
    }

    pub(crate) async fn info(&mut self, segment: &str) -> StreamSegmentInfo {
        let request = GetStreamSegmentInfo {
            request_id: 5,
            segment: segment.into(),
            delegation_token: DelegationToken::default(),
        };
        match self.call(request).await {
            Reply::StreamSegmentInfo(info) => info,
            other => panic!("{other:?}"),
        }
    }

    /// Sets a writer up and returns its last number.
    pub(crate) async fn set_up(&mut self, id: u128, segment: &str) -> i64 {
        match self.call(setup_request(id, segment, 2)).await {
            Reply::AppendSetup(AppendSetup {
                request_id: 2,
                segment: named,
                writer_id,
                last_event_number,
            }) if &*named == segment && writer_id == writer(id) => last_event_number,
            other => panic!("{other:?}"),
        }
    }

    /// Appends and returns the new tail.
    pub(crate) async fn append(&mut self, id: u128, number: i64, data: impl Into<Bytes>) -> i64 {
        self.send(append_request(id, number, data)).await;
        self.acked(number).await.current_segment_write_offset
    }

    pub(crate) async fn acked(&mut self, number: i64) -> DataAppended {
        match self.receive().await {
            Reply::DataAppended(ack) if ack.event_number == number => {
                assert_eq!(ack.request_id, number + 1000);
                ack
            }
            other => panic!("{other:?} in the place of the ack of {number}"),
        }
    }

    pub(crate) async fn read(&mut self, segment: &str, offset: i64, length: i32) -> SegmentRead {
        match self.call(read_request(segment, offset, length, 9)).await {
            Reply::SegmentRead(read) => {
                assert_eq!((read.offset, read.request_id), (offset, 9));
                read
            }
            other => panic!("{other:?}"),
        }
    }

    /// Everything from `offset` to the tail.
    pub(crate) async fn read_to_tail(&mut self, segment: &str, offset: i64) -> Vec<u8> {
        let tail = self.info(segment).await.write_offset;
        let mut all = Vec::new();
        while offset + i64::try_from(all.len()).unwrap() < tail {
            let at = offset + i64::try_from(all.len()).unwrap();
            let read = self.read(segment, at, i32::MAX).await;
            assert!(!read.data.is_empty());
            all.extend_from_slice(&read.data.into_bytes());
        }
        all
    }
}
