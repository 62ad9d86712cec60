//! GETs on lists, items and their navigation properties, with `$expand`, `$select`, `$top` and skip tokens.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Value, json};

use super::{
    Shared, World,
    collections::{Collection, navigation},
    reply::Reply,
};

/// Skip tokens are encoded twice: whoever decodes or rebuilds a next link spoils them.
const SKIP_START: &str = "%255Bcosmosdb%255D%255B%257B%2522offset%2522%253A";
const SKIP_END: &str = "%257D%255D";

/// What a query asks for.
struct Query {
    expand: Vec<String>,
    select: Vec<String>,
    top: Option<usize>,
    offset: usize,
    /// The query as it came, without the skip token.
    rest: String,
}

impl Query {
    fn parse(query: &str) -> Result<Self, Reply> {
        let bad = |message: String| Reply::error(400, "BadRequest", &message);
        let (skip, rest): (Vec<&str>, Vec<&str>) =
            query.split('&').filter(|part| !part.is_empty()).partition(|part| part.starts_with("$skiptoken="));
        let offset = match skip.first().and_then(|part| part.strip_prefix("$skiptoken=")) {
            None => 0,
            Some(token) => token
                .strip_prefix(SKIP_START)
                .and_then(|token| token.strip_suffix(SKIP_END)?.parse().ok())
                .ok_or_else(|| bad("the skip token is not the one that was given out".into()))?,
        };
        let rest = rest.join("&");
        let asked: HashMap<_, _> = url::form_urlencoded::parse(rest.as_bytes()).into_owned().collect();
        // As Graph, options without the dollar sign are ignored.
        let unknown =
            asked.keys().find(|key| key.starts_with('$') && !["$expand", "$select", "$top"].contains(&key.as_str()));
        if let Some(unknown) = unknown {
            return Err(bad(format!("this server does not know the option {unknown}")));
        }
        let names = |key: &str| asked.get(key).map(|list| names(list)).unwrap_or_default();
        let (expand, select) = (names("$expand"), names("$select"));
        Ok(Self { expand, select, top: asked.get("$top").and_then(|top| top.parse().ok()), offset, rest })
    }

    fn expands(&self, name: &str) -> bool {
        self.expand.iter().any(|expanded| expanded == name)
    }
}

/// The names of a list such as `settings,scheduledActionsForRule($expand=scheduledActionConfigurations)`.
fn names(list: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut names = vec![String::new()];
    for c in list.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => names.push(String::new()),
            c if depth == 0 && !c.is_whitespace() => names.last_mut().expect("never empty").push(c),
            _ => {}
        }
    }
    names
}

/// The answer to a GET below the version.
pub(super) fn answer(shared: &Shared, tenant: &str, target: &str) -> Reply {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = match Query::parse(query) {
        Ok(query) => query,
        Err(reply) => return reply,
    };
    if let Some(object) = shared.world().objects.get(path) {
        return Reply::json(200, &selected(object.clone(), &query));
    }
    let segments: Vec<String> = path.split('/').flat_map(keyed).collect();
    let known = (1..=segments.len()).rev().find_map(|length| {
        let collection = segments[..length].join("/");
        navigation(&collection).map(|navigation| (collection, navigation, &segments[length..]))
    });
    let Some((collection, navigation, below)) = known else {
        return Reply::error(400, "BadRequest", &format!("Resource not found for the segment '{path}'."));
    };
    if let Some(unknown) = query.expand.iter().find(|name| below.len() < 2 && !navigation.contains(&name.as_str())) {
        return Reply::error(400, "BadRequest", &format!("Parsing OData Select and Expand failed: '{unknown}'."));
    }
    // Out of the lock, so that requests are answered side by side.
    let (items, page_size) = {
        let world = shared.world();
        (find_collection(&world, tenant, &collection).unwrap_or_default(), world.page_size)
    };
    let list = Listing { shared, page_size, path, query: &query };
    let below: Vec<&str> = below.iter().map(String::as_str).collect();
    match below.as_slice() {
        [] => list.page(&items.items, |item| in_list(item, &collection, navigation, &query)),
        [key] if key.contains("='") => match by_other_key(&items, key) {
            Some(item) => Reply::json(200, &as_item(item, &collection, navigation, &query)),
            None => not_found(key),
        },
        [id] => match items.find(id) {
            Some(item) => Reply::json(200, &as_item(item, &collection, navigation, &query)),
            None => not_found(id),
        },
        [id, nested @ ..] => match items.find(id).and_then(|item| inner_list(item, nested, navigation)) {
            Some(inner) => {
                let definitions = {
                    let world = shared.world();
                    find_collection(&world, tenant, "deviceManagement/configurationSettings").unwrap_or_default()
                };
                list.page(&inner, |item| in_inner_list(item, nested.last().copied(), &query, &definitions))
            }
            None => not_found(id),
        },
    }
}

