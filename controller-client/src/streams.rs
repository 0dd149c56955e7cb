//! Calls about streams.

use futures::stream::BoxStream;
use pravega_client_shared::{ScopeName, ScopedStream, StreamName};
use pravega_controller_api as api;

use crate::{
    ControllerClient, ControllerError, StreamConfiguration, StreamCut,
    convert::{plain_stream_info, read_configuration, scope_info, stream_config, stream_cut},
    listing::{self, Page},
    status::{created_stream, deleted_stream, listed_streams, updated_stream},
};

impl ControllerClient {
    /// Makes a stream. True when this call made it, false when it existed before, whatever its configuration.
    ///
    /// # Errors
    /// [`ControllerError::ScopeNotFound`], [`ControllerError::InvalidName`],
    /// [`ControllerError::InvalidArgument`] for a configuration that makes no sense, or one of
    /// [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// When dropped, the stream may or may not be made. It is safe to call again.
    pub async fn create_stream(
        &self,
        stream: &ScopedStream,
        configuration: &StreamConfiguration,
    ) -> Result<bool, ControllerError> {
        self.rpc
            .call(
                "createStream",
                stream_config(stream, configuration)?,
                async |mut client, request| client.create_stream(request).await,
                |reply, answer| created_stream(reply, stream, answer),
            )
            .await
    }

    /// Whether a stream exists, sealed or not.
    ///
    /// # Errors
    /// One of [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// Asks only: nothing is left behind.
    pub async fn stream_exists(&self, stream: &ScopedStream) -> Result<bool, ControllerError> {
        self.rpc
            .call(
                "checkStreamExists",
                plain_stream_info(stream),
                async |mut client, request| client.check_stream_exists(request).await,
                |reply, _| Ok(reply.exists),
            )
            .await
    }

    /// The configuration of a stream. Tags come back in the server's order.
    ///
    /// # Errors
    /// [`ControllerError::StreamNotFound`], [`ControllerError::ScopeNotFound`], or one of
    /// [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// Asks only: nothing is left behind.
    pub async fn stream_configuration(
        &self,
        stream: &ScopedStream,
    ) -> Result<StreamConfiguration, ControllerError> {
        let asked = self.rpc.call(
            "getStreamConfiguration",
            plain_stream_info(stream),
            async |mut client, request| client.get_stream_configuration(request).await,
            |reply, _| Ok(read_configuration(reply)?),
        );
        self.naming_what_is_missing(stream, asked.await).await
    }

    /// Replaces the whole configuration of a stream. To change a part of it, change what
    /// [`stream_configuration`](Self::stream_configuration) gives.
    ///
    /// # Errors
    /// [`ControllerError::StreamNotFound`], [`ControllerError::ScopeNotFound`],
    /// [`ControllerError::StreamSealed`], [`ControllerError::InvalidArgument`],
    /// [`ControllerError::Failure`] while another change is under way, or one of
    /// [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// When dropped, the change may or may not be made. It is safe to call again.
    pub async fn update_stream(
        &self,
        stream: &ScopedStream,
        configuration: &StreamConfiguration,
    ) -> Result<(), ControllerError> {
        let asked = self.rpc.call(
            "updateStream",
            stream_config(stream, configuration)?,
            async |mut client, request| client.update_stream(request).await,
            |reply, _| updated_stream(reply, stream),
        );
        self.naming_what_is_missing(stream, asked.await).await
    }

    /// Moves the head of a stream to `cut`, in the controller's books and then in the segment stores.
    ///
    /// Truncating the segment of a byte stream directly is a request to its segment store, of which the
    /// controller is not told.
    ///
    /// # Errors
    /// [`ControllerError::StreamNotFound`], [`ControllerError::ScopeNotFound`],
    /// [`ControllerError::StreamSealed`], [`ControllerError::InvalidArgument`],
    /// [`ControllerError::Failure`] for a cut that does not cover the stream or lies before the head, or one
    /// of [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// When dropped, the head may or may not be moved. It is safe to call again.
    pub async fn truncate_stream(
        &self,
        stream: &ScopedStream,
        cut: &StreamCut,
    ) -> Result<(), ControllerError> {
        let asked = self.rpc.call(
            "truncateStream",
            stream_cut(stream, cut)?,
            async |mut client, request| client.truncate_stream(request).await,
            |reply, _| updated_stream(reply, stream),
        );
        self.naming_what_is_missing(stream, asked.await).await
    }

    /// Seals a stream with all its segments. A stream that is sealed already is no error.
    ///
    /// # Errors
    /// [`ControllerError::StreamNotFound`], [`ControllerError::ScopeNotFound`], or one of
    /// [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// When dropped, the stream may or may not be sealed. It is safe to call again.
    pub async fn seal_stream(&self, stream: &ScopedStream) -> Result<(), ControllerError> {
        let asked = self.rpc.call(
            "sealStream",
            plain_stream_info(stream),
            async |mut client, request| client.seal_stream(request).await,
            |reply, _| updated_stream(reply, stream),
        );
        self.naming_what_is_missing(stream, asked.await).await
    }

