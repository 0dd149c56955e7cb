//! Memory for appends: a share is asked for before an append is received, and held until it is stored.
//!
//! An append may need a second share, because it comes in two frames, or turns out to need more than what was
//! announced. That one comes out of a pool of its own. Shares of the first pool are waited for by those who hold
//! nothing, and shares of the second by those who hold a first one only; so nobody waits for somebody who waits for
//! him. With one pool, appends that were received would wait behind those that wait to be received, for the memory
//! that they hold themselves.

use std::sync::Arc;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// What an append is charged beside its bytes.
pub(crate) const APPEND_OVERHEAD: usize = 512;

/// What one append asks for at a time at most, bytes: no pool is smaller, or the append would wait for ever.
pub(crate) const LARGEST_SHARE: usize = 16 * 1024 * 1024 + APPEND_OVERHEAD;

/// The memory for the appends of all connections. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct AppendMemory {
    first: Pool,
    second: Pool,
}

/// Memory that one append holds. It is given back by dropping it.
#[derive(Debug)]
pub(crate) struct Share {
    first: OwnedSemaphorePermit,
    second: Option<OwnedSemaphorePermit>,
}

#[derive(Debug, Clone)]
struct Pool {
    size: usize,
    free: Arc<Semaphore>,
}

impl AppendMemory {
    /// Room for `bytes` of first shares, and for one largest second one.
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            first: Pool::new(bytes),
            second: Pool::new(LARGEST_SHARE),
        }
    }

    /// Bytes that are held.
    pub(crate) fn held(&self) -> usize {
        self.first.held().saturating_add(self.second.held())
    }

    /// Adds so many bytes to a share, or makes one, if that needs no waiting. Otherwise the share comes back.
    pub(crate) fn try_add(
        &self,
        share: Option<Share>,
        bytes: usize,
    ) -> Result<Share, Option<Share>> {
        let pool = self.pool(share.as_ref());
        match Arc::clone(&pool.free).try_acquire_many_owned(permits(bytes)) {
            Ok(more) => Ok(Share::of(share, more)),
            Err(_) => Err(share),
        }
    }

    /// Adds so many bytes to a share, or makes one.
    ///
    /// # Cancel safety
    /// Dropping the future gives the share back.
    pub(crate) fn add(
        &self,
        share: Option<Share>,
        bytes: usize,
    ) -> impl Future<Output = Result<Share, AcquireError>> + Send + 'static {
        let more = Arc::clone(&self.pool(share.as_ref()).free).acquire_many_owned(permits(bytes));
        async move { Ok(Share::of(share, more.await?)) }
    }

    fn pool(&self, share: Option<&Share>) -> &Pool {
        match share {
            None => &self.first,
            Some(_) => &self.second,
        }
    }
}

impl Share {
    fn of(share: Option<Self>, more: OwnedSemaphorePermit) -> Self {
        let Some(mut share) = share else {
            return Self {
                first: more,
                second: None,
            };
        };
        match &mut share.second {
            Some(held) => held.merge(more),
            none => *none = Some(more),
        }
        share
    }

    /// How many bytes.
    pub(crate) fn bytes(&self) -> usize {
        let second = self.second.as_ref();
        let second = second.map_or(0, OwnedSemaphorePermit::num_permits);
        self.first.num_permits().saturating_add(second)
    }
}

impl Pool {
    fn new(bytes: usize) -> Self {
        let size = bytes.min(Semaphore::MAX_PERMITS);
        let free = Arc::new(Semaphore::new(size));
        Self { size, free }
    }

    fn held(&self) -> usize {
        self.size.saturating_sub(self.free.available_permits())
    }
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
