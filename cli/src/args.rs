//! The arguments, as clap understands them.

use std::{
    error::Error,
    net::{SocketAddr, ToSocketAddrs as _},
    ops::Range,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use bytesize::ByteSize;
use clap::{
    ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum,
    error::ErrorKind, parser::ValueSource,
};
use clap_complete::Shell;
use pravega_byte_stream::{MAX_ATOMIC_WRITE, ScopeName, ScopedStream};

use crate::{
    output,
    secure::{HashPassword, Identity, Protection},
};

#[cfg(feature = "video")]
use crate::video;

/// Pravega byte streams on the command line.
///
/// Without --controller the streams live in a data directory on this machine, served by this process, or
/// by the one that has it open already.
#[derive(Debug, Parser)]
#[command(name = "pravega-bytes", version)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the streams are.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// A Pravega controller, such as tcp://localhost:9090 (several: tcp://a:9090,b:9090; TLS: tls://…)
    #[arg(
        long,
        global = true,
        env = "PRAVEGA_CONTROLLER_URI",
        value_name = "URI"
    )]
    pub(crate) controller: Option<String>,
    /// Where the embedded server keeps its data, with no --controller [default: pravega-bytes in the user's data directory]
    #[arg(
        long,
        global = true,
        env = "PRAVEGA_BYTES_DATA_DIR",
        value_name = "DIR"
    )]
    pub(crate) data_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the embedded server for other processes, until a signal ends it
    Serve(Serve),
    /// Make a scope and a byte stream; content when they exist
    Create {
        #[arg(value_name = "SCOPE/STREAM", value_parser = name::<ScopedStream>)]
        stream: ScopedStream,
        #[arg(long)]
        json: bool,
    },
    /// List the scopes, or the streams of a scope
    Ls {
        scope: Option<ScopeName>,
        /// Show also what Pravega keeps for itself (names that begin with _)
        #[arg(long)]
        all: bool,
        #[arg(long)]
        json: bool,
    },
    /// Show head, tail and state of a byte stream
    Stat(Stat),
    /// Append a file, or stdin, to a byte stream; makes the stream if it is missing
    Write(Write),
    /// Write the bytes of a stream to stdout
    Read(Read),
    /// Make the bytes before an offset unreadable for good
    Truncate {
        #[arg(value_name = "SCOPE/STREAM", value_parser = name::<ScopedStream>)]
        stream: ScopedStream,
        offset: u64,
    },
    /// Make a byte stream read-only for good
    Seal {
        #[arg(value_name = "SCOPE/STREAM", value_parser = name::<ScopedStream>)]
        stream: ScopedStream,
    },
    /// Seal and delete a byte stream
    Rm {
        #[arg(value_name = "SCOPE/STREAM", value_parser = name::<ScopedStream>)]
        stream: ScopedStream,
    },
    /// Measure writing, reading, and the time from a write to its ack, on a stream that is removed again
    Bench(Bench),
    /// Read a password from stdin and print its hash, for the accounts of `serve`
    HashPassword(HashPassword),
    /// Move data through an embedded server and check that it comes back
    Demo(Demo),
    /// Print a completion script for a shell
    Completions { shell: Shell },
    /// Write the man pages into a directory, which is made if it is missing
    Man { dir: PathBuf },
    /// Record byte streams over HTTP, and play them in a browser
    #[cfg(feature = "video")]
    #[command(subcommand)]
    Video(video::Video),
}

impl Arguments {
    /// The arguments of this process; ends it when they are wrong, or only want to be explained.
    pub(crate) fn of_process() -> Self {
        let matches = Self::command().get_matches();
        if let Some(why) = contradiction(&matches) {
            Self::command()
                .error(ErrorKind::ArgumentConflict, why)
                .exit()
        }
        let mut arguments = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let is_empty = arguments.place.controller.as_deref() == Some("");
        if is_given(&matches, "data_dir") || is_empty && !is_given(&matches, "controller") {
            // The environment's controller is for those who name no place, and an empty one is none.
            arguments.place.controller = None;
        }
        arguments
    }
}

/// True for an argument on the command line, and not for one of the environment.
fn is_given(matches: &ArgMatches, id: &str) -> bool {
    let of_command = matches.subcommand().map_or(matches, |(_, matches)| matches);
    of_command.value_source(id) == Some(ValueSource::CommandLine)
}

/// Says which arguments cannot be meant together.
fn contradiction(matches: &ArgMatches) -> Option<&'static str> {
    let (command, options) = matches.subcommand()?;
    let starts_a_server = matches!(command, "serve" | "demo");
    let is_in_memory = command == "serve" && options.get_flag("memory");
    match (
        is_given(matches, "controller"),
        is_given(matches, "data_dir"),
    ) {
        (true, true) => Some("--controller and --data-dir are two places for the same streams"),
        (true, _) if starts_a_server => {
            Some("this command starts a server, --controller names one")
        }
        (_, true) if is_in_memory => {
            Some("--memory and --data-dir are two places for the same data")
        }
        (_, true) if command == "demo" => Some("demo keeps nothing, so it takes no --data-dir"),
        _ => None,
    }
}

/// Reads a name, and says all of why it is none.
fn name<T: FromStr<Err: Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| output::story(&error))
}

/// Reads `FROM..UNTIL`.
fn range(text: &str) -> Result<Range<u64>, String> {
    let bounds = text
        .split_once("..")
        .ok_or("two offsets with .. between them are wanted")?;
    let offset = |text: &str| {
        text.parse::<u64>()
            .map_err(|error| format!("{text:?}: {error}"))
    };
    let range = offset(bounds.0)?..offset(bounds.1)?;
    if range.start > range.end {
        return Err("it ends before it begins".to_owned());
    }
    Ok(range)
}

