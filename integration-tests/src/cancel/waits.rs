//! All ways to wait for bytes to become durable.

use std::{future::poll_fn, io, pin::Pin, sync::Arc};

use pravega_byte_stream::{Receipt, WriteError};
use tokio::io::AsyncWrite as _;

use super::pen::Pen;
use crate::Random;

/// One way to wait, on the writer, on a receipt, on a watch, or as tokio does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    Flush,
    Offset,
    ReceiptDurable,
    ReceiptAwaited,
    WatchFlush,
    WatchOffset,
    PollFlush,
    PollShutdown,
}

impl Wait {
    const ALL: [Self; 8] = [
        Self::Flush,
        Self::Offset,
        Self::ReceiptDurable,
        Self::ReceiptAwaited,
        Self::WatchFlush,
        Self::WatchOffset,
        Self::PollFlush,
        Self::PollShutdown,
    ];

    /// One of them.
    pub(super) fn some(random: &mut Random) -> Self {
        random.pick(&Self::ALL).copied().unwrap_or(Self::Flush)
    }

    /// Waits for all that was accepted by now; `receipt` is the last one.
    pub(super) async fn for_all(self, pen: &mut Pen, receipt: &Receipt) -> Result<(), WriteError> {
        let Pen { writer, .. } = pen;
        let goal = writer.position();
        match self {
            Self::Flush => writer.flush().await.map(|_| ()),
            Self::Offset => writer.wait_durable(goal).await.map(|_| ()),
            Self::ReceiptDurable => receipt.durable().await,
            Self::ReceiptAwaited => receipt.clone().await,
            Self::WatchFlush => writer.watch()?.flush().await.map(|_| ()),
            Self::WatchOffset => writer.watch()?.wait_durable(goal).await.map(|_| ()),
            Self::PollFlush => poll_fn(|cx| Pin::new(&mut *writer).poll_flush(cx))
                .await
                .map_err(io_failed),
            Self::PollShutdown => poll_fn(|cx| Pin::new(&mut *writer).poll_shutdown(cx))
                .await
                .map_err(io_failed),
        }
    }
}

/// The writer's error in tokio's.
pub(super) fn io_failed(error: io::Error) -> WriteError {
    let inner = error
        .get_ref()
        .and_then(|it| it.downcast_ref::<WriteError>());
    match inner {
        Some(inner) => inner.clone(),
        None => WriteError::Segment {
            source: pravega_byte_stream::SegmentError::Setup {
                source: Arc::new(error),
            },
        },
    }
}
