//! Where segments are served, and the tokens that their segment stores want: kept, and asked for once.

use std::time::{Duration, SystemTime};

use pravega_client_shared::{DelegationToken, ScopedSegment, ScopedStream};
use pravega_controller_api::{self as api, stream_info::AccessOperation};
use tokio::time::Instant;
use tracing::debug;

use crate::{
    Access, BadReply, ControllerClient, ControllerError, IssuedToken, Located,
    cache::Entry,
    client::Place,
    convert::{read_endpoint, segment_id, stream_info},
    rpc::Rpc,
    status::Unusable,
    token::{DatedToken, MAX_TOKEN_LEN},
};

/// The generation of the token that stands for "none needed". Those that are kept begin at 1.
const NO_TOKEN: u64 = 0;

impl ControllerClient {
    /// The segment store that serves `segment`, as far as is known: from memory, where it stays until
    /// [`doubt`](Self::doubt) is called.
    ///
    /// The controller does not look whether the segment exists. However many wait, one call is made. An answer
    /// of "all interfaces" (`0.0.0.0`), which a server gives that was not told its own address, is read as the
    /// controller's host.
    ///
    /// # Errors
    /// [`ControllerError::BadReply`] for an address that is none, or one of
    /// [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// Nothing is lost: a call that was begun goes on for the others that wait, and for the next one.
    pub async fn endpoint(&self, segment: &ScopedSegment) -> Result<Located, ControllerError> {
        let fetch = || {
            let (rpc, segment) = (self.rpc.clone(), segment.clone());
            async move {
                let located = rpc.call(
                    "getURI",
                    segment_id(&segment),
                    async |mut client, request| client.get_uri(request).await,
                    |reply, answer| Ok(read_endpoint(&reply, answer.from)?),
                );
                let endpoint = located.await?;
                debug!(name: "controller.segment_located", %segment, %endpoint, "the segment store is known");
                Ok(Place {
                    endpoint,
                    is_doubted: false,
                })
            }
        };
        let Entry { value, generation } = self.endpoints.get(segment, fetch).await?;
        Ok(Located {
            endpoint: value.endpoint,
            generation,
        })
    }

    /// Says that the answer of this `generation` was wrong: the store did not answer, or does not serve the
    /// segment. The next [`endpoint`](Self::endpoint) asks the controller, and gives the old answer again, of the
    /// same generation, when the controller says nothing for a second or cannot be asked: a store may have been
    /// away for a moment only.
    ///
    /// Has no effect when a newer answer has come meanwhile, so that those who complain late do no harm.
    pub fn doubt(&self, segment: &ScopedSegment, generation: u64) {
        self.endpoints
            .change(segment, generation, |place| place.is_doubted = true);
    }

    /// A token for the segment stores of a stream: from memory, renewed shortly before its end.
    ///
    /// Empty where security is off. Without credentials in the configuration the controller is not asked.
    /// However many wait, one call is made. When a renewal fails, the old token is given out until its end.
    ///
    /// # Errors
    /// [`ControllerError::PermissionDenied`] when the credentials do not allow such an access, or one of
    /// [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// Nothing is lost: a call that was begun goes on for the others that wait, and for the next one.
    pub async fn token(
        &self,
        stream: &ScopedStream,
        access: Access,
    ) -> Result<IssuedToken, ControllerError> {
        if self.rpc.config().credentials().is_none() {
            return Ok(IssuedToken {
                token: DelegationToken::default(),
                generation: NO_TOKEN,
            });
        }
        let key = (stream.clone(), access);
        let fetch = || {
            let (rpc, (stream, access)) = (self.rpc.clone(), key.clone());
            async move {
                let token = ask_for_token(&rpc, &stream, access).await?;
                debug!(name: "controller.token_issued", %stream, ?access, "a new token");
                Ok(token)
            }
        };
        let asked = self.tokens.get(&key, fetch).await;
        let Entry { value, generation } = self.naming_what_is_missing(stream, asked).await?;
        Ok(IssuedToken {
            token: value.token,
            generation,
        })
    }

    /// Says that a segment store refused the token of this `generation`. The next [`token`](Self::token) asks
    /// the controller.
    ///
    /// Has no effect when a newer token has come meanwhile.
    pub fn forget_token(&self, stream: &ScopedStream, access: Access, generation: u64) {
        self.tokens.forget(&(stream.clone(), access), generation);
    }
}

async fn ask_for_token(
    rpc: &Rpc,
    stream: &ScopedStream,
    access: Access,
) -> Result<DatedToken, ControllerError> {
    let operation = match access {
        Access::Read => AccessOperation::Read,
        Access::ReadWrite => AccessOperation::ReadWrite,
    };
    // Before the request, so that the token ends here no later than there.
    let asked_at = Instant::now();
    rpc.call(
        "getDelegationToken",
        stream_info(stream, operation),
        async |mut client, request| client.get_delegation_token(request).await,
        |api::DelegationToken {
             delegation_token: token,
         },
         _| {
            let (len, max) = (token.len(), MAX_TOKEN_LEN);
            if len > max {
                let what = "bytes of token";
                return Err(Unusable::Bad(BadReply::TooMany {
                    what,
                    count: len,
                    max,
                }));
            }
            Ok(DatedToken::new(&token, asked_at, now_unix()))
        },
    )
    .await
}

fn now_unix() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}