fn find_collection(world: &World, tenant: &str, collection: &str) -> Option<Arc<Collection>> {
    world.tenants.get(tenant).or_else(|| world.tenants.get("*"))?.get(collection).cloned()
}

/// A segment such as `configurationSettings('<id>')` or `servicePrincipals(appId='<id>')` is two.
fn keyed(segment: &str) -> Vec<String> {
    let segment = decoded(segment);
    match segment.strip_suffix(')').and_then(|segment| segment.split_once('(')) {
        Some((name, key)) => match key.strip_prefix('\'').and_then(|key| key.strip_suffix('\'')) {
            Some(id) => vec![name.to_owned(), id.replace("''", "'")],
            None => vec![name.to_owned(), key.to_owned()],
        },
        None => vec![segment],
    }
}

/// The item of a key such as `appId='<id>'`.
fn by_other_key<'i>(items: &'i Collection, key: &str) -> Option<&'i Value> {
    let (property, value) = key.split_once('=')?;
    items.items.iter().find(|item| item[property].as_str() == Some(value.trim_matches('\'')))
}

/// The answer to a POST on `directoryObjects/getByIds`: what is not there is left out.
pub(super) fn by_ids(shared: &Shared, tenant: &str, body: &[u8]) -> Reply {
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(ids) = asked["ids"].as_array().filter(|ids| (1..=1000).contains(&ids.len())) else {
        return Reply::error(400, "Request_BadRequest", "ids holds 1 to 1000 ids");
    };
    let objects = find_collection(&shared.world(), tenant, "directoryObjects").unwrap_or_default();
    let found: Vec<&Value> = ids.iter().filter_map(|id| objects.find(id.as_str()?)).collect();
    Reply::json(200, &json!({ "value": found }))
}

fn not_found(id: &str) -> Reply {
    Reply::error(404, "ResourceNotFound", &format!("Resource '{id}' does not exist."))
}

fn decoded(segment: &str) -> String {
    // A plus sign in a path is itself.
    let query = format!("x={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(query.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// A list that is given out page by page.
struct Listing<'a> {
    shared: &'a Shared,
    page_size: Option<usize>,
    path: &'a str,
    query: &'a Query,
}

impl Listing<'_> {
    fn page(&self, items: &[Value], shape: impl Fn(&Value) -> Value) -> Reply {
        let small = self.path.ends_with("/configurationPolicies") || self.path.ends_with("/settings");
        let default = self.page_size.unwrap_or(if small { 25 } else { 1000 });
        let size = self.query.top.unwrap_or(default).clamp(1, 1000);
        let page: Vec<Value> = items.iter().skip(self.query.offset).take(size).map(shape).collect();
        let context = format!("{}/beta/$metadata#{}", self.shared.url, self.path);
        let mut body = json!({ "@odata.context": context, "value": page });
        let next = self.query.offset + size;
        if next < items.len() {
            let rest = if self.query.rest.is_empty() { String::new() } else { format!("{}&", self.query.rest) };
            let link = format!("{}/beta/{}?{rest}$skiptoken={SKIP_START}{next}{SKIP_END}", self.shared.url, self.path);
            body["@odata.nextLink"] = link.into();
        }
        Reply::json(200, &body)
    }
}

