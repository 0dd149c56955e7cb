//! Calls that create, change, describe and end streams.

use pravega_client_shared::StreamName;
use pravega_controller_api as api;
use tonic::Status;

use super::{
    catalog::{Catalog, Refusal},
    changes::{ChangeError, Controller},
    convert::{config, named, refused, scope_named, settings, unexpected},
    storage::Storage,
};

impl<S: Storage> Controller<S> {
    pub(super) async fn handle_create_stream(
        &self,
        request: api::StreamConfig,
    ) -> Result<api::CreateStreamStatus, Status> {
        use api::create_stream_status::Status as Outcome;

        if request.rollover_size_bytes < 0 {
            return Err(unexpected());
        }
        let settings = settings(&request);
        let info = request.stream_info.ok_or_else(unexpected)?;
        let scope = scope_named(Some(api::ScopeInfo { scope: info.scope }))?;
        let Ok(stream) = StreamName::new(&info.stream) else {
            let status = Outcome::InvalidStreamName.into();
            return Ok(api::CreateStreamStatus { status });
        };
        let plan = |catalog: &Catalog| catalog.plan_create_stream(&scope, &stream, settings);
        let created = self.create_stream(plan).await;
        let outcome = match created {
            Ok(()) => Outcome::Success,
            Err(error) => match refused(error)? {
                Refusal::StreamExists => Outcome::StreamExists,
                Refusal::ScopeNotFound => Outcome::ScopeNotFound,
                _ => Outcome::Failure,
            },
        };
        Ok(api::CreateStreamStatus {
            status: outcome.into(),
        })
    }

    pub(super) async fn handle_update_stream(
        &self,
        request: api::StreamConfig,
    ) -> Result<api::UpdateStreamStatus, Status> {
        if request.rollover_size_bytes < 0 {
            return Err(unexpected());
        }
        let settings = settings(&request);
        let (scope, stream) = named(request.stream_info)?;
        let plan = |catalog: &Catalog| catalog.plan_update_stream(&scope, &stream, settings);
        update_status(self.change(plan).await)
    }

    pub(super) async fn handle_truncate_stream(
        &self,
        request: api::StreamCut,
    ) -> Result<api::UpdateStreamStatus, Status> {
        let (scope, stream) = named(request.stream_info)?;
        let cut = request.cut;
        let plan = |catalog: &Catalog| catalog.plan_truncate_stream(&scope, &stream, &cut);
        update_status(self.truncate_stream(plan).await)
    }

    pub(super) async fn handle_seal_stream(
        &self,
        request: api::StreamInfo,
    ) -> Result<api::UpdateStreamStatus, Status> {
        let (scope, stream) = named(Some(request))?;
        update_status(self.seal_stream(&scope, &stream).await)
    }

    pub(super) async fn handle_delete_stream(
        &self,
        request: api::StreamInfo,
    ) -> Result<api::DeleteStreamStatus, Status> {
        use api::delete_stream_status::Status as Outcome;

        let (scope, stream) = named(Some(request))?;
        let outcome = match self.delete_stream(&scope, &stream).await {
            Ok(()) => Outcome::Success,
            Err(error) => match refused(error)? {
                Refusal::StreamNotFound => Outcome::StreamNotFound,
                Refusal::StreamNotSealed => Outcome::StreamNotSealed,
                _ => Outcome::Failure,
            },
        };
        Ok(api::DeleteStreamStatus {
            status: outcome.into(),
        })
    }

    pub(super) fn handle_check_stream_exists(
        &self,
        request: api::StreamInfo,
    ) -> Result<api::ExistsResponse, Status> {
        let (scope, stream) = named(Some(request))?;
        let exists = self.look(|catalog| catalog.stream(&scope, &stream).is_ok());
        Ok(api::ExistsResponse { exists })
    }

    pub(super) fn handle_get_stream_configuration(
        &self,
        request: api::StreamInfo,
    ) -> Result<api::StreamConfig, Status> {
        let (scope, stream) = named(Some(request))?;
        self.look(|catalog| {
            let (name, record) = catalog.stream(&scope, &stream)?;
            Ok(config(&name, &record.settings))
        })
        .map_err(absent)
    }
}

/// The gRPC status of a question about something that is not there.
pub(super) fn absent(_: Refusal) -> Status {
    Status::not_found("no such stream or epoch")
}

/// The real controller never answers `SCOPE_NOT_FOUND` to these calls: a missing scope is a missing stream.
fn update_status(outcome: Result<(), ChangeError>) -> Result<api::UpdateStreamStatus, Status> {
    use api::update_stream_status::Status as Outcome;

    let outcome = match outcome {
        Ok(()) => Outcome::Success,
        Err(error) => match refused(error)? {
            Refusal::StreamNotFound => Outcome::StreamNotFound,
            Refusal::StreamSealed => Outcome::StreamSealed,
            _ => Outcome::Failure,
        },
    };
    Ok(api::UpdateStreamStatus {
        status: outcome.into(),
    })
}
