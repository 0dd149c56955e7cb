//! Calls about scopes.

use futures::stream::BoxStream;
use pravega_client_shared::ScopeName;
use pravega_controller_api as api;

use crate::{
    ControllerClient, ControllerError,
    convert::scope_info,
    listing::{self, Page},
    status::{created_scope, deleted_scope},
};

impl ControllerClient {
    /// Makes a scope. True when this call made it, false when it existed before.
    ///
    /// # Errors
    /// [`ControllerError::InvalidName`], or one of [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// When dropped, the scope may or may not be made. It is safe to call again.
    pub async fn create_scope(&self, scope: &ScopeName) -> Result<bool, ControllerError> {
        self.rpc
            .call(
                "createScope",
                scope_info(scope),
                async |mut client, request| client.create_scope(request).await,
                |reply, answer| created_scope(reply, scope, answer),
            )
            .await
    }

    /// Deletes an empty scope. True when this call deleted it, false when there was none.
    ///
    /// # Errors
    /// [`ControllerError::ScopeNotEmpty`], or one of [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// When dropped, the scope may or may not be deleted. It is safe to call again.
    pub async fn delete_scope(&self, scope: &ScopeName) -> Result<bool, ControllerError> {
        self.rpc
            .call(
                "deleteScope",
                scope_info(scope),
                async |mut client, request| client.delete_scope(request).await,
                |reply, answer| deleted_scope(reply, scope, answer),
            )
            .await
    }

    /// Whether a scope exists.
    ///
    /// # Errors
    /// One of [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// Asks only: nothing is left behind.
    pub async fn scope_exists(&self, scope: &ScopeName) -> Result<bool, ControllerError> {
        self.rpc
            .call(
                "checkScopeExists",
                scope_info(scope),
                async |mut client, request| client.check_scope_exists(request).await,
                |reply, _| Ok(reply.exists),
            )
            .await
    }

    /// The scopes that the caller may read, page by page as they are asked for. Internal scopes, whose names
    /// begin with `_`, are among them; a name that [`ScopeName`] cannot hold is left out.
    ///
    /// An item is an error when a page cannot be had, and the last one then: one of
    /// [those that any call may have](crate#errors-of-any-call), or [`ControllerError::EndlessListing`].
    pub fn list_scopes(&self) -> BoxStream<'static, Result<ScopeName, ControllerError>> {
        let client = self.clone();
        listing::all("listScopes", move |token| {
            let client = client.clone();
            async move { client.page_of_scopes(token).await }
        })
    }

    async fn page_of_scopes(&self, token: String) -> Result<Page<ScopeName>, ControllerError> {
        self.rpc
            .call(
                "listScopes",
                api::ScopesRequest {
                    continuation_token: Some(api::ContinuationToken { token }),
                },
                async |mut client, request| client.list_scopes(request).await,
                |reply, _| {
                    let names = reply.scopes.iter().map(|name| ScopeName::new(name));
                    Ok(Page::new(names, reply.continuation_token))
                },
            )
            .await
    }
}
