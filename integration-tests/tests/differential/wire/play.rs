//! Plays a script to a server and writes down what happens.

use std::sync::Arc;

use pravega_wire_protocol::{Hello, Reply, Request};

use super::{
    helper::{Helper, OWN, info},
    peer::{Heard, Peer},
    scene::{Scene, Step},
    show::{self, Show},
};
use crate::{target::Target, transcript::Transcript};

/// How often a connection must stay quiet. Once would do; a reply that comes late is worth another look.
const QUIET_ROUNDS: usize = 2;

/// How many messages of one write are written down, beside the last one.
const SHOWN: usize = 8;

/// Plays a script. Its transcript ends with what the segments hold.
pub(super) async fn play(target: &Target, id: &str, scene: Scene) -> Transcript {
    let (steps, segments, prefix) = scene.into_steps();
    let mut player = Player {
        show: Show {
            segments: &segments,
            prefix: &prefix,
        },
        store: &target.store,
        helper: Helper::connect(&target.store).await,
        peers: Vec::new(),
        lines: Vec::new(),
    };
    for step in &steps {
        player.step(step).await;
    }
    for connection in 0..player.peers.len() {
        player.quiet(connection).await;
    }
    for segment in &segments {
        let held = player.helper.content(segment).await;
        let line = player.show.names(format!("{segment} {held}"));
        player.lines.push(line);
    }
    Transcript {
        script: id.to_owned(),
        lines: player.lines,
    }
}

struct Player<'a> {
    show: Show<'a>,
    store: &'a str,
    helper: Helper,
    peers: Vec<Peer>,
    lines: Vec<String>,
}

impl Player<'_> {
    async fn step(&mut self, step: &Step) {
        match step {
            Step::Create(segment) => self.helper.create(segment).await,
            Step::Connect { connection, hello } => {
                assert_eq!(*connection, self.peers.len());
                let mut peer = Peer::connect(self.store).await;
                if *hello {
                    say_hello(&mut peer).await;
                }
                self.peers.push(peer);
            }
            Step::Send { connection, what } => {
                for (at, said) in what.iter().enumerate() {
                    if at < SHOWN || at + 1 == what.len() {
                        self.lines
                            .push(format!("{connection}> {}", self.show.said(said)));
                    } else if at == SHOWN {
                        self.lines.push(format!("{connection}> and so on"));
                    }
                }
                let bytes: Vec<_> = what.iter().map(|said| said.bytes.clone()).collect();
                self.peers[*connection].send(&bytes.concat()).await;
            }
            Step::Hear {
                connection,
                count,
                sorted,
            } => {
                let from = self.lines.len();
                for _ in 0..*count {
                    if !self.hear(*connection).await {
                        break;
                    }
                }
                if *sorted {
                    self.lines[from..].sort();
                }
            }
            Step::HearAck { connection, number } => self.hear_ack(*connection, *number).await,
            Step::HearEnd(connection) => while self.hear(*connection).await {},
            Step::Quiet(connection) => self.quiet(*connection).await,
            Step::End(connection) => {
                self.lines.push(format!("{connection}. we close"));
                self.peers[*connection].end().await;
            }
            Step::Readable(segment, tail) => self.helper.readable(segment, *tail).await,
        }
    }

    /// Writes down the next thing; false when nothing more can come.
    async fn hear(&mut self, connection: usize) -> bool {
        let heard = self.peers[connection].hear().await;
        let (line, more) = match heard {
            Heard::Reply { reply, exact } => {
                (format!("< {}", self.show.reply(*reply, exact)), true)
            }
            Heard::Garbage(error) => (format!("< garbage: {error}"), false),
            Heard::Closed => (". closed".to_owned(), false),
            Heard::Silence => (". silence".to_owned(), false),
        };
        self.lines.push(format!("{connection}{line}"));
        more
    }

    /// Only the last ack is written down: the real server may leave out earlier ones.
    async fn hear_ack(&mut self, connection: usize, number: i64) {
        let mut last = None;
        loop {
            match self.peers[connection].hear().await {
                Heard::Reply { reply, .. } if matches!(*reply, Reply::DataAppended(_)) => {
                    let Reply::DataAppended(ack) = *reply else {
                        continue;
                    };
                    let linked = last.is_none_or(|last| last == ack.previous_event_number);
                    assert!(linked, "{ack:?} comes after {last:?}");
                    last = Some(ack.event_number);
                    if ack.event_number >= number {
                        let tail = ack.current_segment_write_offset;
                        let number = ack.event_number;
                        self.lines
                            .push(format!("{connection}< acks up to {number}, tail {tail}"));
                        return;
                    }
                }
                other => {
                    self.lines
                        .push(format!("{connection}< instead of acks: {other:?}"));
                    return;
                }
            }
        }
    }

    /// Writes down what comes before the answer to a question of ours.
    async fn quiet(&mut self, connection: usize) {
        if self.peers[connection].is_closed() {
            return;
        }
        let before = self.lines.len();
        let about = self
            .show
            .segments
            .first()
            .map_or_else(show::nobody, Arc::clone);
        for _ in 0..QUIET_ROUNDS {
            let question = info(&about).encode_to_bytes().unwrap();
            self.peers[connection].send(&question).await;
            loop {
                let heard = self.peers[connection].hear().await;
                match heard {
                    Heard::Reply { reply, .. } if reply.request_id() == Some(OWN) => break,
                    Heard::Reply { reply, exact } => {
                        let reply = self.show.reply(*reply, exact);
                        self.lines.push(format!("{connection}< {reply}"));
                    }
                    Heard::Garbage(error) => {
                        self.lines.push(format!("{connection}< garbage: {error}"));
                        return;
                    }
                    end => {
                        let end = if matches!(end, Heard::Closed) {
                            "closed"
                        } else {
                            "silence"
                        };
                        self.lines.push(format!("{connection}. {end}"));
                        return;
                    }
                }
            }
        }
        if self.lines.len() == before {
            self.lines.push(format!("{connection}. open and quiet"));
        }
    }
}

async fn say_hello(peer: &mut Peer) {
    let hello = Request::from(Hello::current()).encode_to_bytes().unwrap();
    peer.send(&hello).await;
    match peer.hear().await {
        Heard::Reply { reply, .. } if matches!(*reply, Reply::Hello(_)) => {}
        other => panic!("instead of a hello: {other:?}"),
    }
}
