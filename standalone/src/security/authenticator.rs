//! Checks passwords without blocking the executor, and within bounds.
//!
//! A verification takes tens of milliseconds and megabytes on purpose. So few run at the same time, few more
//! wait, and what is beyond is turned away; and a password that was right is recognised at once afterwards, by
//! a keyed hash that is worth nothing outside of this process. Every call to the controller carries one.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use argon2::password_hash::PasswordHashString;
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use tokio::sync::Semaphore;

use super::{
    accounts::{Account, Accounts},
    credentials::{self, Basic},
    password,
    rules::Rules,
};

/// Verifications at the same time. With the largest hash they take 512 MiB.
const MAX_VERIFICATIONS: usize = 2;

/// Callers that wait for a verification, or have one; more are turned away, to come again.
pub(super) const MAX_WAITING: usize = 64;

/// Knows the accounts.
pub(super) struct Authenticator {
    users: HashMap<String, User>,
    /// The key of the hashes by which passwords are recognised.
    key: hmac::Key,
    /// Verified where there is no such user, so that the time taken does not tell.
    decoy: PasswordHashString,
    verifying: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

struct User {
    account: Account,
    /// The hash of the password that was right.
    known: Mutex<Option<hmac::Tag>>,
}

/// Why a caller is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// No account, no password, a wrong one, or nothing that could be understood.
    Unknown,
    /// Too many passwords are being verified.
    Busy,
}

