//! Listings come in pages; this makes one stream of them.

use std::{collections::VecDeque, future::Future};

use futures::{
    StreamExt,
    stream::{BoxStream, try_unfold},
};
use pravega_client_shared::NameError;
use pravega_controller_api::ContinuationToken;
use tracing::debug;

use crate::ControllerError;

/// The most pages that one listing reads. A page has up to 1,000 names, so nobody's cluster comes near; a
/// server whose pages lead round in a circle does.
pub const MAX_PAGES: usize = 100_000;

/// Some of the entries of a listing.
#[derive(Debug)]
pub(crate) struct Page<T> {
    entries: Vec<T>,
    /// The server sent no entries at all, which ends the listing.
    last: bool,
    token: String,
}

impl<T> Page<T> {
    /// A page of those names that can be held.
    pub(crate) fn new(
        names: impl ExactSizeIterator<Item = Result<T, NameError>>,
        token: Option<ContinuationToken>,
    ) -> Self {
        let last = names.len() == 0;
        let skip = |error: &NameError| debug!(name: "controller.name_left_out", %error, "a name in a listing is left out");
        let entries = names
            .filter_map(|name| name.inspect_err(skip).ok())
            .collect();
        Self {
            entries,
            last,
            token: token.unwrap_or_default().token,
        }
    }
}

/// Where a listing is.
struct Position<T, F> {
    fetch: F,
    held: VecDeque<T>,
    /// What the next page is asked for with; `None` when there is no next one.
    token: Option<String>,
    pages: usize,
}

/// All entries, one page asked for when the one before is used up. The end is an empty page; a token that is
/// empty or leads nowhere new is taken as the end too, so that no server can make the listing go on for ever.
pub(crate) fn all<T, F, Fut>(
    call: &'static str,
    fetch: F,
) -> BoxStream<'static, Result<T, ControllerError>>
where
    T: Send + 'static,
    F: Fn(String) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Page<T>, ControllerError>> + Send + 'static,
{
    let begin = Position {
        fetch,
        held: VecDeque::new(),
        token: Some(String::new()),
        pages: 0,
    };
    try_unfold(begin, move |mut at| async move {
        loop {
            if let Some(entry) = at.held.pop_front() {
                return Ok(Some((entry, at)));
            }
            let Some(token) = at.token.take() else {
                return Ok(None);
            };
            if at.pages >= MAX_PAGES {
                return Err(ControllerError::EndlessListing {
                    call,
                    pages: at.pages,
                });
            }
            at.pages = at.pages.saturating_add(1);
            let page = (at.fetch)(token.clone()).await?;
            let on = !page.last && !page.token.is_empty() && page.token != token;
            at.token = on.then_some(page.token);
            at.held.extend(page.entries);
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use futures::TryStreamExt;
    use pravega_client_shared::ScopeName;

    use super::*;

    async fn list(
        pages: Vec<(Vec<u32>, &'static str)>,
    ) -> (Result<Vec<u32>, ControllerError>, usize) {
        let fetched = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&fetched);
        let listing = all("list", move |_token| {
            let at = count.fetch_add(1, Ordering::Relaxed);
            let (entries, token) = pages[at % pages.len()].clone();
            async move {
                let token = Some(ContinuationToken {
                    token: token.to_owned(),
                });
                Ok(Page::new(entries.into_iter().map(Ok), token))
            }
        });
        (listing.try_collect().await, fetched.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn ends_on_an_empty_page() {
        let (all, fetched) = list(vec![(vec![1, 2], "a"), (vec![3], "b"), (vec![], "c")]).await;
        assert_eq!((all.unwrap(), fetched), (vec![1, 2, 3], 3));
        let (all, fetched) = list(vec![(vec![], "a")]).await;
        assert_eq!((all.unwrap(), fetched), (vec![], 1));
    }

    #[tokio::test]
    async fn ends_on_a_token_that_leads_nowhere_new() {
        let (all, fetched) = list(vec![(vec![1], "")]).await;
        assert_eq!((all.unwrap(), fetched), (vec![1], 1));
        let (all, fetched) = list(vec![(vec![1], "a"), (vec![2], "a"), (vec![3], "a")]).await;
        assert_eq!((all.unwrap(), fetched), (vec![1, 2], 2));
    }

    #[tokio::test]
    async fn a_circle_of_pages_is_an_error() {
        let (all, fetched) = list(vec![(vec![1], "a"), (vec![2], "b")]).await;
        assert!(matches!(
            all,
            Err(ControllerError::EndlessListing {
                pages: MAX_PAGES,
                ..
            })
        ));
        assert_eq!(fetched, MAX_PAGES);
    }

    #[tokio::test]
    async fn leaves_out_names_that_cannot_be_held() {
        let listing = all("list", |_token| async {
            let names = ["a", "..", "b"].iter().map(|name| ScopeName::new(name));
            Ok(Page::new(names, None))
        });
        let all: Vec<_> = listing.try_collect().await.unwrap();
        assert_eq!(
            all.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["a", "b"]
        );
    }
}