fn in_list(item: &Value, collection: &str, navigation: &[&str], query: &Query) -> Value {
    let mut item = expanded(item, collection, navigation, query);
    for content in ["scriptContent", "detectionScriptContent", "remediationScriptContent"] {
        if let Some(content) = item.get_mut(content) {
            *content = Value::Null;
        }
    }
    if collection.ends_with("reusablePolicySettings") && query.select.is_empty() {
        remove(&mut item, "settingInstance");
    }
    selected(item, query)
}

fn as_item(item: &Value, collection: &str, navigation: &[&str], query: &Query) -> Value {
    let mut item = expanded(item, collection, navigation, query);
    let family = item["templateReference"]["templateFamily"].as_str().unwrap_or_default();
    // Graph's own fault: the list has them, the item does not.
    if family.starts_with("endpointSecurity") && query.expands("assignments") {
        item["assignments"] = json!([]);
    }
    selected(item, query)
}

fn expanded(item: &Value, collection: &str, navigation: &[&str], query: &Query) -> Value {
    let mut item = item.clone();
    for name in navigation {
        if !query.expands(name) {
            remove(&mut item, name);
        } else if item[*name].is_null()
            || (collection.ends_with("groupPolicyConfigurations") && *name == "definitionValues")
        {
            item[*name] = json!([]);
        }
    }
    item
}

fn inner_list(item: &Value, nested: &[&str], navigation: &[&str]) -> Option<Vec<Value>> {
    // a list of one that PowerShell has exported as the item itself
    let list = |value: &Value| match value {
        Value::Array(items) => items.clone(),
        Value::Object(_) => vec![value.clone()],
        _ => Vec::new(),
    };
    match nested {
        [name] if navigation.contains(name) => Some(list(&item[*name])),
        ["definitionValues", id, "presentationValues"] => {
            let values = list(&item["definitionValues"]);
            values.iter().find(|value| value["id"].as_str() == Some(id)).map(|value| list(&value["presentationValues"]))
        }
        ["categories", id, "settingDefinitions"] => {
            let categories = item["categories"].as_array()?;
            categories
                .iter()
                .find(|category| category["id"].as_str() == Some(id))
                .map(|category| list(&category["settingDefinitions"]))
        }
        _ => None,
    }
}

fn in_inner_list(item: &Value, name: Option<&str>, query: &Query, definitions: &Collection) -> Value {
    let mut item = item.clone();
    if name == Some("settings") && query.expands("settingDefinitions") && item["settingDefinitions"].is_null() {
        let mut ids = Vec::new();
        definition_ids(&item, &mut ids);
        item["settingDefinitions"] = ids.iter().filter_map(|id| definitions.find(id)).cloned().collect();
    }
    let hidden: &[&str] = match name {
        Some("settings" | "categories") => &["settingDefinitions"],
        Some("definitionValues") => &["definition", "presentationValues"],
        Some("presentationValues") => &["presentation", "definitionValue"],
        _ => &[],
    };
    for name in hidden.iter().filter(|name| !query.expands(name)) {
        remove(&mut item, name);
    }
    selected(item, query)
}

/// The definitions of a setting and of all below it.
fn definition_ids(setting: &Value, ids: &mut Vec<String>) {
    match setting {
        Value::Object(object) => {
            ids.extend(object.get("settingDefinitionId").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| definition_ids(value, ids));
        }
        Value::Array(items) => items.iter().for_each(|item| definition_ids(item, ids)),
        _ => {}
    }
}

fn selected(mut item: Value, query: &Query) -> Value {
    if let (false, Some(object)) = (query.select.is_empty(), item.as_object_mut()) {
        object.retain(|key, _| key.starts_with('@') || query.select.contains(key) || query.expands(key));
    }
    item
}

fn remove(item: &mut Value, key: &str) {
    if let Some(object) = item.as_object_mut() {
        object.remove(key);
    }
}
