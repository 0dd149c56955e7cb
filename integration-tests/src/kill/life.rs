//! One directory, one server that is killed again and again, and those who work through it.

use std::{path::Path, time::Duration};

use pravega_byte_stream::{ClientFactory, RetryPolicy, ScopedSegment, ScopedStream, WriteMode};
use tokio::time::{Instant, sleep, timeout};

use super::{
    KILLS_A_RUN,
    changes::Changing,
    clients::Clients,
    server::{Ports, Server, broken},
};
use crate::{
    Random, Trace,
    backend::factory_at,
    campaign::{Tally, Verdict},
};

/// In which state a server is to be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    Appending,
    Truncating,
    MakingStreams,
    Starting,
    Whatever,
}

/// How long a state is waited for; what is met then is met.
const SOON: Duration = Duration::from_millis(300);

/// All clients of a run come to their ends within this time, or never.
const ENDLESS: Duration = Duration::from_secs(120);

/// The clients of one run.
struct World {
    exclusive: Clients,
    shared: Clients,
    truncating: Changing,
    making: Changing,
}

/// One run. Gives the hash of what the seed has chosen.
pub(super) async fn live(folder: &Path, seed: u64, tally: &mut Tally) -> Verdict<u64> {
    let (mut random, mut trace) = (Random::new(seed), Trace::new());
    let mut server = Server::start(folder, Ports::any(), "").await?;
    let ports = server.ports;
    let factory = patient_factory(&ports.controller_uri());
    let mut world = World::begin(&factory, &mut random).await?;
    for kill in 1..=KILLS_A_RUN {
        let met = [
            Met::Appending,
            Met::Truncating,
            Met::MakingStreams,
            Met::Starting,
        ];
        let wanted = random.pick(&met).copied().filter(|_| !random.one_in(5));
        let wanted = wanted.unwrap_or(Met::Whatever);
        let micros = u64::try_from(random.below(40_000)).unwrap_or_default();
        for chosen in [micros, u64::try_from(random.below(4)).unwrap_or_default()] {
            trace.add(chosen);
        }
        // Work for a while, and then until the state is there.
        sleep(Duration::from_micros(micros)).await;
        world.reach(wanted).await;
        let state = world.state(wanted);
        server.kill()?;
        tally.count("server killed", state);
        if wanted == Met::Starting {
            killed_while_starting(folder, ports, &mut random, tally).await?;
        }
        if kill < KILLS_A_RUN && random.one_in(3) {
            world.lose_a_writer(&mut random, tally).await?;
        }
        server = Server::start(folder, ports, "").await?;
    }
    let ended = timeout(ENDLESS, world.finish()).await;
    ended.map_err(|_| broken("somebody did not go on"))??;
    factory.shutdown().await;
    Ok(trace.value())
}

/// A server is killed within moments of its start.
async fn killed_while_starting(
    folder: &Path,
    ports: Ports,
    random: &mut Random,
    tally: &mut Tally,
) -> Verdict {
    let micros = u64::try_from(random.below(12_000)).unwrap_or_default();
    let starting = Server::launch(folder, ports, "")?;
    sleep(Duration::from_micros(micros)).await;
    let had_begun = starting.kill()?;
    let state = if had_begun {
        "just started"
    } else {
        "recovering"
    };
    tally.count("server killed", state);
    Ok(())
}

impl World {
    async fn begin(factory: &ClientFactory, random: &mut Random) -> Verdict<Self> {
        let exclusive = segment(factory, "kill/exclusive").await?;
        let shared = segment(factory, "kill/shared").await?;
        let truncated = segment(factory, "kill/truncated").await?;
        let (one, other) = (WriteMode::Exclusive, WriteMode::Shared);
        Ok(Self {
            exclusive: Clients::start(factory, exclusive, one, random.next()),
            shared: Clients::start(factory, shared, other, random.next()),
            truncating: Changing::truncate(factory, truncated, random.next()),
            making: Changing::make_and_seal(factory, "made".to_owned()),
        })
    }

    async fn reach(&self, wanted: Met) {
        let until = Instant::now() + SOON;
        while !self.is(wanted) && Instant::now() < until {
            tokio::task::yield_now().await;
        }
    }

    fn is(&self, wanted: Met) -> bool {
        match wanted {
            Met::Appending => self.exclusive.is_writing() || self.shared.is_writing(),
            Met::Truncating => self.truncating.is_busy(),
            Met::MakingStreams => self.making.is_busy(),
            Met::Starting | Met::Whatever => true,
        }
    }

    /// What is met: the state that was wanted, or the first of the others.
    fn state(&self, wanted: Met) -> &'static str {
        let others = [Met::Appending, Met::MakingStreams, Met::Truncating];
        let wanted = Some(wanted).filter(|wanted| others.contains(wanted));
        match wanted.into_iter().chain(others).find(|met| self.is(*met)) {
            Some(Met::Appending) => "append in flight",
            Some(Met::Truncating) => "truncation in flight",
            Some(Met::MakingStreams) => "create or seal in flight",
            _ => "nothing in flight",
        }
    }

    /// The server's death takes a client with it.
    async fn lose_a_writer(&mut self, random: &mut Random, tally: &mut Tally) -> Verdict {
        tally.count("writer lost with the server", "append in flight");
        match random.one_in(2) {
            true => self.exclusive.replace_writer().await,
            false => self.shared.replace_writer().await,
        }
    }

    async fn finish(self) -> Verdict {
        self.truncating.finish().await?;
        self.making.finish().await?;
        self.exclusive.finish().await?;
        self.shared.finish().await?;
        Ok(())
    }
}

pub(super) async fn segment(factory: &ClientFactory, name: &str) -> Verdict<ScopedSegment> {
    let stream: ScopedStream = name
        .parse()
        .map_err(|error| broken(format!("{name}: {error}")))?;
    let failed = |error| broken(format!("making {name}: {error}"));
    factory.ensure_byte_stream(&stream).await.map_err(failed)?;
    factory.segment_of(&stream).await.map_err(failed)
}

/// A factory whose clients come back soon.
pub(super) fn patient_factory(uri: &str) -> ClientFactory {
    let retry = RetryPolicy::default()
        .with_initial_backoff(Duration::from_millis(1))
        .with_max_backoff(Duration::from_millis(20))
        .with_max_attempts(1_000);
    factory_at(uri, |config| config.retry(retry))
}
