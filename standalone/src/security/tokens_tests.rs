//! Good tokens, and those of attack A5.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jwt_compact::{
    Algorithm,
    alg::{Hs384, Hs384Key, Hs512, Hs512Key},
};
use proptest::prelude::*;

use super::*;

const KEY: [u8; KEY_LEN] = [7; KEY_LEN];
const NOW: Duration = Duration::from_millis(1_700_000_000_250);
const HOUR: Duration = Duration::from_secs(3_600);
const STREAM: Resource<'_> = Resource::Stream("scope", "stream");
const NAME: &str = "prn::/scope:scope/stream:stream";

fn tokens() -> Tokens {
    Tokens::new(&KEY, HOUR)
}

fn check(token: &str, right: Right) -> Result<Duration, Refusal> {
    tokens().check(token, STREAM, right, NOW)
}

/// A token of any claims, signed as ours are unless told otherwise.
fn signed(header: &str, claims: &str, key: &[u8]) -> String {
    let text = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
    let signature = ring::hmac::sign(&key, text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

const HEADER: &str = r#"{"alg":"HS256"}"#;

/// Claims with another word in the place of one.
fn claims(change: impl FnOnce(String) -> String) -> String {
    let good = format!(
        r#"{{"sub":"{SUBJECT}","aud":"{AUDIENCE}","iat":1700000000,"exp":1700003600,"{NAME}":"READ_UPDATE"}}"#
    );
    change(good)
}

#[test]
fn a_token_gives_its_right_to_its_stream_until_it_ends() {
    for (given, right, is_enough) in [
        (Right::Read, Right::Read, true),
        (Right::Read, Right::ReadUpdate, false),
        (Right::ReadUpdate, Right::Read, true),
        (Right::ReadUpdate, Right::ReadUpdate, true),
        (Right::None, Right::Read, false),
    ] {
        let token = tokens().issue(STREAM, given, NOW).unwrap();
        let outcome = check(&token, right);
        assert_eq!(outcome.is_ok(), is_enough, "{given:?} for {right:?}");
        assert!(is_enough || outcome == Err(Refusal::NotAccepted));
    }
    let token = tokens().issue(STREAM, Right::Read, NOW).unwrap();
    // A part of a second more than the lifetime.
    let ends = Duration::from_secs(1_700_003_601);
    let at = |now| tokens().check(&token, STREAM, Right::Read, now);
    let instant = Duration::from_nanos(1);
    assert_eq!(at(NOW), Ok(ends));
    assert_eq!(at(ends - instant), Ok(ends));
    assert_eq!(at(ends), Err(Refusal::Expired));
    assert_eq!(at(ends + instant), Err(Refusal::Expired));
    assert_eq!(at(Duration::MAX), Err(Refusal::Expired));
}

#[test]
fn a_token_says_what_those_of_pravega_say() {
    let token = tokens().issue(STREAM, Right::ReadUpdate, NOW).unwrap();
    let parts: Vec<_> = token.split('.').collect();
    let text = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    assert_eq!(text(parts[0]), HEADER);
    for claim in [
        r#""sub":"segmentstoreresource""#,
        r#""aud":"segmentstore""#,
        r#""iat":1700000000"#,
        r#""exp":1700003601"#,
        r#""prn::/scope:scope/stream:stream":"READ_UPDATE""#,
    ] {
        assert!(text(parts[1]).contains(claim), "{claim}");
    }
}

#[test]
fn a_token_of_our_key_is_accepted_whoever_made_it() {
    // So that what the next test refuses is refused for what is wrong with it.
    let token = signed(HEADER, &claims(|good| good), &KEY);
    assert_eq!(
        check(&token, Right::ReadUpdate),
        Ok(Duration::from_secs(1_700_003_600))
    );
}

/// Every token of this list is refused, also for reading.
#[expect(clippy::too_many_lines, reason = "a list with one entry for each kind")]
fn bad() -> Vec<(String, String)> {
    let mut bad: Vec<(String, String)> = Vec::new();
    let mut add = |what: &str, token: String| bad.push((what.to_owned(), token));
    let good = signed(HEADER, &claims(|good| good), &KEY);
    for none in [
        "",
        " ",
        ".",
        "..",
        "...",
        "a",
        "a.b",
        "a.b.c",
        "e30.e30.e30",
        "\u{0}",
        "null.null.null",
    ] {
        add("no token", none.to_owned());
    }
    for key in [&[8; 32][..], &[7; 31], &[7; 33], &[], b"secret"] {
        add("another key", signed(HEADER, &claims(|good| good), key));
    }
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"NONE"}"#,
        r#"{"alg":""}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"HS384"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"ES256"}"#,
        r#"{"alg":null}"#,
        r#"{"alg":256}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{}"#,
        r#"[]"#,
        "",
        "{",
        r#"{"alg":"HS256","cty":"CBOR"}"#,
    ] {
        add(header, signed(header, &claims(|good| good), &KEY));
    }
    let unsigned = good.rsplit_once('.').unwrap().0.to_owned();
    let none = signed(r#"{"alg":"none"}"#, &claims(|good| good), &KEY);
    add("unsigned", format!("{unsigned}."));
    add("unsigned", unsigned);
    add("unsigned", format!("{}.", none.rsplit_once('.').unwrap().0));
    for cut in 1..44 {
        add("cut", good[..good.len() - cut].to_owned());
    }
    for more in ["A", "=", ".", ".x", " ", "\n", "\u{0}"] {
        add("longer", format!("{good}{more}"));
    }
    for (what, from, to) in [
        ("no expiry", r#""exp":1700003600,"#, ""),
        ("expiry null", "1700003600", "null"),
        ("expiry in words", "1700003600", r#""1700003600""#),
        ("expiry before time", "1700003600", "-1"),
        ("expiry too late", "1700003600", "9223372036854775807"),
        ("expiry too late", "1700003600", "18446744073709551615"),
        ("expiry too late", "1700003600", "1e300"),
        ("expiry a list", "1700003600", "[1700003600]"),
        ("not yet", r#""iat""#, r#""nbf":1800000000,"iat""#),
        ("another audience", AUDIENCE, "controller"),
        ("no audience", r#""aud":"segmentstore","#, ""),
        (
            "audience a list",
            r#""segmentstore""#,
            r#"["segmentstore"]"#,
        ),
        ("another subject", SUBJECT, "segmentstore"),
        ("no right", r#":"READ_UPDATE""#, r#":"NONE""#),
        ("a right in small letters", "READ_UPDATE", "read_update"),
        ("an unknown right", "READ_UPDATE", "ADMIN"),
        ("a right that is a number", r#""READ_UPDATE""#, "2"),
        (
            "a right that is a list",
            r#""READ_UPDATE""#,
            r#"["READ_UPDATE"]"#,
        ),
        ("two rights", r#"READ_UPDATE""#, r#"READ_UPDATE","x":true"#),
    ] {
        add(
            what,
            signed(HEADER, &claims(|good| good.replace(from, to)), &KEY),
        );
    }
    for name in [
        "*",
        "prn::*",
        "prn::/*",
        "prn::/",
        "prn::",
        "",
        "prn::/scope:scope",
        "prn::/scope:scope/",
        "prn::/scope:scope/*",
        "prn::/scope:scope/stream:",
        "prn::/scope:scope/stream:*",
        "prn::/scope:scope/stream:strea",
        "prn::/scope:scope/stream:stream/",
        "prn::/scope:scope/stream:streamer",
        "prn::/scope:scope/stream:STREAM",
        "prn::/scope:*/stream:stream",
        "scope/stream",
        "prn::scope/stream",
        " prn::/scope:scope/stream:stream",
        "prn::/scope:scope//stream:stream",
        "prn::/scope:scop/stream:stream",
        "scope/stream/0.#epoch.0",
        "prn::/scope:scope/reader-group:stream",
    ] {
        add(
            name,
            signed(HEADER, &claims(|good| good.replace(NAME, name)), &KEY),
        );
    }
    for text in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        "7",
        &"[".repeat(2_000),
        &"{\"a\":".repeat(500),
    ] {
        add("no claims", signed(HEADER, text, &KEY));
    }
    for len in [MAX_TOKEN_LEN, MAX_TOKEN_LEN + 1, 65_535] {
        add("huge", "x".repeat(len));
        add("huge", format!("{good}{}", "A".repeat(len)));
    }
    bad
}

#[test]
fn a5_a_hundred_bad_tokens_are_refused() {
    let bad = bad();
    assert!(bad.len() > 100, "{}", bad.len());
    for (what, token) in bad {
        let outcome = check(&token, Right::Read);
        assert_eq!(outcome, Err(Refusal::NotAccepted), "{what}: {token:.200}");
    }
}

#[test]
fn a5_other_algorithms_with_our_key_are_refused() {
    let claims = || {
        let mut claims = Claims::new(Grant {
            sub: SUBJECT.to_owned(),
            aud: AUDIENCE.to_owned(),
            rights: BTreeMap::from([(NAME.to_owned(), Right::ReadUpdate)]),
        });
        claims.expiration = date(1_700_003_600);
        claims
    };
    fn made<A: Algorithm>(algorithm: &A, claims: &Claims<Grant>, key: &A::SigningKey) -> String {
        algorithm.token(&Header::empty(), claims, key).unwrap()
    }
    let good = made(&Hs256, &claims(), &Hs256Key::new(KEY));
    assert!(check(&good, Right::ReadUpdate).is_ok());
    for token in [
        made(&Hs384, &claims(), &Hs384Key::new(KEY)),
        made(&Hs512, &claims(), &Hs512Key::new(KEY)),
    ] {
        assert_eq!(check(&token, Right::Read), Err(Refusal::NotAccepted));
    }
}

#[test]
fn a5_a_token_opens_no_other_stream() {
    let token = tokens().issue(STREAM, Right::ReadUpdate, NOW).unwrap();
    for other in [
        Resource::Root,
        Resource::Scope("scope"),
        Resource::Stream("scope", "streams"),
        Resource::Stream("scope", "strea"),
        Resource::Stream("scopes", "stream"),
        Resource::Stream("", "stream"),
        Resource::Stream("scope", ""),
    ] {
        let outcome = tokens().check(&token, other, Right::Read, NOW);
        assert_eq!(outcome, Err(Refusal::NotAccepted), "{other}");
    }
}

#[test]
fn a5_the_longest_token_of_ours_is_taken_and_a_longer_text_not_looked_at() {
    let (scope, stream) = ("s".repeat(255), "t".repeat(255));
    let longest = Resource::Stream(&scope, &stream);
    let token = tokens().issue(longest, Right::ReadUpdate, NOW).unwrap();
    assert!(token.len() < MAX_TOKEN_LEN / 2, "{}", token.len());
    assert!(tokens().check(&token, longest, Right::Read, NOW).is_ok());
    // Filled up with claims that change nothing.
    let filled = |len: usize| {
        (0..4)
            .find_map(|odd| {
                let pad = "p".repeat(len * 3 / 4 - 250 + odd);
                let token = signed(
                    HEADER,
                    &claims(|good| {
                        good.replace(
                            "READ_UPDATE\"",
                            &format!("READ_UPDATE\",\"{pad}\":\"NONE\""),
                        )
                    }),
                    &KEY,
                );
                (0..1_000)
                    .contains(&token.len().abs_diff(len))
                    .then_some(token)
            })
            .unwrap()
    };
    let below = filled(MAX_TOKEN_LEN - 1_000);
    assert!(below.len() <= MAX_TOKEN_LEN && check(&below, Right::Read).is_ok());
    let above = filled(MAX_TOKEN_LEN + 1_200);
    assert!(above.len() > MAX_TOKEN_LEN);
    assert_eq!(check(&above, Right::Read), Err(Refusal::NotAccepted));
}

#[test]
fn t84_debug_shows_no_key() {
    let tokens = Tokens::new(b"marker marker marker marker mark", HOUR);
    let shown = format!("{tokens:?} {tokens:#?}");
    assert!(
        !shown.contains("marker") && !shown.contains("109"),
        "{shown}"
    );
}

proptest! {
    /// T84's other half: what is no token is refused, and nothing panics on the way.
    #[test]
    fn a5_any_text_is_refused(token in ".{0,300}") {
        prop_assert_eq!(check(&token, Right::Read), Err(Refusal::NotAccepted));
    }

    #[test]
    fn a5_any_claims_signed_by_us_are_no_panic(claims in ".{0,200}", header in ".{0,40}") {
        check(&signed(&header, &claims, &KEY), Right::Read).ok();
        check(&signed(HEADER, &claims, &KEY), Right::Read).ok();
    }

    #[test]
    fn a5_a_changed_byte_is_noticed(at in 0_usize..400, to in any::<u8>()) {
        let good = tokens().issue(STREAM, Right::ReadUpdate, NOW).unwrap();
        let mut bytes = good.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = to;
        if let Ok(text) = String::from_utf8(bytes)
            && text != good
        {
            prop_assert_eq!(check(&text, Right::Read), Err(Refusal::NotAccepted), "{}", text);
        }
    }
}
