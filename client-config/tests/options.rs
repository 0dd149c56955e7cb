//! What a whole configuration accepts, refuses and shows.

use std::{error::Error as _, fmt::Write as _, time::Duration};

use pravega_client_config::{
    ClientConfig, ClientConfigBuilder, ConfigError, Credentials, ExposeSecret, RetryPolicy, Scheme,
    SecretString, TlsOptions,
};

/// The DER of a certificate is not looked into here, so an empty sequence will do.
const SOME_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
const SOME_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";

fn local() -> ClientConfigBuilder {
    ClientConfigBuilder::default().controller_uri("localhost:9090")
}

fn secure() -> ClientConfigBuilder {
    ClientConfigBuilder::default().controller_uri("tls://localhost:9090")
}

#[test]
fn defaults_are_those_of_the_table() {
    let config = local().build().unwrap();
    assert_eq!(config.controller_address().to_string(), "localhost:9090");
    assert_eq!(config.controller_address().scheme(), Scheme::Tcp);
    assert!(!config.is_tls_enabled() && config.tls().is_none());
    assert!(config.credentials().is_none());
    assert_eq!(config.retry(), &RetryPolicy::default());
    assert_eq!(config.retry().initial_backoff(), Duration::from_millis(50));
    assert_eq!(config.retry().max_backoff(), Duration::from_secs(10));
    assert_eq!(config.request_timeout(), Duration::from_secs(30));
    assert_eq!(config.operation_timeout(), Duration::from_secs(60));
    assert_eq!(config.connect_timeout(), Duration::from_secs(5));
    assert_eq!(config.hello_timeout(), Duration::from_secs(10));
    assert_eq!(config.keep_alive_interval(), Duration::from_secs(10));
    assert_eq!(config.connection_idle_timeout(), Duration::from_secs(60));
    assert_eq!(config.max_connections_per_endpoint(), 64);
    assert_eq!(config.max_unacked_bytes(), 16 * 1024 * 1024);
    assert_eq!(config.max_read_ahead_bytes(), 4 * 1024 * 1024);
}

#[test]
fn every_bounded_option_refuses_what_is_outside_its_range() {
    let zero = Duration::ZERO;
    let year = Duration::from_secs(365 * 24 * 3_600);
    let cases = [
        ("request_timeout", local().request_timeout(zero)),
        ("request_timeout", local().request_timeout(year)),
        ("operation_timeout", local().operation_timeout(zero)),
        (
            "operation_timeout",
            local().operation_timeout(Duration::MAX),
        ),
        ("connect_timeout", local().connect_timeout(zero)),
        ("hello_timeout", local().hello_timeout(year)),
        (
            "keep_alive_interval",
            local().keep_alive_interval(Duration::from_millis(9)),
        ),
        (
            "connection_idle_timeout",
            local().connection_idle_timeout(zero),
        ),
        (
            "max_connections_per_endpoint",
            local().max_connections_per_endpoint(0),
        ),
        (
            "max_connections_per_endpoint",
            local().max_connections_per_endpoint(1025),
        ),
        ("max_unacked_bytes", local().max_unacked_bytes(65_535)),
        ("max_unacked_bytes", local().max_unacked_bytes(usize::MAX)),
        ("max_read_ahead_bytes", local().max_read_ahead_bytes(0)),
    ];
    refuse(cases);
}

#[test]
fn the_retry_policy_refuses_what_is_outside_its_range() {
    let year = Duration::from_secs(365 * 24 * 3_600);
    let retry = RetryPolicy::default;
    let cases = [
        (
            "retry.initial_backoff",
            local().retry(retry().with_initial_backoff(Duration::ZERO)),
        ),
        (
            "retry.max_backoff",
            local().retry(retry().with_max_backoff(Duration::from_millis(49))),
        ),
        (
            "retry.max_backoff",
            local().retry(retry().with_max_backoff(year)),
        ),
        ("retry.factor", local().retry(retry().with_factor(0.9))),
        ("retry.factor", local().retry(retry().with_factor(f32::NAN))),
        (
            "retry.factor",
            local().retry(retry().with_factor(f32::INFINITY)),
        ),
        (
            "retry.max_attempts",
            local().retry(retry().with_max_attempts(0)),
        ),
    ];
    refuse(cases);
}

fn refuse<const N: usize>(cases: [(&str, ClientConfigBuilder); N]) {
    for (named, builder) in cases {
        let result = builder.build();
        assert!(
            matches!(&result, Err(ConfigError::OutOfRange { option, .. }) if *option == named),
            "{named}: {result:?}"
        );
        assert!(result.is_err_and(|error| !error.is_retryable()));
    }
}

