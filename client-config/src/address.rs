//! The controller's address as users write it: an optional scheme and a list of `host:port`.
//!
//! The forms are those of the Java client and of earlier Rust clients, with IPv6 literals added and every
//! other shape refused:
//!
//! | text | meaning |
//! | --- | --- |
//! | `h:p`, `tcp://h:p` | plain text, the listed controllers |
//! | `tls://h:p`, `ssl://h:p`, `tcps://h:p` | TLS, the listed controllers |
//! | `pravega://h:p` | plain text, the listed controllers are asked for all controllers |
//! | `pravegas://h:p` | TLS, with the same question |
//! | `tcp://h1:p1,h2:p2` | several controllers behind one scheme |
//! | `tcp://[::1]:9090` | an IPv6 address, in brackets |
//!
//! Refused, each with its own [`AddressError`]: an empty text or list item, a missing, zero or too large
//! port, an upper-case or unknown scheme, a path, a query, a user name, an IPv6 address without brackets.

use std::{fmt, str::FromStr};

use pravega_client_shared::{Endpoint, ParseEndpointError};
use snafu::{OptionExt, ResultExt, Snafu, ensure};

/// The most controllers one address may list. A Pravega cluster runs a handful of them; the bound keeps
/// the work of a fail-over finite.
pub const MAX_CONTROLLERS: usize = 64;

/// The longest text read as an address, in bytes: [`MAX_CONTROLLERS`] names of the longest kind that DNS
/// knows fit, and an error never quotes more than this.
pub const MAX_ADDRESS_LEN: usize = 32 * 1024;

/// What stands between scheme and list.
const SCHEME_DELIMITER: &str = "://";

/// How the controllers of an address are spoken to and found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `tcp`: plain text, the listed controllers.
    Tcp,
    /// `tls`, also written `ssl` and `tcps`: TLS, the listed controllers.
    Tls,
    /// `pravega`: plain text, the listed controllers name the others.
    Pravega,
    /// `pravegas`: TLS, the listed controllers name the others.
    Pravegas,
}

/// One or more controllers and the way to speak to them. Parsed by [`FromStr`], printed by
/// [`Display`](fmt::Display) in a form that parses to the same address.
///
/// ```
/// use pravega_client_config::{ControllerAddress, Scheme};
///
/// let address: ControllerAddress = "ssl://one:9090,[::1]:9091".parse()?;
/// assert_eq!(address.scheme(), Scheme::Tls);
/// assert_eq!(address.endpoints().len(), 2);
/// assert_eq!(address.to_string(), "tls://one:9090,[::1]:9091");
/// # Ok::<(), pravega_client_config::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ControllerAddress {
    /// `None` when the text had no scheme, which leaves TLS to be decided by another option.
    scheme: Option<Scheme>,
    endpoints: Vec<Endpoint>,
}

/// Why a text is no controller address.
///
/// A text with an `@` is never quoted, because a password may stand in front of it.
#[derive(Debug, Clone, PartialEq, Eq, Snafu)]
#[non_exhaustive]
pub enum AddressError {
    /// The text is empty, or has nothing behind its scheme.
    #[snafu(display("the address is empty"))]
    Empty,
    /// The text is longer than [`MAX_ADDRESS_LEN`].
    #[snafu(display("an address has at most {MAX_ADDRESS_LEN} bytes, this one has {len}"))]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The word in front of `://` is none of those known, which are in lower case.
    #[snafu(display(
        "unknown scheme {scheme:?}: tcp, tls, ssl, tcps, pravega or pravegas is wanted"
    ))]
    UnknownScheme {
        /// The word given.
        scheme: String,
    },
    /// The text has an `@`: credentials do not belong into an address.
    #[snafu(display("an address has no user name or password"))]
    UserInfo,
    /// More than [`MAX_CONTROLLERS`] are listed.
    #[snafu(display("at most {MAX_CONTROLLERS} controllers may be listed, got {count}"))]
    TooMany {
        /// How many are listed.
        count: usize,
    },
    /// An item of the list is not `host:port`.
    #[snafu(display("controller {number} of the list is no endpoint"))]
    BadEndpoint {
        /// Which item, counted from 1.
        number: usize,
        /// What is wrong with it.
        source: ParseEndpointError,
    },
}

impl Scheme {
    /// True when controllers and segment stores are spoken to over TLS.
    #[must_use]
    pub fn is_tls(self) -> bool {
        matches!(self, Self::Tls | Self::Pravegas)
    }

    /// True when the listed controllers are asked for the list of all controllers.
    #[must_use]
    pub fn is_discovery(self) -> bool {
        matches!(self, Self::Pravega | Self::Pravegas)
    }

    /// The scheme's own word, without `://`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Pravega => "pravega",
            Self::Pravegas => "pravegas",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "tcp" => Some(Self::Tcp),
            "tls" | "ssl" | "tcps" => Some(Self::Tls),
            "pravega" => Some(Self::Pravega),
            "pravegas" => Some(Self::Pravegas),
            _ => None,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ControllerAddress {
    /// The scheme; [`Scheme::Tcp`] for an address written without one.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme.unwrap_or(Scheme::Tcp)
    }

    /// True when controllers and segment stores are spoken to over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.scheme().is_tls()
    }

    /// True when the listed controllers are to be asked for the list of all controllers.
    #[must_use]
    pub fn discovery(&self) -> bool {
        self.scheme().is_discovery()
    }

    /// The listed controllers in the order given: at least one, at most [`MAX_CONTROLLERS`].
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The scheme as written, `None` for an address without one.
    pub(crate) fn written_scheme(&self) -> Option<Scheme> {
        self.scheme
    }

    /// The same controllers behind another scheme.
    pub(crate) fn with_scheme(self, scheme: Scheme) -> Self {
        Self {
            scheme: Some(scheme),
            ..self
        }
    }
}

