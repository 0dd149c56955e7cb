//! Passwords and TLS: what proves who we are, what a server asks for, and how an operator makes an account.
//!
//! No password is an argument, because other users of the machine can read the arguments of a process.

use std::{
    env, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::Args;
use pravega_byte_stream::{ClientConfigBuilder, Credentials, TlsOptions};
use pravega_standalone::{Accounts, ServerTls, StandaloneBuilder, hash_password};
use snafu::{OptionExt as _, ResultExt as _, ensure};

use crate::{
    error::{
        AccountsSnafu, CertificateSnafu, CliError, IoSnafu, LongPasswordSnafu, NoPasswordSnafu,
        PasswordSnafu,
    },
    output,
};

/// The variable that holds a password; other Pravega clients read it too.
const PASSWORD: &str = "pravega_client_auth_password";

/// The longest password read, bytes. Servers take no longer ones in a header.
const MAX_PASSWORD_LEN: usize = 8 * 1024;

/// What a client shows, and whom it trusts.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Identity {
    /// Trust the certificate authorities in this PEM file, beside those of the system
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The name of the account at the controller
    #[arg(long, global = true, value_name = "NAME")]
    user: Option<String>,
    /// The file with its password [default: the variable pravega_client_auth_password]
    #[arg(long, global = true, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
}

impl Identity {
    /// Adds to a configuration what was given, over what the environment says.
    pub(crate) fn apply(
        &self,
        mut config: ClientConfigBuilder,
    ) -> Result<ClientConfigBuilder, CliError> {
        if let Some(ca) = &self.ca {
            config = config.tls(TlsOptions::default().ca_file(ca));
        }
        if let Some(user) = &self.user {
            let password = match &self.password_file {
                Some(path) => password_in(path)?,
                None => env::var(PASSWORD).ok().context(NoPasswordSnafu)?,
            };
            config = config.credentials(Credentials::basic(user, password));
        }
        Ok(config)
    }
}

/// What a server asks of those who come.
#[derive(Debug, Args)]
pub(crate) struct Protection {
    /// Speak TLS with the certificate in this PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Let in those only who have a line user:HASH:RULES in this file (see hash-password)
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
}

impl Protection {
    /// Has a server ask for it.
    pub(crate) fn apply(
        &self,
        mut server: StandaloneBuilder,
    ) -> Result<StandaloneBuilder, CliError> {
        if let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) {
            let tls = ServerTls::from_files(certificate, key).context(CertificateSnafu)?;
            server = server.tls(tls);
        }
        if let Some(path) = &self.accounts {
            server = server.accounts(Accounts::read(path).context(AccountsSnafu)?);
        }
        Ok(server)
    }
}

/// An account to be.
#[derive(Debug, Args)]
pub(crate) struct HashPassword {
    /// Print a whole line of an accounts file, for this user
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The rules of that line
    #[arg(
        long,
        value_name = "RULES",
        default_value = "prn::*,READ_UPDATE",
        requires = "account"
    )]
    rules: String,
}

/// Reads a password from stdin, and prints its hash or the line of an account.
pub(crate) fn print_hash(options: &HashPassword) -> Result<(), CliError> {
    let what = "reading the password from stdin";
    let password = first_line(io::stdin().lock()).context(IoSnafu { what })?;
    ensure!(password.len() <= MAX_PASSWORD_LEN, LongPasswordSnafu);
    let hash = hash_password(&password).context(PasswordSnafu)?;
    let Some(user) = &options.account else {
        return output::line(&hash);
    };
    let line = format!("{user}:{hash}:{}", options.rules);
    // What the server would not read is told now.
    Accounts::parse(&line).context(AccountsSnafu)?;
    output::line(&line)
}

fn password_in(path: &Path) -> Result<String, CliError> {
    let read = fs::File::open(path).and_then(first_line);
    let password = read.with_context(|_| IoSnafu {
        what: format!("reading {}", path.display()),
    })?;
    ensure!(password.len() <= MAX_PASSWORD_LEN, LongPasswordSnafu);
    Ok(password)
}

/// The first line, without its end; cut behind the longest password.
fn first_line(from: impl io::Read) -> io::Result<String> {
    let limit = u64::try_from(MAX_PASSWORD_LEN)
        .unwrap_or(u64::MAX)
        .saturating_add(2);
    let mut text = String::new();
    from.take(limit).read_to_string(&mut text)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
