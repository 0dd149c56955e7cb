//! Delegation tokens of the simulated cluster: web tokens that nobody signs, on the simulated clock.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use pravega_client_shared::DelegationToken;

/// A token that is good from `now` on for `lifetime`. It claims to live longer: the clocks of the cluster differ,
/// and what counts is the word of the store.
pub(super) fn issue(now: Duration, lifetime: Duration) -> String {
    let end = now + lifetime * 2;
    let claims = format!(
        r#"{{"iat":{},"exp":{}}}"#,
        now.as_secs_f64(),
        end.as_secs_f64()
    );
    // In the place of a signature: the end as the store sees it.
    let end = now + lifetime;
    format!("e30.{}.{}", URL_SAFE_NO_PAD.encode(claims), end.as_millis())
}

/// When a token ends; none when it is none of this cluster.
pub(super) fn ends_at(token: &DelegationToken) -> Option<Duration> {
    let end = token.expose().rsplit('.').next()?.parse().ok()?;
    Some(Duration::from_millis(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_say_when_they_end() {
        let second = Duration::from_secs(1);
        let token = issue(second, 5 * second);
        assert_eq!(ends_at(&DelegationToken::new(&token)), Some(6 * second));
        assert_eq!(ends_at(&DelegationToken::default()), None);
    }
}
