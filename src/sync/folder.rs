//! Exported policies as a source: files in order of path, read and flattened several at a time.

use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};
use tokio::task::{JoinError, spawn_blocking};

use super::prepare::{BYTES_TOGETHER, Context, Outcome, portions};
use crate::{
    fixtures::{Folder, Found},
    policy::PolicyId,
    registry::PolicyKind,
    report::Problem,
};

/// Files that are read together, at most.
const FILES_TOGETHER: usize = 64;

/// Everything in a folder, in order of path; `asked` is `None` for all kinds.
pub(super) fn outcomes(
    folder: Folder,
    asked: Option<Vec<&'static PolicyKind>>,
    context: Arc<Context>,
) -> impl Stream<Item = Result<Vec<Outcome>, JoinError>> {
    let others = folder.others().iter().cloned().map(|found| outcome(found, asked.as_deref(), &context)).collect();
    let folder = Arc::new(folder);
    let whole = folder.clone();
    let asked = Arc::new(asked);
    let at_once = std::thread::available_parallelism().map_or(2, usize::from);
    let read = stream::iter(chunks(&folder)).map(move |files| {
        let folder = folder.clone();
        spawn_blocking(move || files.flat_map(|file| folder.read(&folder.files()[file])).collect::<Vec<_>>())
    });
    let pages = read.buffered(at_once).flat_map(|found| match found {
        Ok(found) => stream::iter(portions(found, bytes_of).into_iter().map(Ok).collect::<Vec<_>>()),
        Err(error) => stream::iter(vec![Err(error)]),
    });
    let of_kinds = asked.clone();
    let unfinished = stream::once(async move {
        let is_asked = |kind: &PolicyKind| is_asked(kind, of_kinds.as_deref());
        let mut found = whole.unfinished();
        // a list of another kind is nobody's business
        found.retain(|found| !matches!(found, Found::Broken { kind: Some(kind), .. } if !is_asked(kind)));
        Ok(found)
    });
    let prepared = pages.chain(unfinished).map(move |page| {
        let (asked, context) = (asked.clone(), context.clone());
        async move {
            let page = page?;
            spawn_blocking(move || {
                context.look_ahead(page.iter().filter_map(|found| match found {
                    Found::Policy(kind, document) => Some((*kind, document)),
                    _ => None,
                }));
                page.into_iter().map(|found| outcome(found, asked.as_deref(), &context)).collect()
            })
            .await
        }
    });
    // in order: of two files with one id, the first by path wins
    prepared.buffered(at_once).chain(stream::iter([Ok(others)]))
}

fn bytes_of(found: &Found) -> usize {
    match found {
        Found::Policy(_, document) => document.json.len(),
        Found::Skipped { .. } | Found::Broken { .. } => 0,
    }
}

/// The files in runs that are worth a thread's while.
fn chunks(folder: &Folder) -> Vec<std::ops::Range<usize>> {
    let mut chunks = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, file) in folder.files().iter().enumerate() {
        bytes += folder.size(file);
        if bytes >= BYTES_TOGETHER as u64 || index + 1 - start >= FILES_TOGETHER {
            chunks.push(start..index + 1);
            (start, bytes) = (index + 1, 0);
        }
    }
    chunks.push(start..folder.files().len());
    chunks
}

fn is_asked(kind: &PolicyKind, asked: Option<&[&'static PolicyKind]>) -> bool {
    asked.is_none_or(|asked| asked.iter().any(|asked| asked.slug() == kind.slug()))
}

fn outcome(found: Found, asked: Option<&[&'static PolicyKind]>, context: &Context) -> Outcome {
    let is_asked = |kind: &PolicyKind| is_asked(kind, asked);
    match found {
        Found::Policy(kind, document) => {
            if !is_asked(kind) {
                return Outcome::NotAsked {
                    kind: kind.slug(),
                    id: document.id,
                    name: document.name,
                    file: document.file,
                };
            }
            context.prepare(kind, document)
        }
        Found::Skipped { path, id, reason } => not_a_policy(&path, id, &reason),
        Found::Broken { path, kind, reason } => Outcome::Problem(Problem {
            code: "unreadable",
            // the folder tells it, which may be wrong: it is no reason to report a kind that nobody asked for
            kind: kind.filter(|kind| is_asked(kind)).map(PolicyKind::slug),
            policy: path.clone(),
            policy_name: None,
            file: Some(path),
            message: reason,
        }),
    }
}

fn not_a_policy(path: &str, id: Option<PolicyId>, reason: &str) -> Outcome {
    let problem = Problem {
        code: "not_a_policy",
        kind: None,
        policy: path.to_owned(),
        policy_name: None,
        file: Some(path.to_owned()),
        message: reason.to_owned(),
    };
    Outcome::Skipped { id, problem }
}
