//! What a list leaves out, read for each policy of a page and put where the list would have had it.

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::{
    graph::{Client, GraphError, segment},
    json::{self, Properties},
    policy::{PolicyDocument, PolicyId},
    registry::{Details, Endpoint},
};

/// A policy of a page: its document, or why there is none.
pub(super) enum Read {
    Policy(PolicyDocument),
    Failed {
        id: PolicyId,
        name: Option<String>,
        error: GraphError,
    },
    /// What a page holds beside policies.
    NoPolicy {
        reason: String,
    },
    /// Graph answers 404 for the policy itself, although its list has just shown it.
    Gone(Gone),
}

/// A policy that Graph lists and does not find.
pub(super) struct Gone {
    pub(super) id: PolicyId,
    pub(super) name: Option<String>,
    error: GraphError,
}

impl Gone {
    /// What is read of it where it is listed still.
    pub(super) fn still_listed(self) -> Read {
        Read::Failed { id: self.id, name: self.name, error: self.error }
    }
}

/// An item of a page, with what has been added to it.
struct Item {
    id: String,
    name: Option<String>,
    json: Box<RawValue>,
    counted: Option<usize>,
    listed: Option<usize>,
    /// Whether the list names a next page of the policy's settings.
    goes_on: bool,
}

/// Completes the policies of one page.
/// What is in the lists of a policy that were `not_asked` for, nobody knows.
pub(super) async fn completed(
    client: &Client,
    endpoint: &Endpoint,
    not_asked: &[&str],
    page: Vec<Box<RawValue>>,
) -> Vec<Read> {
    let mut read = Vec::with_capacity(page.len());
    let mut items = Vec::with_capacity(page.len());
    for raw in page {
        match item(raw) {
            Ok(Some(item)) => items.push(item),
            Ok(None) => {}
            Err(reason) => read.push(Read::NoPolicy { reason }),
        }
    }
    let base = endpoint.path;
    match endpoint.details {
        Details::Settings => settings(client, base, items, &mut read).await,
        Details::DefinitionValues => definition_values(client, base, items, &mut read).await,
        Details::Item(query) => whole_items(client, base, query, items, &mut read).await,
        Details::None | Details::Singleton => read.extend(items.into_iter().map(|item| {
            let json = not_asked.iter().fold(item.json, |json, list| going_on(json, list));
            Item { json, ..item }.document(None)
        })),
    }
    tell_gone(client, base, read).await
}

/// Asks for the policies themselves whose details were not found.
async fn tell_gone(client: &Client, base: &str, read: Vec<Read>) -> Vec<Read> {
    let path = |read: &Read| match read {
        Read::Failed { id, error: GraphError::NotFound { .. }, .. } => {
            Some(format!("{base}/{}?$select=id", segment(id.as_str())))
        }
        _ => None,
    };
    let mut answers = client.batch(read.iter().filter_map(path).collect()).await.into_iter();
    let told = |read| match read {
        Read::Failed { id, name, error: error @ GraphError::NotFound { .. } } => match answers.next() {
            Some(Err(GraphError::NotFound { .. })) => Read::Gone(Gone { id, name, error }),
            _ => Read::Failed { id, name, error },
        },
        read => read,
    };
    read.into_iter().map(told).collect()
}

/// `None` for what Microsoft ships to every tenant and nobody has set.
fn item(json: Box<RawValue>) -> Result<Option<Item>, String> {
    // its text stays out of the message
    let properties: Properties<'_> = json::properties(json.get()).map_err(|_| "an item that is no JSON object")?;
    if properties.get("isGlobalScript").is_some_and(|global| global.get() == "true") {
        return Ok(None);
    }
    let id = json::text(&properties, "id").filter(|id| !id.is_empty()).ok_or("an item without an id")?;
    let name = json::text(&properties, "name").or_else(|| json::text(&properties, "displayName"));
    let counted = properties.get("settingCount").and_then(|count| count.get().parse().ok());
    let listed = properties.get("settings").and_then(|settings| count(settings));
    let goes_on = goes_on(&properties, "settings");
    Ok(Some(Item { id, name, json, counted, listed, goes_on }))
}

/// Whether the rest of a list stands behind a link.
fn goes_on(properties: &Properties<'_>, list: &str) -> bool {
    properties.get(&format!("{list}@odata.nextLink")).is_some_and(|next| next.get() != "null")
}

fn count(list: &RawValue) -> Option<usize> {
    serde_json::from_str::<Vec<serde::de::IgnoredAny>>(list.get()).ok().map(|items| items.len())
}

impl Item {
    fn path(&self, base: &str) -> String {
        format!("{base}/{}", segment(&self.id))
    }

    /// The document, with one property more.
    fn document(self, added: Option<(&str, &[Box<RawValue>])>) -> Read {
        let json = match added {
            // without a copy: a page may be large
            None => Bytes::from(String::from(Box::<str>::from(self.json))),
            Some((property, items)) => Bytes::from(with_list(self.json.get(), property, items)),
        };
        Read::Policy(PolicyDocument { id: PolicyId::new(&self.id), name: self.name, file: None, json })
    }

