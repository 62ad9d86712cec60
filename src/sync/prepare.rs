//! From a document to what the writer needs: nothing where its bytes are stored, else its rows.

use crate::{
    changes::content_hash,
    flatten::{self, Flattener},
    json::JsonError,
    policy::{Policy, PolicyDocument, PolicyId},
    registry::PolicyKind,
    report::Problem,
    store::{Known, Read},
};

/// Longest value of a setting, in bytes.
const MAX_VALUE_BYTES: usize = 16 << 20;

/// What all policies of a run share.
#[derive(Debug, Default)]
pub(super) struct Context {
    pub(super) known: Known,
    pub(super) flattener: Flattener,
}

/// What became of something that the source gave.
#[derive(Debug)]
pub(super) enum Outcome {
    /// New, or perhaps changed.
    Read(Box<Read>),
    /// Stored with these very bytes.
    Untouched { kind: &'static str, id: PolicyId, settings: u32 },
    /// It is there, and cannot be read: its last good rows stay.
    Unreadable { id: PolicyId, problem: Problem },
    /// A policy of a kind that was not asked for.
    NotAsked { id: PolicyId },
    /// A file that is no policy, or something that may have been one.
    Problem(Problem),
    /// No more of this kind.
    KindEnded { kind: &'static str, failure: Option<crate::report::ErrorReport> },
}

impl Context {
    /// Flattens a policy, unless it is stored as it is.
    pub(super) fn prepare(&self, kind: &'static PolicyKind, document: &PolicyDocument) -> Outcome {
        let source_hash = source_hash(kind, document);
        if let Some(settings) = self.known.same(document.id.as_str(), &source_hash) {
            return Outcome::Untouched { kind: kind.slug(), id: document.id.clone(), settings };
        }
        let problem = match flatten::flatten(&kind.shape, document, &self.flattener) {
            Ok(policy) => match too_large(&policy) {
                None => {
                    let content_hash = content_hash(&policy);
                    return Outcome::Read(Box::new(Read { policy, content_hash, source_hash }));
                }
                Some(message) => ("too_large", message),
            },
            Err(error @ JsonError::TooDeep) => ("too_large", error.to_string()),
            Err(error) => ("unreadable", error.to_string()),
        };
        let (code, message) = problem;
        let problem = Problem {
            code,
            kind: Some(kind.slug()),
            policy: document.id.to_string(),
            policy_name: document.name.clone(),
            message,
        };
        Outcome::Unreadable { id: document.id.clone(), problem }
    }
}

fn too_large(policy: &Policy) -> Option<String> {
    let large = |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > MAX_VALUE_BYTES);
    let found = policy.settings.iter().find(|setting| large(&setting.value) || large(&setting.raw_value))?;
    Some(format!("the value of `{}` is larger than {} MiB", found.name, MAX_VALUE_BYTES >> 20))
}

/// Over the bytes, the flattener that reads them and the kind it reads them as.
fn source_hash(kind: &PolicyKind, document: &PolicyDocument) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [flatten::VERSION, kind.slug(), if document.short { "short" } else { "" }] {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    hasher.update(&document.json);
    hasher.finalize().to_hex()[..32].to_owned()
}
