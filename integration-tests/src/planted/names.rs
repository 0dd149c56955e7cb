//! Texts that are no names of scopes and streams, at every entrance for names.

use pravega_client_shared::{ScopeName, ScopedSegment, ScopedStream, StreamName};
use pravega_controller_api::{
    ScalingPolicy, ScopeInfo, StreamConfig, StreamInfo,
    controller_service_client::ControllerServiceClient, create_scope_status, create_stream_status,
};
use pravega_standalone::Standalone;
use tokio::runtime;
use tonic::transport::Channel;

use crate::campaign::{Harm, Plan, Report, Tally, Verdict, Violation, over_seeds};

/// Every bad name at every entrance, for each seed the same.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    let mut report = over_seeds("names", plan, |_, tally| {
        for name in bad() {
            at_home(&name, tally)?;
        }
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        runtime.map_err(failed)?.block_on(at_the_server(tally))?;
        Ok(0)
    });
    report.note(format!("{} bad names", bad().len()));
    report
}

/// The bad names: more than 200, no two alike.
#[must_use]
pub fn bad() -> Vec<String> {
    let mut names: Vec<String> = WRITTEN.iter().map(|&name| name.to_owned()).collect();
    for len in [256, 257, 1_000, 65_535, 65_536] {
        names.push("a".repeat(len));
    }
    let is_allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let foreign =
        "üßñЖ中あ한עع\u{301}\u{200b}\u{202e}\u{2028}\u{feff}\u{ff0e}\u{2024}\u{2044}🙂\u{e000}";
    let others = ('\0'..='\u{7f}')
        .filter(|c| !is_allowed(c))
        .chain(foreign.chars());
    for other in others {
        names.extend([
            format!("{other}"),
            format!("a{other}b"),
            format!("{other}ab"),
            format!("ab{other}"),
        ]);
    }
    names.sort();
    names.dedup();
    names
}

const WRITTEN: &[&str] = &[
    "",
    ".",
    "..",
    "_",
    "__",
    "___",
    "a_",
    "a_b",
    "__a",
    "a_b_c",
    "_a_",
    "../a",
    "a/..",
    "./a",
    "a/.",
    "/",
    "//",
    "a//b",
    "/etc/passwd",
    "..\\a",
    "C:\\a",
    "a/../../b",
    "%2e%2e/",
    "a%00",
    "a\r\nb",
    "\u{1b}[31m",
    "\u{1b}]0;x\u{7}",
    "a b",
    " a",
    "a ",
    "scope/stream/0",
    "a#epoch.0",
    "$INDEX",
    "{}",
    "${jndi:ldap://x}",
    "'; drop table",
];

fn accepted(name: &str, entrance: &str) -> Violation {
    let shown: String = name.chars().take(20).collect();
    let bytes = u64::try_from(name.len()).unwrap_or(1);
    let what = format!("{shown:?} is accepted by {entrance}");
    Violation::new(Harm::FalselyReported, bytes, what)
}

fn failed(error: impl std::fmt::Display) -> Violation {
    Violation::broken(format!("the embedded server: {error}"))
}

/// The entrances of the client: whatever makes a name from a text.
fn at_home(name: &str, tally: &mut Tally) -> Verdict {
    let entrances = [
        ("ScopeName::new", ScopeName::new(name).is_ok()),
        ("StreamName::new", StreamName::new(name).is_ok()),
        ("ScopeName::from_str", name.parse::<ScopeName>().is_ok()),
        ("StreamName::from_str", name.parse::<StreamName>().is_ok()),
        (
            "the scope of a stream",
            format!("{name}/a").parse::<ScopedStream>().is_ok(),
        ),
        (
            "a stream's name",
            format!("a/{name}").parse::<ScopedStream>().is_ok(),
        ),
        (
            "the scope of a segment",
            format!("{name}/a/0.#epoch.0")
                .parse::<ScopedSegment>()
                .is_ok(),
        ),
        (
            "a segment's stream",
            format!("a/{name}/0.#epoch.0")
                .parse::<ScopedSegment>()
                .is_ok(),
        ),
    ];
    for (entrance, is_accepted) in entrances {
        if is_accepted {
            return Err(accepted(name, entrance));
        }
        tally.count("bad name refused", entrance);
    }
    Ok(())
}

/// The entrance of the embedded controller.
async fn at_the_server(tally: &mut Tally) -> Verdict {
    let server = Standalone::builder()
        .memory()
        .start()
        .await
        .map_err(failed)?;
    let address = format!("http://{}", server.controller_addr());
    let mut controller = ControllerServiceClient::connect(address)
        .await
        .map_err(failed)?;
    let is_open = makes_scope(&mut controller, "good").await
        && makes_stream(&mut controller, "good", "good").await;
    if !is_open {
        return Err(failed("it refuses good names"));
    }
    for name in bad() {
        if makes_scope(&mut controller, &name).await {
            return Err(accepted(&name, "createScope"));
        }
        if makes_stream(&mut controller, "good", &name).await {
            return Err(accepted(&name, "createStream"));
        }
        if makes_stream(&mut controller, &name, "good").await {
            return Err(accepted(&name, "createStream, for its scope"));
        }
        tally.count("bad name refused", "the embedded controller");
    }
    server.shutdown().await;
    Ok(())
}

async fn makes_scope(controller: &mut ControllerServiceClient<Channel>, name: &str) -> bool {
    let scope = ScopeInfo {
        scope: name.to_owned(),
    };
    let answer = controller.create_scope(scope).await;
    let success = i32::from(create_scope_status::Status::Success);
    answer.is_ok_and(|answer| answer.into_inner().status == success)
}

async fn makes_stream(
    controller: &mut ControllerServiceClient<Channel>,
    scope: &str,
    stream: &str,
) -> bool {
    let stream_info = Some(StreamInfo {
        scope: scope.to_owned(),
        stream: stream.to_owned(),
        ..StreamInfo::default()
    });
    let scaling_policy = Some(ScalingPolicy {
        min_num_segments: 1,
        ..ScalingPolicy::default()
    });
    let config = StreamConfig {
        stream_info,
        scaling_policy,
        ..StreamConfig::default()
    };
    let answer = controller.create_stream(config).await;
    let success = i32::from(create_stream_status::Status::Success);
    answer.is_ok_and(|answer| answer.into_inner().status == success)
}
