//! Names, addresses and offsets that cannot be, and peers that are not what they should be: an error that
//! says what is wrong and where, and no panic.

use std::{net::SocketAddr, time::Duration};

use futures::{FutureExt as _, future::join_all};
use pravega_byte_stream::{
    ByteReader, ClientConfigBuilder, ClientFactory, ReadError, ReadFrom, ReadUntil, ScopeName,
    ScopedSegment, ScopedStream, SegmentError, StreamName, WriteError,
};
use pravega_integration_tests::{Backend, relay::Relay};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
    time::timeout,
};

use crate::support::{short_of_time, story};

#[test]
fn names_outside_of_the_rules() {
    let long = "x".repeat(256);
    let names = [
        "", ".", "..", " ", "a b", "a/b", "a\\b", "a_b", "a#b", "a:b", "a\0b", "a\nb", "ä", "日本",
        "%2e", "~", "-_", &long,
    ];
    for name in names {
        let scope = ScopeName::new(name).unwrap_err();
        let stream = StreamName::new(name).unwrap_err();
        assert!(!scope.to_string().contains(['\0', '\n']), "{scope}");
        assert_eq!(scope, stream);
        for text in [format!("{name}/s"), format!("s/{name}")] {
            text.parse::<ScopedStream>().unwrap_err();
            format!("{text}/0").parse::<ScopedSegment>().unwrap_err();
        }
    }
    let ids = [
        "",
        "-1",
        "x",
        "2147483648",
        "99999999999999999999",
        "0.#epoch.",
        "0.#epoch.-1",
        " 0",
        "0x1",
    ];
    for id in ids {
        let error = format!("scope/stream/{id}")
            .parse::<ScopedSegment>()
            .unwrap_err();
        assert!(!error.to_string().is_empty());
    }
    // The longest names that are.
    let longest = "x".repeat(255);
    format!("{longest}/_{}/0", &longest[1..])
        .parse::<ScopedSegment>()
        .unwrap();
}

#[test]
fn addresses_of_odd_shapes() {
    let long = format!("tcp://{}:1", "x".repeat(40_000));
    let many = format!("tcp://{}", vec!["h:1"; 1_000].join(","));
    let addresses = [
        "",
        " ",
        ":",
        "://",
        "tcp://",
        "tcp:///",
        "localhost",
        "localhost:",
        ":9090",
        "tcp://:9090",
        "localhost:0",
        "localhost:70000",
        "localhost:-1",
        "localhost:9090/",
        "localhost:9090?x=1",
        "http://localhost:9090",
        "TCP://localhost:9090",
        "tcp://tcp://h:1",
        "tcp://h:1,",
        ",h:1",
        "tcp://h:1,,h:2",
        "tcp://::1:9090",
        "tcp://[::1]",
        "tcp://[::1]:",
        "tcp://[zz]:1",
        "tcp://[::1:9090",
        "tcp://user@h:1",
        "tcp://user:secret@h:1",
        "tcp://h: 1",
        "tcp://h h:1",
        "tcp://h:1 ",
        " tcp://h:1",
        "tcp://h:+1",
        "tcp://h:0x50",
        "tcp://hö:1",
        "tcp://h\0:1",
        &long,
        &many,
    ];
    for address in addresses {
        let Err(error) = ClientConfigBuilder::default()
            .controller_uri(address)
            .build()
        else {
            panic!("{address:?} was accepted")
        };
        let story = story(&error);
        assert!(story.contains("controller"), "{address:?}: {story}");
        assert!(!story.contains("secret"), "{story}");
        assert!(story.len() < 70_000, "{} bytes", story.len());
    }
    ClientConfigBuilder::default().build().unwrap_err();
}