#[test]
fn the_limits_of_each_range_are_allowed() {
    let ms = Duration::from_millis;
    let least = local()
        .request_timeout(ms(1))
        .operation_timeout(ms(1))
        .connect_timeout(ms(1))
        .hello_timeout(ms(1))
        .keep_alive_interval(ms(10))
        .connection_idle_timeout(ms(1))
        .max_connections_per_endpoint(1)
        .max_unacked_bytes(65_536)
        .max_read_ahead_bytes(65_536)
        .retry(RetryPolicy::default().with_factor(1.0).with_max_attempts(1));
    assert!(least.build().is_ok());
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    let most = local()
        .request_timeout(hours(1))
        .operation_timeout(hours(24))
        .connection_idle_timeout(hours(24))
        .keep_alive_interval(hours(1))
        .max_connections_per_endpoint(1024)
        .max_unacked_bytes(1 << 30)
        .max_read_ahead_bytes(1 << 30);
    assert!(most.build().is_ok());
}

#[test]
fn the_address_is_required_and_checked() {
    let error = ClientConfigBuilder::default().build().unwrap_err();
    assert_eq!(error.to_string(), "controller_uri is not set");
    let error = local().controller_uri("http://h:1").build().unwrap_err();
    assert!(matches!(error, ConfigError::ControllerUri { .. }));
    assert!(error.source().is_some());
}

#[test]
fn tls_follows_the_scheme() {
    let cases = [
        ("h:1", None, Some(false)),
        ("h:1", Some(true), Some(true)),
        ("h:1", Some(false), Some(false)),
        ("tcp://h:1", None, Some(false)),
        ("tcp://h:1", Some(true), None),
        ("tls://h:1", None, Some(true)),
        ("tls://h:1", Some(true), Some(true)),
        ("tls://h:1", Some(false), None),
        ("pravegas://h:1", None, Some(true)),
        ("pravega://h:1", Some(true), None),
    ];
    for (uri, enabled, expected) in cases {
        let mut builder = ClientConfigBuilder::default().controller_uri(uri);
        if let Some(enabled) = enabled {
            builder = builder.is_tls_enabled(enabled);
        }
        match (builder.build(), expected) {
            (Ok(config), Some(tls)) => {
                assert_eq!(config.is_tls_enabled(), tls, "{uri} {enabled:?}");
                assert_eq!(config.controller_address().is_tls(), tls);
            }
            (Err(ConfigError::TlsContradiction { .. }), None) => {}
            (other, _) => panic!("{uri} {enabled:?}: {other:?}"),
        }
    }
}

#[test]
fn tls_options_are_checked_when_built() {
    let config = secure().build().unwrap();
    let tls = config.tls().unwrap();
    assert!(tls.ca_pem().is_empty() && tls.server_name().is_none() && tls.system_roots());

    let good = TlsOptions::default()
        .ca_pem(SOME_CERTIFICATE)
        .ca_pem(SOME_CERTIFICATE);
    let good = good.server_name("store.example").system_roots(false);
    let config = secure().tls(good.clone()).build().unwrap();
    let tls = config.tls().unwrap();
    assert_eq!(tls.ca_pem().len(), 2 * (SOME_CERTIFICATE.len() + 1));
    assert_eq!(tls.server_name(), Some("store.example"));
    assert!(!tls.system_roots());

    let error = local().tls(good).build().unwrap_err();
    assert!(matches!(error, ConfigError::TlsOptionsUnused));
    let options = TlsOptions::default;
    let error = |options| secure().tls(options).build().unwrap_err();
    for text in ["", "no PEM at all", SOME_KEY] {
        let refused = error(options().ca_pem(text));
        assert!(
            matches!(refused, ConfigError::NoCertificate { .. }),
            "{text}: {refused:?}"
        );
    }
    let broken = SOME_CERTIFICATE.replace("MAA=", "M*A=");
    assert!(matches!(
        error(options().ca_pem(broken)),
        ConfigError::BadPem { .. }
    ));
    let cut = SOME_CERTIFICATE.replace("MAA=", "MAE=");
    assert!(matches!(
        error(options().ca_pem(cut)),
        ConfigError::NoCertificate { .. }
    ));
    let open = "-----BEGIN CERTIFICATE-----\nMAA=\n";
    assert!(matches!(
        error(options().ca_pem(open)),
        ConfigError::BadPem { .. }
    ));
    for name in ["", "a b", "-a", "h:1", "*.example"] {
        let refused = error(options().server_name(name));
        assert!(
            matches!(refused, ConfigError::BadServerName { .. }),
            "{name}: {refused:?}"
        );
    }
    assert!(matches!(
        error(options().system_roots(false)),
        ConfigError::NobodyTrusted
    ));
}

