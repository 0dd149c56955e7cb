//! Makes planned changes happen, in the segment store and in the catalog, one at a time.

use std::{
    future::Future,
    sync::{PoisonError, RwLock},
};

use futures::{StreamExt, TryStreamExt, stream};
use pravega_client_shared::{Endpoint, ScopedStream};
use snafu::{ResultExt, Snafu};
use tokio::sync::Mutex;

use super::{
    catalog::{Catalog, Entry, Refusal},
    persist::{self, RecordError},
    storage::Storage,
    stream::StreamRecord,
};
use crate::store::StoreError;

/// How many segments of one stream are created, sealed or deleted at the same time. Together they share a
/// sync of the disk; more of them would crowd out appends.
const SEGMENTS_AT_ONCE: usize = 32;

/// Why the controller cannot start.
#[derive(Debug, Snafu)]
#[non_exhaustive]
pub enum OpenError {
    /// The segment store did not give the catalog, or did not finish a deletion.
    #[snafu(display("the catalog could not be read or completed"))]
    Catalog {
        /// Why.
        source: StoreError,
    },
    /// A line of the catalog is damaged, or of a newer program.
    #[snafu(display("line {number} of the catalog could not be read"))]
    Line {
        /// Which line, counted from 1 in the order of the keys.
        number: usize,
        /// What is wrong with it.
        source: RecordError,
    },
}

/// Why a change was not made.
#[derive(Debug)]
pub(super) enum ChangeError {
    /// The catalog refuses it.
    Refused(Refusal),
    /// The segment store failed; the same call may succeed later.
    Store(StoreError),
}

/// The catalog and the segment store together.
#[derive(Debug)]
pub(super) struct Controller<S> {
    storage: S,
    /// Only ever locked for a moment, never over an await.
    catalog: RwLock<Catalog>,
    /// Held during a change from plan to end.
    changing: Mutex<()>,
    pub(super) store_endpoint: Endpoint,
    pub(super) own_endpoint: Endpoint,
}

impl<S: Storage> Controller<S> {
    /// Reads the catalog and finishes deletions that a crash interrupted.
    pub(super) async fn open(
        storage: S,
        store_endpoint: Endpoint,
        own_endpoint: Endpoint,
    ) -> Result<Self, OpenError> {
        let lines = storage.load().await.context(CatalogSnafu)?;
        let mut entries = Vec::with_capacity(lines.len());
        for ((key, value), number) in lines.iter().zip(1_usize..) {
            entries.push(persist::decode(key, value).context(LineSnafu { number })?);
        }
        let mut catalog = Catalog::default();
        catalog.apply(entries);
        let unfinished = catalog.unfinished_deletions();
        let controller = Self {
            storage,
            catalog: RwLock::new(catalog),
            changing: Mutex::new(()),
            store_endpoint,
            own_endpoint,
        };
        for (name, record) in unfinished {
            tracing::info!(name: "catalog.deletion_resumed", stream = %name, "finishing a deletion");
            controller
                .finish_deletion(&name, &record)
                .await
                .context(CatalogSnafu)?;
        }
        Ok(controller)
    }

