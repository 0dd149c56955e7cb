//! The controller's calls.

use std::collections::BTreeMap;

use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use pravega_byte_stream::{
    ControllerClient, ControllerError, Credentials, ScopedStream, StreamConfiguration,
};
use pravega_controller_client::Access;

use super::{Case, asking::expect_eq};
use crate::{
    campaign::Verdict,
    cancel::{
        knife::repeat,
        pen::Pen,
        scene::{Trial, failed, in_a_hurry},
    },
};

pub(super) const CASES: &[Case] = &[
    Case::new("ControllerClient::create_scope", "missing", |it| {
        scope(it, Op::Create).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::delete_scope", "there", |it| {
        scope(it, Op::Delete).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::scope_exists", "there", |it| {
        scope(it, Op::Ask).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::list_scopes", "some", |it| {
        list(it, List::Scopes).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::create_stream", "missing", |it| {
        stream(it, Op::Create).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::stream_exists", "there", |it| {
        stream(it, Op::Ask).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::seal_stream", "open", |it| {
        stream(it, Op::Seal).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::delete_stream", "sealed", |it| {
        stream(it, Op::Delete).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::update_stream", "open", |it| {
        update(it).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::stream_configuration", "open", |it| {
        configuration(it).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::truncate_stream", "some bytes", |it| {
        truncate(it).boxed()
    })
    .without_relay()
    .spoiling(),
    Case::new("ControllerClient::list_streams", "one", |it| {
        list(it, List::Streams).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::list_streams_with_tag", "one", |it| {
        list(it, List::Tagged).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::current_segments", "one", |it| {
        current(it).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::head_segments", "one", |it| {
        head(it).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::segment_is_valid", "one", |it| {
        valid(it).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::successors", "one", |it| {
        successors(it).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::endpoint", "not known yet", |it| {
        endpoint(it).boxed()
    })
    .without_relay(),
    Case::new("ControllerClient::token", "not known yet", |it| {
        token(it).boxed()
    })
    .without_relay(),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    Create,
    Ask,
    Seal,
    Delete,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Scopes,
    Streams,
    Tagged,
}

/// A client of the controller that nobody has used; it does not pass the relay, which does not know all calls.
fn controller(trial: &Trial) -> Verdict<ControllerClient> {
    let factory = trial.scene.relay.backend().factory_with(in_a_hurry);
    factory.controller().map_err(failed("a controller client"))
}

/// A client that has been used.
fn used(trial: &Trial) -> Verdict<ControllerClient> {
    trial
        .scene
        .clean
        .controller()
        .map_err(failed("a controller client"))
}

fn wrong(error: ControllerError) -> crate::campaign::Violation {
    failed("a call")(error)
}

/// A name that nobody uses, in a scope of its own.
fn fresh(trial: &Trial) -> Verdict<ScopedStream> {
    let name = trial.scene.relay.backend().fresh_name();
    let own = format!("{}-{}/x", name.scope(), name.stream());
    own.parse().map_err(failed("a name"))
}

async fn scope(trial: &mut Trial, op: Op) -> Verdict {
    let (controller, used, name) = (controller(trial)?, used(trial)?, fresh(trial)?);
    let scope = name.scope();
    if op != Op::Create {
        used.create_scope(scope).await.map_err(wrong)?;
    }
    let answer = match op {
        Op::Create => repeat!(trial.knife, controller.create_scope(scope)),
        Op::Delete => repeat!(trial.knife, controller.delete_scope(scope)),
        _ => repeat!(trial.knife, controller.scope_exists(scope)),
    };
    let answer = answer.map_err(wrong)?;
    // The first call may have done it.
    if op == Op::Ask || trial.knife.polls == 0 {
        expect_eq("the answer", answer, true)?;
    }
    let is_there = used.scope_exists(scope).await.map_err(wrong)?;
    expect_eq("the scope is there", is_there, op != Op::Delete)
}

async fn stream(trial: &mut Trial, op: Op) -> Verdict {
    let (controller, used, name) = (controller(trial)?, used(trial)?, fresh(trial)?);
    let plain = StreamConfiguration::default();
    used.create_scope(name.scope()).await.map_err(wrong)?;
    if op != Op::Create {
        used.create_stream(&name, &plain).await.map_err(wrong)?;
    }
    if op == Op::Delete {
        used.seal_stream(&name).await.map_err(wrong)?;
    }
    let knife = &mut trial.knife;
    let answer = match op {
        Op::Create => repeat!(knife, controller.create_stream(&name, &plain)),
        Op::Ask => repeat!(knife, controller.stream_exists(&name)),
        Op::Delete => repeat!(knife, controller.delete_stream(&name)),
        Op::Seal => {
            let sealed = repeat!(knife, controller.seal_stream(&name));
            sealed.map(|()| true)
        }
    };
    let answer = answer.map_err(wrong)?;
    if op == Op::Ask || trial.knife.polls == 0 {
        expect_eq("the answer", answer, true)?;
    }
    let is_there = used.stream_exists(&name).await.map_err(wrong)?;
    expect_eq("the stream is there", is_there, op != Op::Delete)?;
    if op == Op::Delete {
        return Ok(());
    }
    let open = used.current_segments(&name).await.map_err(wrong)?.len();
    expect_eq("open segments", open, usize::from(op != Op::Seal))
}