/// Reads `HOST:PORT`; of several addresses of a name the first of IPv4, which clients are told most often.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let found: Vec<SocketAddr> = text
        .to_socket_addrs()
        .map_err(|error| error.to_string())?
        .collect();
    let first = found
        .iter()
        .find(|address| address.is_ipv4())
        .or(found.first());
    first.copied().ok_or_else(|| "it has no address".to_owned())
}

impl Command {
    /// True for commands that do no harm when they are carried out twice. Reading goes on by itself.
    pub(crate) fn can_be_repeated(&self) -> bool {
        match self {
            Self::Create { .. }
            | Self::Ls { .. }
            | Self::Stat(_)
            | Self::Truncate { .. }
            | Self::Seal { .. } => true,
            Self::Serve(_)
            | Self::Write(_)
            | Self::Read(_)
            | Self::Rm { .. }
            | Self::Bench(_)
            | Self::HashPassword(_)
            | Self::Demo(_)
            | Self::Completions { .. }
            | Self::Man { .. } => false,
            #[cfg(feature = "video")]
            Self::Video(_) => false,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Keep everything in memory, nothing on disk; the data directory is not used then
    #[arg(long)]
    pub(crate) memory: bool,
    /// Where the controller listens; port 0 picks a free one
    #[arg(long, value_name = "HOST:PORT", value_parser = listen_address, default_value = "127.0.0.1:9090")]
    pub(crate) listen: SocketAddr,
    /// Where the segment store listens; port 0 picks a free one
    #[arg(long, value_name = "HOST:PORT", value_parser = listen_address, default_value = "127.0.0.1:6000")]
    pub(crate) store_listen: SocketAddr,
    /// The host that clients are told to connect to; with TLS a name in the certificate [default: what is listened
    /// on, or localhost with TLS]
    #[arg(long, value_name = "HOST")]
    pub(crate) advertised_host: Option<String>,
    /// Serve numbers about the server for Prometheus, at /metrics; port 0 picks a free one
    #[arg(long, value_name = "HOST:PORT", value_parser = listen_address)]
    pub(crate) metrics: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) protection: Protection,
}

#[derive(Debug, Args)]
pub(crate) struct Stat {
    #[arg(value_name = "SCOPE/STREAM", value_parser = name::<ScopedStream>)]
    pub(crate) stream: ScopedStream,
    #[arg(long)]
    pub(crate) json: bool,
    /// Go on until the stream is sealed: redraw on a terminal, otherwise a line each time
    #[arg(long, short)]
    pub(crate) watch: bool,
    /// How often to look
    #[arg(
        long,
        requires = "watch",
        value_name = "TIME",
        default_value = "1s",
        value_parser = interval
    )]
    pub(crate) interval: Duration,
}

/// How often a stream may be looked at at most.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

fn interval(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time < SHORTEST_INTERVAL => Err("less than 10ms".to_owned()),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Write {
    #[arg(value_name = "SCOPE/STREAM", value_parser = name::<ScopedStream>)]
    pub(crate) stream: ScopedStream,
    /// The file to append [default: stdin]
    pub(crate) file: Option<PathBuf>,
    /// Tolerate other writers: their blocks and ours interleave whole
    #[arg(long)]
    pub(crate) shared: bool,
    /// Fail unless the stream ends at this offset
    #[arg(long, value_name = "OFFSET")]
    pub(crate) expect_at: Option<u64>,
    /// Print what was written as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Read {
    #[arg(value_name = "SCOPE/STREAM", value_parser = name::<ScopedStream>)]
    pub(crate) stream: ScopedStream,
    /// Start at this offset [default: the first readable byte]
    #[arg(long, value_name = "OFFSET")]
    pub(crate) from: Option<u64>,
    /// End before this offset, if the tail when reading begins does not come first [default: that tail]
    #[arg(long, value_name = "OFFSET")]
    pub(crate) until: Option<u64>,
    /// Exactly the bytes from one offset up to another; fails if some of them are not there
    #[arg(long, value_name = "FROM..UNTIL", value_parser = range, conflicts_with_all = ["from", "until", "follow"])]
    pub(crate) range: Option<Range<u64>>,
    /// Stay, and write what is appended, until --until or the end of the sealed stream
    #[arg(long, short)]
    pub(crate) follow: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// How much to move, in MiB
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub(crate) mib: u64,
    /// Keep the data on disk, in a directory that is removed afterwards, instead of in memory
    #[arg(long)]
    pub(crate) disk: bool,
    /// Print the figures as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What to measure [default: everything]
    #[arg(value_name = "MEASURE")]
    pub(crate) measures: Vec<Measure>,
    /// The scope of the stream; made if it is missing, and then removed again
    #[arg(long, value_name = "SCOPE", default_value = "bench")]
    pub(crate) scope: ScopeName,
    /// How many bytes one write has
    #[arg(long, value_name = "SIZE", default_value = "64 KiB", value_parser = write_size)]
    pub(crate) size: usize,
    /// How much `write` and `read` move
    #[arg(long, value_name = "SIZE", default_value = "64 MiB")]
    pub(crate) total: ByteSize,
    /// How often `latency` writes and flushes
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) count: u32,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measure {
    /// How fast bytes become durable that are written one after the other
    Write,
    /// How fast they are read back
    Read,
    /// How long one write takes to become durable, alone
    Latency,
}

fn write_size(text: &str) -> Result<usize, String> {
    let size: ByteSize = text.parse()?;
    let max = MAX_ATOMIC_WRITE;
    match usize::try_from(size.as_u64()) {
        Ok(bytes @ 1..) if bytes <= max => Ok(bytes),
        _ => Err(format!("not between 1 and {max} bytes")),
    }
}
