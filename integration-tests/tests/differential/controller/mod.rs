//! Scripts of calls for the controller.

mod play;
mod scene;
mod scripts;
mod tidy;

use self::scene::Scene;
use crate::{compare::assert_alike, target::Target, transcript::Transcript};

/// A script: an id, unique in its group, and what to do.
type Script = (&'static str, fn(&Scene));

/// Plays a group of scripts to all servers and compares.
async fn compare(group: &str, scripts: &[Script]) {
    let in_memory = play_all(&Target::in_memory().await, scripts).await;
    let on_disk = play_all(&Target::on_disk().await, scripts).await;
    let real = match Target::real().await {
        Some(real) => Some(play_all(&real, scripts).await),
        None => None,
    };
    assert_alike(&format!("controller/{group}"), [&in_memory, &on_disk], real);
}

async fn play_all(target: &Target, scripts: &[Script]) -> Vec<Transcript> {
    let mut transcripts = Vec::with_capacity(scripts.len());
    for (id, script) in scripts {
        let scene = Scene::new(&target.unique, id);
        script(&scene);
        transcripts.push(play::play(target, id, scene).await);
    }
    transcripts
}
