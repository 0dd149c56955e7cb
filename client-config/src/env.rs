//! Options from the environment, taken over only when asked to by
//! [`with_env`](ClientConfigBuilder::with_env).
//!
//! | variable | option | form |
//! | --- | --- | --- |
//! | `PRAVEGA_CONTROLLER_URI` | `controller_uri` | see [`address`](crate::address) |
//! | `pravega_client_auth_method` | `credentials` | `Basic` or `Bearer` |
//! | `pravega_client_auth_token` | | the ready token of either method |
//! | `pravega_client_auth_username`, `pravega_client_auth_password` | | for `Basic` without a token |
//! | `pravega_client_tls_cert_path` | `tls`: `ca_file` | a PEM file, or a folder of them |
//! | `PRAVEGA_CLIENT_TLS_SERVER_NAME` | `tls`: `server_name` | a DNS name or an IP address |
//! | `PRAVEGA_CLIENT_REQUEST_TIMEOUT_MS` | `request_timeout` | milliseconds |
//! | `PRAVEGA_CLIENT_OPERATION_TIMEOUT_MS` | `operation_timeout` | milliseconds |
//! | `PRAVEGA_CLIENT_CONNECT_TIMEOUT_MS` | `connect_timeout` | milliseconds |
//! | `PRAVEGA_CLIENT_HELLO_TIMEOUT_MS` | `hello_timeout` | milliseconds |
//! | `PRAVEGA_CLIENT_KEEP_ALIVE_INTERVAL_MS` | `keep_alive_interval` | milliseconds |
//! | `PRAVEGA_CLIENT_CONNECTION_IDLE_TIMEOUT_MS` | `connection_idle_timeout` | milliseconds |
//! | `PRAVEGA_CLIENT_MAX_CONNECTIONS_PER_ENDPOINT` | `max_connections_per_endpoint` | a number |
//! | `PRAVEGA_CLIENT_MAX_UNACKED_BYTES` | `max_unacked_bytes` | bytes |
//! | `PRAVEGA_CLIENT_MAX_READ_AHEAD_BYTES` | `max_read_ahead_bytes` | bytes |
//!
//! The names in lower case are those that earlier Pravega clients read. `Basic` and `Bearer` are the only
//! methods; a set method without its token, or without user name and password, is an error. The
//! `pravega_client_auth_…` variables are ignored without a method. The two TLS variables are used only
//! when the address asks for TLS and the program sets no TLS options of its own.

use std::{env, ffi::OsString, str::FromStr, time::Duration};

use crate::{ClientConfigBuilder, Credentials, TlsOptions};

const CONTROLLER_URI: &str = "PRAVEGA_CONTROLLER_URI";
const AUTH_METHOD: &str = "pravega_client_auth_method";
const AUTH_TOKEN: &str = "pravega_client_auth_token";
const AUTH_USER: &str = "pravega_client_auth_username";
const AUTH_PASSWORD: &str = "pravega_client_auth_password";
const TLS_CERT_PATH: &str = "pravega_client_tls_cert_path";
const TLS_SERVER_NAME: &str = "PRAVEGA_CLIENT_TLS_SERVER_NAME";
const REQUEST_TIMEOUT: &str = "PRAVEGA_CLIENT_REQUEST_TIMEOUT_MS";
const OPERATION_TIMEOUT: &str = "PRAVEGA_CLIENT_OPERATION_TIMEOUT_MS";
const CONNECT_TIMEOUT: &str = "PRAVEGA_CLIENT_CONNECT_TIMEOUT_MS";
const HELLO_TIMEOUT: &str = "PRAVEGA_CLIENT_HELLO_TIMEOUT_MS";
const KEEP_ALIVE_INTERVAL: &str = "PRAVEGA_CLIENT_KEEP_ALIVE_INTERVAL_MS";
const CONNECTION_IDLE_TIMEOUT: &str = "PRAVEGA_CLIENT_CONNECTION_IDLE_TIMEOUT_MS";
const MAX_CONNECTIONS: &str = "PRAVEGA_CLIENT_MAX_CONNECTIONS_PER_ENDPOINT";
const MAX_UNACKED: &str = "PRAVEGA_CLIENT_MAX_UNACKED_BYTES";
const MAX_READ_AHEAD: &str = "PRAVEGA_CLIENT_MAX_READ_AHEAD_BYTES";

/// A variable that cannot be used, and what it should hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BadVariable {
    pub(crate) name: &'static str,
    pub(crate) wanted: &'static str,
}

/// Reads variables of the process or of a test.
struct Variables<F>(F);

