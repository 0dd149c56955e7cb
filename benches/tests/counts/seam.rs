//! A dialer that looks at everything that passes between the client and the socket.

use std::{
    collections::BTreeMap,
    io::{self, IoSlice},
    ops::Range,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, ready},
};

use futures::future::BoxFuture;
use pravega_byte_stream::{ConnectError, Dial, Dialed, Endpoint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, tcp},
};

/// What has passed since the last look.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// Writes that the socket took something of.
    pub(crate) writes: u64,
    /// Reads that gave something.
    pub(crate) reads: u64,
    /// Of those, the ones that gave all that they had room for: with more room there would be fewer. How many others there
    /// are is up to the sender.
    pub(crate) full_reads: u64,
    /// Of those, bytes out of the memory that is watched.
    pub(crate) bytes_of_caller: usize,
    /// Memory that the socket wrote into: the begin and the end of each piece.
    filled: BTreeMap<usize, usize>,
    /// Memory of the caller.
    watched: Range<usize>,
}

/// Dials, counts.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seam {
    passed: Arc<Mutex<Passed>>,
}

impl Seam {
    /// What has passed since the last time, and from now on watches for payload out of `memory`.
    pub(crate) fn take(&self, memory: &[u8]) -> Passed {
        let watched = addresses(memory);
        let fresh = Passed {
            watched,
            ..Passed::default()
        };
        std::mem::replace(&mut *self.lock(), fresh)
    }

    /// What has passed since the last time.
    pub(crate) fn look(&self) -> MutexGuard<'_, Passed> {
        self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Passed> {
        self.passed.lock().unwrap()
    }
}

pub(crate) fn addresses(memory: &[u8]) -> Range<usize> {
    let begin = memory.as_ptr().addr();
    begin..begin + memory.len()
}

impl Passed {
    /// Notes which of the bytes that the socket took are the caller's own.
    fn wrote(&mut self, parts: &[IoSlice<'_>], mut taken: usize) {
        self.writes += 1;
        for part in parts {
            let now = part.len().min(taken);
            let at = addresses(part);
            if self.watched.contains(&at.start) && at.end <= self.watched.end {
                self.bytes_of_caller += now;
            }
            taken -= now;
        }
    }

    fn filled(&mut self, memory: &[u8], room: usize) {
        self.reads += 1;
        self.full_reads += u64::from(memory.len() == room);
        let at = addresses(memory);
        self.forget(&at);
        self.filled.insert(at.start, at.end);
    }

    /// Whether the socket itself wrote these bytes where they are. Can be asked once: the memory serves something else
    /// next, and what the socket wrote there before says nothing of that.
    pub(crate) fn take_as_received(&mut self, chunk: &[u8]) -> bool {
        let is_as_received = self.is_as_received(chunk);
        self.forget(&addresses(chunk));
        is_as_received
    }

    /// Forgets what the socket wrote there.
    fn forget(&mut self, place: &Range<usize>) {
        self.filled
            .retain(|&begin, &mut end| end <= place.start || begin >= place.end);
    }

    fn is_as_received(&self, chunk: &[u8]) -> bool {
        let mut left = addresses(chunk);
        while !left.is_empty() {
            let piece = self.filled.range(..=left.start).next_back();
            match piece {
                Some((_, &end)) if end > left.start => left.start = end.min(left.end),
                _ => return false,
            }
        }
        true
    }
}

impl Dial for Seam {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Dialed, ConnectError>> {
        Box::pin(async move {
            let address = endpoint.to_string();
            let socket = TcpStream::connect(address).await.unwrap();
            socket.set_nodelay(true).unwrap();
            let (reader, writer) = socket.into_split();
            let seam = || self.clone();
            Ok(Dialed::new(Reader(reader, seam()), Writer(writer, seam())))
        })
    }
}

struct Reader(tcp::OwnedReadHalf, Seam);

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, room) = (buf.filled().len(), buf.remaining());
        ready!(Pin::new(&mut self.0).poll_read(cx, buf))?;
        let filled = buf.filled().get(before..).unwrap();
        self.1.lock().filled(filled, room);
        Poll::Ready(Ok(()))
    }
}

struct Writer(tcp::OwnedWriteHalf, Seam);

impl AsyncWrite for Writer {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = ready!(Pin::new(&mut self.0).poll_write(cx, buf))?;
        self.1.lock().wrote(&[IoSlice::new(buf)], taken);
        Poll::Ready(Ok(taken))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let taken = ready!(Pin::new(&mut self.0).poll_write_vectored(cx, bufs))?;
        self.1.lock().wrote(bufs, taken);
        Poll::Ready(Ok(taken))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
