//! What the embedded server acknowledges can be read at once: a wanted difference. A real server may say
//! that the segment ends before bytes that it has acknowledged a moment ago.

use super::{Scene, Transcript, play};
use crate::target::Target;

/// How often it is tried.
const ROUNDS: usize = 100;

#[tokio::test]
async fn what_is_acknowledged_can_be_read_at_once() {
    for target in [Target::in_memory().await, Target::on_disk().await] {
        let scene = Scene::new(&target.unique, "visible");
        script(&scene);
        let Transcript { lines, .. } = play::play(&target, "visible", scene).await;
        let reads: Vec<_> = lines
            .iter()
            .filter(|line| line.contains("< SegmentRead"))
            .collect();
        assert_eq!(reads.len(), ROUNDS);
        for (round, read) in (1_usize..).zip(reads) {
            let all = "x".repeat(round.min(50));
            assert!(
                read.contains("at_tail: true") && read.contains(&all),
                "round {round}: {read}"
            );
        }
    }
}

/// Each time an append, and then a read of the last bytes and more.
fn script(s: &Scene) {
    let segment = s.segment();
    let (writer, reader) = (s.connect(), s.connect());
    writer.ask(s.setup(1, &segment));
    for round in 1..=i64::try_from(ROUNDS).unwrap() {
        writer.ask(s.append(1, round, "x"));
        reader.ask(s.read(&segment, (round - 50).max(0), 1_000));
    }
}