impl<F: Fn(&str) -> Option<OsString>> Variables<F> {
    fn text(&self, name: &'static str) -> Result<Option<String>, BadVariable> {
        let wanted = "UTF-8 text";
        let text = |value: OsString| {
            value
                .into_string()
                .map_err(|_| BadVariable { name, wanted })
        };
        self.0(name).map(text).transpose()
    }

    fn required(&self, name: &'static str, wanted: &'static str) -> Result<String, BadVariable> {
        self.text(name)?.ok_or(BadVariable { name, wanted })
    }

    fn number<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, BadVariable> {
        let wanted = "a whole number";
        let parse = |text: String| text.parse().map_err(|_| BadVariable { name, wanted });
        self.text(name)?.map(parse).transpose()
    }

    fn milliseconds(&self, name: &'static str) -> Result<Option<Duration>, BadVariable> {
        Ok(self.number(name)?.map(Duration::from_millis))
    }

    fn credentials(&self) -> Result<Option<Credentials>, BadVariable> {
        let Some(method) = self.text(AUTH_METHOD)? else {
            return Ok(None);
        };
        let credentials = match method.as_str() {
            "Basic" => match self.text(AUTH_TOKEN)? {
                Some(token) => Credentials::basic_token(token),
                None => Credentials::basic(
                    self.required(AUTH_USER, "a user name, or a ready token,")?,
                    self.required(AUTH_PASSWORD, "a password, or a ready token,")?,
                ),
            },
            "Bearer" => Credentials::bearer(self.required(AUTH_TOKEN, "a token")?),
            _ => {
                return Err(BadVariable {
                    name: AUTH_METHOD,
                    wanted: "Basic or Bearer",
                });
            }
        };
        Ok(Some(credentials))
    }

    fn tls(&self) -> Result<Option<TlsOptions>, BadVariable> {
        let path = self.0(TLS_CERT_PATH);
        let name = self.text(TLS_SERVER_NAME)?;
        if path.is_none() && name.is_none() {
            return Ok(None);
        }
        let mut options = TlsOptions::default();
        if let Some(path) = path {
            options = options.ca_file(path);
        }
        if let Some(name) = name {
            options = options.server_name(name);
        }
        Ok(Some(options))
    }

    fn apply(&self, mut builder: ClientConfigBuilder) -> Result<ClientConfigBuilder, BadVariable> {
        if let Some(uri) = self.text(CONTROLLER_URI)? {
            builder = builder.controller_uri(uri);
        }
        if let Some(credentials) = self.credentials()? {
            builder = builder.credentials(credentials);
        }
        if let Some(options) = self.tls()? {
            builder.env_tls = Some(options);
        }
        let limits = builder.limits_mut();
        for (name, target) in [
            (REQUEST_TIMEOUT, &mut limits.request_timeout),
            (OPERATION_TIMEOUT, &mut limits.operation_timeout),
            (CONNECT_TIMEOUT, &mut limits.connect_timeout),
            (HELLO_TIMEOUT, &mut limits.hello_timeout),
            (KEEP_ALIVE_INTERVAL, &mut limits.keep_alive_interval),
            (CONNECTION_IDLE_TIMEOUT, &mut limits.connection_idle_timeout),
        ] {
            *target = self.milliseconds(name)?.unwrap_or(*target);
        }
        for (name, target) in [
            (MAX_CONNECTIONS, &mut limits.max_connections_per_endpoint),
            (MAX_UNACKED, &mut limits.max_unacked_bytes),
            (MAX_READ_AHEAD, &mut limits.max_read_ahead_bytes),
        ] {
            *target = self.number(name)?.unwrap_or(*target);
        }
        Ok(builder)
    }
}

impl ClientConfigBuilder {
    /// Takes over what the process's environment says, over what was set before; what is set afterwards
    /// wins over it. The variables are in the table of [`env`](mod@crate::env).
    ///
    /// A variable that cannot be used is reported by [`build`](Self::build).
    pub fn with_env(self) -> Self {
        self.with_variables(|name| env::var_os(name))
    }

