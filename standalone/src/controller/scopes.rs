//! Calls about scopes, and the listings.

use pravega_client_shared::ScopeName;
use pravega_controller_api as api;
use tonic::Status;

use super::{
    catalog::{Filter, Refusal},
    changes::Controller,
    convert::{refused, scope_named, unexpected},
    storage::Storage,
};

impl<S: Storage> Controller<S> {
    pub(super) async fn handle_create_scope(
        &self,
        scope: api::ScopeInfo,
    ) -> Result<api::CreateScopeStatus, Status> {
        use api::create_scope_status::Status as Outcome;

        let text = scope_named(Some(scope))?;
        let outcome = match ScopeName::new(&text) {
            Err(_) => Outcome::InvalidScopeName,
            Ok(name) => match self
                .change(|catalog| catalog.plan_create_scope(&name))
                .await
            {
                Ok(()) => Outcome::Success,
                Err(error) => match refused(error)? {
                    Refusal::ScopeExists => Outcome::ScopeExists,
                    _ => Outcome::Failure,
                },
            },
        };
        Ok(api::CreateScopeStatus {
            status: outcome.into(),
        })
    }

    pub(super) async fn handle_delete_scope(
        &self,
        scope: api::ScopeInfo,
    ) -> Result<api::DeleteScopeStatus, Status> {
        use api::delete_scope_status::Status as Outcome;

        let scope = scope_named(Some(scope))?;
        let outcome = match self
            .change(|catalog| catalog.plan_delete_scope(&scope))
            .await
        {
            Ok(()) => Outcome::Success,
            Err(error) => match refused(error)? {
                Refusal::ScopeNotFound => Outcome::ScopeNotFound,
                Refusal::ScopeNotEmpty => Outcome::ScopeNotEmpty,
                _ => Outcome::Failure,
            },
        };
        Ok(api::DeleteScopeStatus {
            status: outcome.into(),
        })
    }

    pub(super) async fn handle_delete_scope_recursive(
        &self,
        scope: api::ScopeInfo,
    ) -> Result<api::DeleteScopeStatus, Status> {
        use api::delete_scope_status::Status as Outcome;

        let scope = scope_named(Some(scope))?;
        let outcome = match self.delete_scope_recursive(&scope).await {
            Ok(()) => Outcome::Success,
            Err(error) => match refused(error)? {
                // The real controller calls the deletion of a missing scope a success.
                Refusal::ScopeNotFound => Outcome::Success,
                _ => Outcome::Failure,
            },
        };
        Ok(api::DeleteScopeStatus {
            status: outcome.into(),
        })
    }

    pub(super) fn handle_check_scope_exists(
        &self,
        scope: api::ScopeInfo,
    ) -> Result<api::ExistsResponse, Status> {
        let scope = scope_named(Some(scope))?;
        let exists = self.look(|catalog| catalog.has_scope(&scope));
        Ok(api::ExistsResponse { exists })
    }

    pub(super) fn handle_list_scopes(
        &self,
        request: api::ScopesRequest,
    ) -> Result<api::ScopesResponse, Status> {
        let after = after(request.continuation_token);
        let scopes: Vec<String> = self.look(|catalog| {
            let page = catalog.scopes_after(&after);
            page.into_iter().map(ScopeName::to_string).collect()
        });
        let continuation_token = Some(next(scopes.last(), after));
        Ok(api::ScopesResponse {
            scopes,
            continuation_token,
        })
    }

    pub(super) fn handle_list_streams_in_scope(
        &self,
        request: api::StreamsInScopeRequest,
    ) -> Result<api::StreamsInScopeResponse, Status> {
        let scope = scope_named(request.scope)?;
        Ok(self.list_streams(&scope, after(request.continuation_token), Filter::All))
    }

    pub(super) fn handle_list_streams_in_scope_for_tag(
        &self,
        request: api::StreamsInScopeWithTagRequest,
    ) -> Result<api::StreamsInScopeResponse, Status> {
        let scope = scope_named(request.scope)?;
        if request.tag.is_empty() {
            return Err(unexpected());
        }
        let filter = Filter::Tagged(&request.tag);
        Ok(self.list_streams(&scope, after(request.continuation_token), filter))
    }

    fn list_streams(
        &self,
        scope: &str,
        after: String,
        filter: Filter<'_>,
    ) -> api::StreamsInScopeResponse {
        use api::streams_in_scope_response::Status as Outcome;

        let page = self.look(|catalog| {
            let page = catalog.streams_after(scope, &after, filter)?;
            Ok(page
                .into_iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>())
        });
        let (names, outcome) = match page {
            Ok(names) => (names, Outcome::Success),
            Err(Refusal::ScopeNotFound) => (Vec::new(), Outcome::ScopeNotFound),
            Err(_) => (Vec::new(), Outcome::Failure),
        };
        let continuation_token = Some(next(names.last(), after));
        let info = |stream| api::StreamInfo {
            scope: scope.to_owned(),
            stream,
            access_operation: 0,
        };
        api::StreamsInScopeResponse {
            streams: names.into_iter().map(info).collect(),
            continuation_token,
            status: outcome.into(),
        }
    }
}

/// The name behind which a page begins: our tokens are the last name of the page before.
fn after(token: Option<api::ContinuationToken>) -> String {
    token.map(|token| token.token).unwrap_or_default()
}

/// The token of a page. An empty page, which ends a listing, gives back the one it was asked with.
fn next(last: Option<&String>, after: String) -> api::ContinuationToken {
    api::ContinuationToken {
        token: last.cloned().unwrap_or(after),
    }
}
