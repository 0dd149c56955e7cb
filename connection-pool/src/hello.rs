//! The exchange of hellos, before anything else is said on a connection.

use std::time::Duration;

use bytes::BytesMut;
use pravega_client_shared::Endpoint;
use pravega_wire_protocol::{Frame, FrameDecoder, FrameLimits, Hello, Reply, Request, negotiate};
use snafu::{IntoError, ResultExt, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{
    ConnectError, ConnectStep, Dialed, ProtocolError,
    error::connect::{
        BrokenBeforeHelloSnafu, ClosedBeforeHelloSnafu, NotPravegaSnafu, TimeoutSnafu, VersionSnafu,
    },
};

/// Room for the frames that may come before the hello is checked.
const BUFFER_BYTES: usize = 256;

/// What the hellos came to.
pub(crate) struct Agreed {
    /// The wire version both sides speak.
    pub(crate) version: i32,
    /// What the peer sent behind its hello.
    pub(crate) already_read: BytesMut,
}

/// Says hello, and checks the peer's. Nothing else is sent before.
pub(crate) async fn exchange(
    dialed: &mut Dialed,
    endpoint: &Endpoint,
    after: Duration,
) -> Result<Agreed, ConnectError> {
    let step = ConnectStep::Hello;
    let endpoint = endpoint.clone();
    match timeout(after, exchange_without_deadline(dialed, &endpoint)).await {
        Ok(agreed) => agreed,
        Err(_elapsed) => TimeoutSnafu {
            endpoint,
            step,
            after,
        }
        .fail(),
    }
}

async fn exchange_without_deadline(
    dialed: &mut Dialed,
    endpoint: &Endpoint,
) -> Result<Agreed, ConnectError> {
    say_hello(dialed, endpoint).await?;
    let mut decoder = FrameDecoder::new(FrameLimits::HELLO);
    let mut buffer = BytesMut::with_capacity(BUFFER_BYTES);
    loop {
        let frame = decoder
            .decode_frame(&mut buffer)
            .map_err(|error| not_pravega(endpoint, error))?;
        if let Some(frame) = frame {
            return Ok(Agreed {
                version: check(frame, endpoint)?,
                already_read: buffer,
            });
        }
        let count = dialed
            .reader
            .read_buf(&mut buffer)
            .await
            .with_context(|_| BrokenBeforeHelloSnafu {
                endpoint: endpoint.clone(),
            })?;
        ensure!(
            count > 0,
            ClosedBeforeHelloSnafu {
                endpoint: endpoint.clone()
            }
        );
    }
}

async fn say_hello(dialed: &mut Dialed, endpoint: &Endpoint) -> Result<(), ConnectError> {
    let hello = Request::from(Hello::current())
        .encode_to_bytes()
        .map_err(|error| not_pravega(endpoint, error))?;
    let writing = async {
        dialed.writer.write_all(&hello).await?;
        dialed.writer.flush().await
    };
    writing.await.with_context(|_| BrokenBeforeHelloSnafu {
        endpoint: endpoint.clone(),
    })
}

fn check(frame: Frame, endpoint: &Endpoint) -> Result<i32, ConnectError> {
    match Reply::decode(frame).map_err(|error| not_pravega(endpoint, error))? {
        Reply::Hello(hello) => negotiate(&hello).with_context(|_| VersionSnafu {
            endpoint: endpoint.clone(),
        }),
        other => {
            let what = format!(
                "{} ({}) in the place of a hello",
                other.name(),
                other.code()
            );
            Err(not_pravega(endpoint, what))
        }
    }
}

fn not_pravega(
    endpoint: &Endpoint,
    what: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> ConnectError {
    NotPravegaSnafu {
        endpoint: endpoint.clone(),
    }
    .into_error(ProtocolError::new(what))
}
