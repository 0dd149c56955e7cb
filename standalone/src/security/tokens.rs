//! Delegation tokens: what the controller hands out, and what the segment store makes of one. Pure; the time is
//! passed in.
//!
//! A token is a JSON web token (RFC 7519) with the claims that Pravega's have, about one stream. It is signed
//! with HMAC-SHA-256 and a random key of this start of the server, so it is good for nobody else and ends with
//! the server.

use std::{collections::BTreeMap, fmt, time::Duration};

use chrono::DateTime;
use jwt_compact::{
    AlgorithmExt as _, Claims, Header, UntrustedToken,
    alg::{Hs256, Hs256Key},
};
use serde::{Deserialize, Serialize};

use super::right::{Resource, Right};

/// Bytes of a signing key: as many as the signature has.
pub(crate) const KEY_LEN: usize = 32;

/// The longest token looked at, bytes. One of ours has at most about 1,100: two names of 255 bytes, in base64.
pub(super) const MAX_TOKEN_LEN: usize = 4 * 1024;

const SUBJECT: &str = "segmentstoreresource";
const AUDIENCE: &str = "segmentstore";

/// Makes and checks the tokens of one server.
pub(super) struct Tokens {
    key: Hs256Key,
    lifetime: Duration,
}

/// The claims beside the times.
#[derive(Serialize, Deserialize)]
struct Grant {
    sub: String,
    aud: String,
    #[serde(flatten)]
    rights: BTreeMap<String, Right>,
}

/// Why a token does not open a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It did, and its time is over.
    Expired,
    /// It is none of ours, or does not give the right.
    NotAccepted,
}

impl Tokens {
    pub(super) fn new(key: &[u8; KEY_LEN], lifetime: Duration) -> Self {
        let key = Hs256Key::new(key);
        Self { key, lifetime }
    }

    /// A token that gives a right to one resource, from `now` since 1970 for a lifetime; a part of a second
    /// longer, because tokens count in seconds. None when the times are beyond what a token can say.
    pub(super) fn issue(
        &self,
        resource: Resource<'_>,
        right: Right,
        now: Duration,
    ) -> Option<String> {
        let ends = now.saturating_add(self.lifetime);
        let ends = ends
            .as_secs()
            .saturating_add(u64::from(ends.subsec_nanos() > 0));
        let mut claims = Claims::new(Grant {
            sub: SUBJECT.to_owned(),
            aud: AUDIENCE.to_owned(),
            rights: BTreeMap::from([(resource.to_string(), right)]),
        });
        claims.issued_at = Some(date(now.as_secs())?);
        claims.expiration = Some(date(ends)?);
        Hs256.token(&Header::empty(), &claims, &self.key).ok()
    }

    /// Whether a token gives a right to a resource at `now`, and until when.
    ///
    /// # Errors
    /// [`Refusal::Expired`] only for a token that was good before.
    pub(super) fn check(
        &self,
        token: &str,
        resource: Resource<'_>,
        right: Right,
        now: Duration,
    ) -> Result<Duration, Refusal> {
        let ends = self
            .ends(token, resource, right)
            .ok_or(Refusal::NotAccepted)?;
        if now < ends {
            Ok(ends)
        } else {
            Err(Refusal::Expired)
        }
    }

    /// When a token of ours ends that gives the right.
    fn ends(&self, token: &str, resource: Resource<'_>, right: Right) -> Option<Duration> {
        if token.len() > MAX_TOKEN_LEN {
            return None;
        }
        let token = UntrustedToken::new(token).ok()?;
        let token = Hs256.validator::<Grant>(&self.key).validate(&token).ok()?;
        let claims = token.claims();
        let Grant { sub, aud, rights } = &claims.custom;
        let given = rights.get(&resource.to_string())?;
        if sub != SUBJECT || aud != AUDIENCE || *given < right || claims.not_before.is_some() {
            return None;
        }
        let ends = claims.expiration?.timestamp();
        u64::try_from(ends).ok().map(Duration::from_secs)
    }
}

fn date(unix_seconds: u64) -> Option<DateTime<chrono::Utc>> {
    DateTime::from_timestamp(i64::try_from(unix_seconds).ok()?, 0)
}

/// Shows nothing of the key.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tokens_tests.rs"]
mod tests;