#[tokio::test]
async fn offsets_that_no_segment_has() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let (mut writer, mut reader) = backend.pair(&factory).await;
    writer.write(b"0123456789").await.unwrap();
    writer.flush().await.unwrap();
    let segment = writer.segment().unwrap().clone();
    for beyond in [(1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX] {
        let error = reader.read_at(beyond, 1).await.unwrap_err();
        assert!(
            matches!(error, ReadError::Incomplete { tail: 10, .. }),
            "{error:?}"
        );
        let error = reader.read_at(beyond, usize::MAX).await.unwrap_err();
        assert!(
            matches!(error, ReadError::Incomplete { tail: 10, .. }),
            "{error:?}"
        );
        let error = reader.read_range(5..beyond).await.unwrap_err();
        assert!(
            matches!(error, ReadError::Incomplete { tail: 10, .. }),
            "{error:?}"
        );
        let handle = factory.segment(segment.clone()).unwrap();
        let error = handle.truncate_data_before(beyond).await.unwrap_err();
        assert!(
            matches!(error, SegmentError::OutOfRange { .. }),
            "{error:?}"
        );
    }
    for impossible in [1 << 63, u64::MAX] {
        let to = std::io::SeekFrom::Start(impossible);
        let error = reader.seek(to).await.unwrap_err();
        assert!(matches!(error, ReadError::InvalidSeek), "{error:?}");
        assert_eq!(reader.position(), 0);
    }
    assert!(reader.read_range(7..7).await.unwrap().is_empty());
    let (start, end) = (7, 3);
    assert!(reader.read_range(start..end).await.unwrap().is_empty());
    assert_eq!(reader.read_at(5, usize::MAX).await.unwrap(), "56789");
}

#[tokio::test]
async fn readers_opened_at_offsets_that_no_segment_has() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let (mut writer, _reader) = backend.pair(&factory).await;
    writer.write(b"0123456789").await.unwrap();
    writer.seal().await.unwrap();
    let segment = writer.segment().unwrap().clone();
    for beyond in [11, (1 << 63) - 1, 1 << 63, u64::MAX] {
        let opening = factory
            .open_byte_reader(segment.clone())
            .from(ReadFrom::Offset(beyond));
        let error = match opening.await {
            Ok(mut reader) => reader.read(&mut [0]).await.unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(!error.is_empty());
    }
    let opening = factory
        .open_byte_reader(segment)
        .from(ReadFrom::BeforeTail(u64::MAX));
    let mut reader = opening.until(ReadUntil::Offset(u64::MAX)).await.unwrap();
    let mut all = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut all)
        .await
        .unwrap();
    assert_eq!(all, b"0123456789");
}

#[tokio::test]
async fn waiting_for_durability_that_cannot_come_ends_at_the_deadline() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let opening = factory
        .open_byte_writer(segment)
        .operation_timeout(Duration::from_millis(20));
    let mut writer = opening.await.unwrap();
    for offset in [1, u64::MAX] {
        let error = writer.wait_durable(offset).await.unwrap_err();
        assert!(matches!(error, WriteError::Timeout { .. }), "{error:?}");
    }
}

/// What answers where a controller or a segment store should.
#[derive(Debug, Clone, Copy)]
enum Impostor {
    /// Nobody listens.
    Nobody,
    /// A web server.
    Web,
    /// Bytes that mean nothing.
    Garbage,
    /// Accepts and closes.
    Closing,
    /// Accepts and says nothing.
    Silent,
    /// Sends back what it gets.
    Echo,
}

const IMPOSTORS: [Impostor; 6] = [
    Impostor::Nobody,
    Impostor::Web,
    Impostor::Garbage,
    Impostor::Closing,
    Impostor::Silent,
    Impostor::Echo,
];

