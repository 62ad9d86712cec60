//! The names that a run knows: official ones of settings, from the database or just read, and those of people and
//! groups. Which of them a policy uses is part of what it is known by, so that new names reach old policies.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{
        Mutex, PoisonError, RwLock, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::{NaiveDateTime, TimeDelta};

use crate::{
    definitions::{Definition, MAX_ID},
    directory::{Directory, Sort},
    flatten::{Flattener, SettingsShape},
    policy::Policy,
    registry::PolicyKind,
    report::now,
    scan,
    store::{Session, Store, StoreError},
};

/// How long a name is taken for current.
pub(super) const FRESH_FOR: TimeDelta = TimeDelta::days(30);

/// How long it is believed that there is no definition of an id.
pub(super) const UNKNOWN_FOR: TimeDelta = TimeDelta::days(7);

/// Names of settings, and of people and groups.
#[derive(Default)]
pub(super) struct Names {
    pub(super) flattener: Flattener,
    /// Definitions that were looked up in this run: when they were read, and the hash of what they name.
    known: RwLock<HashMap<String, Known>>,
    /// Whether any definition is stored at all.
    any: AtomicBool,
    database: Option<Database>,
    people: RwLock<People>,
}

/// `None` where there was none; the second is `None` where Graph knows no names.
type Known = Option<(NaiveDateTime, Option<u64>)>;

/// A connection beside the writer's, opened when it is first needed: a tenant that has not changed needs none.
struct Database {
    store: Store,
    writes: bool,
    session: Mutex<Option<Session>>,
}

/// Names of people and groups, as far as they were asked for.
#[derive(Default)]
struct People {
    directory: Directory,
    /// Whether this run asks: an import does not.
    asked: bool,
    /// Ids that nothing is known of, since asking failed.
    unresolved: HashSet<String>,
}

impl Names {
    /// Names of a run whose database holds definitions, or none yet. One that may not write only looks up.
    pub(super) fn new(any: bool, store: Store, writes: bool) -> Self {
        let database = Some(Database { store, writes, session: Mutex::default() });
        Self { any: AtomicBool::new(any), database, ..Self::default() }
    }

    /// Whether there is no official name at all: then it does not matter which a policy uses.
    pub(super) fn has_no_definition(&self) -> bool {
        !self.any.load(Ordering::Relaxed)
    }