    fn failed(self, error: GraphError) -> Read {
        Read::Failed { id: PolicyId::new(&self.id), name: self.name, error }
    }
}

fn with_list(object: &str, property: &str, items: &[Box<RawValue>]) -> String {
    let list = items.iter().map(|item| item.get()).collect::<Vec<_>>().join(",");
    json::with_property(object, property, &format!("[{list}]"))
}

/// Settings that did not come with the list, or came short.
async fn settings(client: &Client, base: &str, items: Vec<Item>, read: &mut Vec<Read>) {
    let is_whole = |item: &Item| match (item.listed, item.counted) {
        _ if item.goes_on => false,
        (Some(listed), Some(counted)) => listed >= counted,
        (Some(_), None) => true,
        (None, counted) => counted == Some(0),
    };
    let (whole, short): (Vec<_>, Vec<_>) = items.into_iter().partition(is_whole);
    read.extend(whole.into_iter().map(|item| item.document(None)));
    let paths = short.iter().map(|item| format!("{}/settings?$top=1000", item.path(base))).collect();
    for (item, answer) in short.into_iter().zip(client.batch_lists(paths).await) {
        read.push(match answer {
            // what has more of them is kept; where both are short, the policy counts as incomplete
            Ok(settings) if settings.len() >= item.listed.unwrap_or_default() => {
                item.document(Some(("settings", &settings)))
            }
            Ok(_) => item.document(None),
            Err(error) => item.failed(error),
        });
    }
}

/// Administrative templates: the values of each policy, then the presentation values of each value.
async fn definition_values(client: &Client, base: &str, items: Vec<Item>, read: &mut Vec<Read>) {
    let paths = items.iter().map(|item| format!("{}/definitionValues?$expand=definition", item.path(base))).collect();
    let mut policies = Vec::new();
    let mut paths_of_values = Vec::new();
    for (item, answer) in items.into_iter().zip(client.batch_lists(paths).await) {
        let values = match answer {
            Ok(values) => values,
            Err(error) => {
                read.push(item.failed(error));
                continue;
            }
        };
        let first = paths_of_values.len();
        for value in &values {
            let id = json::properties(value.get()).ok().and_then(|properties| json::text(&properties, "id"));
            let id = id.unwrap_or_default();
            let path = format!("{}/definitionValues/{}/presentationValues", item.path(base), segment(&id));
            paths_of_values.push(format!("{path}?$expand=presentation"));
        }
        policies.push((item, values, first));
    }
    let mut presentations = client.batch_lists(paths_of_values).await.into_iter().map(Some).collect::<Vec<_>>();
    for (item, values, first) in policies {
        let own = presentations[first..first + values.len()].iter_mut().map(std::option::Option::take);
        let completed: Result<Vec<_>, GraphError> = values
            .iter()
            .zip(own)
            .map(|(value, shown)| {
                let shown = shown.unwrap_or_else(|| Ok(Vec::new()))?;
                let json = with_list(value.get(), "presentationValues", &shown);
                RawValue::from_string(json).map_err(|_| GraphError::bad_response("a definition value is no object"))
            })
            .collect();
        read.push(match completed {
            Ok(values) => item.document(Some(("definitionValues", &values))),
            Err(error) => item.failed(error),
        });
    }
}

/// Policies read one by one, since their list leaves properties null. Assignments came with the list.
async fn whole_items(client: &Client, base: &str, query: &str, items: Vec<Item>, read: &mut Vec<Read>) {
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let paths = items.iter().map(|item| format!("{}{query}", item.path(base))).collect();
    for (item, answer) in items.into_iter().zip(client.batch(paths).await) {
        read.push(match answer.and_then(|whole| asked_one(&item.id, whole)) {
            Ok(whole) => {
                let listed = json::properties(item.json.get()).unwrap_or_default();
                let assignments: Option<Vec<Box<RawValue>>> =
                    listed.get("assignments").and_then(|assignments| serde_json::from_str(assignments.get()).ok());
                // not all of them say as little as none
                let (json, assignments) = if goes_on(&listed, "assignments") {
                    (going_on(whole, "assignments"), None)
                } else {
                    (whole, assignments)
                };
                let item = Item { json, ..item };
                item.document(assignments.as_deref().map(|assignments| ("assignments", assignments)))
            }
            Err(error) => item.failed(error),
        });
    }
}

/// An object of which a list has more items than stand in it, or stand anywhere.
fn going_on(object: Box<RawValue>, list: &str) -> Box<RawValue> {
    RawValue::from_string(json::going_on(object.get(), list)).unwrap_or(object)
}

/// The answer, if it is the policy that was asked for: rows of another would replace its own.
fn asked_one(id: &str, answer: Box<RawValue>) -> Result<Box<RawValue>, GraphError> {
    let bad = |reason: &str| Err(GraphError::bad_response(reason));
    let Ok(properties) = json::properties(answer.get()) else { return bad("a policy that is no JSON object") };
    match json::text(&properties, "id") {
        None => bad("a policy without its id"),
        Some(other) if !other.eq_ignore_ascii_case(id) => bad("another policy than the one asked for"),
        Some(_) => Ok(answer),
    }
}
