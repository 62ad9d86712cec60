//! The lists of one kind, each read to its end, and what that says of policies that no list shows.

use std::collections::HashSet;

use futures_util::{StreamExt as _, stream};

use super::{
    Outlet,
    details::{self, Gone, Read},
    failure,
};
use crate::{
    graph::{Client, GraphError, RawItem},
    json,
    policy::PolicyDocument,
    registry::{Details, Endpoint, PolicyKind},
    report::ErrorReport,
    sync::prepare::Absent,
};

/// Reads a kind to the end of its lists, and tells of those that are not there. A list that fails costs itself: the
/// others are read all the same.
pub(super) async fn read_kind(client: &Client, outlet: &Outlet) -> Result<Vec<Absent>, GraphError> {
    let (mut failed, mut absent, mut any) = (None, Vec::new(), false);
    for endpoint in outlet.kind.endpoints {
        let read = if endpoint.details == Details::Singleton {
            read_singleton(client, endpoint, outlet).await.map(|()| List::Read)
        } else {
            read_list(client, endpoint, outlet).await
        };
        match read {
            Ok(List::Read) => any = true,
            Ok(List::Absent(error)) => {
                tracing::info!(%error, policy.kind = outlet.kind.slug(), "there is no `{}`", endpoint.path);
                absent.push((endpoint, error));
            }
            Err(error) if error.ends_run() => return Err(error),
            Err(error) => {
                failed.get_or_insert(error);
            }
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    // a kind of which no collection is there has failed
    if let Some((_, error)) = absent.pop_if(|_| !any) {
        return Err(error);
    }
    Ok(absent.into_iter().map(|(endpoint, error)| not_listed(outlet.kind, endpoint, &error)).collect())
}

/// How a list was read.
enum List {
    /// To its end.
    Read,
    /// Graph has answered its first page as if this tenant did not have the collection.
    Absent(GraphError),
}

/// What the summary tells where policies may be of a collection that is not there.
fn not_listed(kind: &PolicyKind, endpoint: &Endpoint, error: &GraphError) -> Absent {
    let path = endpoint.path;
    let message = format!("failed to list `{path}`, policies that may be of it keep their rows: {error}");
    Absent { path, error: ErrorReport { message, ..failure(kind, error) } }
}

async fn read_list(client: &Client, endpoint: &'static Endpoint, outlet: &Outlet) -> Result<List, GraphError> {
    let mut queries = endpoint.queries.iter().peekable();
    while let Some(query) = queries.next() {
        let not_asked = &not_expanded(endpoint, query);
        let path = if query.is_empty() { endpoint.path.to_owned() } else { format!("{}?{query}", endpoint.path) };
        let completed = client
            .pages(&path)
            .flat_map(|page| stream::iter(parts(page, policies_together(endpoint))))
            .map(|part| async move { outlet.named(details::completed(client, endpoint, not_asked, part?).await).await })
            .buffered(parts_at_once(endpoint));
        let mut completed = std::pin::pin!(completed);
        let (mut first, mut gone) = (true, Vec::new());
        loop {
            match completed.next().await {
                Some(Ok(mut part)) => {
                    gone.append(&mut part.gone);
                    outlet.hand_over(part).await?;
                }
                // an `$expand` that this service does not know: the next query asks for less
                Some(Err(GraphError::Status { status: 400, .. })) if first && queries.peek().is_some() => break,
                Some(Err(
                    error @ (GraphError::NotFound { .. }
                    | GraphError::NotLicensed { .. }
                    | GraphError::Status { status: 400, .. }),
                )) if first => return Ok(List::Absent(error)),
                Some(Err(error)) => return Err(error),
                None => {
                    let read = still_listed(client, endpoint, gone).await?;
                    outlet.hand_over(outlet.named(read).await?).await?;
                    return Ok(List::Read);
                }
            }
            first = false;
        }
    }
    Ok(List::Read)
}

/// Lists of a policy that a query does not ask for, though a better one does. Assignments that are not told are not
/// taken for none anyway.
fn not_expanded(endpoint: &Endpoint, query: &str) -> Vec<&'static str> {
    let expanded = |query: &'static str| query.strip_prefix("$expand=").into_iter().flat_map(|lists| lists.split(','));
    let best = endpoint.queries.first().copied().unwrap_or_default();
    expanded(best).filter(|list| *list != "assignments" && !query.contains(list)).collect()
}

/// Those that Graph did not find although they were listed, and lists still. The others were deleted meanwhile.
async fn still_listed(client: &Client, endpoint: &Endpoint, gone: Vec<Gone>) -> Result<Vec<Read>, GraphError> {
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let items = match client.list(&format!("{}?$select=id", endpoint.path)).await {
        Err(error) if error.ends_run() => return Err(error),
        listed => listed.ok(),
    };
    let id = |item: &RawItem| json::text(&json::properties(item.get()).ok()?, "id");
    let ids = items.map(|items| items.iter().filter_map(id).collect::<HashSet<_>>());
    // a list that cannot be read again says nothing of them
    let is_listed = |gone: &Gone| ids.as_ref().is_none_or(|ids| ids.contains(gone.id.as_str()));
    Ok(gone.into_iter().filter(is_listed).map(Gone::still_listed).collect())
}

/// A page in parts whose policies are completed together; an empty one is a part, too.
fn parts(
    page: Result<Vec<RawItem>, GraphError>,
    policies_together: usize,
) -> impl Iterator<Item = Result<Vec<RawItem>, GraphError>> {
    let mut rest = Some(page);
    std::iter::from_fn(move || match rest.take()? {
        Ok(mut part) => {
            if part.len() > policies_together {
                rest = Some(Ok(part.split_off(policies_together)));
            }
            Some(Ok(part))
        }
        Err(error) => Some(Err(error)),
    })
}

/// Policies of a page that wait for each other's details: what is read of them is held until the last of them has
/// come. A multiple of what a `$batch` takes.
fn policies_together(endpoint: &Endpoint) -> usize {
    match endpoint.details {
        Details::Settings | Details::DefinitionValues | Details::Item(_) => 100,
        Details::None | Details::Singleton => usize::MAX,
    }
}

/// Parts whose details and names are read at once, while the next page is listed. Pages that are complete by
/// themselves are large, and take the longest to come.
fn parts_at_once(endpoint: &Endpoint) -> usize {
    match endpoint.details {
        Details::Settings => 4,
        Details::DefinitionValues | Details::Item(_) => 2,
        Details::None | Details::Singleton => 1,
    }
}

async fn read_singleton(client: &Client, endpoint: &Endpoint, outlet: &Outlet) -> Result<(), GraphError> {
    let kind = outlet.kind;
    let query = endpoint.queries.first().copied().unwrap_or_default();
    let json = client.get(&format!("{}?{query}", endpoint.path)).await?;
    if let Some(left_out) = left_out(&json, query) {
        return Err(GraphError::bad_response(format!("an answer without `{left_out}`, which was asked for")));
    }
    let id = crate::policy::PolicyId::new(kind.slug());
    let document = PolicyDocument { id, name: Some(kind.title.to_owned()), file: None, json };
    outlet.hand_over(outlet.named(vec![Read::Policy(document)]).await?).await
}

/// What a query selects and an object does not hold: taken for the policy, it would replace its rows by none.
fn left_out<'q>(object: &[u8], query: &'q str) -> Option<&'q str> {
    let properties = json::properties(std::str::from_utf8(object).ok()?).ok()?;
    let mut selected = query.strip_prefix("$select=")?.split(',');
    selected.find(|name| properties.get(*name).is_none_or(|value| value.get() == "null"))
}

#[cfg(test)]
mod tests {
    use super::{GraphError, RawItem, parts};

    fn sizes(page: Result<Vec<RawItem>, GraphError>) -> Vec<Option<usize>> {
        parts(page, 100).map(|part| part.ok().map(|part| part.len())).collect()
    }

    #[test]
    fn no_more_policies_are_held_than_are_completed_together() {
        let page = |items| Ok(vec![serde_json::value::to_raw_value(&0).unwrap(); items]);
        assert_eq!(sizes(page(250)), [Some(100), Some(100), Some(50)]);
        assert_eq!(sizes(page(100)), [Some(100)]);
        // an empty page has come, too, and an error ends the list
        assert_eq!(sizes(page(0)), [Some(0)]);
        assert_eq!(sizes(Err(GraphError::Cancelled)), [None]);
    }
}
