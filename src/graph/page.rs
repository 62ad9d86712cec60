//! Lists page by page: next links followed verbatim until there is none.

use std::collections::HashSet;

use futures_util::{Stream, TryStreamExt as _, stream};
use serde::Deserialize;
use url::Url;

use super::{Client, GraphError, RawItem, exchange::Call};

/// A page: only its list and its link are looked at.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    value: Option<Vec<RawItem>>,
    #[serde(default, rename = "@odata.nextLink")]
    pub(super) next: Option<String>,
}

impl Page {
    /// Reads a page; its items stay as they came.
    pub(super) fn parse(body: &[u8], request_id: Option<&str>) -> Result<(Vec<RawItem>, Option<String>), GraphError> {
        let bad = |reason: String| GraphError::BadResponse { reason, request_id: request_id.map(str::to_owned) };
        if body.trim_ascii_start().starts_with(b"[") {
            // An array would fill the fields by position.
            return Err(bad("JSON of another shape, an array".into()));
        }
        let page: Self = serde_json::from_slice(body).map_err(|e| bad(describe(body, &e)))?;
        let items = page.value.ok_or_else(|| bad("a list without `value`".into()))?;
        if page.next.as_ref().is_some_and(|link| link.trim().is_empty()) {
            // Taken for the end, it would let the rest of the list look removed.
            return Err(bad("a list with an empty next link".into()));
        }
        Ok((items, page.next))
    }
}

/// What a body that is no JSON of the expected shape looks like; its text stays out of the message.
pub(super) fn describe(body: &[u8], error: &serde_json::Error) -> String {
    let start = body.iter().find(|byte| !byte.is_ascii_whitespace());
    match start {
        None => "an empty body".into(),
        Some(b'<') => "HTML or XML instead of JSON".into(),
        Some(_) if error.is_eof() => format!("JSON that breaks off after {} bytes", body.len()),
        Some(_) if error.is_syntax() => {
            format!("not JSON at line {} column {}", error.line(), error.column())
        }
        Some(_) => format!("JSON of another shape at line {} column {}", error.line(), error.column()),
    }
}

/// Where a listing stands.
struct Listing {
    client: Client,
    next: Option<Result<Url, GraphError>>,
    seen: HashSet<Url>,
}

impl Client {
    /// The pages of a list such as `deviceManagement/configurationPolicies?$expand=settings`.
    ///
    /// Ends at the first error. Empty and short pages do not end it, only a page without a next link does.
    pub fn pages(
        &self,
        path_and_query: &str,
    ) -> impl Stream<Item = Result<Vec<RawItem>, GraphError>> + Send + Unpin + 'static {
        self.listing(self.shared.endpoint.url(path_and_query))
    }

    /// As [`Client::pages`], from a next link on, such as one that stood inside a `$batch` answer.
    pub fn pages_from(
        &self,
        next_link: &str,
    ) -> impl Stream<Item = Result<Vec<RawItem>, GraphError>> + Send + Unpin + 'static {
        self.listing(self.shared.endpoint.link(next_link))
    }

    /// All items of a list that is known to be small.
    pub async fn list(&self, path_and_query: &str) -> Result<Vec<RawItem>, GraphError> {
        self.pages(path_and_query).try_concat().await
    }

    /// All items that a POST answers with, such as `directoryObjects/getByIds`: one that reads, since it may be
    /// sent more than once.
    pub async fn post_list(&self, path: &str, body: &serde_json::Value) -> Result<Vec<RawItem>, GraphError> {
        let url = self.shared.endpoint.url(path)?;
        let call = Call { url, body: Some(body.to_string().into()), cost: 1 };
        let (reply, _) = self.send(&call).await?;
        let (mut items, next) = Page::parse(&reply.body, reply.request_id.as_deref())?;
        if let Some(link) = next {
            items.append(&mut self.pages_from(&link).try_concat().await?);
        }
        Ok(items)
    }

    fn listing(
        &self,
        first: Result<Url, GraphError>,
    ) -> impl Stream<Item = Result<Vec<RawItem>, GraphError>> + Send + Unpin + 'static {
        let start = Listing { client: self.clone(), next: Some(first), seen: HashSet::new() };
        Box::pin(stream::try_unfold(start, async |mut listing| {
            let Some(url) = listing.next.take().transpose()? else {
                return Ok(None);
            };
            if !listing.seen.insert(url.clone()) {
                return Err(GraphError::RepeatedLink { pages: listing.seen.len() });
            }
            let (reply, _) = listing.client.send(&Call { url, body: None, cost: 1 }).await?;
            let (items, next) = Page::parse(&reply.body, reply.request_id.as_deref())?;
            // A bad link is the error of the next page: this one came in full.
            listing.next = next.map(|link| listing.client.shared.endpoint.link(&link));
            Ok(Some((items, listing)))
        }))
    }
}
