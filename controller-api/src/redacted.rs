//! `Debug` of the messages that carry a delegation token: whether there is one, never what it is.

use std::fmt;

use crate::{
    CreateTxnResponse, DelegationToken, SegmentRanges, SegmentsAtTime, StreamCutRangeResponse,
    SuccessorResponse,
};

/// Stands in for a token in `Debug` output.
struct Redacted<'a>(&'a str);

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "none"
        } else {
            "redacted"
        })
    }
}

macro_rules! debug_without_token {
    ($($message:ident { $($field:ident),* })*) => {$(
        impl fmt::Debug for $message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($message))
                    $(.field(stringify!($field), &self.$field))*
                    .field("delegation_token", &Redacted(&self.delegation_token))
                    .finish()
            }
        }
    )*};
}

debug_without_token! {
    DelegationToken {}
    SegmentRanges { segment_ranges }
    SegmentsAtTime { segments }
    SuccessorResponse { segments }
    StreamCutRangeResponse { segments }
    CreateTxnResponse { txn_id, active_segments }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_a_token() {
        let delegation_token = || "marker".to_owned();
        let printed = [
            format!(
                "{:?}",
                DelegationToken {
                    delegation_token: delegation_token()
                }
            ),
            format!(
                "{:?}",
                SegmentRanges {
                    delegation_token: delegation_token(),
                    ..Default::default()
                }
            ),
            format!(
                "{:?}",
                SegmentsAtTime {
                    delegation_token: delegation_token(),
                    ..Default::default()
                }
            ),
            format!(
                "{:?}",
                SuccessorResponse {
                    delegation_token: delegation_token(),
                    ..Default::default()
                }
            ),
            format!(
                "{:?}",
                StreamCutRangeResponse {
                    delegation_token: delegation_token(),
                    ..Default::default()
                }
            ),
            format!(
                "{:?}",
                CreateTxnResponse {
                    delegation_token: delegation_token(),
                    ..Default::default()
                }
            ),
        ];
        for text in printed {
            assert!(
                !text.contains("marker") && text.contains("redacted"),
                "{text}"
            );
        }
        assert_eq!(
            format!("{:?}", DelegationToken::default()),
            "DelegationToken { delegation_token: none }"
        );
    }
}
