//! The address of a segment store or a controller: a host and a port, with no DNS and no scheme.

use std::{fmt, net::Ipv6Addr, str::FromStr, sync::Arc};

use snafu::{OptionExt, ResultExt, Snafu, ensure};

/// The longest host name that DNS knows, in bytes.
const MAX_HOST_LEN: usize = 253;

/// A host name or address, and a port from 1 to 65,535. Printed as `host:port` or `[v6]:port`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    host: Arc<str>,
    port: u16,
}

/// Why a text or a pair is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Snafu)]
#[non_exhaustive]
pub enum ParseEndpointError {
    /// No `:` separates a host from a port.
    #[snafu(display("{text:?} has no port: host:port or [address]:port is wanted"))]
    NoPort {
        /// The text given.
        text: String,
    },
    /// The port is no number from 1 to 65,535.
    #[snafu(display("{port:?} is not a port: 1 to 65535"))]
    BadPort {
        /// The port given.
        port: String,
    },
    /// The host is empty, too long, or has characters that no host has.
    #[snafu(display("{host:?} is not a host name or address"))]
    BadHost {
        /// The host given.
        host: String,
    },
    /// What stands in brackets is no IPv6 address.
    #[snafu(display("{host:?} is not an IPv6 address"))]
    BadIpv6 {
        /// The text in the brackets.
        host: String,
        /// What the address parser says.
        source: std::net::AddrParseError,
    },
}

impl Endpoint {
    /// Checks a host and a port that come apart, as a controller sends them.
    ///
    /// # Errors
    /// [`ParseEndpointError`] when the host is no name or address, or the port is not 1 to 65,535.
    pub fn new(host: &str, port: i32) -> Result<Self, ParseEndpointError> {
        let port = u16::try_from(port)
            .ok()
            .filter(|&port| port != 0)
            .context(BadPortSnafu {
                port: port.to_string(),
            })?;
        let bracketed = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        if bracketed.is_some() || host.contains(':') {
            host.parse::<Ipv6Addr>().context(BadIpv6Snafu { host })?;
        } else {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            ensure!(
                !host.is_empty() && host.len() <= MAX_HOST_LEN && host.chars().all(allowed),
                BadHostSnafu { host }
            );
        }
        Ok(Self {
            host: host.into(),
            port,
        })
    }

    /// The host, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Endpoint {
    type Err = ParseEndpointError;

    fn from_str(text: &str) -> Result<Self, ParseEndpointError> {
        let (host, port) = text.rsplit_once(':').context(NoPortSnafu { text })?;
        ensure!(
            !host.contains(':') || host.starts_with('['),
            BadHostSnafu { host }
        );
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let number = port
            .parse()
            .ok()
            .filter(|_| digits)
            .context(BadPortSnafu { port })?;
        Self::new(host, number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_addresses() {
        for text in [
            "localhost:9090",
            "10.0.0.1:1",
            "[::1]:65535",
            "a-b.example:443",
            "store_1:6000",
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        assert_eq!(Endpoint::new("::1", 80).unwrap().to_string(), "[::1]:80");
    }

    #[test]
    fn rejects_odd_shapes() {
        let bad = [
            "",
            ":",
            "localhost",
            "localhost:",
            ":9090",
            "localhost:0",
            "localhost:70000",
            "localhost:-1",
            "localhost:+1",
            "local host:1",
            "a/b:1",
            "::1:80",
            "[::g]:80",
            "[zz]:1",
            "[10.0.0.1]:1",
            "[::1]",
            "tcp://h:1",
            "h:1:2",
            "h\0:1",
        ];
        for text in bad {
            assert!(text.parse::<Endpoint>().is_err(), "{text:?} was accepted");
        }
        assert!(Endpoint::new("", 1).is_err());
        assert!(Endpoint::new("h", 70_000).is_err());
        assert!(Endpoint::new("h", 0).is_err());
    }
}
