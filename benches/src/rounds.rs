//! Runs comparisons: entry after entry, and all of that several times, so that what disturbs the machine disturbs all.
//! Each round begins with another entry, so that nobody always comes first or last.

use std::{collections::BTreeMap, path::PathBuf};

use tempfile::TempDir;

use crate::{
    job::{Outcome, Work},
    plan::{Against, Comparison, Entry, Who},
    programs::{self, Figures, Program, Server},
    results::{Measured, Row},
};

/// How it is measured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How often each entry runs.
    pub rounds: usize,
    /// For how long each time.
    pub seconds: f64,
    /// The program of the peers. Without it they are left out.
    pub peers: Option<PathBuf>,
    /// The command line of this repository. Without it, it is left out.
    pub serve: Option<PathBuf>,
    /// A program that does jobs with the Java client. Without it, it is left out.
    pub java: Option<PathBuf>,
    /// The Pravega to measure on, for comparisons that need a real one.
    pub given: Option<Given>,
    /// Crowds are left out above this size.
    pub max_crowd: usize,
}

/// A real Pravega.
#[derive(Debug, Clone)]
pub enum Given {
    /// One that runs already, by its controller.
    Running(String),
    /// A program that starts one: each contender finds it as new as the others.
    Starter(PathBuf),
}

/// All servers that were needed so far, and how to get more.
#[derive(Debug)]
pub struct Stage {
    ours: PathBuf,
    settings: Settings,
    can_pin: bool,
    servers: BTreeMap<(Kind, bool), Server>,
    directory: TempDir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Ours(Against),
    Raw(Keeping),
    Tonic,
}

/// What the other end of a bare socket does with what it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Keeping {
    Nothing,
    File,
    Library,
}

/// What the peer's allocator is told: keep what was freed, instead of giving it back and faulting it in again.
const TUNED: &[(&str, &str)] = &[
    ("MALLOC_TRIM_THRESHOLD_", "1073741824"),
    ("MALLOC_TOP_PAD_", "268435456"),
    ("MALLOC_MMAP_THRESHOLD_", "1073741824"),
];

impl Stage {
    /// An empty stage.
    ///
    /// # Errors
    /// When there is no place for temporary files.
    pub fn new(settings: Settings) -> Outcome<Self> {
        Ok(Self {
            ours: std::env::current_exe()?,
            settings,
            can_pin: programs::can_pin(),
            servers: BTreeMap::new(),
            // Not in memory, where `/tmp` may be: a sync has to reach a disk.
            directory: TempDir::with_prefix_in(".compare-", std::env::current_dir()?)?,
        })
    }

    /// Runs one comparison. `notice` is told what is going on.
    ///
    /// # Errors
    /// When a program fails.
    pub async fn run(
        &mut self,
        comparison: &Comparison,
        mut notice: impl FnMut(&str),
    ) -> Outcome<Measured> {
        let mut rows: Vec<Row> = comparison.entries.iter().map(Row::new).collect();
        for round in 1..=self.settings.rounds {
            let mut turns: Vec<_> = comparison.entries.iter().zip(&mut rows).collect();
            let first = (round - 1) % turns.len().max(1);
            turns.rotate_left(first);
            for (entry, row) in turns {
                if !self.takes_part(entry) {
                    continue;
                }
                notice(&format!(
                    "{}, round {round}: {}",
                    comparison.id,
                    entry.label()
                ));
                let is_pinned = comparison.is_pinned && self.can_pin;
                let figures = self.contend(entry, is_pinned).await?;
                row.rounds.push(figures);
            }
        }
        Ok(Measured {
            id: comparison.id.to_owned(),
            rows,
        })
    }

    fn takes_part(&self, entry: &Entry) -> bool {
        match entry.who {
            Who::Peer | Who::PeerTuned | Who::Tonic => self.settings.peers.is_some(),
            Who::Serve => self.settings.serve.is_some(),
            Who::Java => self.settings.java.is_some(),
            _ => entry.work != Work::Crowd || entry.size <= self.settings.max_crowd,
        }
    }

