//! Who takes part in a comparison, with what.

use serde::{Deserialize, Serialize};

use crate::job::Work;

/// Who does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Who {
    /// A loop on a bare socket.
    Raw,
    /// The same, with a deadline for each call.
    Timed,
    /// The first, with the storage library of the embedded server and nothing else behind the other end.
    Library,
    /// This client, shared mode.
    Shared,
    /// This client, exclusive mode.
    Exclusive,
    /// `pravega-client` 0.3.7 as shipped.
    Peer,
    /// The same with an allocator that keeps its memory.
    PeerTuned,
    /// `io.pravega:pravega-client` 0.13.0.
    Java,
    /// A tonic stream with large windows.
    Tonic,
    /// The command line of this repository, serving.
    Serve,
}

impl Who {
    /// In tables and charts.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Raw => "raw socket",
            Self::Timed => "raw socket with deadlines",
            Self::Library => "raw socket, redb",
            Self::Shared => "ours, shared",
            Self::Exclusive => "ours, exclusive",
            Self::Peer => "pravega-client 0.3.7",
            Self::PeerTuned => "pravega-client 0.3.7, malloc tuned",
            Self::Java => "Java client 0.13.0",
            Self::Tonic => "tonic, tuned",
            Self::Serve => "pravega-bytes serve",
        }
    }
}

/// The other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Against {
    /// The [null server](crate::null_server) with this delay in milliseconds; for the bare socket, a bare socket.
    Null(u64),
    /// The embedded server in memory.
    Memory,
    /// The embedded server in a directory; for the bare socket, one that syncs a file.
    Directory,
    /// The Pravega that the caller has named.
    Given,
}

/// One contender in one comparison.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Who.
    pub who: Who,
    /// What it does.
    pub work: Work,
    /// Bytes in a call.
    pub size: usize,
    /// Where.
    pub against: Against,
    /// The most bytes that a writer holds or a reader asks for ahead, where that is not the default.
    pub window: Option<usize>,
    /// The pause before a call, in milliseconds.
    pub idle_ms: u64,
}

impl Entry {
    pub(super) fn new(who: Who, work: Work, size: usize) -> Self {
        Self {
            who,
            work,
            size,
            against: Against::Null(0),
            window: None,
            idle_ms: 0,
        }
    }

    pub(super) fn on(self, against: Against) -> Self {
        Self { against, ..self }
    }

    pub(super) fn window(self, bytes: usize) -> Self {
        Self {
            window: Some(bytes),
            ..self
        }
    }

    pub(super) fn idle(self, idle_ms: u64) -> Self {
        Self { idle_ms, ..self }
    }

    /// What tells it apart from the others of its comparison.
    #[must_use]
    pub fn label(&self) -> String {
        let mut label = self.who.label().to_owned();
        label += match self.work {
            Work::Append => ", append(Bytes)",
            Work::Write => ", write(&[u8])",
            Work::Flush => ", write and flush",
            Work::FlushBytes => ", append and flush",
            Work::Read | Work::Reread => ", read",
            Work::ReadChunk => ", read_chunk",
            Work::Wake => ", wake-up",
            Work::Crowd | Work::Serve => "",
        };
        label += &match self.size {
            0 => String::new(),
            size if self.work == Work::Crowd => format!(", {size} writers and readers"),
            size => format!(", {}", bytes(size)),
        };
        if let Against::Null(delay @ 1..) = self.against {
            label += &format!(", {delay} ms");
        }
        if let Some(window) = self.window {
            label += &format!(", window {}", bytes(window));
        }
        if self.idle_ms > 0 {
            label += &format!(", idle for {} ms", self.idle_ms);
        }
        label
    }
}

/// With the largest unit that leaves a whole number.
pub(crate) fn bytes(size: usize) -> String {
    match size {
        size if size >= 1 << 20 && size % (1 << 20) == 0 => format!("{} MiB", size >> 20),
        size if size >= 1 << 10 && size % (1 << 10) == 0 => format!("{} KiB", size >> 10),
        size => format!("{size} B"),
    }
}
