//! Plays a script to a controller and writes down what it answers.

use super::scene::{Scene, Step};
use crate::{target::Target, transcript::Transcript, wire::Helper};

/// Plays a script.
pub(super) async fn play(target: &Target, id: &str, scene: Scene) -> Transcript {
    let unique = scene.unique().to_owned();
    let (steps, scopes) = scene.into_steps();
    let show = Show {
        target,
        unique,
        scopes,
    };
    let mut store = Helper::connect(&target.store).await;
    let mut lines = Vec::new();
    for step in steps {
        match step {
            Step::Call { said, run } => {
                lines.push(format!("> {}", show.text(said)));
                let answer = match run(target.controller.clone()).await {
                    Ok(reply) => show.text(reply),
                    // The text is for people.
                    Err(status) => format!("gRPC {:?}", status.code()),
                };
                lines.extend(answer.lines().map(|line| format!("< {line}")));
            }
            Step::Append { segment, data } => store.append(&segment, data).await,
            Step::Look(segment) => {
                let held = store.content(&segment).await;
                lines.push(show.text(format!("{segment} {held}")));
            }
        }
    }
    Transcript {
        script: id.to_owned(),
        lines,
    }
}

struct Show<'a> {
    target: &'a Target,
    unique: String,
    scopes: Vec<String>,
}

impl Show<'_> {
    /// A message without names and addresses of this run.
    fn text(&self, mut text: String) -> String {
        let (host, port) = self.target.store.rsplit_once(':').unwrap();
        let store = format!("NodeUri {{ endpoint: {host:?}, port: {port} }}");
        text = text.replace(&store, "the store");
        let (host, port) = self.target.controller_address();
        let controller = format!("NodeUri {{ endpoint: {host:?}, port: {port} }}");
        text = text.replace(&controller, "the controller");
        for (number, scope) in self.scopes.iter().enumerate().rev() {
            text = text.replace(scope, &format!("scope {number}"));
        }
        text = text.replace(&self.unique, "unique");
        text = text.replace(&i64::MIN.to_string(), "i64::MIN");
        text = text.replace(&i64::MAX.to_string(), "i64::MAX");
        for default in DEFAULTS {
            text = text.replace(default, "");
        }
        shorten(&text)
    }
}

/// Fields that are as if they were not there.
const DEFAULTS: &[&str] = &[
    ", retention_policy: None",
    ", tags: None",
    ", timestamp_aggregation_timeout: 0",
    ", rollover_size_bytes: 0",
    ", target_rate: 0, scale_factor: 0",
    ", continuation_token: None",
    ", delegation_token: none",
    ", scale_timestamp: 0",
];

/// `StreamInfo { scope: "a", stream: "b", access_operation: Unspecified }` as `a/b`.
fn shorten(mut text: &str) -> String {
    const FRONT: &str = "StreamInfo { scope: \"";
    const MIDDLE: &str = "\", stream: \"";
    const BACK: &str = "\", access_operation: Unspecified }";
    let mut short = String::new();
    while let Some((before, rest)) = text.split_once(FRONT) {
        let parts = rest.split_once(BACK).and_then(|(names, after)| {
            let (scope, stream) = names.split_once(MIDDLE)?;
            // The end may be that of a later one.
            (!stream.contains('"')).then_some((scope, stream, after))
        });
        short += before;
        match parts {
            Some((scope, stream, after)) => {
                short += &format!("{scope}/{stream}");
                text = after;
            }
            None => {
                short += FRONT;
                text = rest;
            }
        }
    }
    short + text
}

#[test]
fn streams_are_written_short() {
    let long = r#"X { a: Some(StreamInfo { scope: "a", stream: "b", access_operation: Unspecified }), b: StreamInfo { scope: "", stream: "", access_operation: Read }, StreamInfo { scope: "c", stream: "", access_operation: Unspecified } }"#;
    let short = r#"X { a: Some(a/b), b: StreamInfo { scope: "", stream: "", access_operation: Read }, c/ }"#;
    assert_eq!(shorten(long), short);
}
