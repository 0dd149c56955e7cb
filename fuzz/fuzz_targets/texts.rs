//! Everything that is read from text: names, segments, endpoints, addresses of controllers, certificates, and the
//! values of a configuration. One target, because each of them alone is exhausted in seconds.
//!
//! The first byte says what the rest is: `n`ame, `s`egment, `e`ndpoint, `a`ddress, `t`rust or `c`onfiguration.
//!
//! Oracles: no panic; a name is taken exactly when it follows the rule, which is written down here a second time;
//! what is printed is read as the same value; a configuration that is accepted has every value in its documented
//! range; no secret is ever printed; an error quotes no more than it was given; bounded memory.
#![no_main]

use std::fmt::{Debug, Display};
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use pravega_client_config::{
    ClientConfig, ClientConfigBuilder, ConfigError, ControllerAddress, Credentials, RetryPolicy,
    TlsOptions,
};
use pravega_client_shared::{
    Endpoint, ScopeName, ScopedSegment, ScopedStream, SegmentId, StreamName,
};
use pravega_connection_pool::ConnectionPool;
use pravega_fuzz::memory;

/// What reading a text may allocate beside twenty times its bytes. The dearest are lists of controllers, where
/// `h:1,` becomes an endpoint with a name of its own.
const CONSTANT: usize = 16 * 1024;

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else {
        return;
    };
    let text = match std::str::from_utf8(rest) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap(),
    };
    memory::within(CONSTANT + 20 * input.len(), || match kind {
        b'n' => name(text),
        b's' => segment(text),
        b'e' => reads::<Endpoint>(text),
        b'a' => address(text),
        b't' => trust(text),
        _ => configuration(rest),
    });
});

/// What is read from a text is printed in a form that gives the same value.
fn reads<T: std::str::FromStr<Err: Display + Debug> + Display + PartialEq + Debug>(text: &str) {
    match text.parse::<T>() {
        Ok(value) => {
            let printed = value.to_string();
            assert_eq!(printed.parse::<T>().unwrap(), value, "{printed:?}");
        }
        Err(error) => {
            // Escaped, a character takes up to ten times its bytes.
            let told = format!("{error}").len();
            assert!(told <= 200 + 10 * text.len(), "{told} bytes of error");
            assert!(!format!("{error}").contains(['\n', '\0', '\u{1b}']));
        }
    }
}

fn name(text: &str) {
    let letters = text.strip_prefix('_').unwrap_or(text);
    let follows_the_rule = (1..=255).contains(&text.len())
        && !letters.is_empty()
        && letters
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        && ![".", ".."].contains(&text);
    assert_eq!(ScopeName::new(text).is_ok(), follows_the_rule, "{text:?}");
    assert_eq!(StreamName::new(text).is_ok(), follows_the_rule, "{text:?}");
    reads::<ScopeName>(text);
    reads::<StreamName>(text);
}

fn segment(text: &str) {
    reads::<ScopedStream>(text);
    reads::<ScopedSegment>(text);
    reads::<SegmentId>(text);
    if let Ok(id) = text.parse::<SegmentId>() {
        assert_eq!(SegmentId::from_packed(id.packed()), Ok(id));
    }
}

fn address(text: &str) {
    reads::<ControllerAddress>(text);
    let Ok(address) = text.parse::<ControllerAddress>() else {
        return;
    };
    assert!((1..=64).contains(&address.endpoints().len()));
    assert!(address.endpoints().iter().all(|one| one.port() > 0));
    let config = ClientConfigBuilder::default().controller_uri(text).build();
    assert_eq!(config.unwrap().is_tls_enabled(), address.is_tls());
}

/// A text as certificates of authorities, and its first line as the name of a server.
fn trust(text: &str) {
    let trusting = |options: TlsOptions| {
        ClientConfigBuilder::default()
            .controller_uri("tls://localhost:9090")
            .tls(options.system_roots(false))
            .build()
    };
    let named = trusting(TlsOptions::default().server_name(text.lines().next().unwrap_or("")));
    assert!(named.is_err(), "nobody is trusted");
    let Ok(config) = trusting(TlsOptions::default().ca_pem(text)) else {
        return;
    };
    let kept = std::str::from_utf8(config.tls().unwrap().ca_pem()).unwrap();
    assert_eq!(kept.trim_end(), text.trim_end());
    trusting(TlsOptions::default().ca_pem(kept)).expect("what was accepted once");
    // The certificates themselves are read here, and may be none.
    drop(ConnectionPool::new(&config));
}

