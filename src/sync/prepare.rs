//! From a document to what the writer needs: nothing where its bytes are stored, else its rows.

use super::{
    names::{self, Names},
    scripts,
};
use crate::{
    changes::content_hash,
    directory, flatten,
    json::JsonError,
    policy::{Completeness, Policy, PolicyDocument, PolicyId, ScriptContent},
    registry::PolicyKind,
    report::{ErrorReport, Problem},
    store::{Known, Read, Stored},
};

/// Longest value of a setting, in bytes.
const MAX_VALUE_BYTES: usize = 16 << 20;

/// Bytes of policies that are read, or flattened, together, about.
pub(super) const BYTES_TOGETHER: usize = 1 << 20;

/// What all policies of a run share.
#[derive(Default)]
pub(super) struct Context {
    pub(super) known: Known,
    pub(super) names: Names,
    pub(super) script_content: ScriptContent,
}

/// What became of something that the source gave.
#[derive(Debug)]
pub(super) enum Outcome {
    /// A policy.
    Policy(Box<Prepared>),
    /// A policy of a kind that was not asked for.
    NotAsked { kind: &'static str, id: PolicyId, name: Option<String>, file: Option<String> },
    /// A file or an object that is no policy. What is stored by its id is still there.
    Skipped { id: Option<PolicyId>, problem: Problem },
    /// Something that may have been a policy.
    Problem(Problem),
    /// No more of this kind.
    KindEnded { kind: &'static str, failure: Option<ErrorReport>, absent: Vec<Absent> },
}

/// A collection of a kind that Graph did not list, as if the tenant had none of it.
#[derive(Debug)]
pub(super) struct Absent {
    pub(super) path: &'static str,
    /// Told where a stored policy may be of it.
    pub(super) error: ErrorReport,
}

/// A policy, as far as it got.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) kind: &'static str,
    pub(super) id: PolicyId,
    pub(super) name: Option<String>,
    pub(super) file: Option<String>,
    pub(super) content: Content,
}

/// What a policy holds.
#[derive(Debug)]
pub(super) enum Content {
    /// New, or perhaps changed.
    Read(Box<Read>),
    /// Stored with these very bytes.
    Untouched(Stored),
    /// It is there, and cannot be read: its last good rows stay.
    Unreadable { code: &'static str, message: String },
}

impl Prepared {
    /// A problem with this policy.
    pub(super) fn problem(&self, code: &'static str, message: impl Into<String>) -> Problem {
        Problem {
            code,
            kind: Some(self.kind),
            policy: self.id.to_string(),
            policy_name: self.name.clone(),
            file: self.file.clone(),
            message: message.into(),
        }
    }
}

impl Context {
    /// Looks up what a page of policies needs, in one go.
    pub(super) fn look_ahead<'d>(&self, documents: impl Iterator<Item = (&'static PolicyKind, &'d PolicyDocument)>) {
        let mut used: Vec<String> = documents.flat_map(|(kind, document)| self.used(kind, document)).collect();
        used.sort_unstable();
        used.dedup();
        // where it fails, each policy tries for itself
        self.names.look_up(&used);
    }

    fn used(&self, kind: &PolicyKind, document: &PolicyDocument) -> Vec<String> {
        if self.names.has_no_definition() { Vec::new() } else { names::used(kind, &document.json) }
    }

    /// Flattens a policy, unless it is stored as it is.
    pub(super) fn prepare(&self, kind: &'static PolicyKind, document: PolicyDocument) -> Outcome {
        let content = self.content(kind, &document);
        let PolicyDocument { id, name, file, .. } = document;
        Outcome::Policy(Box::new(Prepared { kind: kind.slug(), id, name, file, content }))
    }

    fn content(&self, kind: &'static PolicyKind, document: &PolicyDocument) -> Content {
        let used = self.used(kind, document);
        let looked_up = self.names.look_up(&used);
        let source = self.source(kind, document, &used);
        let people = if self.names.asks_for_people() {
            self.names.fingerprint_of_people(&directory::ids(kind.slug(), &document.json))
        } else {
            Some(String::new())
        };
        if let Some(stored) = self.known.same(document.id.as_str(), &source, people.as_deref()) {
            return Content::Untouched(stored);
        }
        let source_hash = match (looked_up, people.as_deref()) {
            (true, Some("")) => source,
            (true, Some(people)) => format!("{source}-{people}"),
            // some names were not to be had: the next sync is not to take this for the same
            (true, None) => format!("{source}-?"),
            (false, _) => String::new(),
        };
        match flatten::flatten(&kind.shape, document, &self.names.flattener) {
            Ok(mut policy) => {
                if self.has_more(&policy) {
                    let message = "not all of its settings are there: what is stored of it stays".to_owned();
                    return Content::Unreadable { code: "incomplete", message };
                }
                self.names.name(&mut policy);
                if self.script_content == ScriptContent::Hash {
                    scripts::withhold(&mut policy);
                }
                if let Some(message) = too_large(&policy) {
                    Content::Unreadable { code: "too_large", message }
                } else {
                    let content_hash = content_hash(&policy);
                    let is_new = self.known.get(&policy.id).is_none();
                    Content::Read(Box::new(Read { policy, content_hash, source_hash, is_new }))
                }
            }
            Err(error @ JsonError::TooDeep) => Content::Unreadable { code: "too_large", message: error.to_string() },
            Err(error) => Content::Unreadable { code: "unreadable", message: error.to_string() },
        }
    }

    /// Whether more may be stored of a policy than came.
    fn has_more(&self, policy: &Policy) -> bool {
        self.known.get(&policy.id).is_some_and(|stored| match policy.completeness {
            Completeness::Absent => stored.settings > 0,
            Completeness::Cut => stored.complete,
            Completeness::Whole | Completeness::PartlyAssigned | Completeness::Short => false,
        })
    }

    /// A hash over all that rows are made of: the bytes, the kind that they are read as, a name that may stand outside
    /// of them, the flattener, and the official names that are known of their definitions.
    fn source(&self, kind: &PolicyKind, document: &PolicyDocument, used: &[String]) -> String {
        let mut hasher = blake3::Hasher::new();
        let scripts = match self.script_content {
            ScriptContent::Full => "",
            ScriptContent::Hash => "hash",
        };
        let name = document.name.as_deref().unwrap_or_default();
        for part in [flatten::VERSION, kind.slug(), scripts, name, &self.names.fingerprint(used)] {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
        hasher.update(&document.json);
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

/// What is flattened together, in order: a file or a page may hold thousands of policies.
pub(super) fn portions<T>(items: Vec<T>, bytes_of: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let (mut portions, mut portion, mut bytes) = (Vec::new(), Vec::new(), 0);
    for item in items {
        bytes += bytes_of(&item);
        portion.push(item);
        if bytes >= BYTES_TOGETHER {
            portions.push(std::mem::take(&mut portion));
            bytes = 0;
        }
    }
    portions.push(portion);
    portions
}

fn too_large(policy: &Policy) -> Option<String> {
    let large = |text: Option<&str>| text.is_some_and(|text| text.len() > MAX_VALUE_BYTES);
    let found = policy
        .settings
        .iter()
        .find(|setting| large(setting.value.as_deref()) || large(setting.raw_value.as_deref()))?;
    Some(format!("the value of `{}` is larger than {} MiB", found.name, MAX_VALUE_BYTES >> 20))
}