    /// Looks something up.
    pub(super) fn look<T>(&self, question: impl FnOnce(&Catalog) -> T) -> T {
        question(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a change that concerns the catalog alone.
    pub(super) async fn change(
        &self,
        plan: impl FnOnce(&Catalog) -> Result<Vec<Entry>, Refusal>,
    ) -> Result<(), ChangeError> {
        let _changing = self.changing.lock().await;
        let entries = self.look(plan)?;
        Ok(self.commit(entries).await?)
    }

    /// Creates a stream: segments first, so that a stream that is listed has all of them.
    pub(super) async fn create_stream(
        &self,
        plan: impl FnOnce(&Catalog) -> Result<(ScopedStream, StreamRecord), Refusal>,
    ) -> Result<(), ChangeError> {
        let _changing = self.changing.lock().await;
        let (name, record) = self.look(plan)?;
        self.create_segments(record.segment_names(&name)).await?;
        // When this fails nobody knows whether the line is on disk, so the segments stay: they are empty, and
        // a repetition of the call takes them over.
        Ok(self.commit(vec![Entry::Stream(name, Some(record))]).await?)
    }

    /// Creates all segments; when one cannot be created, takes back the others.
    async fn create_segments(&self, segments: Vec<String>) -> Result<(), StoreError> {
        let storage = &self.storage;
        let outcomes = stream::iter(segments).map(|segment| async move {
            let outcome = storage.create(&segment).await;
            (segment, outcome)
        });
        let mut outcomes = outcomes.buffer_unordered(SEGMENTS_AT_ONCE);
        let mut created = Vec::new();
        let mut failure = None;
        while let Some((segment, outcome)) = outcomes.next().await {
            match outcome {
                Ok(true) => created.push(segment),
                Ok(false) => {}
                Err(error) => failure = Some(error),
            }
        }
        let Some(failure) = failure else {
            return Ok(());
        };
        let removal = self.each_segment(created, |storage, segment| async move {
            or_absent(storage.delete(&segment).await)
        });
        if let Err(error) = removal.await {
            tracing::warn!(name: "catalog.segments_remain", %error, "segments of a stream that was not created remain");
        }
        Err(failure)
    }

    /// Seals a stream: segments first, so that a stream that is listed as sealed takes no more appends.
    pub(super) async fn seal_stream(&self, scope: &str, stream: &str) -> Result<(), ChangeError> {
        let _changing = self.changing.lock().await;
        let planned = self.look(|catalog| catalog.plan_seal_stream(scope, stream))?;
        let Some((name, record)) = planned else {
            return Ok(());
        };
        self.each_segment(record.segment_names(&name), |storage, segment| async move {
            or_absent(storage.seal(&segment).await)
        })
        .await?;
        Ok(self.commit(vec![Entry::Stream(name, Some(record))]).await?)
    }

    /// Truncates a stream at a cut, whose offsets must lie in the segments.
    pub(super) async fn truncate_stream(
        &self,
        plan: impl FnOnce(&Catalog) -> Result<(ScopedStream, StreamRecord), Refusal>,
    ) -> Result<(), ChangeError> {
        let _changing = self.changing.lock().await;
        let (name, record) = self.look(plan)?;
        let mut ahead = Vec::new();
        for (segment, &offset) in record.segment_names(&name).into_iter().zip(&record.head) {
            let extent = match self.storage.extent(&segment).await {
                Ok(extent) => extent,
                Err(StoreError::NoSuchSegment) => return Err(Refusal::BadRequest.into()),
                Err(error) => return Err(error.into()),
            };
            if offset > extent.tail {
                return Err(Refusal::BadRequest.into());
            }
            if offset > extent.head {
                ahead.push((segment, offset));
            }
        }
        self.each_segment(ahead, |storage, (segment, offset)| async move {
            match storage.truncate(&segment, offset).await {
                // Somebody truncated further at the segment store meanwhile.
                Err(StoreError::OutOfRange { start, .. }) if start >= offset => Ok(()),
                outcome => or_absent(outcome),
            }
        })
        .await?;
        Ok(self.commit(vec![Entry::Stream(name, Some(record))]).await?)
    }

    /// Deletes a sealed stream, or goes on with a deletion begun before.
    pub(super) async fn delete_stream(&self, scope: &str, stream: &str) -> Result<(), ChangeError> {
        let _changing = self.changing.lock().await;
        let (name, record) = self.look(|catalog| catalog.plan_begin_deletion(scope, stream))?;
        Ok(self.delete_marked(name, record).await?)
    }

    /// Deletes a scope with all its streams, sealed or not.
    pub(super) async fn delete_scope_recursive(&self, scope: &str) -> Result<(), ChangeError> {
        let _changing = self.changing.lock().await;
        for (name, record) in self.look(|catalog| catalog.plan_empty_scope(scope))? {
            self.delete_marked(name, record).await?;
        }
        let entries = self.look(|catalog| catalog.plan_delete_scope(scope))?;
        Ok(self.commit(entries).await?)
    }

    async fn delete_marked(
        &self,
        name: ScopedStream,
        record: StreamRecord,
    ) -> Result<(), StoreError> {
        self.commit(vec![Entry::Stream(name.clone(), Some(record.clone()))])
            .await?;
        self.finish_deletion(&name, &record).await
    }

    async fn finish_deletion(
        &self,
        name: &ScopedStream,
        record: &StreamRecord,
    ) -> Result<(), StoreError> {
        self.each_segment(record.segment_names(name), |storage, segment| async move {
            or_absent(storage.delete(&segment).await)
        })
        .await?;
        self.commit(Catalog::plan_forget(name, record)).await
    }

    async fn each_segment<T, F>(
        &self,
        segments: Vec<T>,
        action: impl Fn(S, T) -> F,
    ) -> Result<(), StoreError>
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        stream::iter(segments)
            .map(|segment| action(self.storage.clone(), segment))
            .buffer_unordered(SEGMENTS_AT_ONCE)
            .try_for_each(|()| std::future::ready(Ok(())))
            .await
    }

    /// Makes entries durable, then visible.
    async fn commit(&self, entries: Vec<Entry>) -> Result<(), StoreError> {
        self.storage
            .write(entries.iter().map(persist::encode).collect())
            .await?;
        let mut catalog = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        catalog.apply(entries);
        Ok(())
    }
}

impl From<Refusal> for ChangeError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for ChangeError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full { .. } | StoreError::DiskFull => Self::Refused(Refusal::Exhausted),
            error => Self::Store(error),
        }
    }
}

/// A segment that is not there needs no sealing, truncation or deletion.
fn or_absent(outcome: Result<(), StoreError>) -> Result<(), StoreError> {
    match outcome {
        Err(StoreError::NoSuchSegment) => Ok(()),
        outcome => outcome,
    }
}