impl Impostor {
    /// Where it listens, and the task in which it does.
    async fn start(self) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = async move {
            if matches!(self, Self::Nobody) {
                return;
            }
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut received = [0; 1024];
                    let first = match self {
                        Self::Web => &b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"[..],
                        Self::Garbage => &[0xf5; 300],
                        Self::Closing => return,
                        Self::Nobody | Self::Silent | Self::Echo => b"",
                    };
                    if socket.write_all(first).await.is_err() {
                        return;
                    }
                    while let Ok(len @ 1..) = socket.read(&mut received).await {
                        let echoes = matches!(self, Self::Echo);
                        if echoes && socket.write_all(&received[..len]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        };
        // Without a listener, dropped when the future ends, the address refuses connections.
        (address, tokio::spawn(serving))
    }
}

/// Waits far beyond every deadline that the client has been given.
fn in_time<T>(call: impl IntoFuture<Output = T>) -> impl Future<Output = T> {
    let bounded = timeout(Duration::from_secs(60), Box::pin(call.into_future()));
    bounded.map(|answer| answer.expect("the call has no end"))
}

fn factory_at(controller: &str) -> ClientFactory {
    let config = ClientConfigBuilder::default().controller_uri(controller);
    ClientFactory::new(short_of_time(config).build().unwrap())
}

/// Everything that can be asked for fails with an error about `peer`.
async fn expect_failures(factory: &ClientFactory, segment: &ScopedSegment, peer: &str) {
    let handle = factory.segment(segment.clone()).unwrap();
    for error in [
        in_time(factory.open_byte_writer(segment.clone()))
            .await
            .err()
            .unwrap(),
        in_time(factory.open_byte_reader(segment.clone()))
            .await
            .err()
            .unwrap(),
        in_time(handle.info()).await.unwrap_err(),
        in_time(handle.truncate_data_before(1)).await.unwrap_err(),
        in_time(handle.seal()).await.unwrap_err(),
        in_time(handle.update_attribute(1, None, Some(1)))
            .await
            .unwrap_err(),
    ] {
        expect_about(&error, peer);
    }
    let mut writer = factory.create_byte_writer(segment.clone());
    in_time(writer.write(b"accepted, no more")).await.unwrap();
    let error = in_time(writer.flush()).await.unwrap_err();
    let text = story(&error);
    // What speaks the protocol and breaks it has been told from what does not speak it.
    let is_known = text.contains(peer) || matches!(error, WriteError::Broken { .. });
    assert!(is_known, "{peer}: {text}");
    let error = in_time(writer.close()).await.unwrap_err();
    assert!(
        story(&error).contains(&segment.to_string()),
        "{}",
        story(&error)
    );
    let mut reader: ByteReader = factory.create_byte_reader(segment.clone()).await;
    let error = in_time(reader.current_head()).await.unwrap_err();
    assert!(story(&error).contains(peer), "{peer}: {}", story(&error));
    let error = in_time(reader.read(&mut [0])).await.unwrap_err();
    let text = story(&error);
    let is_known = text.contains(peer) || matches!(error, ReadError::Broken { .. });
    assert!(is_known, "{peer}: {text}");
}

fn expect_about(error: &SegmentError, peer: &str) {
    assert!(
        matches!(
            error,
            SegmentError::Unavailable { .. } | SegmentError::Timeout { .. }
        ),
        "{peer}: {error:?}"
    );
    assert!(story(error).contains(peer), "{peer}: {}", story(error));
}

#[tokio::test]
async fn t76_controllers_that_are_none() {
    // All at once: most of the time goes into waiting for deadlines.
    join_all(IMPOSTORS.map(|impostor| async move {
        let (address, serving) = impostor.start().await;
        let peer = address.to_string();
        let factory = factory_at(&format!("tcp://{peer}"));
        let stream = ScopedStream::from("scope/stream");
        for error in [
            in_time(factory.ensure_byte_stream(&stream)).await.err(),
            in_time(factory.segment_of(&stream)).await.err(),
            in_time(factory.open_byte_writer(stream.clone()))
                .await
                .err(),
            in_time(factory.open_byte_reader(stream.clone()))
                .await
                .err(),
        ] {
            expect_about(&error.unwrap(), &peer);
        }
        expect_failures(&factory, &ScopedSegment::from("scope/stream/0"), &peer).await;
        in_time(factory.shutdown()).await;
        serving.abort();
    }))
    .await;
}

#[tokio::test]
async fn t76_stores_that_are_none() {
    join_all(IMPOSTORS.map(|impostor| async move {
        let relay = Relay::embedded().await;
        let segment = relay.backend().fresh_segment(&relay.factory()).await;
        let (address, serving) = impostor.start().await;
        relay.name_another_store(address);
        let factory = relay.factory_with(short_of_time);
        expect_failures(&factory, &segment, &address.to_string()).await;
        in_time(factory.shutdown()).await;
        serving.abort();
    }))
    .await;
}

#[tokio::test]
async fn t76_controller_and_store_taken_for_each_other() {
    let relay = Relay::embedded().await;
    let segment = relay.backend().fresh_segment(&relay.factory()).await;
    let server = relay.backend().server().unwrap();
    let store = server.store_addr().to_string();
    expect_failures(&factory_at(&store), &segment, &store).await;
    relay.name_another_store(server.controller_addr());
    let factory = relay.factory_with(short_of_time);
    expect_failures(&factory, &segment, &server.controller_addr().to_string()).await;
}

#[tokio::test]
async fn t76_a_host_that_does_not_exist() {
    let factory = factory_at("tcp://no-such-host.invalid:9090");
    let peer = "no-such-host.invalid:9090";
    expect_failures(&factory, &ScopedSegment::from("scope/stream/0"), peer).await;
}
