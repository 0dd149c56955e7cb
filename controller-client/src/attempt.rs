//! One request to one controller: headers, deadline, and what came of it.

use std::{
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    time::Duration,
};

use futures::FutureExt;
use pravega_client_config::{ClientConfig, Credentials, ExposeSecret, SecretString};
use pravega_controller_api::controller_service_client::ControllerServiceClient;
use tokio::time::{Instant, timeout_at};
use tonic::{
    Code, Request, Response, Status,
    codegen::Service,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};

use crate::{
    ControllerError,
    channel::Controller,
    retry::{Reaction, react},
    rpc_error::{Reach, RpcError},
};

/// The largest message sent or taken, in bytes: what Pravega's controller takes.
const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// Where the credentials go.
const AUTHORIZATION: &str = "authorization";

/// The generated client.
pub(crate) type Client = ControllerServiceClient<Channel>;

/// Makes requests in the name of one configuration. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    config: ClientConfig,
}

/// Why an attempt gave no reply.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// It ended with a status.
    Rpc(RpcError),
    /// Its time was up.
    TimedOut(Duration),
    /// The gRPC library panicked over the reply.
    Unreadable,
    /// The request could not be made.
    Unsendable(ControllerError),
}

impl Trouble {
    pub(crate) fn reaction(&self) -> Reaction {
        match self {
            Self::Rpc(error) => react(error),
            Self::TimedOut(_) => Reaction::LOST,
            Self::Unreadable => Reaction::UNUSABLE,
            Self::Unsendable(_) => Reaction::FINAL,
        }
    }

    /// True when a controller answered with `code`.
    pub(crate) fn is_answer(&self, code: Code) -> bool {
        matches!(self, Self::Rpc(error) if error.is_answer(code))
    }

    /// True when the connection is not to be used again.
    fn condemns_connection(&self) -> bool {
        match self {
            Self::Rpc(error) => error.reach() != Reach::Answered,
            Self::TimedOut(_) | Self::Unreadable => true,
            Self::Unsendable(_) => false,
        }
    }
}

impl Caller {
    pub(crate) fn new(config: &ClientConfig) -> Self {
        Self {
            config: config.clone(),
        }
    }

    pub(crate) fn config(&self) -> &ClientConfig {
        &self.config
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.config.connect_timeout()
    }

    /// What the `authorization` header says now.
    pub(crate) fn authorization(&self) -> Option<SecretString> {
        self.config.credentials().map(Credentials::authorization)
    }

    /// Sends `message` with `send` and waits at most `patience` for the reply.
    pub(crate) async fn attempt<Req, Resp, S, Fut>(
        &self,
        controller: &Controller,
        patience: Duration,
        message: Req,
        send: S,
    ) -> Result<Resp, Trouble>
    where
        S: FnOnce(Client, Request<Req>) -> Fut,
        Fut: Future<Output = Result<Response<Resp>, Status>>,
    {
        let mut request = Request::new(message);
        request.set_timeout(patience);
        if let Some(value) = self.authorization() {
            let value = header(&value).map_err(Trouble::Unsendable)?;
            request.metadata_mut().insert(AUTHORIZATION, value);
        }
        let deadline = Instant::now() + patience;
        let ready = timeout_at(deadline, ready_channel(controller)).await;
        let ready = ready.map_err(|_elapsed| Trouble::TimedOut(patience))?;
        let (channel, generation) = ready.map_err(Trouble::Rpc)?;
        let client = Client::new(channel)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        // The gRPC library panics over some replies that no honest server sends. Nothing of ours is inside.
        let sent = AssertUnwindSafe(send(client, request)).catch_unwind();
        let trouble = match timeout_at(deadline, sent).await {
            Ok(Ok(Ok(response))) => return Ok(response.into_inner()),
            // The library keeps the deadline too, and reports it as a cancellation.
            Ok(Ok(Err(_))) if Instant::now() >= deadline => Trouble::TimedOut(patience),
            Ok(Ok(Err(status))) => Trouble::Rpc(RpcError::new(status)),
            Ok(Err(_panic)) => Trouble::Unreadable,
            Err(_elapsed) => Trouble::TimedOut(patience),
        };
        if trouble.condemns_connection() {
            controller.discard(generation);
        }
        Err(trouble)
    }
}

/// The controller's connection, and its generation. One that can take no request is replaced: its runtime was
/// shut down.
async fn ready_channel(controller: &Controller) -> Result<(Channel, u64), RpcError> {
    let (mut channel, mut generation) = controller.channel();
    if poll_fn(|cx| channel.poll_ready(cx)).await.is_err() {
        controller.discard(generation);
        (channel, generation) = controller.channel();
        if let Err(error) = poll_fn(|cx| channel.poll_ready(cx)).await {
            controller.discard(generation);
            return Err(RpcError::not_sent(error));
        }
    }
    Ok((channel, generation))
}

fn header(value: &SecretString) -> Result<MetadataValue<Ascii>, ControllerError> {
    let mut value: MetadataValue<Ascii> = value
        .expose_secret()
        .parse()
        .map_err(|_| ControllerError::BadCredentials)?;
    // Keeps it out of the logs of the libraries below, and of their header compression.
    value.set_sensitive(true);
    Ok(value)
}
