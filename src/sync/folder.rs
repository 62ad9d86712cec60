//! Exported policies as a source: files in order of path, read and flattened several at a time.

use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};

use super::prepare::{Context, Outcome};
use crate::{
    fixtures::{Folder, Found},
    registry::PolicyKind,
    report::Problem,
};

/// Files that are read together, at most.
const FILES_TOGETHER: usize = 64;
/// Bytes that are read together, about.
const BYTES_TOGETHER: u64 = 1 << 20;

/// Everything in a folder, in order of path; `asked` is `None` for all kinds.
pub(super) fn outcomes(
    folder: Folder,
    asked: Option<Vec<&'static PolicyKind>>,
    context: Arc<Context>,
) -> impl Stream<Item = Result<Vec<Outcome>, tokio::task::JoinError>> {
    let others: Vec<Outcome> = folder.others().iter().map(|path| not_a_policy(path, "no `.json` file")).collect();
    let folder = Arc::new(folder);
    let asked = Arc::new(asked);
    let at_once = std::thread::available_parallelism().map_or(2, usize::from);
    let chunks = chunks(&folder);
    let read = stream::iter(chunks).map(move |files| {
        let (folder, asked, context) = (folder.clone(), asked.clone(), context.clone());
        tokio::task::spawn_blocking(move || {
            let found = files.flat_map(|file| folder.read(&folder.files()[file]));
            found.map(|found| outcome(found, asked.as_deref(), &context)).collect::<Vec<_>>()
        })
    });
    // in order: of two files with one id, the first by path wins
    read.buffered(at_once).chain(stream::iter([Ok(others)]))
}

/// The files in runs that are worth a thread's while.
fn chunks(folder: &Folder) -> Vec<std::ops::Range<usize>> {
    let mut chunks = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, file) in folder.files().iter().enumerate() {
        bytes += folder.size(file);
        if bytes >= BYTES_TOGETHER || index + 1 - start >= FILES_TOGETHER {
            chunks.push(start..index + 1);
            (start, bytes) = (index + 1, 0);
        }
    }
    chunks.push(start..folder.files().len());
    chunks
}

fn outcome(found: Found, asked: Option<&[&'static PolicyKind]>, context: &Context) -> Outcome {
    match found {
        Found::Policy(kind, document) => {
            if asked.is_some_and(|asked| !asked.iter().any(|asked| asked.slug() == kind.slug())) {
                return Outcome::NotAsked { id: document.id };
            }
            context.prepare(kind, document)
        }
        Found::Skipped { path, reason } => not_a_policy(&path, &reason),
        Found::Broken { path, kind, reason } => Outcome::Problem(Problem {
            code: "unreadable",
            kind: kind.map(PolicyKind::slug),
            policy: path.clone(),
            policy_name: None,
            file: Some(path),
            message: reason,
        }),
    }
}

fn not_a_policy(path: &str, reason: &str) -> Outcome {
    Outcome::Problem(Problem {
        code: "not_a_policy",
        kind: None,
        policy: path.to_owned(),
        policy_name: None,
        file: Some(path.to_owned()),
        message: reason.to_owned(),
    })
}
