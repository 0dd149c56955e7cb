//! `video serve`: the command.

use std::pin::pin;

use snafu::ResultExt as _;
use tokio::{net::TcpListener, sync::watch};

use super::{
    args::Serve,
    router::{App, router},
    server,
};
use crate::{
    args::Place,
    error::{CliError, IoSnafu},
    output,
    serve::until_signal,
    session::Session,
};

pub(crate) async fn run(place: &Place, options: &Serve) -> Result<(), CliError> {
    let what = || format!("listening on {}", options.listen);
    let listener = TcpListener::bind(options.listen).await;
    let listener = listener.with_context(|_| IoSnafu { what: what() })?;
    let address = listener.local_addr();
    let address = address.with_context(|_| IoSnafu { what: what() })?;
    let mut session = Session::open(place).await?;
    let (factories, factory) = watch::channel(session.factory.clone());
    let app = App::new(factory, &options.hosts);
    let (recordings, closing) = (app.recordings.clone(), app.closing.clone());
    let router = router(app, options.read_only);
    let serving = tokio::spawn(server::run(
        server::tcp(listener),
        router,
        recordings,
        closing.clone(),
    ));
    output::line(&format!("video http://{address}/"))?;
    let mut signal = pin!(until_signal());
    let ended = loop {
        // A process that serves the directory may end at any time. Players go on with the next one.
        let next = tokio::select! {
            ended = &mut signal => break ended,
            next = session.successor() => next,
        };
        match next {
            Ok(next) => {
                factories.send_replace(next.factory.clone());
                std::mem::replace(&mut session, next).close().await;
            }
            Err(error) => break Err(error),
        }
    };
    closing.cancel();
    serving.await.ok();
    session.close().await;
    ended
}
