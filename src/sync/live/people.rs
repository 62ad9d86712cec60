//! Names of people, groups, apps, roles, places and filters, asked for before the policies that speak of them are
//! flattened. Whatever fails, the ids stay.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{sync::Mutex, task::spawn_blocking};

use super::names::{Warnings, names_client, within};
use crate::{
    directory::{self, DELETED, Sort, UNREADABLE},
    graph::{Client, GraphError, Meter, RawItem},
    json,
    policy::{PolicyDocument, TenantId},
    registry::PolicyKind,
    sync::prepare::Context,
};

/// What all asking for names of people in one run may take.
const LONGEST: Duration = Duration::from_mins(2);

/// Ids that `getByIds` takes (learn.microsoft.com, directoryObject: getByIds).
const MAX_IDS: usize = 1_000;

/// Asks for names for all kinds of one run; each id once.
pub(super) struct People {
    client: Client,
    context: Arc<Context>,
    warnings: Arc<Warnings>,
    tenant: TenantId,
    /// What pages that wait for their turn speak of: whose turn it is asks for all of them.
    waiting: std::sync::Mutex<BTreeSet<(Sort, String)>>,
    state: Mutex<State>,
}

struct State {
    left: Duration,
    /// Ids that were asked for, or cannot be.
    asked: BTreeSet<(Sort, String)>,
    /// Sorts of which the whole list was read.
    listed: HashSet<Sort>,
    /// Sorts that the app may not read, or that fail.
    refused: HashSet<Sort>,
    failing: HashSet<Sort>,
    stored_too: bool,
}

impl People {
    pub(super) fn new(
        client: &Client,
        context: Arc<Context>,
        warnings: Arc<Warnings>,
        tenant: TenantId,
        at_most: Duration,
    ) -> Self {
        context.names.ask_for_people();
        let state = State {
            left: at_most.min(LONGEST),
            asked: BTreeSet::new(),
            listed: HashSet::new(),
            refused: HashSet::new(),
            failing: HashSet::new(),
            stored_too: false,
        };
        let (client, waiting) = (names_client(client), std::sync::Mutex::default());
        Self { client, context, warnings, tenant, waiting, state: Mutex::new(state) }
    }

