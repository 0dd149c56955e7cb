//! Scripts of raw messages for the segment store.

mod helper;
mod peer;
mod play;
mod requests;
mod scene;
mod scripts;
mod show;
mod visible;

pub(crate) use self::helper::Helper;

use self::scene::Scene;
use crate::{
    compare::assert_alike,
    target::Target,
    transcript::{self, Transcript},
};

/// A script: an id, unique in its group, and what to do.
type Script = (&'static str, fn(&Scene));

/// Plays a group of scripts to all servers and compares.
async fn compare(group: &str, scripts: &[Script]) {
    let in_memory = play_all(&Target::in_memory().await, scripts).await;
    let on_disk = play_all(&Target::on_disk().await, scripts).await;
    let group = format!("wire/{group}");
    let real = match Target::real().await {
        Some(real) => Some(play_to_real(&real, scripts, &group).await),
        None => None,
    };
    assert_alike(&group, [&in_memory, &on_disk], real);
}

/// How often a script is played to the real server at most.
const TRIES: usize = 3;

/// Plays the scripts to the real server. A few of its answers depend on the timing of its threads, so one
/// that is not as recorded is asked for again; what it says in the end is compared like everything else.
async fn play_to_real(target: &Target, scripts: &[Script], group: &str) -> Vec<Transcript> {
    let recorded = transcript::recorded(group);
    let mut transcripts = Vec::with_capacity(scripts.len());
    for (id, script) in scripts {
        let mut played = play_once(target, &target.unique, id, *script).await;
        for again in 1..TRIES {
            if recorded.contains(&played) {
                break;
            }
            let unique = format!("{}-{again}", target.unique);
            played = play_once(target, &unique, id, *script).await;
        }
        transcripts.push(played);
    }
    transcripts
}

async fn play_all(target: &Target, scripts: &[Script]) -> Vec<Transcript> {
    let mut transcripts = Vec::with_capacity(scripts.len());
    for (id, script) in scripts {
        transcripts.push(play_once(target, &target.unique, id, *script).await);
    }
    transcripts
}

async fn play_once(target: &Target, unique: &str, id: &str, script: fn(&Scene)) -> Transcript {
    let scene = Scene::new(unique, id);
    script(&scene);
    play::play(target, id, scene).await
}
