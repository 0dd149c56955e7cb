//! Whom a TLS client trusts. Which connections use TLS is the address's matter, see [`crate::address`].

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use snafu::{ResultExt, ensure};

use crate::{
    ConfigError,
    error::{
        BadPemSnafu, BadServerNameSnafu, NoCertificateSnafu, NobodyTrustedSnafu,
        ReadAuthoritySnafu, TooManyFilesSnafu,
    },
};

/// The largest file of certificates read, in bytes. The list of all public authorities is about 250 KB.
const MAX_FILE_LEN: u64 = 4 * 1024 * 1024;

/// The most files read from one folder of certificates.
const MAX_FILES: usize = 256;

/// What the user may say about TLS; [`TlsConfig`] is what is left after the checks.
///
/// Certificates and host names are always verified; there is no option that turns this off. Without any
/// options a server must be certified by an authority that the operating system trusts, for the host name
/// that the client dials.
///
/// | option | default | checked when built |
/// | --- | --- | --- |
/// | [`ca_file`](Self::ca_file) | none | the file can be read and holds PEM certificates |
/// | [`ca_pem`](Self::ca_pem) | none | the text holds PEM certificates |
/// | [`server_name`](Self::server_name) | the host dialled | is a DNS name or an IP address |
/// | [`system_roots`](Self::system_roots) | `true` | `false` needs a certificate of one's own |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    ca_files: Vec<PathBuf>,
    ca_texts: Vec<String>,
    server_name: Option<String>,
    system_roots: bool,
}

/// Whom to trust, checked: what the layers that dial take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    ca_pem: Vec<u8>,
    server_name: Option<String>,
    system_roots: bool,
}

impl TlsOptions {
    /// Adds the certificates of authorities in a PEM file, or in all files of a folder. May be repeated.
    /// Files are read once, when the configuration is built.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_files.push(path.into());
        self
    }

    /// Adds the certificates of authorities in a PEM text. May be repeated.
    #[must_use]
    pub fn ca_pem(mut self, text: impl Into<String>) -> Self {
        self.ca_texts.push(text.into());
        self
    }

    /// Sets the name that servers' certificates must carry, for servers that are dialled by another name
    /// or by an address. Default: the host dialled.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Says whether the operating system's authorities are trusted beside those added here. Default `true`.
    #[must_use]
    pub fn system_roots(mut self, trusted: bool) -> Self {
        self.system_roots = trusted;
        self
    }

    pub(crate) fn check(&self) -> Result<TlsConfig, ConfigError> {
        let mut ca_pem = Vec::new();
        for path in &self.ca_files {
            for file in files_at(path)? {
                let text = read_file(&file).context(ReadAuthoritySnafu { path: &file })?;
                append_checked(&mut ca_pem, &text, &file.display().to_string())?;
            }
        }
        for (text, number) in self.ca_texts.iter().zip(1..) {
            append_checked(&mut ca_pem, text.as_bytes(), &format!("PEM text {number}"))?;
        }
        if let Some(name) = &self.server_name {
            let valid = ServerName::try_from(name.as_str()).is_ok();
            ensure!(valid, BadServerNameSnafu { name });
        }
        ensure!(self.system_roots || !ca_pem.is_empty(), NobodyTrustedSnafu);
        Ok(TlsConfig {
            ca_pem,
            server_name: self.server_name.clone(),
            system_roots: self.system_roots,
        })
    }
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self {
            ca_files: Vec::new(),
            ca_texts: Vec::new(),
            server_name: None,
            system_roots: true,
        }
    }
}

impl TlsConfig {
    /// The certificates of the additional authorities, as one PEM text that was checked to parse. Empty
    /// when none were given.
    #[must_use]
    pub fn ca_pem(&self) -> &[u8] {
        &self.ca_pem
    }

    /// The name that every server's certificate must carry, or `None` for the host that is dialled.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// True when the operating system's authorities are trusted too.
    #[must_use]
    pub fn system_roots(&self) -> bool {
        self.system_roots
    }
}

/// The file at `path`, or the files of the folder at `path` in the order of their names.
fn files_at(path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let listing = || -> io::Result<Vec<PathBuf>> {
        if !fs::metadata(path)?.is_dir() {
            return Ok(vec![path.to_owned()]);
        }
        let mut files = Vec::new();
        for entry in fs::read_dir(path)? {
            let file = entry?.path();
            if fs::metadata(&file)?.is_file() {
                files.push(file);
            }
            if files.len() > MAX_FILES {
                break;
            }
        }
        files.sort();
        Ok(files)
    };
    let files = listing().context(ReadAuthoritySnafu { path })?;
    ensure!(
        files.len() <= MAX_FILES,
        TooManyFilesSnafu {
            path,
            max: MAX_FILES
        }
    );
    ensure!(
        !files.is_empty(),
        NoCertificateSnafu {
            origin: path.display().to_string()
        }
    );
    Ok(files)
}

/// Reads a file whole, refusing one that is too large before its bytes are in memory.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_FILE_LEN.saturating_add(1);
    let read = fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    if u64::try_from(read).is_ok_and(|read| read <= MAX_FILE_LEN) {
        Ok(bytes)
    } else {
        Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("more than {MAX_FILE_LEN} bytes"),
        ))
    }
}

/// Appends a PEM text after checking that it parses and holds at least one certificate.
fn append_checked(all: &mut Vec<u8>, text: &[u8], origin: &str) -> Result<(), ConfigError> {
    let mut count = 0_usize;
    for certificate in CertificateDer::pem_slice_iter(text) {
        let certificate = certificate.context(BadPemSnafu { origin })?;
        ensure!(is_der_sequence(&certificate), NoCertificateSnafu { origin });
        count = count.saturating_add(1);
    }
    ensure!(count > 0, NoCertificateSnafu { origin });
    all.extend_from_slice(text);
    all.push(b'\n');
    Ok(())
}

/// True for bytes that are one DER sequence and nothing else, as every certificate is. The full check is
/// the TLS library's.
fn is_der_sequence(der: &[u8]) -> bool {
    /// The tag of a constructed SEQUENCE (X.690, 8.9).
    const SEQUENCE: u8 = 0x30;
    let Some((&[tag, first], rest)) = der.split_first_chunk::<2>() else {
        return false;
    };
    let (len, content) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let Some((digits, content)) = rest.split_at_checked(usize::from(first & 0x0f)) else {
                return false;
            };
            let shift = |len: usize, &digit: &u8| (len << 8) | usize::from(digit);
            (digits.iter().fold(0, shift), content)
        }
        _ => return false,
    };
    tag == SEQUENCE && content.len() == len
}