    /// Sees to it that the names of what these policies speak of are known, as far as they may be.
    pub(super) async fn learn(&self, kind: &PolicyKind, documents: &[PolicyDocument]) {
        let used: BTreeSet<_> =
            documents.iter().flat_map(|document| directory::ids(kind.slug(), &document.json)).collect();
        if used.is_empty() {
            return;
        }
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).extend(used.iter().cloned());
        let mut state = self.state.lock().await;
        let state = &mut *state;
        let mut waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        // whose turn it was may have asked for them in vain: its kind can fail meanwhile
        waiting.extend(used);
        let mut new: BTreeSet<_> = waiting.difference(&state.asked).cloned().collect();
        if new.is_empty() {
            return;
        }
        if new.iter().any(|(sort, _)| *sort == Sort::Object) && !std::mem::replace(&mut state.stored_too, true) {
            // one request for what the pages to come will ask for
            let (context, tenant) = (self.context.clone(), self.tenant.clone());
            let stored = spawn_blocking(move || context.names.assigned_before(&tenant)).await.unwrap_or_default();
            let stored = stored.into_iter().filter(|id| uuid::Uuid::try_parse(id).is_ok());
            new.extend(stored.map(|id| (Sort::Object, id.to_ascii_lowercase())));
        }
        for sort in [Sort::Object, Sort::App, Sort::Role, Sort::Location, Sort::Filter] {
            let ids: Vec<String> = new.iter().filter(|(of, _)| *of == sort).map(|(_, id)| id.clone()).collect();
            if !ids.is_empty() {
                self.ask(state, sort, ids).await;
            }
        }
        state.asked.extend(new);
    }

    async fn ask(&self, state: &mut State, sort: Sort, ids: Vec<String>) {
        if state.refused.contains(&sort) || state.listed.contains(&sort) {
            return;
        }
        if state.failing.contains(&sort) {
            return self.context.names.miss(ids);
        }
        let started = Instant::now();
        let asked = within(state.left, self.names(sort, &ids)).await;
        state.left = state.left.saturating_sub(started.elapsed());
        let error = match asked {
            Ok(Found { names, failed }) => {
                self.context.names.meet(names);
                match failed {
                    Some((error, missed)) => {
                        self.warn(sort, &error);
                        self.context.names.miss(missed);
                    }
                    None if matches!(sort, Sort::Role | Sort::Location | Sort::Filter) => {
                        state.listed.insert(sort);
                    }
                    None => {}
                }
                return;
            }
            Err(error) => error,
        };
        self.warn(sort, &error);
        if matches!(error, GraphError::Forbidden { .. } | GraphError::NotLicensed { .. }) {
            state.refused.insert(sort);
        } else {
            state.failing.insert(sort);
            // names of an earlier run are better than none
            self.context.names.miss(ids);
        }
    }

    fn warn(&self, sort: Sort, error: &GraphError) {
        let (what, permission) = match sort {
            // the one permission for all three (learn.microsoft.com: directoryObject: getByIds, Get servicePrincipal,
            // List directoryRoleTemplates)
            Sort::Object | Sort::App | Sort::Role => ("names of groups, people and apps", "Directory.Read.All"),
            Sort::Location => ("names of locations", "Policy.Read.All"),
            Sort::Filter => ("names of assignment filters", "DeviceManagementConfiguration.Read.All"),
        };
        self.warnings.add(&format!("{what} could not be read, their ids stand in"), error, permission);
    }

    async fn names(&self, sort: Sort, ids: &[String]) -> Result<Found, GraphError> {
        let path = match sort {
            Sort::Object => return self.objects(ids).await,
            Sort::App => return self.apps(ids).await,
            Sort::Role => "directoryRoleTemplates",
            Sort::Location => "identity/conditionalAccess/namedLocations",
            Sort::Filter => "deviceManagement/assignmentFilters",
        };
        Ok(Found { names: self.list(path).await?, failed: None })
    }

    async fn objects(&self, ids: &[String]) -> Result<Found, GraphError> {
        let mut found = Found::default();
        let mut left_out: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        for ids in ids.chunks(MAX_IDS) {
            let body = json!({ "ids": ids, "types": ["group", "user", "servicePrincipal"] });
            let objects = match self.client.post_list("directoryObjects/getByIds", &body).await {
                Ok(objects) => objects,
                Err(error) if found.names.is_empty() => return Err(error),
                Err(error) => {
                    for id in ids {
                        left_out.remove(id.as_str());
                        found.miss(id, error.clone())?;
                    }
                    continue;
                }
            };
            for object in objects {
                if let Some((id, name)) = named(&object, "id") {
                    left_out.remove(id.as_str());
                    found.names.push((id, name.unwrap_or_else(|| UNREADABLE.to_owned())));
                }
            }
        }
        // what was left out may be deleted, or of another type, or not for this app's eyes: each is asked for itself
        let left_out: Vec<&str> = left_out.into_iter().collect();
        let paths = left_out.iter().map(|id| format!("directoryObjects/{id}")).collect();
        for (id, answer) in left_out.iter().zip(self.client.batch(paths).await) {
            match answer {
                Err(GraphError::NotFound { .. }) => found.names.push(((*id).to_owned(), DELETED.to_owned())),
                Ok(object) => {
                    let name = named(&object, "id").and_then(|(_, name)| name);
                    found.names.push(((*id).to_owned(), name.unwrap_or_else(|| UNREADABLE.to_owned())));
                }
                Err(GraphError::Forbidden { .. }) => {}
                Err(error) => found.miss(id, error)?,
            }
        }
        Ok(found)
    }

    /// Apps stand in policies by their `appId`. One without a service principal is not in the tenant: its id stays.
    async fn apps(&self, ids: &[String]) -> Result<Found, GraphError> {
        let paths = ids.iter().map(|id| format!("servicePrincipals(appId='{id}')?$select=appId,displayName"));
        let mut found = Found::default();
        for (id, answer) in ids.iter().zip(self.client.batch(paths.collect()).await) {
            match answer {
                Ok(app) => found.names.extend(named(&app, "appId").and_then(|(id, name)| Some((id, name?)))),
                Err(GraphError::NotFound { .. }) => {}
                Err(error @ GraphError::Forbidden { .. }) if found.names.is_empty() => return Err(error),
                Err(error) => found.miss(id, error)?,
            }
        }
        Ok(found)
    }

    async fn list(&self, path: &str) -> Result<Vec<(String, String)>, GraphError> {
        let items = self.client.list(path).await?;
        Ok(items.iter().filter_map(|item| named(item, "id")).filter_map(|(id, name)| Some((id, name?))).collect())
    }

    /// The requests that names have cost.
    pub(super) fn meter(&self) -> &Arc<Meter> {
        self.client.meter()
    }
}

/// What asking for names has given, and the ids for which it failed.
#[derive(Default)]
struct Found {
    names: Vec<(String, String)>,
    failed: Option<(GraphError, Vec<String>)>,
}

impl Found {
    /// One id that fails does not cost the others; what ends the run does.
    fn miss(&mut self, id: &str, error: GraphError) -> Result<(), GraphError> {
        if error.ends_run() {
            return Err(error);
        }
        self.failed.get_or_insert_with(|| (error, Vec::new())).1.push(id.to_owned());
        Ok(())
    }
}

/// An object's id, lower-case, and its name where it has one.
fn named(object: &RawItem, key: &str) -> Option<(String, Option<String>)> {
    let properties = json::properties(object.get()).ok()?;
    let name = json::text(&properties, "displayName").filter(|name| !name.trim().is_empty());
    Some((json::text(&properties, key)?.to_ascii_lowercase(), name))
}