#[derive(Debug, Arbitrary)]
struct Values<'a> {
    uri: &'a str,
    is_tls_enabled: Option<bool>,
    user: &'a str,
    credentials: Option<Secret>,
    times: [Option<Time>; 6],
    backoff: Option<(Time, Time, f32, usize)>,
    connections: Option<usize>,
    unacked: Option<usize>,
    read_ahead: Option<usize>,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Time {
    Millis(u32),
    Nanos(u64),
    Most,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Secret {
    Basic,
    Ready,
    Bearer,
}

/// Stands for a secret, which must not be seen again.
const MARKER: &str = "m4rk3r";

impl From<Time> for Duration {
    fn from(time: Time) -> Self {
        match time {
            Time::Millis(millis) => Self::from_millis(millis.into()),
            Time::Nanos(nanos) => Self::from_nanos(nanos),
            Time::Most => Self::MAX,
        }
    }
}

fn configuration(input: &[u8]) {
    let Ok(values) = Values::arbitrary_take_rest(Unstructured::new(input)) else {
        return;
    };
    if values.uri.contains(MARKER) || values.user.contains(MARKER) {
        return;
    }
    let builder = builder(&values);
    let printed = format!("{builder:?}");
    assert!(!printed.contains(MARKER), "{printed}");
    match builder.build() {
        Ok(config) => accepted(&config),
        Err(error) => refused(&error),
    }
}

fn builder(values: &Values<'_>) -> ClientConfigBuilder {
    let mut builder = ClientConfigBuilder::default().controller_uri(values.uri);
    if let Some(enabled) = values.is_tls_enabled {
        builder = builder.is_tls_enabled(enabled);
    }
    if let Some(secret) = values.credentials {
        builder = builder.credentials(match secret {
            Secret::Basic => Credentials::basic(values.user, MARKER),
            Secret::Ready => Credentials::basic_token(format!("{MARKER}{}", values.user)),
            Secret::Bearer => Credentials::bearer(format!("{MARKER}{}", values.user)),
        });
    }
    let setters = [
        ClientConfigBuilder::request_timeout,
        ClientConfigBuilder::operation_timeout,
        ClientConfigBuilder::connect_timeout,
        ClientConfigBuilder::hello_timeout,
        ClientConfigBuilder::keep_alive_interval,
        ClientConfigBuilder::connection_idle_timeout,
    ];
    for (set, time) in setters.into_iter().zip(values.times) {
        if let Some(time) = time {
            builder = set(builder, time.into());
        }
    }
    if let Some((initial, max, factor, attempts)) = values.backoff {
        let policy = RetryPolicy::default()
            .with_initial_backoff(initial.into())
            .with_max_backoff(max.into())
            .with_factor(factor)
            .with_max_attempts(attempts);
        builder = builder.retry(policy);
    }
    if let Some(connections) = values.connections {
        builder = builder.max_connections_per_endpoint(connections);
    }
    if let Some(bytes) = values.unacked {
        builder = builder.max_unacked_bytes(bytes);
    }
    if let Some(bytes) = values.read_ahead {
        builder = builder.max_read_ahead_bytes(bytes);
    }
    builder
}

fn accepted(config: &ClientConfig) {
    let printed = format!("{config:?} {config:#?}");
    assert!(!printed.contains(MARKER), "{printed}");
    const MS: Duration = Duration::from_millis(1);
    const HOUR: Duration = Duration::from_secs(3_600);
    for (time, least, most) in [
        (config.request_timeout(), MS, HOUR),
        (config.operation_timeout(), MS, 24 * HOUR),
        (config.connect_timeout(), MS, HOUR),
        (config.hello_timeout(), MS, HOUR),
        (config.keep_alive_interval(), 10 * MS, HOUR),
        (config.connection_idle_timeout(), MS, 24 * HOUR),
    ] {
        assert!((least..=most).contains(&time), "{time:?}");
    }
    let retry = config.retry();
    assert!(retry.initial_backoff() <= retry.max_backoff() && retry.max_backoff() <= HOUR);
    assert!(retry.factor() >= 1.0 && (1..=1_000).contains(&retry.max_attempts()));
    assert!((1..=1_024).contains(&config.max_connections_per_endpoint()));
    for bytes in [config.max_unacked_bytes(), config.max_read_ahead_bytes()] {
        assert!((1 << 16..=1 << 30).contains(&bytes));
    }
}

fn refused(error: &ConfigError) {
    let mut printed = format!("{error:?}");
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        printed.push_str(&error.to_string());
        next = error.source();
    }
    assert!(!printed.contains(MARKER), "{printed}");
}
