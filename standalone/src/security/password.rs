//! Passwords, kept as hashes that are slow to guess: Argon2 in the PHC string format.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{
        PasswordHash, PasswordHashString, PasswordHasher as _, PasswordVerifier as _, SaltString,
    },
};
use ring::rand::{SecureRandom as _, SystemRandom};
use snafu::{IntoError as _, Snafu, ensure};

/// The longest password, bytes: hashing does not get slower than it has to be.
pub(super) const MAX_PASSWORD_LEN: usize = 1024;

/// The most memory that a hash may ask for, KiB. Verifications run two at a time.
const MAX_MEMORY: u32 = 256 * 1024;
/// The most passes over it.
const MAX_PASSES: u32 = 64;

/// Bytes of salt for a new hash, the length that the PHC format recommends.
const SALT_LEN: usize = 16;

/// Why a password has no hash.
#[derive(Debug, Snafu)]
#[non_exhaustive]
pub enum PasswordError {
    /// An empty password would be none.
    #[snafu(display("the password is empty"))]
    Empty,
    /// It is too long.
    #[snafu(display("the password is longer than {MAX_PASSWORD_LEN} bytes"))]
    TooLong,
    /// The system gives no random numbers.
    #[snafu(display("the system gives no random numbers"))]
    NoRandomness,
    /// The library failed.
    #[snafu(display("the password cannot be hashed"))]
    Hash {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The hash of a password, for a line of an accounts file: Argon2id with a salt of its own and the library's
/// parameters, which are those that OWASP recommends. It takes some ten milliseconds and 19 MiB.
///
/// ```
/// let hash = pravega_standalone::hash_password("correct horse")?;
/// assert!(hash.starts_with("$argon2id$"));
/// # Ok::<(), pravega_standalone::PasswordError>(())
/// ```
///
/// # Errors
/// [`PasswordError`] when the password is empty or too long, or the system gives no random numbers.
pub fn hash_password(password: &str) -> Result<String, PasswordError> {
    ensure!(!password.is_empty(), EmptySnafu);
    ensure!(password.len() <= MAX_PASSWORD_LEN, TooLongSnafu);
    let mut salt = [0; SALT_LEN];
    let filled = SystemRandom::new().fill(&mut salt);
    ensure!(filled.is_ok(), NoRandomnessSnafu);
    let hash = SaltString::encode_b64(&salt).and_then(|salt| {
        let hash = Argon2::default().hash_password(password.as_bytes(), &salt)?;
        Ok(hash.to_string())
    });
    hash.map_err(|error| HashSnafu.into_error(error.into()))
}

/// A hash as an accounts file has it, checked to be one that can be verified in reasonable time.
///
/// # Errors
/// What is wrong, in words that quote nothing.
pub(super) fn parse_hash(text: &str) -> Result<PasswordHashString, &'static str> {
    let hash = PasswordHash::new(text).map_err(|_| "the password's hash is no PHC string")?;
    let is_known = Algorithm::try_from(hash.algorithm).is_ok()
        && hash
            .version
            .is_none_or(|version| Version::try_from(version).is_ok());
    if !is_known || hash.hash.is_none() || hash.salt.is_none() {
        return Err("the password's hash is not a whole one of Argon2");
    }
    let params = Params::try_from(&hash).map_err(|_| "the hash has odd parameters")?;
    if params.m_cost() > MAX_MEMORY || params.t_cost() > MAX_PASSES {
        return Err("the hash asks for too much memory or time");
    }
    Ok(hash.serialize())
}

/// True for the password that was hashed. Slow on purpose.
pub(super) fn is_right(hash: &PasswordHashString, password: &str) -> bool {
    let verified = Argon2::default().verify_password(password.as_bytes(), &hash.password_hash());
    verified.is_ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The hash of "password", made to be fast.
    pub(in crate::security) const FAST: &str = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$BbbKj4A4toOIetSRZTOFi0nLUgQBJsE09Mbp2HEbjAk";

    #[test]
    fn a_hash_fits_its_password_only() {
        let hash = parse_hash(FAST).unwrap();
        assert!(is_right(&hash, "password"));
        for wrong in ["", "Password", "password ", "passwor"] {
            assert!(!is_right(&hash, wrong), "{wrong:?}");
        }
        let made = hash_password("password").unwrap();
        assert!(is_right(&parse_hash(&made).unwrap(), "password"));
        assert_ne!(made, hash_password("password").unwrap(), "salts differ");
    }

    #[test]
    fn a2_passwords_have_a_greatest_length() {
        for (len, is_taken) in [
            (0, false),
            (1, true),
            (MAX_PASSWORD_LEN, true),
            (MAX_PASSWORD_LEN + 1, false),
        ] {
            let hashed = hash_password(&"x".repeat(len));
            assert_eq!(hashed.is_ok(), is_taken, "{len}");
        }
    }

    #[test]
    fn a2_hashes_that_would_take_all_memory_or_time_are_refused() {
        let with = |m: u32, t: u32| {
            let text = FAST.replace("m=8,t=1", &format!("m={m},t={t}"));
            parse_hash(&text).is_ok()
        };
        for (m, t, is_taken) in [
            (MAX_MEMORY - 1, 1, true),
            (MAX_MEMORY, 1, true),
            (MAX_MEMORY + 1, 1, false),
            (8, MAX_PASSES - 1, true),
            (8, MAX_PASSES, true),
            (8, MAX_PASSES + 1, false),
        ] {
            assert_eq!(with(m, t), is_taken, "m={m},t={t}");
        }
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for bad in [
            "",
            "password",
            "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
            "$argon2id$v=19$m=8,t=1,p=1",
            &FAST.replace("argon2id", "argon2idx"),
            &FAST.replace("v=19", "v=20"),
            "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
            "313030303a633239745a5868686248523a",
        ] {
            assert!(parse_hash(bad).is_err(), "{bad}");
        }
    }
}