impl From<Endpoint> for ControllerAddress {
    /// One controller, with no scheme written.
    fn from(endpoint: Endpoint) -> Self {
        Self {
            scheme: None,
            endpoints: vec![endpoint],
        }
    }
}

impl fmt::Display for ControllerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.scheme {
            write!(f, "{scheme}{SCHEME_DELIMITER}")?;
        }
        for (at, endpoint) in self.endpoints.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{endpoint}")?;
        }
        Ok(())
    }
}

impl FromStr for ControllerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        ensure!(
            text.len() <= MAX_ADDRESS_LEN,
            TooLongSnafu { len: text.len() }
        );
        ensure!(!text.contains('@'), UserInfoSnafu);
        let (scheme, list) = match text.split_once(SCHEME_DELIMITER) {
            Some((word, list)) => {
                let scheme =
                    Scheme::from_word(word).context(UnknownSchemeSnafu { scheme: word })?;
                (Some(scheme), list)
            }
            None => (None, text),
        };
        ensure!(!list.is_empty(), EmptySnafu);
        let count = list.split(',').count();
        ensure!(count <= MAX_CONTROLLERS, TooManySnafu { count });
        let endpoints = list
            .split(',')
            .zip(1_usize..)
            .map(|(item, number)| item.parse().context(BadEndpointSnafu { number }))
            .collect::<Result<_, _>>()?;
        Ok(Self { scheme, endpoints })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_forms_of_the_table() {
        let cases = [
            ("localhost:9090", Scheme::Tcp, 1, "localhost:9090"),
            ("127.0.0.1:9090", Scheme::Tcp, 1, "127.0.0.1:9090"),
            ("tcp://h:1", Scheme::Tcp, 1, "tcp://h:1"),
            ("tls://h:1", Scheme::Tls, 1, "tls://h:1"),
            ("ssl://h:1", Scheme::Tls, 1, "tls://h:1"),
            ("tcps://h:1", Scheme::Tls, 1, "tls://h:1"),
            ("pravega://h:1", Scheme::Pravega, 1, "pravega://h:1"),
            ("pravegas://h:1", Scheme::Pravegas, 1, "pravegas://h:1"),
            ("tcp://a:1,b_2:2", Scheme::Tcp, 2, "tcp://a:1,b_2:2"),
            ("[::1]:9090", Scheme::Tcp, 1, "[::1]:9090"),
            (
                "tls://[fe80::A]:1,c:3",
                Scheme::Tls,
                2,
                "tls://[fe80::A]:1,c:3",
            ),
            ("a:1,b:2,c:65535", Scheme::Tcp, 3, "a:1,b:2,c:65535"),
        ];
        for (text, scheme, count, printed) in cases {
            let address: ControllerAddress = text.parse().unwrap();
            assert_eq!(address.scheme(), scheme, "{text}");
            assert_eq!(address.endpoints().len(), count, "{text}");
            assert_eq!(address.to_string(), printed);
            assert_eq!(printed.parse::<ControllerAddress>().unwrap(), address);
            assert_eq!(address.is_tls(), scheme.is_tls());
            assert_eq!(address.discovery(), scheme.is_discovery());
        }
    }

    #[test]
    fn refuses_every_other_form() {
        let many = vec!["h:1"; MAX_CONTROLLERS + 1].join(",");
        let long = "h".repeat(MAX_ADDRESS_LEN + 1);
        let bad = [
            "",
            " ",
            "tcp://",
            "://h:1",
            "TCP://h:1",
            "http://h:1",
            "grpc://h:1",
            "tcp:/h:1",
            "//h:1",
            "tcp:h:1",
            "h",
            "tcp://h",
            "h:",
            ":1",
            "h:0",
            "h:65536",
            "h:-1",
            "h:+1",
            "h:1x",
            "h:1,",
            ",h:1",
            "h:1,,h:2",
            "h:1, h:2",
            " h:1",
            "h:1 ",
            "h:1\n",
            "tcp://a:1,tcp://b:2",
            "h:1/",
            "h:1/path",
            "h:1?x",
            "h:1#x",
            "user@h:1",
            "tcp://u:p@h:1",
            "::1:9090",
            "[::1]",
            "[::1",
            "[::1]9090",
            "[h]:1x",
            "[::g]:1",
            "tcp://tcp://h:1",
            "h\0:1",
            "hé:1",
            "h:١",
            "a b:1",
            "h:1;h:2",
            &many,
            &long,
        ];
        for text in bad {
            let result = text.parse::<ControllerAddress>();
            assert!(result.is_err(), "{text:?} was accepted as {result:?}");
        }
    }

    #[test]
    fn names_what_is_wrong() {
        let error = |text: &str| text.parse::<ControllerAddress>().unwrap_err();
        assert_eq!(error(""), AddressError::Empty);
        assert_eq!(error("tls://"), AddressError::Empty);
        assert!(matches!(error("u:p@h:1"), AddressError::UserInfo));
        assert!(
            matches!(error("TLS://h:1"), AddressError::UnknownScheme { scheme } if scheme == "TLS")
        );
        assert!(matches!(
            error("a:1,b"),
            AddressError::BadEndpoint { number: 2, .. }
        ));
        assert!(!format!("{:?}", error("tcp://joe:marker@h:1")).contains("marker"));
    }
}