    async fn contend(&mut self, entry: &Entry, is_pinned: bool) -> Outcome<Figures> {
        let address = match (entry.who, &self.settings.serve) {
            (Who::Serve, Some(cli)) => cli.display().to_string(),
            _ => self.server(entry, is_pinned).await?,
        };
        let mut program = self.contender(entry, is_pinned)?;
        let (size, seconds) = (entry.size.to_string(), self.settings.seconds.to_string());
        let work = work_name(entry.work);
        program.arguments.extend([address, work, size, seconds]);
        if entry.who == Who::Shared {
            program.arguments.push("--shared".to_owned());
        }
        if let Some(window) = entry.window {
            program.arguments.push(format!("--window={window}"));
        }
        program
            .arguments
            .push(format!("--idle-ms={}", entry.idle_ms));
        if entry.against == Against::Given {
            // As the Java program, which is compiled while it runs. So is the server.
            program.arguments.push("--warm-up=1".to_owned());
            if let Some(Given::Starter(starter)) = &self.settings.given {
                program = program.started_by(starter);
            }
        }
        if is_pinned || matches!(entry.who, Who::Raw | Who::Library) {
            program.arguments.push("--threads=1".to_owned());
        }
        program.figures(self.settings.seconds).await
    }

    fn contender(&self, entry: &Entry, is_pinned: bool) -> Outcome<Program> {
        let peers = || self.settings.peers.as_deref().ok_or("there are no peers");
        let java = || self.settings.java.as_deref().ok_or("there is no Java");
        let program = match entry.who {
            Who::Raw | Who::Library => Program::new(&self.ours, &["contend", "raw"]),
            Who::Shared | Who::Exclusive => Program::new(&self.ours, &["contend", "ours"]),
            Who::Timed => Program::new(&self.ours, &["contend", "raw-timed"]),
            Who::Serve => Program::new(&self.ours, &["contend", "serve"]),
            Who::Peer => Program::new(peers()?, &["pravega"]),
            Who::PeerTuned => Program {
                environment: TUNED,
                ..Program::new(peers()?, &["pravega"])
            },
            Who::Java => Program::new(java()?, &[]),
            Who::Tonic => Program::new(peers()?, &["tonic"]),
        };
        Ok(Program {
            is_pinned,
            ..program
        })
    }

    /// The address of the server for an entry, which is started if this is the first to need it.
    async fn server(&mut self, entry: &Entry, is_pinned: bool) -> Outcome<String> {
        if entry.against == Against::Given {
            return match &self.settings.given {
                Some(Given::Running(address)) => Ok(address.clone()),
                Some(Given::Starter(_)) => Ok(programs::ADDRESS.to_owned()),
                None => Err("no Pravega is given".into()),
            };
        }
        let kind = match (entry.who, entry.against) {
            (Who::Raw, Against::Directory) => Kind::Raw(Keeping::File),
            (Who::Raw | Who::Timed, _) => Kind::Raw(Keeping::Nothing),
            (Who::Library, _) => Kind::Raw(Keeping::Library),
            (Who::Tonic, _) => Kind::Tonic,
            (_, against) => Kind::Ours(against),
        };
        if let Some(server) = self.servers.get(&(kind, is_pinned)) {
            return Ok(server.address.clone());
        }
        let program = Program {
            is_pinned,
            ..self.server_program(kind, is_pinned)?
        };
        let server = program.serve().await?;
        let address = server.address.clone();
        self.servers.insert((kind, is_pinned), server);
        Ok(address)
    }

    fn server_program(&self, kind: Kind, is_pinned: bool) -> Outcome<Program> {
        let place = |name: &str| self.directory.path().join(name).display().to_string();
        let ours = |arguments: &[&str]| Program::new(&self.ours, arguments);
        Ok(match kind {
            Kind::Ours(Against::Null(delay)) => {
                let delay = delay.to_string();
                // On one processor a second thread would only be one more switch, which the bare server has not.
                let threads = if is_pinned { "1" } else { "2" };
                ours(&["null-server", "--delay-ms", &delay, "--threads", threads])
            }
            Kind::Ours(Against::Memory) => ours(&["embedded-server"]),
            Kind::Ours(Against::Directory) => {
                ours(&["embedded-server", "--data-dir", &place("data")])
            }
            Kind::Ours(Against::Given) => return Err("it runs already".into()),
            Kind::Raw(Keeping::Nothing) => ours(&["raw-server"]),
            Kind::Raw(Keeping::File) => ours(&["raw-server", "--file", &place("raw")]),
            Kind::Raw(Keeping::Library) => ours(&["raw-server", "--database", &place("redb")]),
            Kind::Tonic => {
                let peers = self.settings.peers.as_deref().ok_or("there are no peers")?;
                Program::new(peers, &["tonic-server"])
            }
        })
    }
}

fn work_name(work: Work) -> String {
    use clap::ValueEnum as _;
    let value = work.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}