    /// Looks these definitions up in the database, each once in a run; whether that went well. Blocks.
    pub(super) fn look_up(&self, ids: &[String]) -> bool {
        if self.has_no_definition() {
            return true;
        }
        let new: Vec<&str> = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            ids.iter().filter(|id| !known.contains_key(*id)).map(String::as_str).collect()
        };
        new.is_empty() || self.read(&new)
    }

    /// Looks them up once more: others may have stored them since. Blocks.
    pub(super) fn look_again(&self, ids: &[String]) {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        self.read(&ids);
    }

    fn read(&self, ids: &[&str]) -> bool {
        let found = match self.with_session(|session| session.definitions(ids)) {
            None => Vec::new(),
            Some(Ok(found)) => found,
            Some(Err(error)) => {
                tracing::warn!(%error, "official names could not be looked up");
                return false;
            }
        };
        let mut named = Vec::with_capacity(found.len());
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            known.entry((*id).to_owned()).or_default();
        }
        for (id, definition, fetched_at) in found {
            known.insert(id.clone(), Some((fetched_at, definition.fingerprint())));
            named.push((id, definition));
        }
        self.learn(named, &known);
        true
    }

    /// A hash of the official names that these definitions have; empty where they have none.
    pub(super) fn fingerprint(&self, used: &[String]) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut any = false;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        for id in used {
            if let Some(Some((_, Some(names)))) = known.get(id) {
                any = true;
                hasher.update(id.as_bytes());
                hasher.update(&names.to_le_bytes());
            }
        }
        if any { hasher.finalize().to_hex()[..16].to_owned() } else { String::new() }
    }

    /// Those of the ids that have to be asked for: never asked for, or too long ago.
    pub(super) fn stale(&self, used: impl IntoIterator<Item = String>) -> Vec<String> {
        let now = now();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let is_stale = |id: &String| match known.get(id) {
            None | Some(None) => true,
            Some(Some((at, Some(_)))) => now - *at >= FRESH_FOR,
            Some(Some((at, None))) => now - *at >= UNKNOWN_FOR,
        };
        used.into_iter().filter(is_stale).collect()
    }

    /// Takes in definitions that were just read, and keeps them for all tenants. One that says nothing remembers
    /// that Graph knows none. Blocks.
    pub(super) fn keep(
        &self,
        definitions: Vec<(String, Definition)>,
        fetched_at: NaiveDateTime,
    ) -> Result<(), StoreError> {
        let given = definitions.clone();
        let stored = self.with_writer(|session| session.keep_definitions(definitions, fetched_at));
        let (definitions, is_stored, failed) = match stored {
            None => (given, false, None),
            Some(Ok(stored)) => (stored, true, None),
            // in this run they count all the same
            Some(Err(error)) => (given, false, Some(error)),
        };
        self.any.store(true, Ordering::Relaxed);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // what the database holds is looked up by the policies that use it: the list of all is large
        let of_use = |id: &String| !is_stored || known.contains_key(id);
        let of_use: Vec<_> = definitions.into_iter().filter(|(id, _)| of_use(id)).collect();
        for (id, definition) in &of_use {
            known.insert(id.clone(), Some((fetched_at, definition.fingerprint())));
        }
        self.learn(of_use, &known);
        drop(known);
        failed.map_or(Ok(()), Err)
    }

    /// No row shows a description, and thousands of them take room. Nobody may see that they are known before the
    /// flattener knows them: a policy that was flattened without would be stored as one that has them.
    fn learn(&self, definitions: Vec<(String, Definition)>, _known: &RwLockWriteGuard<'_, HashMap<String, Known>>) {
        let named = definitions.into_iter().filter(|(_, definition)| !definition.names_nothing());
        let named = named.map(|(id, definition)| (id, Definition { description: None, ..definition }));
        self.flattener.learn(named.collect());
    }

    fn with_writer<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        self.database.as_ref().filter(|database| database.writes)?;
        self.with_session(work)
    }

    fn with_session<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        let database = self.database.as_ref()?;
        let mut session = database.session.lock().unwrap_or_else(PoisonError::into_inner);
        if session.is_none() {
            let opened = if database.writes { database.store.open() } else { database.store.open_read_only() };
            match opened {
                Ok(opened) => *session = Some(opened),
                Err(error) => return Some(Err(error)),
            }
        }
        session.as_mut().map(work)
    }

    /// Groups that the tenant's stored policies are assigned to. Blocks.
    pub(super) fn assigned_before(&self, tenant: &crate::policy::TenantId) -> Vec<String> {
        self.with_session(|session| session.assigned_ids(tenant)).and_then(Result::ok).unwrap_or_default()
    }

    /// From now on names of people and groups are asked for.
    pub(super) fn ask_for_people(&self) {
        self.people.write().unwrap_or_else(PoisonError::into_inner).asked = true;
    }

    /// Whether a policy's ids of people and groups matter.
    pub(super) fn asks_for_people(&self) -> bool {
        self.people.read().unwrap_or_else(PoisonError::into_inner).asked
    }

    /// Adds names of people and groups.
    pub(super) fn meet(&self, names: impl IntoIterator<Item = (String, String)>) {
        let mut people = self.people.write().unwrap_or_else(PoisonError::into_inner);
        for (id, name) in names {
            people.directory.insert(&id, &name);
        }
    }

    /// Remembers that asking for these ids failed.
    pub(super) fn miss(&self, ids: impl IntoIterator<Item = String>) {
        self.people.write().unwrap_or_else(PoisonError::into_inner).unresolved.extend(ids);
    }

    /// A hash of the names of these ids; `None` where nobody could tell.
    pub(super) fn fingerprint_of_people(&self, ids: &BTreeSet<(Sort, String)>) -> Option<String> {
        let people = self.people.read().unwrap_or_else(PoisonError::into_inner);
        if ids.iter().any(|(_, id)| people.unresolved.contains(id)) {
            return None;
        }
        Some(people.directory.fingerprint(ids))
    }

    /// Puts the names of people and groups into a policy.
    pub(super) fn name(&self, policy: &mut Policy) {
        self.people.read().unwrap_or_else(PoisonError::into_inner).directory.name(policy);
    }
}

/// The ids of the definitions that name a policy's settings: lower-case, each once, in order.
pub(super) fn used(kind: &PolicyKind, json: &[u8]) -> Vec<String> {
    let key = match kind.shape.settings {
        SettingsShape::Intent => "definitionId",
        SettingsShape::AdministrativeTemplate => return Vec::new(),
        _ => "settingDefinitionId",
    };
    let ids = scan::texts(json, key).filter(|id| !id.is_empty() && id.len() <= MAX_ID && !id.contains('\0'));
    let mut ids: Vec<String> = ids.map(|id| id.to_ascii_lowercase()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