    /// Deletes a stream that [`seal_stream`](Self::seal_stream) sealed. True when this call deleted it, false
    /// when there was none.
    ///
    /// # Errors
    /// [`ControllerError::StreamNotSealed`], or one of [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// When dropped, the stream may or may not be deleted. It is safe to call again.
    pub async fn delete_stream(&self, stream: &ScopedStream) -> Result<bool, ControllerError> {
        self.rpc
            .call(
                "deleteStream",
                plain_stream_info(stream),
                async |mut client, request| client.delete_stream(request).await,
                |reply, answer| deleted_stream(reply, stream, answer),
            )
            .await
    }

    /// The streams of a scope that the caller may read, page by page as they are asked for. A real server
    /// lists its internal streams too, whose names begin with `_`; a name that [`StreamName`] cannot hold is
    /// left out.
    ///
    /// An item is an error when a page cannot be had, and the last one then:
    /// [`ControllerError::ScopeNotFound`], [`ControllerError::EndlessListing`], or one of
    /// [those that any call may have](crate#errors-of-any-call).
    pub fn list_streams(
        &self,
        scope: &ScopeName,
    ) -> BoxStream<'static, Result<ScopedStream, ControllerError>> {
        let (client, scope) = (self.clone(), scope.clone());
        listing::all("listStreamsInScope", move |token| {
            let (client, scope) = (client.clone(), scope.clone());
            async move { client.page_of_streams(&scope, token).await }
        })
    }

    /// The streams of a scope that have `tag`, in the manner of [`list_streams`](Self::list_streams).
    pub fn list_streams_with_tag(
        &self,
        scope: &ScopeName,
        tag: &str,
    ) -> BoxStream<'static, Result<ScopedStream, ControllerError>> {
        let (client, scope, tag) = (self.clone(), scope.clone(), tag.to_owned());
        listing::all("listStreamsInScopeForTag", move |token| {
            let (client, scope, tag) = (client.clone(), scope.clone(), tag.clone());
            async move { client.page_of_tagged_streams(&scope, tag, token).await }
        })
    }

    async fn page_of_streams(
        &self,
        scope: &ScopeName,
        token: String,
    ) -> Result<Page<ScopedStream>, ControllerError> {
        let request = api::StreamsInScopeRequest {
            scope: Some(scope_info(scope)),
            continuation_token: Some(api::ContinuationToken { token }),
        };
        self.rpc
            .call(
                "listStreamsInScope",
                request,
                async |mut client, request| client.list_streams_in_scope(request).await,
                |reply, _| {
                    listed_streams(reply.status, scope)?;
                    Ok(page(reply, scope))
                },
            )
            .await
    }

    async fn page_of_tagged_streams(
        &self,
        scope: &ScopeName,
        tag: String,
        token: String,
    ) -> Result<Page<ScopedStream>, ControllerError> {
        let request = api::StreamsInScopeWithTagRequest {
            scope: Some(scope_info(scope)),
            tag,
            continuation_token: Some(api::ContinuationToken { token }),
        };
        self.rpc
            .call(
                "listStreamsInScopeForTag",
                request,
                async |mut client, request| client.list_streams_in_scope_for_tag(request).await,
                |reply, _| {
                    listed_streams(reply.status, scope)?;
                    Ok(page(reply, scope))
                },
            )
            .await
    }

    /// Tells a missing stream from a missing scope, which the controller does not. Costs a call, and only
    /// when something is missing.
    pub(crate) async fn naming_what_is_missing<T>(
        &self,
        stream: &ScopedStream,
        asked: Result<T, ControllerError>,
    ) -> Result<T, ControllerError> {
        match asked {
            Err(error) if error.is_about_nothing() => {
                // Where the scope cannot be asked about, the stream is what is known to be missing.
                let scope = stream.scope();
                let has_scope = self.scope_exists(scope).await.unwrap_or(true);
                Err(if has_scope {
                    ControllerError::StreamNotFound {
                        stream: stream.clone(),
                    }
                } else {
                    ControllerError::ScopeNotFound {
                        scope: scope.clone(),
                    }
                })
            }
            asked => asked,
        }
    }
}

fn page(reply: api::StreamsInScopeResponse, scope: &ScopeName) -> Page<ScopedStream> {
    let named = |info: &api::StreamInfo| {
        StreamName::new(&info.stream).map(|stream| ScopedStream::new(scope.clone(), stream))
    };
    Page::new(reply.streams.iter().map(named), reply.continuation_token)
}
