//! Lists page by page: next links followed verbatim until there is none.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState},
};

use futures_util::{Stream, StreamExt as _, stream};
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
    #[serde(default)]
    error: Option<RawItem>,
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
        if page.error.is_some() {
            // What came of it is not all.
            return Err(bad("a list that ends in an error".into()));
        }
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

/// Pages of a list that is held as a whole: what one policy sets, categories, names.
const MOST_GATHERED: usize = 1_000;

/// Pages in a row without a single new item, after which a list has no end.
const MOST_WITHOUT_NEWS: usize = 100;

/// Where a listing stands.
struct Listing {
    client: Client,
    next: Option<Result<Url, GraphError>>,
    seen: HashSet<Url>,
    news: News,
}

/// What pages bring that no earlier one has.
#[derive(Default)]
struct News {
    /// Hashes of the items, as far as more pages came. Ids alone may begin anew with each page.
    known: HashSet<u64>,
    pages_without: usize,
}

impl News {
    /// Takes a page in; false where it is one too many without a new item.
    fn take(&mut self, items: &[RawItem]) -> bool {
        let mut any = false;
        for item in items {
            let mut hasher = DefaultHasher::new();
            item.get().hash(&mut hasher);
            any |= self.known.insert(hasher.finish());
        }
        self.pages_without = if any { 0 } else { self.pages_without + 1 };
        self.pages_without < MOST_WITHOUT_NEWS
    }
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
        self.gathered(Vec::new(), self.pages(path_and_query)).await
    }

    /// The items of a page, and those of the pages that it leads to.
    pub(super) async fn with_rest(
        &self,
        items: Vec<RawItem>,
        next: Option<String>,
    ) -> Result<Vec<RawItem>, GraphError> {
        match next {
            Some(link) => self.gathered(items, self.pages_from(&link)).await,
            None => self.gathered(items, stream::empty()).await,
        }
    }

    /// The items of the first page with those of the pages that follow, within the bounds of a list that is held as a
    /// whole.
    async fn gathered(
        &self,
        mut items: Vec<RawItem>,
        mut pages: impl Stream<Item = Result<Vec<RawItem>, GraphError>> + Unpin,
    ) -> Result<Vec<RawItem>, GraphError> {
        let limit = self.shared.options.max_list;
        let size = |items: &[RawItem]| items.iter().map(|item| item.get().len()).sum::<usize>();
        let (mut bytes, mut count) = (size(&items), 0);
        let (hashes, mut shown) = (RandomState::new(), HashSet::new());
        while bytes <= limit {
            let Some(more) = pages.next().await else { return Ok(items) };
            let more = more?;
            bytes += size(&more);
            count += 1;
            if count > MOST_GATHERED {
                return Err(GraphError::EndlessList { pages: count });
            }
            // Pages overlap where something came in before their place: ids alone may begin anew with each.
            let hash = |item: &RawItem| hashes.hash_one(item.get());
            if count == 1 {
                shown.extend(items.iter().map(hash));
            }
            let page: Vec<u64> = more.iter().map(hash).collect();
            items.extend(more.into_iter().zip(&page).filter(|(_, hash)| !shown.contains(*hash)).map(|(item, _)| item));
            shown.extend(page);
        }
        Err(GraphError::TooLarge { limit })
    }

    /// All items that a POST answers with, such as `directoryObjects/getByIds`: one that reads, since it may be
    /// sent more than once.
    pub async fn post_list(&self, path: &str, body: &serde_json::Value) -> Result<Vec<RawItem>, GraphError> {
        let url = self.shared.endpoint.url(path)?;
        let call = Call { url, body: Some(body.to_string().into()), cost: 1 };
        let (reply, _) = self.send(&call).await?;
        let (items, next) = Page::parse(&reply.body, reply.request_id.as_deref())?;
        self.with_rest(items, next).await
    }

    fn listing(
        &self,
        first: Result<Url, GraphError>,
    ) -> impl Stream<Item = Result<Vec<RawItem>, GraphError>> + Send + Unpin + 'static {
        let start = Listing { client: self.clone(), next: Some(first), seen: HashSet::new(), news: News::default() };
        Box::pin(stream::try_unfold(start, async |mut listing| {
            let Some(url) = listing.next.take().transpose()? else {
                return Ok(None);
            };
            if !listing.seen.insert(url.clone()) {
                return Err(GraphError::RepeatedLink { pages: listing.seen.len() });
            }
            let (reply, _) = listing.client.send(&Call { url, body: None, cost: 1 }).await?;
            let (items, next) = Page::parse(&reply.body, reply.request_id.as_deref())?;
            // The last page ends the list, whatever it brings.
            if next.is_some() && !listing.news.take(&items) {
                return Err(GraphError::EndlessList { pages: listing.seen.len() });
            }
            // A bad link is the error of the next page: this one came in full.
            listing.next = next.map(|link| listing.client.shared.endpoint.link(&link));
            Ok(Some((items, listing)))
        }))
    }
}
