//! The catalog's lines as bytes, for a store of keys and values.
//!
//! | key | value |
//! | --- | --- |
//! | `s` scope | version |
//! | `t` scope `/` stream | version, the stream's record |
//! | `n` scope `/` stream | version, number of the next segment (`u32`) |
//!
//! Numbers are big-endian, a tag has its length in front (`u8`). Every value begins with
//! [`RECORD_VERSION`]; a value of another version, cut short, or with bytes left over is refused, because a
//! server that guesses here loses streams.

use bytes::{Buf, BufMut, TryGetError};
use pravega_client_shared::{NameError, ParseStreamError, ScopeName, ScopedStream};
use snafu::{ResultExt, Snafu, ensure};

use super::{
    catalog::Entry,
    stream::{
        MAX_SEGMENTS, MAX_TAG_LEN, MAX_TAGS, Retention, Scaling, StreamRecord, StreamSettings,
        StreamState,
    },
};

/// The layout of the values. Another one needs another number, and code that reads both.
const RECORD_VERSION: u8 = 1;

const SCOPE: u8 = b's';
const STREAM: u8 = b't';
const NEXT_SEGMENT: u8 = b'n';

const ACTIVE: u8 = 0;
const SEALED: u8 = 1;
const DELETING: u8 = 2;

/// Why a line of the catalog cannot be read.
#[derive(Debug, PartialEq, Eq, Snafu)]
#[non_exhaustive]
pub enum RecordError {
    /// The key begins with no known letter.
    #[snafu(display("the key is of no known kind"))]
    Kind,
    /// The name in the key is not UTF-8.
    #[snafu(display("the name in the key is not text"))]
    KeyText {
        /// Where it stops being UTF-8.
        source: std::str::Utf8Error,
    },
    /// The key holds no scope name.
    #[snafu(display("the key holds no scope name"))]
    KeyScope {
        /// What is wrong with it.
        source: NameError,
    },
    /// The key holds no stream name.
    #[snafu(display("the key holds no stream name"))]
    KeyStream {
        /// What is wrong with it.
        source: ParseStreamError,
    },
    /// The value was written by another version of this program.
    #[snafu(display("the value has version {found}, this program reads {RECORD_VERSION}"))]
    Version {
        /// The version found.
        found: u8,
    },
    /// The value ends too early.
    #[snafu(context(false), display("the value is cut short"))]
    Short {
        /// How much is missing.
        source: TryGetError,
    },
    /// The value has bytes behind its end.
    #[snafu(display("the value has {len} bytes too many"))]
    Long {
        /// How many.
        len: usize,
    },
    /// A field has a value that is never written.
    #[snafu(display("the field {field:?} has a value that is never written"))]
    Field {
        /// The field's name.
        field: &'static str,
    },
}

/// A key, and its value or `None` to remove it: what the store writes.
pub(super) fn encode(entry: &Entry) -> (Vec<u8>, Option<Vec<u8>>) {
    match entry {
        Entry::Scope(scope, value) => (
            key(SCOPE, scope.as_str()),
            value.map(|()| vec![RECORD_VERSION]),
        ),
        Entry::Stream(name, record) => (
            key(STREAM, &name.to_string()),
            record.as_ref().map(encode_stream),
        ),
        Entry::NextSegment(name, number) => {
            let value = number.map(|number| {
                let mut value = vec![RECORD_VERSION];
                value.put_u32(number);
                value
            });
            (key(NEXT_SEGMENT, &name.to_string()), value)
        }
    }
}

/// Reads what [`encode`] wrote.
pub(super) fn decode(key: &[u8], mut value: &[u8]) -> Result<Entry, RecordError> {
    let Some((&kind, name)) = key.split_first() else {
        return KindSnafu.fail();
    };
    let name = std::str::from_utf8(name).context(KeyTextSnafu)?;
    let found = value.try_get_u8()?;
    ensure!(found == RECORD_VERSION, VersionSnafu { found });
    let stream = || name.parse::<ScopedStream>().context(KeyStreamSnafu);
    let entry = match kind {
        SCOPE => Entry::Scope(ScopeName::new(name).context(KeyScopeSnafu)?, Some(())),
        STREAM => Entry::Stream(stream()?, Some(decode_stream(&mut value)?)),
        NEXT_SEGMENT => Entry::NextSegment(stream()?, Some(value.try_get_u32()?)),
        _ => return KindSnafu.fail(),
    };
    ensure!(value.is_empty(), LongSnafu { len: value.len() });
    Ok(entry)
}