impl Authenticator {
    /// For accounts of which there is one at least; none when the system gives no random numbers.
    pub(super) fn new(accounts: Accounts, random: &SystemRandom) -> Option<Self> {
        let mut key = [0; 32];
        random.fill(&mut key).ok()?;
        let accounts = accounts.of();
        // As slow as the slowest of them.
        let decoy = accounts.values().map(|account| &account.hash);
        let decoy = decoy.max_by_key(|hash| cost(hash)).cloned()?;
        let known = || Mutex::new(None);
        let users = accounts.into_iter().map(|(name, account)| {
            (
                name,
                User {
                    account,
                    known: known(),
                },
            )
        });
        Some(Self {
            users: users.collect(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            decoy,
            verifying: Arc::new(Semaphore::new(MAX_VERIFICATIONS)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
        })
    }

    /// The rules of who sends this `authorization` header.
    ///
    /// # Errors
    /// [`Stranger`] when it proves nothing, or when too many others are being looked at.
    ///
    /// # Cancel safety
    /// Cancel safe: a verification that has begun runs to its end, and keeps its place until then.
    pub(super) async fn authenticate(&self, header: Option<&[u8]>) -> Result<&Rules, Stranger> {
        let shown = header
            .and_then(credentials::basic)
            .ok_or(Stranger::Unknown)?;
        if shown.password().len() > password::MAX_PASSWORD_LEN {
            return Err(Stranger::Unknown);
        }
        let user = self.users.get(&shown.user);
        if let Some(user) = user.filter(|user| self.recognises(user, &shown)) {
            return Ok(&user.account.rules);
        }
        let waiting = Arc::clone(&self.waiting).try_acquire_owned();
        let waiting = waiting.map_err(|_| Stranger::Busy)?;
        let verifying = Arc::clone(&self.verifying).acquire_owned().await;
        let places = (waiting, verifying.map_err(|_| Stranger::Busy)?);
        // Somebody else may have verified the same one meanwhile.
        if let Some(user) = user.filter(|user| self.recognises(user, &shown)) {
            return Ok(&user.account.rules);
        }
        let tag = self.tag(&shown);
        let hash = user.map_or(&self.decoy, |user| &user.account.hash).clone();
        let verification = tokio::task::spawn_blocking(move || {
            let is_right = password::is_right(&hash, shown.password());
            drop(places);
            is_right
        });
        let is_right = verification.await.map_err(|_| Stranger::Busy)?;
        let user = user.filter(|_| is_right).ok_or(Stranger::Unknown)?;
        *user.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(tag);
        Ok(&user.account.rules)
    }

    fn tag(&self, shown: &Basic) -> hmac::Tag {
        hmac::sign(&self.key, shown.password().as_bytes())
    }

    /// True for the password that was verified last. The comparison takes the same time for all.
    fn recognises(&self, user: &User, shown: &Basic) -> bool {
        let known = *user.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.is_some_and(|tag| {
            hmac::verify(&self.key, shown.password().as_bytes(), tag.as_ref()).is_ok()
        })
    }
}

/// A measure of the time that a hash takes to verify.
fn cost(hash: &PasswordHashString) -> u64 {
    let params = argon2::Params::try_from(&hash.password_hash());
    params.map_or(0, |params| {
        u64::from(params.m_cost()) * u64::from(params.t_cost())
    })
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("users", &self.users.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::{super::password::tests::FAST, *};

    fn authenticator() -> Authenticator {
        let text = format!("ann:{FAST}:prn::*,READ\nbob:{FAST}:\n");
        let accounts = Accounts::parse(&text).unwrap();
        Authenticator::new(accounts, &SystemRandom::new()).unwrap()
    }

    fn header(user: &str, password: &str) -> Vec<u8> {
        let pair = STANDARD.encode(format!("{user}:{password}"));
        format!("Basic {pair}").into_bytes()
    }

    async fn outcome(door: &Authenticator, user: &str, password: &str) -> Option<Stranger> {
        let header = header(user, password);
        door.authenticate(Some(&header)).await.err()
    }

    #[tokio::test]
    async fn only_the_right_password_of_the_right_user_opens() {
        let door = authenticator();
        for round in 0..2 {
            assert_eq!(outcome(&door, "ann", "password").await, None, "{round}");
            for (user, password) in [
                ("ann", "Password"),
                ("ann", ""),
                ("Ann", "password"),
                ("", "password"),
                ("ann:password", ""),
                ("nobody", "password"),
            ] {
                let refused = Some(Stranger::Unknown);
                assert_eq!(
                    outcome(&door, user, password).await,
                    refused,
                    "{user}:{password}"
                );
            }
        }
        assert_eq!(door.authenticate(None).await.err(), Some(Stranger::Unknown));
    }

    #[tokio::test]
    async fn a_right_password_is_hashed_once() {
        let door = authenticator();
        assert_eq!(outcome(&door, "ann", "password").await, None);
        let _all = Arc::clone(&door.verifying)
            .acquire_many_owned(2)
            .await
            .unwrap();
        // Nobody can verify now.
        assert_eq!(outcome(&door, "ann", "password").await, None);
        assert!(door.users["bob"].known.lock().unwrap().is_none());
    }

    #[tokio::test]
    async fn a4_a_flood_of_wrong_passwords_is_bounded_and_hinders_no_known_user() {
        let door = Arc::new(authenticator());
        assert_eq!(outcome(&door, "ann", "password").await, None);
        let all = Arc::clone(&door.verifying)
            .acquire_many_owned(2)
            .await
            .unwrap();
        let guesses: Vec<_> = (0..=MAX_WAITING)
            .map(|guess| {
                let door = Arc::clone(&door);
                tokio::spawn(async move { outcome(&door, "ann", &guess.to_string()).await })
            })
            .collect();
        while door.waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            outcome(&door, "bob", "password").await,
            Some(Stranger::Busy)
        );
        assert_eq!(outcome(&door, "ann", "password").await, None);
        drop(all);
        let mut busy = 0;
        for guess in guesses {
            match guess.await.unwrap() {
                Some(Stranger::Busy) => busy += 1,
                other => assert_eq!(other, Some(Stranger::Unknown)),
            }
        }
        assert_eq!(busy, 1, "one more than may wait");
        assert_eq!(outcome(&door, "bob", "password").await, None);
        assert_eq!(door.waiting.available_permits(), MAX_WAITING);
    }
}