#[test]
fn certificate_files_are_read_when_built() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let build = |path: &std::path::Path| secure().tls(TlsOptions::default().ca_file(path)).build();

    let error = build(&file).unwrap_err();
    assert!(matches!(&error, ConfigError::ReadAuthority { path, .. } if *path == file));
    assert!(matches!(
        build(folder.path()),
        Err(ConfigError::NoCertificate { .. })
    ));
    std::fs::write(&file, "").unwrap();
    let error = build(&file).unwrap_err();
    assert!(error.to_string().contains("ca.pem"), "{error}");
    std::fs::write(&file, SOME_CERTIFICATE).unwrap();
    for path in [file.as_path(), folder.path()] {
        let config = build(path).unwrap();
        assert_eq!(
            config.tls().unwrap().ca_pem(),
            format!("{SOME_CERTIFICATE}\n").as_bytes()
        );
    }
    std::fs::write(folder.path().join("readme.txt"), "text").unwrap();
    assert!(matches!(
        build(folder.path()),
        Err(ConfigError::NoCertificate { .. })
    ));
    std::fs::File::create(&file)
        .unwrap()
        .set_len(5 << 20)
        .unwrap();
    assert!(matches!(
        build(&file),
        Err(ConfigError::ReadAuthority { .. })
    ));
}

#[test]
fn bad_credentials_are_refused() {
    for bad in [Credentials::basic("a:b", "c"), Credentials::bearer("a\nb")] {
        let error = local().credentials(bad).build().unwrap_err();
        assert!(matches!(error, ConfigError::BadCredentials { .. }));
    }
    let config = local()
        .credentials(Credentials::bearer("t"))
        .build()
        .unwrap();
    let header = config.credentials().unwrap().authorization();
    assert_eq!(header.expose_secret(), "Bearer t");
}

/// T84: nothing that prints shows a secret, errors and their sources included.
#[test]
fn t84_a_secret_never_appears_in_any_output() {
    const MARKER: &str = "m4rk3r";
    const MARKER_BASE64: &str = "bTRyazNy";
    let mut seen = String::new();
    let secrets = [
        Credentials::basic(MARKER, MARKER),
        Credentials::basic("joe", MARKER),
        Credentials::basic_token(MARKER_BASE64),
        Credentials::bearer(MARKER),
        Credentials::bearer_from(|| SecretString::from(MARKER)),
        Credentials::basic(format!("{MARKER}:"), MARKER),
        Credentials::bearer(format!("{MARKER}\n")),
        Credentials::bearer(MARKER.repeat(2_000)),
    ];
    let mut show = |result: Result<ClientConfig, ConfigError>| match result {
        Ok(config) => write!(seen, "{config:?} {config:#?} {:?}", config.credentials()).unwrap(),
        Err(error) => {
            write!(seen, "{error:?} {error:#?} {error}").unwrap();
            let mut source = error.source();
            while let Some(error) = source {
                write!(seen, " {error} {error:?}").unwrap();
                source = error.source();
            }
        }
    };
    for secret in secrets {
        let builder = local().credentials(secret.clone());
        show(secure().credentials(secret).max_unacked_bytes(0).build());
        show(builder.build());
    }
    let uris = [
        "tcp://u:m4rk3r@h:1",
        "u:m4rk3r@h:1",
        "m4rk3r@h:1",
        "http://u:m4rk3r@h",
        "h:1,u:m4rk3r@h:1",
    ];
    let mut builders = String::new();
    for uri in uris {
        let builder = local()
            .controller_uri(uri)
            .credentials(Credentials::bearer(MARKER));
        write!(builders, "{builder:?}").unwrap();
        show(builder.build());
    }
    seen.push_str(&builders);
    assert!(seen.contains("redacted"), "nothing was printed");
    for secret in [
        MARKER,
        MARKER_BASE64,
        "bTRyazNyOm00cmszcg",
        "am9lOm00cmszcg",
    ] {
        assert!(!seen.contains(secret), "{secret} in {seen}");
    }
}