async fn update(trial: &mut Trial) -> Verdict {
    let (controller, used, name) = (controller(trial)?, used(trial)?, fresh(trial)?);
    used.create_scope(name.scope()).await.map_err(wrong)?;
    let plain = StreamConfiguration::default();
    used.create_stream(&name, &plain).await.map_err(wrong)?;
    let tagged = plain.with_tag("after");
    let updated = repeat!(trial.knife, controller.update_stream(&name, &tagged));
    updated.map_err(wrong)?;
    let now = used.stream_configuration(&name).await.map_err(wrong)?;
    expect_eq("the tags", now.tags, tagged.tags)
}

async fn configuration(trial: &mut Trial) -> Verdict {
    let (controller, stream) = (controller(trial)?, trial.scene.stream.clone());
    let asked = repeat!(trial.knife, controller.stream_configuration(&stream));
    let scaling = asked.map_err(wrong)?.scaling;
    expect_eq(
        "the scaling",
        scaling,
        StreamConfiguration::fixed(1).scaling,
    )
}

async fn truncate(trial: &mut Trial) -> Verdict {
    let mut pen = Pen::clean(&trial.scene).await?;
    pen.append(1_000).await?;
    pen.flush().await?;
    let (controller, stream) = (controller(trial)?, trial.scene.stream.clone());
    let cut = BTreeMap::from([(trial.scene.segment.id(), 400)]);
    let truncated = repeat!(trial.knife, controller.truncate_stream(&stream, &cut));
    truncated.map_err(wrong)?;
    let segment = trial.scene.segment.clone();
    let handle = trial
        .scene
        .clean
        .segment(segment)
        .map_err(failed("a handle"))?;
    let info = handle.info().await.map_err(failed("asking"))?;
    expect_eq("the head", info.head, 400)
}

/// Each wait for an item is dropped and repeated; the list goes on.
async fn list(trial: &mut Trial, what: List) -> Verdict {
    let (controller, used, name) = (controller(trial)?, used(trial)?, fresh(trial)?);
    used.create_scope(name.scope()).await.map_err(wrong)?;
    let tagged = StreamConfiguration::default().with_tag("listed");
    used.create_stream(&name, &tagged).await.map_err(wrong)?;
    let mut items = match what {
        List::Scopes => controller
            .list_scopes()
            .map_ok(|scope| scope.to_string())
            .boxed(),
        List::Streams => {
            let streams = controller.list_streams(name.scope());
            streams.map_ok(|stream| stream.to_string()).boxed()
        }
        List::Tagged => {
            let streams = controller.list_streams_with_tag(name.scope(), "listed");
            streams.map_ok(|stream| stream.to_string()).boxed()
        }
    };
    let wanted = match what {
        List::Scopes => name.scope().to_string(),
        List::Streams | List::Tagged => name.to_string(),
    };
    let mut times = 0;
    while let Some(item) = repeat!(trial.knife, items.try_next()).transpose() {
        times += usize::from(item.map_err(wrong)? == wanted);
    }
    expect_eq("how often it is listed", times, 1)
}

async fn current(trial: &mut Trial) -> Verdict {
    let (controller, stream) = (controller(trial)?, trial.scene.stream.clone());
    let asked = repeat!(trial.knife, controller.current_segments(&stream));
    let ids: Vec<_> = asked.map_err(wrong)?.iter().map(|range| range.id).collect();
    expect_eq("the segments", ids, vec![trial.scene.segment.id()])
}

async fn head(trial: &mut Trial) -> Verdict {
    let (controller, stream) = (controller(trial)?, trial.scene.stream.clone());
    let asked = repeat!(trial.knife, controller.head_segments(&stream));
    let head = asked.map_err(wrong)?;
    expect_eq("the head", head, vec![(trial.scene.segment.id(), 0)])
}

async fn valid(trial: &mut Trial) -> Verdict {
    let (controller, segment) = (controller(trial)?, trial.scene.segment.clone());
    let asked = repeat!(trial.knife, controller.segment_is_valid(&segment));
    expect_eq("a valid segment", asked.map_err(wrong)?, true)
}

async fn successors(trial: &mut Trial) -> Verdict {
    let (controller, segment) = (controller(trial)?, trial.scene.segment.clone());
    let asked = repeat!(trial.knife, controller.successors(&segment));
    expect_eq("successors", asked.map_err(wrong)?.len(), 0)
}

async fn endpoint(trial: &mut Trial) -> Verdict {
    let (controller, segment) = (controller(trial)?, trial.scene.segment.clone());
    let asked = repeat!(trial.knife, controller.endpoint(&segment));
    let located = asked.map_err(wrong)?;
    let used = used(trial)?.endpoint(&segment).await.map_err(wrong)?;
    expect_eq("the store", located.endpoint, used.endpoint)
}

async fn token(trial: &mut Trial) -> Verdict {
    // Somebody without credentials is not told of tokens, and does not ask.
    let factory = trial.scene.relay.backend().factory_with(|config| {
        let somebody = Credentials::bearer("somebody");
        in_a_hurry(config).credentials(somebody)
    });
    let controller = factory
        .controller()
        .map_err(failed("a controller client"))?;
    let stream = trial.scene.stream.clone();
    let asked = repeat!(trial.knife, controller.token(&stream, Access::Read));
    let token = asked.map_err(wrong)?.token;
    expect_eq("a token without security is empty", token.is_empty(), true)
}
