//! Official names of settings, read before the policies that need them are flattened: in as few requests as what is
//! missing takes, within a time of its own, and never at the price of a policy.

mod catalog;
mod templates;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{NaiveDateTime, TimeDelta};
use tokio::{sync::Mutex, task::spawn_blocking};

use super::names::{Warnings, names_client, within};
use crate::{
    definitions::{Categories, Definition, Listed},
    flatten::SettingsShape,
    graph::{Client, Meter, RawItem},
    policy::PolicyDocument,
    registry::PolicyKind,
    sync::{names, prepare::Context},
};

/// What all reading of names in one run may take.
const LONGEST: Duration = Duration::from_mins(3);

/// Ids that one run asks for, at most: Microsoft has about 16,000.
const MAX_ASKED: usize = 100_000;

/// What the app needs for them (Microsoft Graph permissions reference).
const PERMISSION: &str = "DeviceManagementConfiguration.Read.All";

/// Where intents have their definitions.
const TEMPLATES: &str = "deviceManagement/templates";

/// Reads names for all kinds of one run.
pub(super) struct Definitions {
    client: Client,
    context: Arc<Context>,
    warnings: Arc<Warnings>,
    at_most: Duration,
    /// What is read of the settings catalog, and of templates: neither waits for the other.
    catalog: Mutex<State>,
    templates: Mutex<State>,
}

#[derive(Default)]
struct State {
    spent: Duration,
    /// Ids that this run does not ask for again.
    asked: HashSet<String>,
    /// Places that gave nothing but errors, or know nothing.
    given_up: HashSet<&'static str>,
    /// Places that gave names.
    named: HashSet<&'static str>,
    templates: HashSet<String>,
    whole_lists: HashSet<&'static str>,
    categories: HashMap<&'static str, Option<Categories>>,
}

impl Definitions {
    pub(super) fn new(client: &Client, context: Arc<Context>, warnings: Arc<Warnings>, at_most: Duration) -> Self {
        let (catalog, templates) = Default::default();
        let at_most = at_most.min(LONGEST);
        Self { client: names_client(client), context, warnings, at_most, catalog, templates }
    }

    /// Sees to it that the names of these policies' settings are known, as far as they can be had.
    /// Tells of how many settings names are read, and 0 in the end.
    pub(super) async fn learn(&self, kind: &'static PolicyKind, documents: &[PolicyDocument], tell: impl Fn(usize)) {
        let used: Vec<Vec<String>> = documents.iter().map(|document| names::used(kind, &document.json)).collect();
        let stale = self.stale(used.iter().flatten().cloned().collect()).await;
        if stale.is_empty() {
            return;
        }
        let (state, place) = match kind.shape.settings {
            SettingsShape::Intent => (&self.templates, TEMPLATES),
            _ => (&self.catalog, catalog::Place::of(kind).definitions),
        };
        let mut state = state.lock().await;
        // another page may have brought some of them meanwhile
        let stale = self.stale(stale).await;
        let missing: Vec<String> = stale.into_iter().filter(|id| state.asked.insert(id.clone())).collect();
        let is_over = state.asked.len() > MAX_ASKED || state.given_up.contains(place);
        if missing.is_empty() || is_over {
            return;
        }
        tell(missing.len());
        let left = self.at_most.saturating_sub(state.spent);
        let started = Instant::now();
        let read = async {
            match place {
                TEMPLATES => self.of_templates(&mut state, documents, &used, missing).await,
                _ => self.of_catalog(&mut state, kind, documents, &used, missing).await,
            }
        };
        let read = within(left, read).await;
        state.spent += started.elapsed();
        tell(0);
        if let Err(error) = read {
            self.warnings.add(
                "the official names of some settings could not be read, words from their ids stand in until a later sync",
                &error,
                PERMISSION,
            );
        }
    }

    /// Those of the ids that are not known, or not of late.
    async fn stale(&self, mut used: Vec<String>) -> Vec<String> {
        if used.is_empty() {
            return used;
        }
        used.sort_unstable();
        used.dedup();
        let context = self.context.clone();
        let looked = spawn_blocking(move || {
            context.names.look_up(&used);
            context.names.stale(used)
        });
        looked.await.unwrap_or_default()
    }

    /// Remembers that Graph has no definitions of these ids.
    async fn keep_unknown(&self, unknown: HashSet<String>, read_at: NaiveDateTime) {
        if !unknown.is_empty() {
            self.store(unknown.into_iter().map(|id| (id, Definition::default())).collect(), read_at).await;
        }
    }

    async fn store(&self, definitions: Vec<(String, Definition)>, read_at: NaiveDateTime) {
        let context = self.context.clone();
        let kept = spawn_blocking(move || context.names.keep(definitions, read_at)).await;
        match kept {
            Ok(Ok(())) => {}
            // they count in this run; the writer tells what is wrong with the database
            Ok(Err(error)) => tracing::warn!(%error, "names of settings could not be stored"),
            Err(error) => tracing::error!(%error, "an internal error ended the storing of names"),
        }
    }

    /// The requests that names have cost.
    pub(super) fn meter(&self) -> &Arc<Meter> {
        self.client.meter()
    }
}

/// When what is unknown would have been read, to be asked for again after `time`.
fn asked_again_after(time: TimeDelta) -> NaiveDateTime {
    crate::report::now() - names::UNKNOWN_FOR + time
}

/// A definition that cannot be read costs itself.
fn parsed(raw: &RawItem) -> Option<Listed> {
    Listed::parse(raw.get().as_bytes()).ok().flatten()
}
