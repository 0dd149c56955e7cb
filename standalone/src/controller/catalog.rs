//! The scopes and streams that exist: a state machine in memory. No I/O, no clock.
//!
//! Every change is made in two steps. A `plan_…` method looks at the catalog, refuses or gives the
//! [`Entry`]s to write; the caller makes them durable and hands them to [`apply`](Catalog::apply). The same
//! `apply` fills the catalog from disk, so memory and disk cannot tell different stories.
//!
//! ```text
//!                    create                seal                 delete
//!   (no such stream) ──────► Active ──────────────► Sealed ──────────────► Deleting
//!          ▲                                                                  │
//!          └── forget: only the number of its next segment is kept ◄──────────┘
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    str::FromStr,
};

use pravega_client_shared::{ScopeName, ScopedStream, SegmentId, StreamName};

use super::stream::{StreamRecord, StreamSettings, StreamState};

/// Names in one page of a listing, as the real controller has it.
pub(super) const PAGE_LEN: usize = 1_000;

/// The most scopes, and the most streams that live or are remembered. A name once used is remembered for
/// ever, so that its segment numbers go on.
pub(super) const MAX_NAMES: usize = 1_000_000;

/// One line of the catalog and its new value, `None` to remove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Scope(ScopeName, Option<()>),
    Stream(ScopedStream, Option<StreamRecord>),
    /// For a stream that no longer exists: the number its next segment will have.
    NextSegment(ScopedStream, Option<u32>),
}

/// Why the catalog does not change, or has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    ScopeExists,
    ScopeNotFound,
    ScopeNotEmpty,
    StreamExists,
    StreamNotFound,
    StreamNotSealed,
    StreamSealed,
    /// The settings or the cut cannot be used.
    BadRequest,
    /// There are too many names, or the numbers of segments are used up.
    Exhausted,
}

/// Which streams of a scope a listing shows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Filter<'a> {
    All,
    Tagged(&'a str),
}

/// All scopes and streams.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    scopes: BTreeMap<ScopeName, BTreeMap<StreamName, StreamRecord>>,
    next_segments: BTreeMap<ScopedStream, u32>,
    /// Streams in all scopes.
    stream_count: usize,
}