    fn with_variables(mut self, lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        match Variables(lookup).apply(self.clone()) {
            Ok(builder) => builder,
            Err(bad) => {
                self.bad_variable = Some(bad);
                self
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::{ClientConfig, ConfigError};

    fn build(variables: &[(&str, &str)]) -> Result<ClientConfig, ConfigError> {
        build_on(ClientConfigBuilder::default(), variables)
    }

    fn build_on(
        builder: ClientConfigBuilder,
        variables: &[(&str, &str)],
    ) -> Result<ClientConfig, ConfigError> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        };
        builder.with_variables(lookup).build()
    }

    fn header(config: &ClientConfig) -> String {
        let secret = config.credentials().unwrap().authorization();
        secret.expose_secret().to_owned()
    }

    #[test]
    fn sets_every_option_of_the_table() {
        let config = build(&[
            (CONTROLLER_URI, "tcp://h:1"),
            (REQUEST_TIMEOUT, "1"),
            (OPERATION_TIMEOUT, "2"),
            (CONNECT_TIMEOUT, "3"),
            (HELLO_TIMEOUT, "4"),
            (KEEP_ALIVE_INTERVAL, "50"),
            (CONNECTION_IDLE_TIMEOUT, "6"),
            (MAX_CONNECTIONS, "7"),
            (MAX_UNACKED, "80000"),
            (MAX_READ_AHEAD, "90000"),
        ])
        .unwrap();
        let ms = Duration::from_millis;
        assert_eq!(config.controller_address().to_string(), "tcp://h:1");
        assert_eq!(config.request_timeout(), ms(1));
        assert_eq!(config.operation_timeout(), ms(2));
        assert_eq!(config.connect_timeout(), ms(3));
        assert_eq!(config.hello_timeout(), ms(4));
        assert_eq!(config.keep_alive_interval(), ms(50));
        assert_eq!(config.connection_idle_timeout(), ms(6));
        assert_eq!(config.max_connections_per_endpoint(), 7);
        assert_eq!(config.max_unacked_bytes(), 80_000);
        assert_eq!(config.max_read_ahead_bytes(), 90_000);
        assert!(config.credentials().is_none());
    }

    #[test]
    fn wins_over_what_was_set_before_and_loses_to_what_is_set_after() {
        let before = ClientConfigBuilder::default().controller_uri("old:1");
        let config = build_on(before, &[(CONTROLLER_URI, "new:1")]).unwrap();
        assert_eq!(config.controller_address().to_string(), "new:1");
        let only_uri = |name: &str| (name == CONTROLLER_URI).then(|| "new:1".into());
        let builder = ClientConfigBuilder::default().with_variables(only_uri);
        let config = builder.controller_uri("last:1").build().unwrap();
        assert_eq!(config.controller_address().to_string(), "last:1");
    }

    #[test]
    fn reads_every_form_of_credentials() {
        let uri = (CONTROLLER_URI, "h:1");
        let basic = (AUTH_METHOD, "Basic");
        let user = [(AUTH_USER, "joe"), (AUTH_PASSWORD, "pw")];
        let config = build(&[uri, basic, user[0], user[1]]).unwrap();
        assert_eq!(header(&config), "Basic am9lOnB3");
        let config = build(&[uri, basic, (AUTH_TOKEN, "dG9rZW4="), user[0]]).unwrap();
        assert_eq!(header(&config), "Basic dG9rZW4=");
        let config = build(&[uri, (AUTH_METHOD, "Bearer"), (AUTH_TOKEN, "t")]).unwrap();
        assert_eq!(header(&config), "Bearer t");
        assert!(
            build(&[uri, user[0], user[1]])
                .unwrap()
                .credentials()
                .is_none()
        );
    }

    #[test]
    fn names_the_variable_that_is_wrong() {
        let uri = (CONTROLLER_URI, "h:1");
        let cases: [(&[(&str, &str)], &str); 7] = [
            (&[uri, (AUTH_METHOD, "basic")], AUTH_METHOD),
            (&[uri, (AUTH_METHOD, "Basic")], AUTH_USER),
            (
                &[uri, (AUTH_METHOD, "Basic"), (AUTH_USER, "u")],
                AUTH_PASSWORD,
            ),
            (&[uri, (AUTH_METHOD, "Bearer")], AUTH_TOKEN),
            (&[uri, (REQUEST_TIMEOUT, "5s")], REQUEST_TIMEOUT),
            (&[uri, (MAX_UNACKED, "-1")], MAX_UNACKED),
            (&[uri, (MAX_CONNECTIONS, "")], MAX_CONNECTIONS),
        ];
        for (variables, wrong) in cases {
            let error = build(variables).unwrap_err();
            assert!(
                matches!(error, ConfigError::Variable { name, .. } if name == wrong),
                "{error:?}"
            );
        }
    }

    #[test]
    fn tls_variables_are_used_only_with_tls() {
        let name = (TLS_SERVER_NAME, "store.example");
        let config = build(&[(CONTROLLER_URI, "tcp://h:1"), name]).unwrap();
        assert!(config.tls().is_none());
        let config = build(&[(CONTROLLER_URI, "tls://h:1"), name]).unwrap();
        assert_eq!(config.tls().unwrap().server_name(), Some("store.example"));
        let missing = (TLS_CERT_PATH, "/no/such/folder");
        assert!(build(&[(CONTROLLER_URI, "tcp://h:1"), missing]).is_ok());
        let error = build(&[(CONTROLLER_URI, "tls://h:1"), missing]).unwrap_err();
        assert!(matches!(error, ConfigError::ReadAuthority { .. }));
    }
}
