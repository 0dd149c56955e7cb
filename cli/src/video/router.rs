//! Which address is answered by what, and what all answers have in common.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::{Next, from_fn_with_state, map_response},
    response::Response,
    routing::get,
};
use axum_extra::headers::{HeaderMapExt as _, Host};
use pravega_byte_stream::ClientFactory;
use snafu::{OptionExt as _, ensure};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    limits::Places,
    list::{Catalog, list},
    live::live,
    page,
    play::play,
    problem::{BadRequestSnafu, ForeignHostSnafu, NoSuchMethodSnafu, NoSuchPageSnafu, Problem},
    record::record,
};

/// The one name that always is this machine's.
const LOCALHOST: &str = "localhost";

/// What every answer says to the browser. The page loads its own files and nothing else; nobody frames it; media
/// is what its type says; nothing is kept, because it grows.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; media-src 'self'; \
             connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
        ),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// What all requests share. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct App {
    factory: watch::Receiver<ClientFactory>,
    hosts: Arc<[String]>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) places: Places,
    /// The recordings under way.
    pub(crate) recordings: TaskTracker,
    /// Cancelled when the server ends.
    pub(crate) closing: CancellationToken,
}

impl App {
    pub(crate) fn new(factory: watch::Receiver<ClientFactory>, hosts: &[String]) -> Self {
        Self {
            factory,
            hosts: hosts.into(),
            catalog: Arc::default(),
            places: Places::new(),
            recordings: TaskTracker::new(),
            closing: CancellationToken::new(),
        }
    }

    /// The client to use now. Another one takes its place when the process that served a shared directory ends.
    pub(crate) fn factory(&self) -> ClientFactory {
        self.factory.borrow().clone()
    }

    fn is_known_as(&self, host: &str) -> bool {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let is = |name: &str| name.eq_ignore_ascii_case(host);
        address.parse::<IpAddr>().is_ok() || is(LOCALHOST) || self.hosts.iter().any(|own| is(own))
    }
}

pub(crate) fn router(app: App, read_only: bool) -> Router {
    let stream = if read_only {
        get(play)
    } else {
        get(play).put(record)
    };
    Router::new()
        .route("/", get(page::html))
        .route("/page.css", get(page::css))
        .route("/page.js", get(page::script))
        .route("/streams", get(list))
        .route("/streams/{scope}/{stream}", stream)
        .route("/live/{scope}/{stream}", get(live))
        .fallback(async || NoSuchPageSnafu.fail::<()>())
        .method_not_allowed_fallback(async || NoSuchMethodSnafu.fail::<()>())
        .layer(from_fn_with_state(app.clone(), check_host))
        .layer(map_response(add_headers))
        .with_state(app)
}

/// Refuses requests for a name that is not ours. A foreign page could point its own name at this address and
/// would count as the same site then.
async fn check_host(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let detail = "there is no Host header";
    let host: Host = request
        .headers()
        .typed_get()
        .context(BadRequestSnafu { detail })?;
    ensure!(app.is_known_as(host.hostname()), ForeignHostSnafu);
    Ok(next.run(request).await)
}

async fn add_headers(mut response: Response) -> Response {
    response.headers_mut().extend(HEADERS);
    response
}
