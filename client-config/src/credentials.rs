//! Who the client is, as told to the controller. Never sent to a segment store.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use snafu::ensure;

use crate::{ConfigError, error::BadCredentialsSnafu};

/// The longest secret accepted, in bytes. With its encoding it stays within the 16 KiB of headers that
/// servers take.
const MAX_SECRET_LEN: usize = 8 * 1024;

/// What a client proves itself with at the controller, in the `authorization` header of every call.
///
/// `Debug` prints the method and nothing else, there is no `Display`, and the memory of the secret is
/// wiped when the last clone is dropped.
///
/// ```
/// use pravega_client_config::Credentials;
///
/// let credentials = Credentials::basic("joe", "secret");
/// assert_eq!(format!("{credentials:?}"), "Credentials(Basic, redacted)");
/// ```
#[derive(Clone)]
pub struct Credentials(Arc<Secret>);

enum Secret {
    Basic {
        user: SecretString,
        password: SecretString,
    },
    Token {
        method: Method,
        token: SecretString,
    },
    Provider(Box<dyn Fn() -> SecretString + Send + Sync>),
}

#[derive(Debug, Clone, Copy)]
enum Method {
    Basic,
    Bearer,
}

impl Method {
    fn word(self) -> &'static str {
        match self {
            Self::Basic => "Basic",
            Self::Bearer => "Bearer",
        }
    }
}

impl Credentials {
    /// A user name and a password, for the server's password handler. The header is
    /// `Basic base64(user:password)`.
    ///
    /// A user name that is empty, has a `:` or a control character is refused when the configuration is
    /// built.
    #[must_use]
    pub fn basic(user: impl Into<String>, password: impl Into<SecretString>) -> Self {
        Self(Arc::new(Secret::Basic {
            user: user.into().into(),
            password: password.into(),
        }))
    }

    /// The ready base64 text of `user:password`.
    #[must_use]
    pub fn basic_token(token: impl Into<SecretString>) -> Self {
        Self(Arc::new(Secret::Token {
            method: Method::Basic,
            token: token.into(),
        }))
    }

    /// A bearer token that does not change. The header is `Bearer token`.
    #[must_use]
    pub fn bearer(token: impl Into<SecretString>) -> Self {
        Self(Arc::new(Secret::Token {
            method: Method::Bearer,
            token: token.into(),
        }))
    }

    /// A bearer token that is renewed elsewhere: `current` is asked before each controller call and must
    /// answer at once, from memory.
    ///
    /// What it returns cannot be checked when the configuration is built.
    #[must_use]
    pub fn bearer_from(current: impl Fn() -> SecretString + Send + Sync + 'static) -> Self {
        Self(Arc::new(Secret::Provider(Box::new(current))))
    }

    /// The value of the `authorization` header: the method's word, one space, the token. Ask for it anew
    /// for each call, because a token may be renewed.
    #[must_use]
    pub fn authorization(&self) -> SecretString {
        let (method, token) = match &*self.0 {
            Secret::Basic { user, password } => {
                let pair = SecretString::from(format!(
                    "{}:{}",
                    user.expose_secret(),
                    password.expose_secret()
                ));
                let token = SecretString::from(STANDARD.encode(pair.expose_secret()));
                (Method::Basic, token)
            }
            Secret::Token { method, token } => (*method, token.clone()),
            Secret::Provider(current) => (Method::Bearer, current()),
        };
        SecretString::from(format!("{} {}", method.word(), token.expose_secret()))
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let secret_len = |secret: &SecretString| secret.expose_secret().len();
        let len = match &*self.0 {
            Secret::Basic { user, password } => {
                let name = user.expose_secret();
                ensure!(
                    !name.is_empty(),
                    BadCredentialsSnafu {
                        reason: "the user name is empty"
                    }
                );
                ensure!(
                    !name.contains(|c: char| c == ':' || c.is_control()),
                    BadCredentialsSnafu {
                        reason: "the user name has a colon or a control character"
                    }
                );
                secret_len(user).saturating_add(secret_len(password))
            }
            Secret::Token { token, .. } => {
                let text = token.expose_secret();
                ensure!(
                    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()),
                    BadCredentialsSnafu {
                        reason: "the token is empty or has other than visible ASCII characters"
                    }
                );
                secret_len(token)
            }
            Secret::Provider(_) => 0,
        };
        ensure!(
            len <= MAX_SECRET_LEN,
            BadCredentialsSnafu {
                reason: "they are longer than 8 KiB"
            }
        );
        Ok(())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = match &*self.0 {
            Secret::Basic { .. } => Method::Basic,
            Secret::Token { method, .. } => *method,
            Secret::Provider(_) => Method::Bearer,
        };
        write!(f, "Credentials({}, redacted)", method.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(credentials: &Credentials) -> String {
        credentials.authorization().expose_secret().to_owned()
    }

    #[test]
    fn makes_the_headers_that_the_server_reads() {
        let basic = Credentials::basic("admin", "1111_aaaa");
        assert_eq!(header(&basic), "Basic YWRtaW46MTExMV9hYWFh");
        let ready = Credentials::basic_token("YWRtaW46MTExMV9hYWFh");
        assert_eq!(header(&ready), header(&basic));
        assert_eq!(header(&Credentials::bearer("a.b.c")), "Bearer a.b.c");
        let renewed = Credentials::bearer_from(|| SecretString::from("now"));
        assert_eq!(header(&renewed), "Bearer now");
        assert_eq!(header(&Credentials::basic("u", "p:ü")), "Basic dTpwOsO8");
    }

    #[test]
    fn refuses_what_no_header_can_carry() {
        let long = "x".repeat(MAX_SECRET_LEN + 1);
        let bad = [
            Credentials::basic("", "p"),
            Credentials::basic("a:b", "p"),
            Credentials::basic("a\n", "p"),
            Credentials::basic("a", long.as_str()),
            Credentials::bearer(""),
            Credentials::bearer("a b"),
            Credentials::bearer("a\r\nb"),
            Credentials::bearer(long.as_str()),
            Credentials::basic_token(""),
        ];
        for credentials in bad {
            assert!(credentials.check().is_err(), "{credentials:?}");
        }
        assert!(Credentials::basic("joe", "").check().is_ok());
    }
}
