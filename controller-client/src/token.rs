//! Delegation tokens: how long one is good for. Pure but for the wall clock, which is passed in.
//!
//! A token is a JSON web token (RFC 7519) that the controller signs and the segment store checks. The client
//! only reads how long it lives; the signature is none of its business. What does not look like such a token
//! is taken as it is and never renewed by itself.

use std::time::Duration;

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use pravega_client_shared::DelegationToken;
use serde_json::Value;
use tokio::time::Instant;

use crate::cache::{Freshness, Keep};

/// A token with less left than this is renewed before it is handed out, so that it survives the request that
/// it is for. The figure of Pravega's own clients.
const RENEW_BEFORE_EXPIRY: Duration = Duration::from_secs(5);

/// A controller that takes longer than this over a renewal does not hold up those whose token is still good.
const RENEWAL_PATIENCE: Duration = Duration::from_secs(1);

/// A token that lives longer than this is taken as everlasting: 100 years.
const FOR_EVER: f64 = 100.0 * 365.0 * 24.0 * 3_600.0;

/// The longest token taken, in bytes: the wire protocol cannot carry a longer one to a segment store.
pub(crate) const MAX_TOKEN_LEN: usize = 65_535;

/// The engine for RFC 7515's base64url; tokens have no padding, and one that has some is understood too.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A token and when it ends, on the monotonic clock. `Debug` shows no token.
#[derive(Debug, Clone)]
pub(crate) struct DatedToken {
    pub(crate) token: DelegationToken,
    times: Option<Times>,
}

#[derive(Debug, Clone, Copy)]
struct Times {
    renew_at: Instant,
    ends_at: Instant,
}

impl DatedToken {
    /// A token that was asked for at `asked_at`, with `now_unix` on the wall clock.
    pub(crate) fn new(token: &str, asked_at: Instant, now_unix: Duration) -> Self {
        let times = lifetime(token, now_unix).and_then(|lifetime| {
            let ahead = RENEW_BEFORE_EXPIRY.min(lifetime / 2);
            Some(Times {
                renew_at: asked_at.checked_add(lifetime.saturating_sub(ahead))?,
                ends_at: asked_at.checked_add(lifetime)?,
            })
        });
        Self {
            token: DelegationToken::new(token),
            times,
        }
    }
}

impl Keep for DatedToken {
    const PATIENCE: Duration = RENEWAL_PATIENCE;

    fn freshness(&self, now: Instant) -> Freshness {
        match self.times {
            None => Freshness::Fresh,
            Some(times) if now < times.renew_at => Freshness::Fresh,
            Some(times) if now < times.ends_at => Freshness::Ageing,
            Some(_) => Freshness::Expired,
        }
    }
}

/// How long a token lives from now on; `None` for one without an end, or that cannot be read.
///
/// Where the token says when it was issued, that counts, and not the wall clock here: the controller that
/// stamped both times did so just now.
fn lifetime(token: &str, now_unix: Duration) -> Option<Duration> {
    let payload = token.split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&BASE64URL.decode(payload).ok()?).ok()?;
    let ends = claims.get("exp")?.as_f64()?;
    let begins = claims
        .get("iat")
        .and_then(Value::as_f64)
        .unwrap_or(now_unix.as_secs_f64());
    let seconds = (ends - begins).max(0.0);
    (seconds < FOR_EVER).then(|| Duration::try_from_secs_f64(seconds).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000_000);

    fn token(claims: &str) -> String {
        format!("eyJhbGciOiJIUzUxMiJ9.{}.c2ln", BASE64URL.encode(claims))
    }

    #[test]
    fn reads_the_end() {
        let seconds = |claims: &str| lifetime(&token(claims), NOW).map(|time| time.as_secs());
        assert_eq!(seconds(r#"{"exp":1000600}"#), Some(600));
        assert_eq!(seconds(r#"{"exp":999999}"#), Some(0));
        assert_eq!(seconds(r#"{"exp":-1}"#), Some(0));
        assert_eq!(seconds(r#"{"iat":10,"exp":9}"#), Some(0));
        for everlasting in [
            r#"{}"#,
            r#"{"exp":1e300}"#,
            r#"{"exp":"soon"}"#,
            r#"{"exp":null}"#,
            "[1]",
        ] {
            assert_eq!(seconds(everlasting), None, "{everlasting}");
        }
    }

    #[test]
    fn t3_the_issuer_s_clock_counts_where_it_is_told() {
        let slow = token(r#"{"iat":5,"exp":605,"sub":"x"}"#);
        assert_eq!(lifetime(&slow, NOW), Some(Duration::from_secs(600)));
        let fast = token(r#"{"iat":9000000,"exp":9000600}"#);
        assert_eq!(lifetime(&fast, NOW), Some(Duration::from_secs(600)));
    }

    #[test]
    fn takes_what_is_no_web_token_as_everlasting() {
        for odd in ["", "x", "..", "a.b.c", "a.!!.c", "\u{0}.\u{0}"] {
            assert_eq!(lifetime(odd, NOW), None, "{odd:?}");
        }
    }

    /// "?>" in the claims gives characters that standard base64 writes differently.
    #[test]
    fn reads_the_url_alphabet() {
        let claims = r#"{"sub":"???>>>~~~","exp":1000600}"#;
        let text = token(claims);
        assert!(text.contains('_') || text.contains('-'), "{text}");
        assert_eq!(lifetime(&text, NOW), Some(Duration::from_secs(600)));
        let padded = format!(
            "a.{}==.c",
            text.split('.').nth(1).unwrap().trim_end_matches('=')
        );
        assert!(lifetime(&padded, NOW).is_none_or(|time| time.as_secs() == 600));
    }

    #[tokio::test(start_paused = true)]
    async fn ages_shortly_before_its_end() {
        let asked_at = Instant::now();
        let dated = DatedToken::new(&token(r#"{"iat":0,"exp":600}"#), asked_at, NOW);
        let after = |seconds| dated.freshness(asked_at + Duration::from_secs(seconds));
        assert_eq!(after(0), Freshness::Fresh);
        assert_eq!(after(594), Freshness::Fresh);
        assert_eq!(after(595), Freshness::Ageing);
        assert_eq!(after(600), Freshness::Expired);
        let short = DatedToken::new(&token(r#"{"iat":0,"exp":2}"#), asked_at, NOW);
        assert_eq!(short.freshness(asked_at), Freshness::Fresh);
        let dead = DatedToken::new(&token(r#"{"iat":0,"exp":0}"#), asked_at, NOW);
        assert_eq!(dead.freshness(asked_at), Freshness::Expired);
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let dated = DatedToken::new("marker", Instant::now(), NOW);
        assert!(!format!("{dated:?}").contains("marker"));
    }
}
