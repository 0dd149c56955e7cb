//! Why a command failed.

use std::{io, path::PathBuf};

use pravega_byte_stream::{
    ConfigError, ControllerError, ReadError, ScopedStream, SegmentError, WriteError,
};
use pravega_client_shared::NameError;
use pravega_standalone::{AccountsError, PasswordError, StartError, TlsError};
use snafu::Snafu;

#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
pub(crate) enum CliError {
    #[snafu(context(false), display("the connection settings are wrong"))]
    Config { source: ConfigError },
    #[snafu(context(false), display("the stream's name is wrong"))]
    Name { source: NameError },
    #[snafu(display("no data directory: give one with --data-dir"))]
    NoDataDir,
    #[snafu(display("the embedded server did not start"))]
    Start { source: StartError },
    #[snafu(display("{} is open in another process, whose address is not known", path.display()))]
    Occupied { path: PathBuf },
    #[snafu(context(false), display("the call to the controller failed"))]
    Controller { source: ControllerError },
    #[snafu(context(false), display("the stream cannot be used"))]
    Segment { source: SegmentError },
    #[snafu(context(false), display("the bytes could not be written"))]
    Writing { source: WriteError },
    #[snafu(context(false), display("the bytes could not be read"))]
    Reading { source: ReadError },
    #[snafu(display("{stream} ends at {tail}, and offset {offset} is wanted"))]
    BeyondTail {
        stream: ScopedStream,
        offset: u64,
        tail: u64,
    },
    #[snafu(display("the accounts cannot be used"))]
    Accounts { source: AccountsError },
    #[snafu(display("the server's certificate cannot be used"))]
    Certificate { source: TlsError },
    #[snafu(display("the password cannot be used"))]
    Password { source: PasswordError },
    #[snafu(display("no password: give --password-file, or set pravega_client_auth_password"))]
    NoPassword,
    #[snafu(display("the password is too long"))]
    LongPassword,
    #[snafu(display("{what} failed"))]
    Io { what: String, source: io::Error },
    #[snafu(display("{stream} holds less than was written"))]
    BenchShort { stream: ScopedStream },
    #[snafu(display("what came back is not what was written"))]
    DemoMismatch,
}
