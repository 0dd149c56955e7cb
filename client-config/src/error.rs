//! What can be wrong with a configuration.

use std::{io, path::PathBuf};

use rustls_pki_types::pem;
use snafu::Snafu;

use crate::{AddressError, Scheme};

/// Why [`build`](crate::ClientConfigBuilder::build) gave no configuration. Names the option, the value
/// and what is allowed; secrets are never quoted.
#[derive(Debug, Snafu)]
#[non_exhaustive]
#[snafu(visibility(pub(crate)))]
pub enum ConfigError {
    /// An option without default was not set.
    #[snafu(display("{option} is not set"))]
    Missing {
        /// The option's name.
        option: &'static str,
    },
    /// A number or a time outside its range.
    #[snafu(display("{option} is {value}, allowed is {allowed}"))]
    OutOfRange {
        /// The option's name.
        option: &'static str,
        /// The value given.
        value: String,
        /// The allowed range.
        allowed: String,
    },
    /// `controller_uri` is no address.
    #[snafu(display("controller_uri is no controller address"))]
    ControllerUri {
        /// What is wrong with it.
        source: AddressError,
    },
    /// `is_tls_enabled` says the opposite of the address's scheme.
    #[snafu(display("is_tls_enabled is {enabled}, but the scheme of controller_uri is {scheme}"))]
    TlsContradiction {
        /// The value of `is_tls_enabled`.
        enabled: bool,
        /// The scheme written.
        scheme: Scheme,
    },
    /// TLS options were given though nothing would use them: the connection would be in plain text.
    #[snafu(display("tls options are set, but controller_uri asks for plain text"))]
    TlsOptionsUnused,
    /// A file or folder of certificates cannot be read.
    #[snafu(display("tls ca_file {} cannot be read", path.display()))]
    ReadAuthority {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder of certificates has too many files.
    #[snafu(display("tls ca_file {} has more than {max} files", path.display()))]
    TooManyFiles {
        /// The folder.
        path: PathBuf,
        /// How many are allowed.
        max: usize,
    },
    /// A file or text is not PEM.
    #[snafu(display("tls certificates in {origin} are not PEM"))]
    BadPem {
        /// The file's path, or which text.
        origin: String,
        /// What the PEM parser says.
        source: pem::Error,
    },
    /// A file, folder or text holds no certificate.
    #[snafu(display("there is no certificate in {origin}"))]
    NoCertificate {
        /// The path, or which text.
        origin: String,
    },
    /// `server_name` is neither a DNS name nor an address.
    #[snafu(display("tls server_name is {name:?}, allowed is a DNS name or an IP address"))]
    BadServerName {
        /// The name given.
        name: String,
    },
    /// The system's authorities are switched off and no other is given.
    #[snafu(display("tls system_roots is false and no certificate of an authority is given"))]
    NobodyTrusted,
    /// The credentials cannot be put into a header.
    #[snafu(display("credentials are not usable: {reason}"))]
    BadCredentials {
        /// What is wrong, without the secret.
        reason: &'static str,
    },
    /// An environment variable has a value that cannot be used.
    #[snafu(display("environment variable {name} is not usable: {wanted} is wanted"))]
    Variable {
        /// The variable's name.
        name: &'static str,
        /// What it should hold. The value is not quoted, because it may be a secret.
        wanted: &'static str,
    },
}

impl ConfigError {
    /// Always false: the same configuration fails again until somebody changes it.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        false
    }
}
