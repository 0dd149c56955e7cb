//! What the storage thread is asked to do, and how it answers: after the commit, never before.

use std::sync::Arc;

use pravega_client_shared::WriterId;
use tokio::sync::oneshot;

use crate::store::{
    CatalogChange,
    append::{Append, AppendError, Ticket},
    error::StoreError,
    segment::Segment,
    state::{AttributeUpdate, NO_VALUE, Policy},
};

/// One request to the storage thread.
#[derive(Debug)]
pub(in crate::store) enum Operation {
    /// Make a segment; false when it is there.
    Create(Arc<str>, Policy, Reply<bool>),
    /// No more appends; false when it was sealed already.
    Seal(Arc<Segment>, Reply<bool>),
    /// Move the head.
    Truncate(Arc<Segment>, u64, Reply<()>),
    /// Remove a segment.
    Delete(Arc<Segment>, Reply<()>),
    /// Replace the policy.
    SetPolicy(Arc<Segment>, Policy, Reply<()>),
    /// Read a number, after everything that was submitted before.
    Attribute(Arc<Segment>, u128, Reply<i64>),
    /// Replace a number if it is the expected one.
    UpdateAttribute(Arc<Segment>, AttributeUpdate, Reply<bool>),
    /// Store bytes.
    Append(Append, Ticket),
    /// Change the controller's catalog.
    Catalog(Vec<CatalogChange>, Reply<()>),
}

/// The way back: decided inside a transaction, delivered when it has been committed.
#[derive(Debug)]
pub(in crate::store) struct Reply<T> {
    sender: oneshot::Sender<Result<T, StoreError>>,
    decided: Result<T, StoreError>,
}

impl<T> Reply<T> {
    /// A reply and where it arrives.
    pub(super) fn new() -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (sender, receiver) = oneshot::channel();
        let decided = Err(StoreError::ShuttingDown);
        (Self { sender, decided }, receiver)
    }

    /// Decides, without telling anybody yet.
    pub(super) fn decide(&mut self, decided: Result<T, StoreError>) {
        self.decided = decided;
    }

    fn deliver(self) {
        // Whoever asked may have gone away.
        self.sender.send(self.decided).ok();
    }

    fn fail(mut self, error: &StoreError) {
        self.decided = Err(error.clone());
        self.deliver();
    }
}

/// Whether a failed operation may have reached the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// Its transaction was begun: nobody knows what a restart will find.
    Begun,
    /// It was turned away.
    TurnedAway,
}

impl Operation {
    /// What it adds to the size of a transaction, bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Append(append, _) => append.data.len(),
            Self::Catalog(changes, _) => changes
                .iter()
                .map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len))
                .sum(),
            Self::Create(..)
            | Self::Seal(..)
            | Self::Truncate(..)
            | Self::Delete(..)
            | Self::SetPolicy(..)
            | Self::Attribute(..)
            | Self::UpdateAttribute(..) => 0,
        }
    }

    /// True for what a full disk has no room for. What makes room, and what takes hardly any, is done.
    pub(super) fn needs_room(&self) -> bool {
        match self {
            Self::Append(..) | Self::Create(..) => true,
            Self::UpdateAttribute(_, update, _) => update.value != NO_VALUE,
            Self::Seal(..)
            | Self::Truncate(..)
            | Self::Delete(..)
            | Self::SetPolicy(..)
            | Self::Attribute(..)
            | Self::Catalog(..) => false,
        }
    }

    /// Tells what was decided: the transaction is durable.
    pub(super) fn deliver(self) {
        match self {
            Self::Create(_, _, reply)
            | Self::Seal(_, reply)
            | Self::UpdateAttribute(_, _, reply) => {
                reply.deliver();
            }
            Self::Truncate(_, _, reply)
            | Self::Delete(_, reply)
            | Self::SetPolicy(_, _, reply)
            | Self::Catalog(_, reply) => reply.deliver(),
            Self::Attribute(_, _, reply) => reply.deliver(),
            Self::Append(_, ticket) => drop(ticket),
        }
    }

    /// Tells that nothing was, or may not have been, done.
    pub(super) fn fail(self, attempt: Attempt, error: &StoreError) {
        match self {
            Self::Create(_, _, reply)
            | Self::Seal(_, reply)
            | Self::UpdateAttribute(_, _, reply) => {
                reply.fail(error);
            }
            Self::Truncate(_, _, reply)
            | Self::Delete(_, reply)
            | Self::SetPolicy(_, _, reply)
            | Self::Catalog(_, reply) => reply.fail(error),
            Self::Attribute(_, _, reply) => reply.fail(error),
            Self::Append(_, mut ticket) => ticket.decide(Err(match attempt {
                Attempt::Begun => AppendError::Lost,
                Attempt::TurnedAway => AppendError::ReadOnly,
            })),
        }
    }
}

/// The id of a writer's number among the attributes.
pub(super) fn attribute_of(writer: WriterId) -> u128 {
    writer.as_u128()
}