impl Catalog {
    /// Takes over what was planned and is durable, or what was read from disk.
    pub(super) fn apply(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            match entry {
                Entry::Scope(scope, Some(())) => {
                    self.scopes.entry(scope).or_default();
                }
                Entry::Scope(scope, None) => {
                    let gone = self
                        .scopes
                        .remove(&scope)
                        .map_or(0, |streams| streams.len());
                    self.stream_count = self.stream_count.saturating_sub(gone);
                }
                Entry::Stream(name, record) => self.apply_stream(&name, record),
                Entry::NextSegment(name, Some(number)) => {
                    self.next_segments.insert(name, number);
                }
                Entry::NextSegment(name, None) => {
                    self.next_segments.remove(&name);
                }
            }
        }
    }

    fn apply_stream(&mut self, name: &ScopedStream, record: Option<StreamRecord>) {
        let streams = self.scopes.entry(name.scope().clone()).or_default();
        let before = streams.len();
        match record {
            Some(record) => drop(streams.insert(name.stream().clone(), record)),
            None => drop(streams.remove(name.stream())),
        }
        let after = streams.len();
        self.stream_count = self
            .stream_count
            .saturating_add(after)
            .saturating_sub(before);
    }

    // Scopes.

    /// A new scope.
    pub(super) fn plan_create_scope(&self, scope: &ScopeName) -> Result<Vec<Entry>, Refusal> {
        if self.scopes.contains_key(scope) {
            return Err(Refusal::ScopeExists);
        }
        if self.scopes.len() >= MAX_NAMES {
            return Err(Refusal::Exhausted);
        }
        Ok(vec![Entry::Scope(scope.clone(), Some(()))])
    }

    /// The end of an empty scope.
    pub(super) fn plan_delete_scope(&self, scope: &str) -> Result<Vec<Entry>, Refusal> {
        let (name, streams) = self.scope(scope)?;
        if !streams.is_empty() {
            return Err(Refusal::ScopeNotEmpty);
        }
        Ok(vec![Entry::Scope(name.clone(), None)])
    }

    /// True when there is such a scope.
    pub(super) fn has_scope(&self, scope: &str) -> bool {
        self.scope(scope).is_ok()
    }

    /// The first [`PAGE_LEN`] scopes behind the name `after`.
    pub(super) fn scopes_after(&self, after: &str) -> Vec<&ScopeName> {
        behind(&self.scopes, after)
            .map(|(name, _)| name)
            .take(PAGE_LEN)
            .collect()
    }

    // Streams.

    /// A stream and its record.
    pub(super) fn stream(
        &self,
        scope: &str,
        stream: &str,
    ) -> Result<(ScopedStream, &StreamRecord), Refusal> {
        let (scope, streams) = self.scope(scope).map_err(|_| Refusal::StreamNotFound)?;
        let name = StreamName::new(stream).map_err(|_| Refusal::StreamNotFound)?;
        let record = streams.get(&name).ok_or(Refusal::StreamNotFound)?;
        Ok((ScopedStream::new(scope.clone(), name), record))
    }

    /// The first [`PAGE_LEN`] streams of a scope behind the name `after`.
    pub(super) fn streams_after(
        &self,
        scope: &str,
        after: &str,
        filter: Filter<'_>,
    ) -> Result<Vec<&StreamName>, Refusal> {
        let (_, streams) = self.scope(scope)?;
        let shown = |record: &StreamRecord| match filter {
            Filter::All => true,
            Filter::Tagged(tag) => record.settings.tags.iter().any(|own| own == tag),
        };
        let page = behind(streams, after).filter(|(_, record)| shown(record));
        Ok(page.map(|(name, _)| name).take(PAGE_LEN).collect())
    }

    /// The streams whose deletion was begun and not finished.
    pub(super) fn unfinished_deletions(&self) -> Vec<(ScopedStream, StreamRecord)> {
        let mut found = Vec::new();
        for (scope, streams) in &self.scopes {
            for (name, record) in streams {
                if record.state == StreamState::Deleting {
                    found.push((
                        ScopedStream::new(scope.clone(), name.clone()),
                        record.clone(),
                    ));
                }
            }
        }
        found
    }

    /// The record of a new stream. Its segments are to be created before its entry is written. Without
    /// settings, which is when the request had none that can be used, this only finds out what to refuse it for.
    pub(super) fn plan_create_stream(
        &self,
        scope: &str,
        stream: &StreamName,
        settings: Option<StreamSettings>,
    ) -> Result<(ScopedStream, StreamRecord), Refusal> {
        let found = self.scope(scope);
        if found.is_ok_and(|(_, streams)| streams.contains_key(stream)) {
            return Err(Refusal::StreamExists);
        }
        let (scope, _) = found?;
        let name = ScopedStream::new(scope.clone(), stream.clone());
        let names = self.stream_count.saturating_add(self.next_segments.len());
        let known = self.next_segments.get(&name).copied();
        if known.is_none() && names >= MAX_NAMES {
            return Err(Refusal::Exhausted);
        }
        let settings = settings.ok_or(Refusal::BadRequest)?;
        let segment_count = settings.segment_count().ok_or(Refusal::BadRequest)?;
        let first_segment = known.unwrap_or(0);
        let behind = first_segment
            .checked_add(segment_count)
            .ok_or(Refusal::Exhausted)?;
        SegmentId::new(behind, 0).map_err(|_| Refusal::Exhausted)?;
        let record = StreamRecord {
            settings,
            state: StreamState::Active,
            first_segment,
            segment_count,
            head: Vec::new(),
        };
        Ok((name, record))
    }

    /// New settings for an active stream. The number of its segments stays.
    pub(super) fn plan_update_stream(
        &self,
        scope: &str,
        stream: &str,
        settings: Option<StreamSettings>,
    ) -> Result<Vec<Entry>, Refusal> {
        let (name, record) = self.active(scope, stream)?;
        let settings = settings.ok_or(Refusal::BadRequest)?;
        settings.segment_count().ok_or(Refusal::BadRequest)?;
        let record = StreamRecord {
            settings,
            ..record.clone()
        };
        Ok(vec![Entry::Stream(name, Some(record))])
    }

    /// A new head for an active stream. The cut has an offset for every segment and no other; none lies
    /// before the last truncation. Whether they lie in the segments is the segment store's to say.
    pub(super) fn plan_truncate_stream(
        &self,
        scope: &str,
        stream: &str,
        cut: &BTreeMap<i64, i64>,
    ) -> Result<(ScopedStream, StreamRecord), Refusal> {
        let (name, record) = self.active(scope, stream)?;
        let epoch = |id: &i64| SegmentId::from_packed(*id).map(SegmentId::epoch);
        if cut.keys().any(|id| epoch(id).is_ok_and(|epoch| epoch > 0)) {
            // The real controller looks for the epoch and does not find it.
            return Err(Refusal::StreamNotFound);
        }
        if !covers(record, cut) {
            return Err(Refusal::BadRequest);
        }
        let mut head = Vec::with_capacity(cut.len());
        for (entry, offset) in record.segments().zip(cut.values()) {
            let offset = u64::try_from(*offset).map_err(|_| Refusal::BadRequest)?;
            if offset < entry.head {
                return Err(Refusal::BadRequest);
            }
            head.push(offset);
        }
        Ok((
            name,
            StreamRecord {
                head,
                ..record.clone()
            },
        ))
    }

    /// A stream sealed. `None` when it is so already. Its segments are to be sealed before.
    pub(super) fn plan_seal_stream(
        &self,
        scope: &str,
        stream: &str,
    ) -> Result<Option<(ScopedStream, StreamRecord)>, Refusal> {
        let (name, record) = self.stream(scope, stream)?;
        let active = record.state == StreamState::Active;
        Ok(active.then(|| (name, record.in_state(StreamState::Sealed))))
    }

    /// The first step of a deletion: the mark that it is under way, written before any segment goes.
    pub(super) fn plan_begin_deletion(
        &self,
        scope: &str,
        stream: &str,
    ) -> Result<(ScopedStream, StreamRecord), Refusal> {
        let (name, record) = self.stream(scope, stream)?;
        if record.state == StreamState::Active {
            return Err(Refusal::StreamNotSealed);
        }
        Ok((name, record.in_state(StreamState::Deleting)))
    }

    /// The same for every stream of a scope, sealed or not.
    pub(super) fn plan_empty_scope(
        &self,
        scope: &str,
    ) -> Result<Vec<(ScopedStream, StreamRecord)>, Refusal> {
        let (scope, streams) = self.scope(scope)?;
        let marked = |(name, record): (&StreamName, &StreamRecord)| {
            let name = ScopedStream::new(scope.clone(), name.clone());
            (name, record.in_state(StreamState::Deleting))
        };
        Ok(streams.iter().map(marked).collect())
    }

    /// The last step of a deletion, when all segments are gone.
    pub(super) fn plan_forget(name: &ScopedStream, record: &StreamRecord) -> Vec<Entry> {
        vec![
            Entry::NextSegment(name.clone(), Some(record.next_segment())),
            Entry::Stream(name.clone(), None),
        ]
    }

    fn scope(&self, scope: &str) -> Result<ScopeEntry<'_>, Refusal> {
        let name = ScopeName::new(scope).map_err(|_| Refusal::ScopeNotFound)?;
        self.scopes
            .get_key_value(&name)
            .ok_or(Refusal::ScopeNotFound)
    }

    fn active(&self, scope: &str, stream: &str) -> Result<(ScopedStream, &StreamRecord), Refusal> {
        let (name, record) = self.stream(scope, stream)?;
        match record.state {
            StreamState::Active => Ok((name, record)),
            StreamState::Sealed | StreamState::Deleting => Err(Refusal::StreamSealed),
        }
    }
}

type ScopeEntry<'a> = (&'a ScopeName, &'a BTreeMap<StreamName, StreamRecord>);

/// True when the cut names every segment of the stream and nothing else.
pub(super) fn covers(record: &StreamRecord, cut: &BTreeMap<i64, i64>) -> bool {
    let own: BTreeSet<i64> = record.segments().map(|entry| entry.id.packed()).collect();
    own.iter().eq(cut.keys())
}

/// The part of a map whose names come behind `after`: all of it for an empty text, nothing for a text that
/// is no name, so that a listing with a token that is not ours ends instead of beginning anew.
fn behind<'a, K: Ord + FromStr, V>(
    map: &'a BTreeMap<K, V>,
    after: &str,
) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, K, V> {
    let start = match after.parse::<K>() {
        Ok(name) => Some(Bound::Excluded(name)),
        Err(_) => after.is_empty().then_some(Bound::Unbounded),
    };
    start
        .map(|start| map.range((start, Bound::Unbounded)))
        .into_iter()
        .flatten()
}