fn key(kind: u8, name: &str) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend_from_slice(name.as_bytes());
    key
}

fn encode_stream(record: &StreamRecord) -> Vec<u8> {
    let StreamRecord {
        settings,
        state,
        first_segment,
        segment_count,
        head,
    } = record;
    let mut out = vec![RECORD_VERSION];
    out.put_u8(match state {
        StreamState::Active => ACTIVE,
        StreamState::Sealed => SEALED,
        StreamState::Deleting => DELETING,
    });
    out.put_u32(*first_segment);
    out.put_u32(*segment_count);
    out.put_u8(u8::from(!head.is_empty()));
    for offset in head {
        out.put_u64(*offset);
    }
    let Scaling {
        kind,
        target_rate,
        factor,
        min_segments,
    } = settings.scaling;
    for number in [kind, target_rate, factor, min_segments] {
        out.put_i32(number);
    }
    out.put_u8(u8::from(settings.retention.is_some()));
    if let Some(Retention { kind, least, most }) = settings.retention {
        out.put_i32(kind);
        out.put_i64(least);
        out.put_i64(most);
    }
    out.put_i64(settings.timestamp_aggregation_timeout);
    out.put_i64(settings.rollover_size);
    // More or longer tags than these are never planned; the bounds keep the lengths within their fields.
    let tags = settings.tags.iter().take(MAX_TAGS);
    out.put_u8(u8::try_from(tags.len()).unwrap_or(u8::MAX));
    for tag in tags {
        out.put_u8(u8::try_from(tag.len()).unwrap_or(u8::MAX));
        out.extend(tag.bytes().take(MAX_TAG_LEN));
    }
    out
}

fn decode_stream(value: &mut &[u8]) -> Result<StreamRecord, RecordError> {
    let state = match value.try_get_u8()? {
        ACTIVE => StreamState::Active,
        SEALED => StreamState::Sealed,
        DELETING => StreamState::Deleting,
        _ => return FieldSnafu { field: "state" }.fail(),
    };
    let first_segment = value.try_get_u32()?;
    let segment_count = value.try_get_u32()?;
    let in_bounds = (1..=MAX_SEGMENTS).contains(&segment_count);
    ensure!(
        in_bounds,
        FieldSnafu {
            field: "segment count"
        }
    );
    let head = if flag(value, "head")? {
        (0..segment_count)
            .map(|_| value.try_get_u64())
            .collect::<Result<_, _>>()?
    } else {
        Vec::new()
    };
    let settings = StreamSettings {
        scaling: Scaling {
            kind: value.try_get_i32()?,
            target_rate: value.try_get_i32()?,
            factor: value.try_get_i32()?,
            min_segments: value.try_get_i32()?,
        },
        retention: decode_retention(value)?,
        timestamp_aggregation_timeout: value.try_get_i64()?,
        rollover_size: value.try_get_i64()?,
        tags: decode_tags(value)?,
    };
    Ok(StreamRecord {
        settings,
        state,
        first_segment,
        segment_count,
        head,
    })
}

fn decode_retention(value: &mut &[u8]) -> Result<Option<Retention>, RecordError> {
    if !flag(value, "retention")? {
        return Ok(None);
    }
    Ok(Some(Retention {
        kind: value.try_get_i32()?,
        least: value.try_get_i64()?,
        most: value.try_get_i64()?,
    }))
}

fn decode_tags(value: &mut &[u8]) -> Result<Vec<String>, RecordError> {
    let count = value.try_get_u8()?;
    let mut tags = Vec::new();
    for _ in 0..count {
        let len = usize::from(value.try_get_u8()?);
        let Some((text, rest)) = value.split_at_checked(len) else {
            return Err(TryGetError {
                requested: len,
                available: value.len(),
            }
            .into());
        };
        *value = rest;
        let tag = std::str::from_utf8(text).ok();
        match tag {
            Some(tag) => tags.push(tag.to_owned()),
            None => return FieldSnafu { field: "tag" }.fail(),
        }
    }
    Ok(tags)
}

