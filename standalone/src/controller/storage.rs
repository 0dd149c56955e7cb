//! What the controller needs from the segment store: segments by name, and a place for the catalog.

use std::future::Future;

use crate::store::{Segments, StoreError};

/// A line of the catalog to write: a key, and its value or `None` to remove it.
pub(crate) type CatalogLine = (Vec<u8>, Option<Vec<u8>>);

/// A line of the catalog as it was stored: a key and its value.
pub(crate) type StoredLine = (Vec<u8>, Vec<u8>);

/// Head and tail of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The first readable offset.
    pub(crate) head: u64,
    /// The offset of the next byte.
    pub(crate) tail: u64,
}

/// The segment store as the controller sees it. Everything is durable when its future is ready.
pub(crate) trait Storage: Clone + Send + Sync + 'static {
    /// Creates a segment; false when it was there.
    fn create(&self, name: &str) -> impl Future<Output = Result<bool, StoreError>> + Send;
    /// Seals a segment; one sealed before is a success.
    fn seal(&self, name: &str) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Moves the head of a segment.
    fn truncate(
        &self,
        name: &str,
        offset: u64,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Deletes a segment.
    fn delete(&self, name: &str) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Head and tail of a segment.
    fn extent(&self, name: &str) -> impl Future<Output = Result<Extent, StoreError>> + Send;
    /// All lines of the catalog.
    fn load(&self) -> impl Future<Output = Result<Vec<StoredLine>, StoreError>> + Send;
    /// Writes all lines or none.
    fn write(&self, lines: Vec<CatalogLine>)
    -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl Storage for Segments {
    async fn create(&self, name: &str) -> Result<bool, StoreError> {
        Self::create(self, name).await
    }

    async fn seal(&self, name: &str) -> Result<(), StoreError> {
        Self::seal(self, name).await.map(drop)
    }

    async fn truncate(&self, name: &str, offset: u64) -> Result<(), StoreError> {
        Self::truncate(self, name, offset).await
    }

    async fn delete(&self, name: &str) -> Result<(), StoreError> {
        Self::delete(self, name).await
    }

    async fn extent(&self, name: &str) -> Result<Extent, StoreError> {
        let info = self.info(name).await?;
        Ok(Extent {
            head: info.start,
            tail: info.length,
        })
    }

    async fn load(&self) -> Result<Vec<StoredLine>, StoreError> {
        self.load_catalog().await
    }

    async fn write(&self, lines: Vec<CatalogLine>) -> Result<(), StoreError> {
        self.write_catalog(lines).await
    }
}
