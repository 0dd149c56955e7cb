//! What a campaign must have reached to say anything.

use std::collections::BTreeSet;

use super::scripts::Script;
use crate::campaign::{Report, Violation};

/// From so many runs on, every script must have had an effect, and these pairs must have been reached.
const SOME_RUNS: u64 = 300;
const BY_SOME_RUNS: &[(&str, &str)] = &[
    ("ack above the highest sent", "DataAppended"),
    ("ack lost, cut", "DataAppended"),
    ("all connections cut", "append in flight"),
    ("all connections cut", "nothing in flight"),
    ("append lost, cut", "AppendBlockEnd"),
    ("append lost, cut", "ConditionalBlockEnd"),
    ("late copy", "AppendBlockEnd"),
    ("late copy", "ConditionalBlockEnd"),
    ("read at another offset", "SegmentRead"),
    ("reply in pieces", "DataAppended"),
    ("rival wrote", "append in flight"),
    ("rival wrote", "nothing in flight"),
    ("setup beyond what was sent", "AppendSetup"),
    ("store closes at the hello", "Hello"),
    ("tokens always expired", "SetupAppend"),
    ("tokens always refused", "SetupAppend"),
    ("wrong host again and again", "GetStreamSegmentInfo"),
    ("wrong host again and again", "ReadSegment"),
    ("wrong host again and again", "SetupAppend"),
];

/// From so many runs on, these too.
const MANY_RUNS: u64 = 5_000;
const BY_MANY_RUNS: &[(&str, &str)] = &[
    ("request cut inside", "Hello"),
    ("request cut inside", "GetStreamSegmentInfo"),
    ("request cut inside", "SetupAppend"),
    ("request cut inside", "ReadSegment"),
    ("request cut inside", "AppendBlockEnd"),
    ("request cut inside", "ConditionalBlockEnd"),
    ("reply cut inside", "Hello"),
    ("reply cut inside", "StreamSegmentInfo"),
    ("reply cut inside", "AppendSetup"),
    ("reply cut inside", "SegmentRead"),
    ("reply cut inside", "DataAppended"),
    ("request held", "AppendBlockEnd"),
    ("request held", "ConditionalBlockEnd"),
    ("request held", "ReadSegment"),
    ("request stops inside", "AppendBlockEnd"),
    ("request stops inside", "ConditionalBlockEnd"),
    ("reply held", "DataAppended"),
    ("reply held", "SegmentRead"),
    ("reply stops inside", "DataAppended"),
    ("reply stops inside", "SegmentRead"),
    ("WrongHost", "SetupAppend"),
    ("WrongHost", "AppendBlockEnd"),
    ("WrongHost", "ConditionalBlockEnd"),
    ("WrongHost", "ReadSegment"),
    ("NoSuchSegment", "SetupAppend"),
    ("NoSuchSegment", "ReadSegment"),
    ("SegmentIsSealed", "SetupAppend"),
    ("SegmentIsSealed", "ReadSegment"),
    ("SegmentIsTruncated", "ReadSegment"),
    ("SegmentAlreadyExists", "SetupAppend"),
    ("ErrorMessage", "SetupAppend"),
    ("ErrorMessage", "ReadSegment"),
    ("OperationUnsupported", "SetupAppend"),
    ("OperationUnsupported", "ReadSegment"),
    ("AuthTokenCheckFailed", "SetupAppend"),
    ("AuthTokenCheckFailed", "ReadSegment"),
    ("AuthTokenCheckFailed", "GetStreamSegmentInfo"),
    ("sealed", "append in flight"),
    ("sealed", "nothing in flight"),
    ("truncated", "append in flight"),
    ("truncated", "nothing in flight"),
    ("deleted", "append in flight"),
    ("deleted", "nothing in flight"),
    ("segment moved", "append in flight"),
    ("segment moved", "nothing in flight"),
];

/// Fails a report that is long enough and has not reached what it should have. `effective` are the names of the
/// scripts that had an effect.
pub(super) fn demand(
    report: Report,
    scripts: &[&'static Script],
    effective: &BTreeSet<&'static str>,
) -> Report {
    let runs = report.runs();
    if runs < SOME_RUNS {
        return report;
    }
    let mut pairs = BY_SOME_RUNS.to_vec();
    if runs >= MANY_RUNS {
        pairs.extend_from_slice(BY_MANY_RUNS);
    }
    let mut report = report.expecting(SOME_RUNS, &pairs);
    for script in scripts {
        if !effective.contains(script.name) {
            let what = format!("{} never had an effect in {runs} runs", script.name);
            report.add_violation(0, Violation::broken(what));
        }
    }
    report
}
