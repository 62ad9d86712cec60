//! What a sync hands to the store and what it gets back.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDateTime;

use crate::{
    changes::Tally,
    policy::{Policy, PolicyId, TenantId},
    store::rows::ChangeRow,
};

/// The run that writes.
#[derive(Debug, Clone)]
pub struct Run {
    /// UUIDv7.
    pub id: String,
    /// The tenant.
    pub tenant: TenantId,
    /// When it started, UTC: the `last_synced_at` of every policy it sees.
    pub started_at: NaiveDateTime,
    /// Kinds of which a listing was completed before: only their changes are recorded.
    pub recorded: HashSet<String>,
    /// Read and compare, and write nothing.
    pub dry: bool,
}

/// A policy that is new, or may have changed.
#[derive(Debug, Clone)]
pub struct Read {
    /// The policy.
    pub policy: Policy,
    /// Over what flattening gave.
    pub content_hash: String,
    /// Over what was read.
    pub source_hash: String,
    /// Nothing was stored of it when the run began.
    pub is_new: bool,
}

/// Policies to be written in one transaction.
#[derive(Debug, Default)]
pub struct Batch {
    /// New or perhaps changed.
    pub read: Vec<Read>,
    /// Seen with the very bytes that are stored: only `last_synced_at` moves.
    pub untouched: Vec<PolicyId>,
}

impl Batch {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.read.is_empty() && self.untouched.is_empty()
    }
}

/// What writing did, by kind.
pub type Tallies = BTreeMap<&'static str, Tally>;

/// What a batch came to.
#[derive(Debug, Default)]
pub struct Written {
    /// By kind.
    pub tallies: Tallies,
    /// Of a dry run, the changes that a real one would record.
    pub changes: Vec<ChangeRow>,
}

/// What is stored of a tenant's policies: enough to tell that one need not be read again. 64 bytes a policy.
#[derive(Debug, Default)]
pub struct Known(HashMap<u128, (u128, u64, Stored)>);

/// What a summary tells of a policy that is not read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// How many settings it has.
    pub settings: u32,
    /// Whether all of them came.
    pub complete: bool,
}

impl Known {
    /// Adds a stored policy. What stands behind a dash in the hash is of the names of people and groups.
    pub fn insert(&mut self, id: &str, source_hash: &str, settings: i64, complete: bool) {
        let stored = Stored { settings: u32::try_from(settings).unwrap_or(u32::MAX), complete };
        let (source, people) = source_hash.split_once('-').unwrap_or((source_hash, ""));
        self.0.insert(short_hash(id), (short_hash(source), shorter_hash(people), stored));
    }

    /// What is stored of a policy.
    pub fn get(&self, id: &str) -> Option<Stored> {
        self.0.get(&short_hash(id)).map(|(_, _, stored)| *stored)
    }

    /// A policy that is stored with this very source, and with these names of people and groups; `None` where
    /// nobody could be asked for them, and the stored ones are as good as any.
    pub fn same(&self, id: &str, source: &str, people: Option<&str>) -> Option<Stored> {
        let (known, known_people, stored) = self.0.get(&short_hash(id))?;
        let same_people = people.is_none_or(|people| shorter_hash(people) == *known_people);
        (*known == short_hash(source) && same_people).then_some(*stored)
    }
}

/// Ids in 16 bytes each.
#[derive(Debug, Default)]
pub struct Seen(HashSet<u128>);

impl Seen {
    /// Adds an id; false where it was there.
    pub fn insert(&mut self, id: &str) -> bool {
        self.0.insert(short_hash(id))
    }

    /// Whether none was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it was added.
    pub fn contains(&self, id: &str) -> bool {
        self.0.contains(&short_hash(id))
    }
}

/// Half of a cryptographic hash: nobody can choose two ids that are taken for one.
fn short_hash(text: &str) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    u128::from_le_bytes(half)
}

/// Enough where a collision only leaves a name as it was.
fn shorter_hash(text: &str) -> u64 {
    let mut part = [0; 8];
    part.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..8]);
    u64::from_le_bytes(part)
}