fn flag(value: &mut &[u8], field: &'static str) -> Result<bool, RecordError> {
    match value.try_get_u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => FieldSnafu { field }.fail(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::stream::tests::fixed;

    fn entries() -> Vec<Entry> {
        let name: ScopedStream = "a.b/c-d".parse().unwrap();
        let plain = StreamRecord {
            settings: fixed(1),
            state: StreamState::Active,
            first_segment: 7,
            segment_count: 1,
            head: Vec::new(),
        };
        let full = StreamRecord {
            settings: StreamSettings {
                scaling: Scaling {
                    kind: 2,
                    target_rate: -1,
                    factor: i32::MAX,
                    min_segments: 3,
                },
                retention: Some(Retention {
                    kind: 1,
                    least: -5,
                    most: i64::MAX,
                }),
                tags: vec![String::new(), "ü".into(), "t".repeat(MAX_TAG_LEN)],
                timestamp_aggregation_timeout: 9,
                rollover_size: 10,
            },
            state: StreamState::Deleting,
            first_segment: 0x7fff_fff0,
            segment_count: 3,
            head: vec![0, 1, u64::MAX],
        };
        vec![
            Entry::Scope(ScopeName::new("_s").unwrap(), Some(())),
            Entry::Stream(name.clone(), Some(plain.clone())),
            Entry::Stream(name.clone(), Some(full)),
            Entry::Stream(
                name.clone(),
                Some(StreamRecord {
                    state: StreamState::Sealed,
                    ..plain
                }),
            ),
            Entry::NextSegment(name, Some(u32::MAX)),
        ]
    }

    #[test]
    fn every_line_survives() {
        for entry in entries() {
            let (key, value) = encode(&entry);
            assert_eq!(decode(&key, &value.unwrap()).unwrap(), entry);
        }
        let name: ScopedStream = "s/t".parse().unwrap();
        assert_eq!(
            encode(&Entry::Stream(name.clone(), None)),
            (b"ts/t".to_vec(), None)
        );
        assert_eq!(
            encode(&Entry::NextSegment(name, None)),
            (b"ns/t".to_vec(), None)
        );
    }

    #[test]
    fn the_layout_does_not_change_by_accident() {
        let (key, value) = encode(&entries()[1]);
        assert_eq!(key, b"ta.b/c-d");
        let value = value.unwrap();
        let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = [
            "01",
            "00",
            "00000007",
            "00000001",
            "00", // version, state, first, count, no head
            "00000000",
            "00000000",
            "00000000",
            "00000001", // scaling
            "00",
            "0000000000000000",
            "0000000000000000",
            "00", // no retention, times, no tags
        ];
        assert_eq!(hex, expected.concat());
    }

    #[test]
    fn every_cut_and_every_tail_is_refused() {
        for entry in entries() {
            let (key, value) = encode(&entry);
            let mut value = value.unwrap();
            for len in 0..value.len() {
                let error = decode(&key, &value[..len]).unwrap_err();
                assert!(
                    matches!(error, RecordError::Short { .. }),
                    "{len}: {error:?}"
                );
            }
            value.push(0);
            assert_eq!(decode(&key, &value), Err(RecordError::Long { len: 1 }));
            value[0] = 2;
            assert_eq!(decode(&key, &value), Err(RecordError::Version { found: 2 }));
        }
    }

    #[test]
    fn no_bytes_cause_a_panic() {
        for entry in entries() {
            let (key, value) = encode(&entry);
            let value = value.unwrap();
            for at in 0..value.len() {
                for byte in [0, 1, 2, 0x7f, 0x80, 0xff] {
                    let mut spoiled = value.clone();
                    spoiled[at] = byte;
                    drop(decode(&key, &spoiled));
                }
            }
        }
        for key in [
            &b""[..],
            b"x",
            b"s",
            b"s/",
            b"t",
            b"ts",
            b"t/",
            b"n../x",
            b"s\xff",
            b"sa_b",
        ] {
            assert!(
                decode(key, &[RECORD_VERSION, 0, 0, 0, 0]).is_err(),
                "{key:?}"
            );
        }
    }
}
