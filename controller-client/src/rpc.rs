//! A call: attempts until one gives a result, within one deadline.

use std::{future::Future, sync::Arc, time::Duration};

use pravega_client_config::{ClientConfig, ExposeSecret};
use pravega_client_shared::Endpoint;
use tokio::{
    runtime::Handle,
    time::{Instant, sleep},
};
use tonic::{Code, Request, Response, Status};
use tracing::debug;

use crate::{
    BadReply, ControllerError, FailedCall,
    attempt::{Caller, Client, Trouble},
    channel::Prepare,
    controllers::{Controllers, Group},
    retry::{Attempts, MAX_FAILURE_REPEATS, Next, Reaction},
    rpc_error::{Reach, RpcError},
    status::{Answer, Unusable},
};

/// Makes calls. Cloning shares controllers and connections.
#[derive(Debug, Clone)]
pub(crate) struct Rpc {
    caller: Caller,
    controllers: Controllers,
}

/// One call as it goes on.
struct Progress {
    name: &'static str,
    attempts: Attempts,
    made: u32,
    failures: u32,
    uncertain: bool,
}

/// Why an attempt did not end the call well.
enum Setback {
    Trouble(Trouble),
    Unusable(Unusable),
}

impl Rpc {
    pub(crate) fn new(config: &ClientConfig, prepare: Prepare) -> Result<Self, ControllerError> {
        let controllers = Controllers::new(config, prepare)?;
        Ok(Self { caller: Caller::new(config), controllers })
    }

    pub(crate) fn config(&self) -> &ClientConfig {
        self.caller.config()
    }

    /// Sends `message` with `send`, as often as it takes, until `read` makes a result of a reply. The call
    /// must be one that may be repeated.
    pub(crate) async fn call<Req, Resp, T, S, Fut, R>(
        &self,
        name: &'static str,
        message: Req,
        send: S,
        read: R,
    ) -> Result<T, ControllerError>
    where
        Req: Clone,
        S: Fn(Client, Request<Req>) -> Fut,
        Fut: Future<Output = Result<Response<Resp>, Status>>,
        R: Fn(Resp, Answer<'_>) -> Result<T, Unusable>,
    {
        Handle::try_current().map_err(|_| ControllerError::NoRuntime)?;
        let config = self.caller.config();
        let deadline = Instant::now() + config.operation_timeout();
        let mut progress = Progress::new(name, config);
        loop {
            let group = self.controllers.group(&self.caller).await?;
            let Some((controller, turn)) = group.current() else {
                return Err(ControllerError::Abandoned);
            };
            let from = controller.endpoint();
            let patience = deadline.saturating_duration_since(Instant::now());
            let patience = patience.min(config.request_timeout());
            let credentials = self.caller.authorization();
            let sent = self.caller.attempt(&controller, patience, message.clone(), &send);
            let setback = match sent.await {
                Ok(reply) => {
                    let answer = Answer { from, uncertain_before: progress.uncertain };
                    match read(reply, answer) {
                        Ok(result) => return Ok(result),
                        Err(unusable) => Setback::Unusable(unusable),
                    }
                }
                Err(trouble) => Setback::Trouble(trouble),
            };
            let renewed = || {
                let now = self.caller.authorization();
                let text = |secret: &Option<_>| secret.as_ref().map(|s| s.expose_secret().to_owned());
                text(&now) != text(&credentials)
            };
            let reaction = progress.note(&setback, renewed);
            let next = progress.attempts.after(reaction, group.len());
            if reaction.elsewhere {
                group.move_on(turn);
                self.controllers.complain(&group);
            }
            let error = progress.error(setback, from);
            debug!(call = name, endpoint = %from, %error, ?next, "a controller call failed");
            match next {
                Next::Elsewhere if Instant::now() < deadline => {}
                Next::Pause(delay) if Instant::now() + delay < deadline => sleep(delay).await,
                _ => return Err(error),
            }
        }
    }
}
