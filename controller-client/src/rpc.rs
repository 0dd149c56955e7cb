//! A call: attempts until one gives a result, within one deadline.

use std::future::Future;

use pravega_client_config::{ClientConfig, ExposeSecret, SecretString};
use pravega_client_shared::{Chance, Endpoint};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep},
};
use tonic::{Code, Request, Response, Status};
use tracing::{debug, instrument};

use crate::{
    BadReply, ControllerError, FailedCall,
    attempt::{Caller, Client, Trouble},
    channel::Prepare,
    controllers::Controllers,
    retry::{Attempts, MAX_FAILURE_REPEATS, Next, Reaction},
    rpc_error::{Reach, RpcError},
    status::{Answer, Unusable},
};

/// Makes calls. Cloning shares controllers and connections.
#[derive(Debug, Clone)]
pub(crate) struct Rpc {
    caller: Caller,
    controllers: Controllers,
    chance: Chance,
}

/// What is known of a call from its attempts so far.
#[derive(Debug)]
struct History {
    name: &'static str,
    attempts: u32,
    /// How often the server answered with a failure.
    failures: u32,
    /// An attempt may have been carried out.
    uncertain: bool,
}

/// Why an attempt gave no result.
#[derive(Debug)]
enum Setback {
    Trouble(Trouble),
    Unusable(Unusable),
}

impl Rpc {
    pub(crate) fn new(
        config: &ClientConfig,
        prepare: Prepare,
        chance: Chance,
    ) -> Result<Self, ControllerError> {
        let controllers = Controllers::new(config, prepare, chance.clone())?;
        Ok(Self {
            caller: Caller::new(config),
            controllers,
            chance,
        })
    }

    pub(crate) fn config(&self) -> &ClientConfig {
        self.caller.config()
    }

    /// Sends `message` with `send`, as often as it takes, until `read` makes a result of a reply. The call
    /// must be one that may be repeated.
    #[instrument(name = "controller.call", level = "debug", skip_all, fields(call = name))]
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
        let config = self.config();
        let deadline = Instant::now() + config.operation_timeout();
        let mut attempts = Attempts::new(config.retry(), &self.chance);
        let mut history = History {
            name,
            attempts: 0,
            failures: 0,
            uncertain: false,
        };
        loop {
            let group = self.controllers.group(&self.caller).await?;
            let (controller, turn) = group.current();
            let from = controller.endpoint();
            let credentials = self.caller.authorization();
            let left = deadline.saturating_duration_since(Instant::now());
            let patience = left.min(config.request_timeout());
            let sent = self
                .caller
                .attempt(&controller, patience, message.clone(), &send);
            let answer = Answer {
                from,
                uncertain_before: history.uncertain,
            };
            let setback = match sent.await.map(|reply| read(reply, answer)) {
                Ok(Ok(result)) => return Ok(result),
                Ok(Err(unusable)) => Setback::Unusable(unusable),
                Err(trouble) => Setback::Trouble(trouble),
            };
            let reaction = history.note(&setback, || {
                differ(&credentials, &self.caller.authorization())
            });
            if reaction.elsewhere {
                group.move_on(turn);
                self.controllers.complain(&group);
            }
            let next = attempts.after(reaction, group.len());
            let error = history.error(setback, from);
            debug!(name: "controller.attempt_failed", call = name, endpoint = %from, %error, ?next, "an attempt failed");
            match next {
                Next::Elsewhere if Instant::now() < deadline => {}
                Next::Pause(delay) if Instant::now() + delay < deadline => sleep(delay).await,
                Next::Elsewhere | Next::Pause(_) | Next::GiveUp => return Err(error),
            }
        }
    }
}

impl History {
    /// Takes note of a setback. `renewed` tells whether the credentials have changed since the request.
    fn note(&mut self, setback: &Setback, renewed: impl FnOnce() -> bool) -> Reaction {
        self.attempts = self.attempts.saturating_add(1);
        let reaction = match setback {
            Setback::Trouble(Trouble::Rpc(error))
                if error.is_answer(Code::Unauthenticated) && renewed() =>
            {
                Reaction::RENEWED
            }
            Setback::Trouble(trouble) => trouble.reaction(),
            Setback::Unusable(Unusable::Final(_)) => Reaction::FINAL,
            Setback::Unusable(Unusable::UnknownStatus(_) | Unusable::Bad(_)) => Reaction::UNUSABLE,
            Setback::Unusable(Unusable::Failure) => {
                self.failures = self.failures.saturating_add(1);
                if self.failures <= MAX_FAILURE_REPEATS {
                    Reaction::AGAIN
                } else {
                    Reaction::UNUSABLE
                }
            }
        };
        self.uncertain |= reaction.uncertain;
        reaction
    }

    /// The error that a call ends with if nothing better comes.
    fn error(&self, setback: Setback, endpoint: &Endpoint) -> ControllerError {
        let call = FailedCall {
            name: self.name,
            endpoint: endpoint.clone(),
            attempts: self.attempts,
            uncertain: self.uncertain,
        };
        match setback {
            Setback::Trouble(Trouble::Rpc(source)) => rpc_error(call, source),
            Setback::Trouble(Trouble::TimedOut(after)) => ControllerError::Timeout { call, after },
            Setback::Trouble(Trouble::Unreadable) => ControllerError::BadReply {
                call,
                source: BadReply::Unreadable,
            },
            Setback::Trouble(Trouble::Unsendable(error)) => error,
            Setback::Unusable(Unusable::Failure) => ControllerError::Failure { call },
            Setback::Unusable(Unusable::UnknownStatus(number)) => {
                ControllerError::UnknownStatus { call, number }
            }
            Setback::Unusable(Unusable::Bad(source)) => ControllerError::BadReply { call, source },
            Setback::Unusable(Unusable::Final(error)) => error,
        }
    }
}

fn rpc_error(call: FailedCall, source: RpcError) -> ControllerError {
    match (source.reach(), source.grpc_code()) {
        (Reach::Untrusted, _) => ControllerError::Untrusted { call, source },
        (Reach::NotSent | Reach::Broken, _) | (Reach::Answered, Code::Unavailable) => {
            ControllerError::Unavailable { call, source }
        }
        (Reach::Answered, Code::Unauthenticated) => {
            ControllerError::Unauthenticated { call, source }
        }
        (Reach::Answered, Code::PermissionDenied) => {
            ControllerError::PermissionDenied { call, source }
        }
        (Reach::Answered, _) => ControllerError::Rejected { call, source },
    }
}

fn differ(sent: &Option<SecretString>, now: &Option<SecretString>) -> bool {
    sent.as_ref().map(SecretString::expose_secret) != now.as_ref().map(SecretString::expose_secret)
}
