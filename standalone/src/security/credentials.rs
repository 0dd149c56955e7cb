//! The `authorization` header: who says they are who, with which password.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};

/// What a client proves itself with.
pub(super) struct Basic {
    pub(super) user: String,
    pub(super) password: SecretString,
}

/// Reads a header of the form `Basic base64(user:password)`; none for every other, which proves nothing.
pub(super) fn basic(header: &[u8]) -> Option<Basic> {
    let header = std::str::from_utf8(header).ok()?;
    let mut words = header.split_ascii_whitespace();
    let (method, token) = (words.next()?, words.next()?);
    if method != "Basic" || words.next().is_some() {
        return None;
    }
    let pair = Zeroizing::new(STANDARD.decode(token).ok()?);
    let (user, password) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
    Some(Basic {
        user: user.to_owned(),
        password: SecretString::from(password),
    })
}

impl Basic {
    pub(super) fn password(&self) -> &str {
        self.password.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_cut_at_the_first_colon() {
        let read = basic(b"Basic YWRtaW46MTExMV9hYWFh").unwrap();
        assert_eq!((&*read.user, read.password()), ("admin", "1111_aaaa"));
        let header = format!("Basic {}", STANDARD.encode("u:p:\u{fc}"));
        let read = basic(header.as_bytes()).unwrap();
        assert_eq!((&*read.user, read.password()), ("u", "p:\u{fc}"));
    }

    #[test]
    fn every_other_header_proves_nothing() {
        let no_colon = format!("Basic {}", STANDARD.encode("admin"));
        let no_text = format!("Basic {}", STANDARD.encode([0xff, b':', 0xfe]));
        let bad = [
            "",
            "Basic",
            "Basic ",
            "basic YWRtaW46MTExMV9hYWFh",
            "Bearer YWRtaW46MTExMV9hYWFh",
            "Basic YWRtaW46MTExMV9hYWFh x",
            "Basic YWRtaW46MTExMV9hYWFh=",
            "Basic !!!!",
            "YWRtaW46MTExMV9hYWFh",
            &no_colon,
            &no_text,
        ];
        for header in bad {
            assert!(basic(header.as_bytes()).is_none(), "{header:?}");
        }
        assert!(basic(&[0xff; 8]).is_none());
    }
}
