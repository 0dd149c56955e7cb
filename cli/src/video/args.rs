//! The arguments of `video`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand};
use pravega_byte_stream::ScopedStream;

#[derive(Debug, Subcommand)]
pub(crate) enum Video {
    /// Serve a page that plays byte streams, and take recordings over HTTP, until a signal ends it
    Serve(Serve),
    /// Append a file, or stdin, to a byte stream while others watch it; makes the stream if it is missing
    Record(Record),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where the page is served; port 0 picks a free one. Whoever reaches it may watch and record
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// A name that browsers may reach this server by, besides localhost and addresses; repeat for more
    #[arg(long = "host", value_name = "NAME")]
    pub(crate) hosts: Vec<String>,
    /// Take no recordings over HTTP
    #[arg(long)]
    pub(crate) read_only: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Record {
    #[arg(value_name = "SCOPE/STREAM")]
    pub(crate) stream: ScopedStream,
    /// The file to record [default: stdin]
    pub(crate) file: Option<PathBuf>,
    /// Seal the stream when the input ends, so that players see its end
    #[arg(long)]
    pub(crate) seal: bool,
    /// Print what was recorded as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
