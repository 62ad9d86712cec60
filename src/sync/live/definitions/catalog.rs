//! Names of the settings catalog, which Graph gives in three ways: the cheapest first, and for what it does not give the
//! next one.

use std::collections::HashSet;

use chrono::TimeDelta;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::{sync::Mutex, task::spawn_blocking};

use super::{Definitions, PERMISSION, State, asked_again_after, parsed};
use crate::{
    definitions::{Categories, Definition, Listed},
    graph::{GraphError, RawItem, segment},
    json,
    policy::PolicyDocument,
    registry::{Details, PolicyKind},
    report::now,
    sync::names::FRESH_FOR,
};

/// Single reads for one page of policies, at most.
const MAX_SINGLE: usize = 400;

/// So many ids, of which a place knows none, are no policy's mistake.
const MANY: usize = 100;

/// Policies whose definitions are read at once: their answers are large.
const POLICIES_AT_ONCE: usize = 2;

/// One whole list at a time in this process, since it is the same for all tenants: who has waited finds the names in
/// the database.
static WHOLE_LIST: Mutex<()> = Mutex::const_new(());

/// Where Graph keeps the definitions of a kind.
pub(super) struct Place {
    pub(super) definitions: &'static str,
    categories: &'static str,
    /// Requests that the whole list takes, about: pages of a thousand, and the categories.
    whole: usize,
}

/// A way to read what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// `configurationSettings('<id>')`, twenty to a `$batch`.
    Single,
    /// `{policy}/settings?$expand=settingDefinitions`.
    WithPolicies,
    /// The list of all.
    Whole,
}

impl Place {
    pub(super) fn of(kind: &PolicyKind) -> Self {
        let (definitions, categories, whole) = match kind.slug() {
            "linux-compliance" => ("deviceManagement/complianceSettings", "deviceManagement/complianceCategories", 3),
            "reusable-settings" => ("deviceManagement/reusableSettings", "deviceManagement/configurationCategories", 3),
            _ => ("deviceManagement/configurationSettings", "deviceManagement/configurationCategories", 20),
        };
        Self { definitions, categories, whole }
    }
}

impl Definitions {
    /// Ids of the settings catalog, in the cheapest way, and in the next one what that did not give.
    pub(super) async fn of_catalog(
        &self,
        state: &mut State,
        kind: &'static PolicyKind,
        documents: &[PolicyDocument],
        used: &[Vec<String>],
        missing: Vec<String>,
    ) -> Result<(), GraphError> {
        let place = Place::of(kind);
        let mut missing: HashSet<String> = missing.into_iter().collect();
        let mut ways = vec![Way::Single, Way::WithPolicies, Way::Whole];
        ways.retain(|way| *way != Way::WithPolicies || kind.endpoints.iter().any(|e| e.details == Details::Settings));
        // for a few ids alone the list of all is never worth its 60 MB
        ways.retain(|way| *way != Way::Whole || missing.len() >= place.whole);
        let all = missing.len();
        let mut failed = None;
        while !missing.is_empty() && !ways.is_empty() && !state.given_up.contains(place.definitions) {
            let of_missing =
                |(document, used): (_, &Vec<String>)| used.iter().any(|id| missing.contains(id)).then_some(document);
            let policies: Vec<&PolicyDocument> = documents.iter().zip(used).filter_map(of_missing).collect();
            // as Graph counts them: each request of a batch is one
            let cost = |way: &Way| match way {
                Way::Single => missing.len(),
                Way::WithPolicies => policies.len(),
                Way::Whole => place.whole,
            };
            let Some(cheapest) = (0..ways.len()).min_by_key(|index| cost(&ways[*index])) else { break };
            let way = ways.remove(cheapest);
            let done = match way {
                Way::Single => self.single(state, &place, &mut missing).await,
                Way::WithPolicies => self.with_policies(state, &place, kind, &policies, &mut missing).await,
                Way::Whole if state.whole_lists.insert(place.definitions) => {
                    self.whole(state, &place, &mut missing).await
                }
                Way::Whole => Ok(()),
            };
            match done {
                Ok(()) => {}
                Err(error) if error.ends_run() => return Err(error),
                Err(error) => {
                    tracing::debug!(%error, ?way, "names of settings could not be read in this way");
                    failed.get_or_insert(error);
                }
            }
        }
        // where none of so many is known, none of the pages to come is
        if all >= MANY && !state.named.contains(place.definitions) {
            state.given_up.insert(place.definitions);
        }
        match failed {
            Some(error) if !missing.is_empty() => {
                if missing.len() == all {
                    // it is not tried again for every page
                    state.given_up.insert(place.definitions);
                } else {
                    // Graph answers, and fails for these: not every sync of today need ask again
                    self.keep_unknown(missing, asked_again_after(TimeDelta::days(1))).await;
                }
                Err(error)
            }
            _ => Ok(()),
        }
    }

