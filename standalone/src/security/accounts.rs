//! Who may use the server: accounts, read from a text with one line for each.

use std::{
    collections::HashMap,
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use argon2::password_hash::PasswordHashString;
use snafu::{IntoError as _, ResultExt as _, Snafu};

use super::{password::parse_hash, rules::Rules};

/// The largest accounts file, bytes: some ten thousand accounts.
const MAX_FILE_LEN: u64 = 4 * 1024 * 1024;

/// The accounts of a server, for [`StandaloneBuilder::accounts`](crate::StandaloneBuilder::accounts).
///
/// A line is `user:HASH:RULES`: the hash from [`hash_password`](crate::hash_password), the rules as Pravega
/// has them. A rule is `resource,RIGHT`, with `;` between rules; the first that fits counts, and without one
/// there is no right. Empty lines and lines that begin with `#` are left out.
///
/// | resource | is |
/// | --- | --- |
/// | `prn::/` | the scopes: list, create and delete them |
/// | `prn::/scope:S` | the scope S: list and create its streams |
/// | `prn::/scope:S/stream:T` | the stream T |
/// | …`*` | every resource that begins so; `prn::*` is everything |
///
/// | right | allows |
/// | --- | --- |
/// | `NONE` | nothing |
/// | `READ` | to look at it, and to read the bytes |
/// | `READ_UPDATE` | that, and to append, truncate, seal, change and delete |
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pravega_standalone::{Accounts, hash_password};
///
/// let hash = hash_password("correct horse")?;
/// let text = format!("camera:{hash}:prn::/scope:video,READ_UPDATE;prn::/scope:video/*,READ_UPDATE\n");
/// let accounts = Accounts::parse(&text)?;
/// assert_eq!(accounts.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Accounts(HashMap<String, Account>);

/// What is known about a user.
#[derive(Clone)]
pub(crate) struct Account {
    pub(super) hash: PasswordHashString,
    pub(super) rules: Rules,
}

/// Why accounts cannot be had. Says where, and quotes nothing.
#[derive(Debug, Snafu)]
#[non_exhaustive]
pub enum AccountsError {
    /// The file cannot be read.
    #[snafu(display("cannot read {}", path.display()))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is none.
    #[snafu(display("line {line}: {reason}"))]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nobody could use the server.
    #[snafu(display("there is no account"))]
    Nobody,
}

impl Accounts {
    /// Reads accounts from a text.
    ///
    /// # Errors
    /// [`AccountsError`] when a line is none, two lines are about one user, or there is no line.
    pub fn parse(text: &str) -> Result<Self, AccountsError> {
        let mut accounts = HashMap::new();
        for (line, number) in text.lines().map(str::trim).zip(1_usize..) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let at = |reason| {
                LineSnafu {
                    line: number,
                    reason,
                }
                .build()
            };
            let (user, account) = account(line).map_err(at)?;
            if accounts.insert(user.to_owned(), account).is_some() {
                return Err(at("the user has a line already"));
            }
        }
        snafu::ensure!(!accounts.is_empty(), NobodySnafu);
        Ok(Self(accounts))
    }

    /// Reads accounts from a file. It is read once: the server does not see later changes.
    ///
    /// # Errors
    /// [`AccountsError`] when the file cannot be read, is larger than 4 MiB, or as for [`parse`](Self::parse).
    pub fn read(path: impl AsRef<Path>) -> Result<Self, AccountsError> {
        let path = path.as_ref();
        let mut text = String::new();
        let limit = MAX_FILE_LEN.saturating_add(1);
        let read = File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text));
        let len = read.context(ReadSnafu { path })?;
        if u64::try_from(len).is_ok_and(|len| len > MAX_FILE_LEN) {
            let too_large = io::Error::from(io::ErrorKind::FileTooLarge);
            return Err(ReadSnafu { path }.into_error(too_large));
        }
        Self::parse(&text)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True for [`Accounts::default`], which lets nobody in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn of(self) -> HashMap<String, Account> {
        self.0
    }
}

/// Shows how many there are, and nothing of them.
impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Accounts({}, redacted)", self.len())
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

fn account(line: &str) -> Result<(&str, Account), &'static str> {
    let mut fields = line.splitn(3, ':');
    let (Some(user), Some(hash), Some(rules)) = (fields.next(), fields.next(), fields.next())
    else {
        return Err("it is not user:HASH:RULES");
    };
    if user.is_empty() || user.chars().any(char::is_control) {
        return Err("the user's name is empty or has a control character");
    }
    let (hash, rules) = (parse_hash(hash)?, Rules::parse(rules)?);
    Ok((user, Account { hash, rules }))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            password::tests::FAST,
            right::{Resource, Right},
        },
        *,
    };

    #[test]
    fn a_line_for_each_user() {
        let text = format!(
            "# people\n\n  ann:{FAST}:prn::*,READ_UPDATE;\r\nbob:{FAST}:prn::/scope:a,READ\neve:{FAST}:\n"
        );
        let accounts = Accounts::parse(&text).unwrap();
        assert_eq!(accounts.len(), 3);
        let right = |user: &str| accounts.0[user].rules.right_to(Resource::Scope("a"));
        assert_eq!(right("ann"), Right::ReadUpdate);
        assert_eq!(right("bob"), Right::Read);
        assert_eq!(right("eve"), Right::None);
    }

    #[test]
    fn t84_a_bad_line_is_told_by_its_number_and_not_quoted() {
        let good = format!("ann:{FAST}:prn::*,READ");
        for bad in [
            "marker",
            "marker:marker",
            "marker:marker:prn::*,READ",
            ":marker:prn::*,READ",
            &format!("marker:{FAST}:marker,READ"),
            &format!("marker:{FAST}:prn::marker"),
            &format!("mar\tker:{FAST}:prn::*,READ"),
            &good,
        ] {
            let error = Accounts::parse(&format!("{good}\n{bad}\n")).unwrap_err();
            assert!(
                matches!(error, AccountsError::Line { line: 2, .. }),
                "{bad}: {error}"
            );
            let told = format!("{error} {error:?}");
            assert!(
                !told.contains("marker") && !told.contains("argon2"),
                "{told}"
            );
        }
        assert!(matches!(Accounts::parse("#\n"), Err(AccountsError::Nobody)));
    }

    #[test]
    fn a_file_has_a_greatest_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts");
        let line = format!("ann:{FAST}:prn::*,READ\n");
        for (len, is_read) in [
            (MAX_FILE_LEN - 1, true),
            (MAX_FILE_LEN, true),
            (MAX_FILE_LEN + 1, false),
        ] {
            let mut text = line.clone();
            text.push('#');
            while u64::try_from(text.len()).unwrap() < len {
                text.push('.');
            }
            std::fs::write(&path, text).unwrap();
            assert_eq!(Accounts::read(&path).is_ok(), is_read, "{len}");
        }
        let missing = Accounts::read(folder.path().join("nowhere"));
        assert!(matches!(missing, Err(AccountsError::Read { .. })));
    }

    #[test]
    fn t84_debug_shows_no_user_and_no_hash() {
        let accounts = Accounts::parse(&format!("marker:{FAST}:prn::*,READ")).unwrap();
        let shown = format!(
            "{accounts:?} {:?}",
            accounts.0["marker"].hash.as_str().len()
        );
        assert!(
            !shown.contains("marker") && !shown.contains("argon2"),
            "{shown}"
        );
        let shown = format!("{:?}", accounts.0["marker"]);
        assert!(!shown.contains("argon2"), "{shown}");
    }
}
