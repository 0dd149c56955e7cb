//! Everything that may not be done with the right to read, tried on an embedded server that looks at tokens.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use pravega_client_shared::{DelegationToken, Endpoint, RequestId, WriterId};
use pravega_connection_pool::{Connection, ConnectionPool};
use pravega_controller_api::{
    ScalingPolicy, ScopeInfo, StreamConfig, StreamInfo,
    controller_service_client::ControllerServiceClient, stream_info::AccessOperation,
};
use pravega_standalone::{Accounts, Standalone, StandaloneHandle, hash_password};
use pravega_wire_protocol::{
    CreateSegment, DeleteSegment, GetStreamSegmentInfo, Reply, Request, SealSegment, SetupAppend,
    TruncateSegment, UpdateSegmentAttribute, UpdateSegmentPolicy,
};
use tokio::runtime;
use tonic::{Code, IntoRequest as _, metadata::MetadataValue, transport::Channel};

use crate::{
    backend::config_at,
    campaign::{Harm, Plan, Report, Tally, Verdict, Violation, over_seeds},
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

const PASSWORD: &str = "of course";
const SEGMENT: &str = "scope/stream/0.#epoch.0";

/// Every request with too small a right, for each seed the same.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    over_seeds("rights", plan, |_, tally| {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        runtime.map_err(failed)?.block_on(tries(tally))?;
        Ok(0)
    })
}

fn failed(error: impl std::fmt::Display) -> Violation {
    Violation::broken(format!("the embedded server: {error}"))
}

type Controller = ControllerServiceClient<Channel>;

async fn tries(tally: &mut Tally) -> Verdict {
    let server = serve().await?;
    let address = format!("http://{}", server.controller_addr());
    let mut controller = Controller::connect(address).await.map_err(failed)?;
    make_stream(&mut controller).await?;
    controller_refuses(&mut controller, tally).await?;
    let token = reading_token(&mut controller).await?;
    let pool = ConnectionPool::new(&config_at(&server.controller_uri(), |config| config));
    let store: Endpoint = server.store_addr().to_string().parse().map_err(failed)?;
    let pool = pool.map_err(failed)?;
    let connection = pool.connect(&store).await.map_err(failed)?;
    store_refuses(&connection, &token, tally).await?;
    server.shutdown().await;
    Ok(())
}

async fn serve() -> Result<StandaloneHandle, Violation> {
    let hash = hash_password(PASSWORD).map_err(failed)?;
    let text = format!(
        "owner:{hash}:prn::*,READ_UPDATE\nreader:{hash}:prn::/scope:scope,READ;prn::/scope:scope/*,READ\n"
    );
    let accounts = Accounts::parse(&text).map_err(failed)?;
    let builder = Standalone::builder().memory().accounts(accounts);
    builder.start().await.map_err(failed)
}

/// A call of somebody who has an account.
fn by<T>(user: &str, message: T) -> Result<tonic::Request<T>, Violation> {
    let mut request = message.into_request();
    let header = format!("Basic {}", STANDARD.encode(format!("{user}:{PASSWORD}")));
    let header = MetadataValue::try_from(header).map_err(failed)?;
    request.metadata_mut().insert("authorization", header);
    Ok(request)
}

fn stream(access: AccessOperation) -> StreamInfo {
    StreamInfo {
        scope: "scope".to_owned(),
        stream: "stream".to_owned(),
        access_operation: access.into(),
    }
}

fn config() -> StreamConfig {
    StreamConfig {
        stream_info: Some(stream(AccessOperation::Unspecified)),
        scaling_policy: Some(ScalingPolicy {
            min_num_segments: 1,
            ..ScalingPolicy::default()
        }),
        ..StreamConfig::default()
    }
}

async fn make_stream(controller: &mut Controller) -> Verdict {
    let scope = ScopeInfo {
        scope: "scope".to_owned(),
    };
    controller
        .create_scope(by("owner", scope)?)
        .await
        .map_err(failed)?;
    controller
        .create_stream(by("owner", config())?)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn controller_refuses(controller: &mut Controller, tally: &mut Tally) -> Verdict {
    let info = || by("reader", stream(AccessOperation::Unspecified));
    let outcomes = [
        (
            "createStream",
            code(controller.create_stream(by("reader", config())?).await),
        ),
        (
            "updateStream",
            code(controller.update_stream(by("reader", config())?).await),
        ),
        ("sealStream", code(controller.seal_stream(info()?).await)),
        (
            "deleteStream",
            code(controller.delete_stream(info()?).await),
        ),
        (
            "getCurrentSegments",
            code(controller.get_current_segments(info()?).await),
        ),
        (
            "getDelegationToken",
            code(controller.get_delegation_token(info()?).await),
        ),
    ];
    for (call, code) in outcomes {
        if code != Code::PermissionDenied {
            let what = format!("the right to read suffices for {call}: {code:?}");
            return Err(Violation::new(Harm::FalselyReported, 1, what));
        }
        tally.count("right too small", call);
    }
    Ok(())
}

fn code<T>(outcome: Result<T, tonic::Status>) -> Code {
    outcome.map_or_else(|status| status.code(), |_| Code::Ok)
}

async fn reading_token(controller: &mut Controller) -> Result<DelegationToken, Violation> {
    let request = by("reader", stream(AccessOperation::Read))?;
    let reply = controller.get_delegation_token(request).await;
    let token = reply.map_err(failed)?.into_inner().delegation_token;
    Ok(DelegationToken::new(&token))
}

async fn store_refuses(
    connection: &Connection,
    token: &DelegationToken,
    tally: &mut Tally,
) -> Verdict {
    for (change, make) in CHANGES {
        let reply = connection
            .call(|id| make(id, token.clone()), PATIENCE)
            .await
            .map_err(failed)?;
        if !matches!(reply, Reply::AuthTokenCheckFailed(_)) {
            let what = format!("the right to read suffices for {change}: {reply:?}");
            return Err(Violation::new(Harm::FalselyReported, 1, what));
        }
        tally.count("right too small", change);
    }
    let ask = |id: RequestId| {
        GetStreamSegmentInfo {
            request_id: id.to_wire(),
            segment: SEGMENT.into(),
            delegation_token: token.clone(),
        }
        .into()
    };
    match connection.call(ask, PATIENCE).await.map_err(failed)? {
        Reply::StreamSegmentInfo(info) if !info.is_sealed && info.start_offset == 0 => Ok(()),
        other => Err(failed(format!("{other:?}"))),
    }
}

type Make = fn(RequestId, DelegationToken) -> Request;

macro_rules! change {
    ($name:ident { $($field:ident: $value:expr),* }) => {
        (stringify!($name), |id, delegation_token| {
            $name {
                request_id: id.to_wire(),
                segment: SEGMENT.into(),
                delegation_token,
                $($field: $value),*
            }
            .into()
        })
    };
}

/// Every request that changes a segment.
const CHANGES: [(&str, Make); 7] = [
    change!(SetupAppend {
        writer_id: WriterId::from_wire(1)
    }),
    change!(CreateSegment {
        target_rate: 0,
        scale_type: 0,
        rollover_size_bytes: 0
    }),
    change!(UpdateSegmentPolicy {
        target_rate: 0,
        scale_type: 0
    }),
    change!(UpdateSegmentAttribute {
        attribute_id: 7,
        new_value: 1,
        expected_value: i64::MIN
    }),
    change!(TruncateSegment {
        truncation_offset: 0
    }),
    change!(SealSegment {}),
    change!(DeleteSegment {}),
];