    async fn single(&self, state: &mut State, place: &Place, missing: &mut HashSet<String>) -> Result<(), GraphError> {
        let mut ids: Vec<String> = missing.iter().cloned().collect();
        ids.sort_unstable();
        ids.truncate(MAX_SINGLE);
        let paths = ids.iter().map(|id| format!("{}('{}')", place.definitions, segment(&id.replace('\'', "''"))));
        let answers = self.client.batch(paths.collect()).await;
        let (mut read, mut unknown, mut failed) = (Vec::new(), HashSet::new(), None);
        for (id, answer) in ids.into_iter().zip(answers) {
            match answer {
                Ok(definition) => match parsed(&definition) {
                    Some(listed) if listed.id.eq_ignore_ascii_case(&id) => read.push(Listed { id, ..listed }),
                    Some(_) => failed = Some(GraphError::bad_response("the definition of another setting")),
                    None => failed = Some(GraphError::bad_response("an answer without a definition")),
                },
                Err(GraphError::NotFound { .. }) => {
                    unknown.insert(id);
                }
                Err(error) => failed = Some(error),
            }
        }
        self.keep(state, place, read, missing).await?;
        missing.retain(|id| !unknown.contains(id));
        self.keep_unknown(unknown, now()).await;
        failed.map_or(Ok(()), Err)
    }

    async fn with_policies(
        &self,
        state: &mut State,
        place: &Place,
        kind: &'static PolicyKind,
        policies: &[&PolicyDocument],
        missing: &mut HashSet<String>,
    ) -> Result<(), GraphError> {
        let Some(endpoint) = kind.endpoints.first() else { return Ok(()) };
        let query = "settings?$expand=settingDefinitions&$top=1000";
        let paths: Vec<String> = policies
            .iter()
            .map(|policy| format!("{}/{}/{query}", endpoint.path, segment(policy.id.as_str())))
            .collect();
        let mut lists =
            stream::iter(paths).map(|path| async move { self.client.list(&path).await }).buffered(POLICIES_AT_ONCE);
        while let Some(settings) = lists.next().await {
            let settings = match settings {
                // deleted since the page was listed
                Err(GraphError::NotFound { .. }) => continue,
                settings => settings?.into_iter(),
            };
            // megabytes of them, which no thread that serves others is to parse
            let read = spawn_blocking(move || settings.flat_map(|setting| expanded(&setting)).collect());
            let read: Vec<Listed> = read.await.unwrap_or_default();
            self.keep(state, place, read, missing).await?;
        }
        Ok(())
    }

    async fn whole(&self, state: &mut State, place: &Place, missing: &mut HashSet<String>) -> Result<(), GraphError> {
        let _turn = WHOLE_LIST.lock().await;
        let still = self.not_stored_meanwhile(missing.iter().cloned().collect()).await;
        missing.retain(|id| still.contains(id));
        if missing.is_empty() {
            return Ok(());
        }
        let mut pages = self.client.pages(place.definitions);
        let mut any = false;
        while let Some(page) = pages.try_next().await? {
            // all of a page is kept: the next tenant uses other settings
            let read = spawn_blocking(move || page.iter().filter_map(parsed).collect());
            let read: Vec<Listed> = read.await.unwrap_or_default();
            any |= !read.is_empty();
            self.keep(state, place, read, missing).await?;
        }
        if !any {
            // no tenant's list is empty: it says nothing of what is missing, and neither would the other ways, for now
            state.given_up.insert(place.definitions);
            self.keep_unknown(std::mem::take(missing), asked_again_after(TimeDelta::hours(1))).await;
            return Ok(());
        }
        self.keep_unknown(std::mem::take(missing), now()).await;
        Ok(())
    }

    /// Those of the ids that no other run has stored since they were looked up.
    async fn not_stored_meanwhile(&self, missing: Vec<String>) -> Vec<String> {
        let context = self.context.clone();
        let looked = spawn_blocking(move || {
            context.names.look_again(&missing);
            context.names.stale(missing)
        });
        looked.await.unwrap_or_default()
    }

    /// Keeps what was read, with the paths of its categories.
    async fn keep(
        &self,
        state: &mut State,
        place: &Place,
        read: Vec<Listed>,
        missing: &mut HashSet<String>,
    ) -> Result<(), GraphError> {
        if read.is_empty() {
            return Ok(());
        }
        state.named.insert(place.definitions);
        if !state.categories.contains_key(place.categories) {
            let listed = match self.client.list(place.categories).await {
                Ok(listed) => Some(listed),
                Err(error) if error.ends_run() => return Err(error),
                Err(error) => {
                    self.warnings.add("the categories of settings could not be read", &error, PERMISSION);
                    None
                }
            };
            let categories = listed.map(|listed| {
                let mut categories = Categories::default();
                for category in &listed {
                    categories.insert(category.get().as_bytes());
                }
                categories
            });
            state.categories.insert(place.categories, categories);
        }
        let categories = state.categories.get(place.categories).and_then(Option::as_ref);
        // names without categories are asked for again tomorrow
        let read_at = if categories.is_some() { now() } else { now() - FRESH_FOR + TimeDelta::days(1) };
        let named = read.into_iter().map(|listed| {
            missing.remove(&listed.id);
            let category = listed.category_id.as_ref().and_then(|id| categories?.path(id));
            (listed.id, Definition { category, ..listed.definition })
        });
        self.store(named.collect(), read_at).await;
        Ok(())
    }
}

/// The definitions beside a setting.
fn expanded(setting: &RawItem) -> Vec<Listed> {
    let definitions = json::properties(setting.get())
        .ok()
        .and_then(|properties| serde_json::from_str::<Vec<RawItem>>(properties.get("settingDefinitions")?.get()).ok());
    definitions.unwrap_or_default().iter().filter_map(parsed).collect()
}
