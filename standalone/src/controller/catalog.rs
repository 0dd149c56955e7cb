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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::stream::tests::fixed;

    fn scope(name: &str) -> ScopeName {
        ScopeName::new(name).unwrap()
    }

    fn stream(name: &str) -> StreamName {
        StreamName::new(name).unwrap()
    }

    /// Creates a stream in scope `s`, which it creates too.
    fn create(catalog: &mut Catalog, name: &str, settings: StreamSettings) -> Result<u32, Refusal> {
        catalog.apply(vec![Entry::Scope(scope("s"), Some(()))]);
        let (name, record) = catalog.plan_create_stream("s", &stream(name), Some(settings))?;
        let first = record.first_segment;
        catalog.apply(vec![Entry::Stream(name, Some(record))]);
        Ok(first)
    }

    fn seal(catalog: &mut Catalog, name: &str) -> Result<bool, Refusal> {
        let Some((name, record)) = catalog.plan_seal_stream("s", name)? else {
            return Ok(false);
        };
        catalog.apply(vec![Entry::Stream(name, Some(record))]);
        Ok(true)
    }

    fn delete(catalog: &mut Catalog, name: &str) -> Result<(), Refusal> {
        let (name, record) = catalog.plan_begin_deletion("s", name)?;
        let forget = Catalog::plan_forget(&name, &record);
        catalog.apply(vec![Entry::Stream(name, Some(record))]);
        catalog.apply(forget);
        Ok(())
    }

    #[test]
    fn scopes_come_and_go() {
        let mut catalog = Catalog::default();
        let entries = catalog.plan_create_scope(&scope("s")).unwrap();
        catalog.apply(entries);
        assert!(catalog.has_scope("s"));
        assert_eq!(
            catalog.plan_create_scope(&scope("s")),
            Err(Refusal::ScopeExists)
        );
        create(&mut catalog, "t", fixed(1)).unwrap();
        assert_eq!(catalog.plan_delete_scope("s"), Err(Refusal::ScopeNotEmpty));
        seal(&mut catalog, "t").unwrap();
        delete(&mut catalog, "t").unwrap();
        let entries = catalog.plan_delete_scope("s").unwrap();
        catalog.apply(entries);
        assert_eq!(catalog.plan_delete_scope("s"), Err(Refusal::ScopeNotFound));
        for absent in ["s", "", "a/b", "..", "x_y"] {
            assert!(!catalog.has_scope(absent));
        }
    }

    #[test]
    fn a_stream_moves_through_its_life_in_one_direction() {
        let mut catalog = Catalog::default();
        assert_eq!(create(&mut catalog, "t", fixed(2)), Ok(0));
        assert_eq!(
            create(&mut catalog, "t", fixed(3)),
            Err(Refusal::StreamExists)
        );
        assert_eq!(delete(&mut catalog, "t"), Err(Refusal::StreamNotSealed));
        assert_eq!(seal(&mut catalog, "t"), Ok(true));
        assert_eq!(seal(&mut catalog, "t"), Ok(false));
        let update = catalog.plan_update_stream("s", "t", None);
        assert_eq!(update, Err(Refusal::StreamSealed));
        let truncate = catalog.plan_truncate_stream("s", "t", &BTreeMap::from([(0, 0), (1, 0)]));
        assert_eq!(truncate, Err(Refusal::StreamSealed));
        assert_eq!(delete(&mut catalog, "t"), Ok(()));
        assert_eq!(delete(&mut catalog, "t"), Err(Refusal::StreamNotFound));
        assert_eq!(seal(&mut catalog, "t"), Err(Refusal::StreamNotFound));
    }

    #[test]
    fn numbers_go_on_after_deletion_even_of_the_scope() {
        let mut catalog = Catalog::default();
        for (count, first) in [(2, 0), (1, 2), (3, 3), (1, 6)] {
            assert_eq!(create(&mut catalog, "t", fixed(count)), Ok(first));
            seal(&mut catalog, "t").unwrap();
            delete(&mut catalog, "t").unwrap();
            let entries = catalog.plan_delete_scope("s").unwrap();
            catalog.apply(entries);
        }
        assert_eq!(create(&mut catalog, "other", fixed(1)), Ok(0));
    }

    #[test]
    fn numbers_that_are_used_up_are_refused() {
        let mut catalog = Catalog::default();
        let name = ScopedStream::new(scope("s"), stream("t"));
        for last in [0x7fff_ffff, u32::MAX] {
            catalog.apply(vec![Entry::NextSegment(name.clone(), Some(last))]);
            assert_eq!(create(&mut catalog, "t", fixed(1)), Err(Refusal::Exhausted));
        }
    }

    #[test]
    fn creation_is_refused_in_the_order_of_the_real_controller() {
        let mut catalog = Catalog::default();
        let plan = catalog.plan_create_stream("s", &stream("t"), None);
        assert_eq!(plan, Err(Refusal::ScopeNotFound));
        assert_eq!(
            create(&mut catalog, "t", fixed(0)),
            Err(Refusal::BadRequest)
        );
        assert_eq!(
            create(&mut catalog, "t", fixed(-1)),
            Err(Refusal::BadRequest)
        );
        assert!(catalog.stream("s", "t").is_err());
        create(&mut catalog, "t", fixed(1)).unwrap();
        assert_eq!(
            create(&mut catalog, "t", fixed(0)),
            Err(Refusal::StreamExists)
        );
    }

    #[test]
    fn a_cut_names_every_segment_and_never_goes_back() {
        let mut catalog = Catalog::default();
        create(&mut catalog, "t", fixed(2)).unwrap();
        let bad: [&[(i64, i64)]; 7] = [
            &[],
            &[(0, 0)],
            &[(0, 0), (1, 0), (2, 0)],
            &[(0, 0), (2, 0)],
            &[(0, -1), (1, 0)],
            &[(0, i64::MIN), (1, i64::MAX)],
            &[(-1, 0), (0, 0)],
        ];
        let plan = |catalog: &Catalog, cut: &[(i64, i64)]| {
            catalog.plan_truncate_stream("s", "t", &cut.iter().copied().collect())
        };
        for cut in bad {
            assert_eq!(plan(&catalog, cut), Err(Refusal::BadRequest), "{cut:?}");
        }
        let (name, record) = plan(&catalog, &[(0, 5), (1, 0)]).unwrap();
        catalog.apply(vec![Entry::Stream(name, Some(record))]);
        let heads = |catalog: &Catalog| {
            let (_, record) = catalog.stream("s", "t").unwrap();
            record
                .segments()
                .map(|entry| entry.head)
                .collect::<Vec<_>>()
        };
        assert_eq!(heads(&catalog), [5, 0]);
        assert_eq!(plan(&catalog, &[(0, 4), (1, 9)]), Err(Refusal::BadRequest));
        assert!(plan(&catalog, &[(0, 5), (1, 0)]).is_ok());
        let missing = catalog.plan_truncate_stream("s", "x", &BTreeMap::new());
        assert_eq!(missing, Err(Refusal::StreamNotFound));
    }

    #[test]
    fn an_update_replaces_all_settings_and_no_segments() {
        let mut catalog = Catalog::default();
        create(&mut catalog, "t", fixed(2)).unwrap();
        let settings = StreamSettings {
            tags: vec!["a".into()],
            ..fixed(3)
        };
        let entries = catalog
            .plan_update_stream("s", "t", Some(settings.clone()))
            .unwrap();
        catalog.apply(entries);
        let (_, record) = catalog.stream("s", "t").unwrap();
        assert_eq!(record.settings, settings);
        assert_eq!(record.segment_count, 2);
        let refused = catalog.plan_update_stream("s", "t", Some(fixed(0)));
        assert_eq!(refused, Err(Refusal::BadRequest));
        let missing = catalog.plan_update_stream("s", "x", None);
        assert_eq!(missing, Err(Refusal::StreamNotFound));
    }

    #[test]
    fn listings_end_with_an_empty_page() {
        let mut catalog = Catalog::default();
        for number in 0..2_500 {
            let tags = if number % 3 == 0 {
                vec!["third".into()]
            } else {
                Vec::new()
            };
            let settings = StreamSettings { tags, ..fixed(1) };
            create(&mut catalog, &format!("t{number}"), settings).unwrap();
        }
        let walk = |filter| {
            let mut pages = Vec::new();
            let mut after = String::new();
            loop {
                let page = catalog.streams_after("s", &after, filter).unwrap();
                pages.push(page.len());
                let Some(last) = page.last() else {
                    return pages;
                };
                after = last.to_string();
            }
        };
        assert_eq!(walk(Filter::All), [1_000, 1_000, 500, 0]);
        assert_eq!(walk(Filter::Tagged("third")), [834, 0]);
        assert_eq!(walk(Filter::Tagged("")), [0]);
        assert!(
            catalog
                .streams_after("s", "not/ours", Filter::All)
                .unwrap()
                .is_empty()
        );
        let missing = catalog.streams_after("x", "", Filter::All);
        assert_eq!(missing, Err(Refusal::ScopeNotFound));
        assert_eq!(catalog.scopes_after("").len(), 1);
        assert!(catalog.scopes_after("s").is_empty());
    }
}
