//! Which kind something is: by its slug, type, context or folder.

use super::{Endpoint, POLICY_KINDS, PolicyKind};

/// A slug that stands in no row.
#[derive(Debug, thiserror::Error)]
#[error("`{slug}` is no kind of policy")]
pub struct UnknownKind {
    /// What was asked for.
    pub slug: String,
}

/// The kind with this slug.
pub fn by_slug(slug: &str) -> Result<&'static PolicyKind, UnknownKind> {
    POLICY_KINDS.iter().find(|kind| kind.slug() == slug).ok_or_else(|| UnknownKind { slug: slug.to_owned() })
}

/// The kind whose policies have this `@odata.type`, with or without `#microsoft.graph.`.
pub fn by_graph_type(graph_type: &str) -> Option<&'static PolicyKind> {
    let name = graph_type.trim_start_matches('#').trim_start_matches("microsoft.graph.");
    let having = |matches: fn(&str, &str) -> bool| {
        POLICY_KINDS.iter().find(|kind| kind.types.iter().any(|pattern| matches(pattern, name)))
    };
    let is_own = |kind: &&PolicyKind| {
        kind.types.contains(&name) || kind.endpoints.iter().any(|endpoint| endpoint.is_of_type(name))
    };
    // a name of its own before a pattern: `windows10EnrollmentCompletionPageConfiguration` is no device configuration
    POLICY_KINDS
        .iter()
        .find(is_own)
        .or_else(|| having(|pattern, name| pattern.strip_suffix('*').is_some_and(|start| name.starts_with(start))))
        .or_else(|| {
            // the longest ending: `*MobileAppConfiguration` before `*Configuration`
            let endings = POLICY_KINDS.iter().flat_map(|kind| kind.types.iter().map(move |pattern| (kind, pattern)));
            endings
                .filter_map(|(kind, pattern)| Some((kind, pattern.strip_prefix('*')?)))
                .filter(|(_, ending)| name.ends_with(ending))
                .max_by_key(|(_, ending)| ending.len())
                .map(|(kind, _)| kind)
        })
}

/// The kind whose collection an `@odata.context` names:
/// `…/$metadata#deviceManagement/configurationPolicies(assignments())/$entity`.
pub fn by_context(context: &str) -> Option<&'static PolicyKind> {
    let (_, entity) = context.split_once("$metadata#")?;
    if entity.starts_with("deviceManagement(settings)") {
        return by_slug("tenant-settings").ok();
    }
    let path: String = entity.split_inclusive('/').map(|segment| segment.split(['(', '/']).next().unwrap_or("")).fold(
        String::new(),
        |path, segment| if path.is_empty() { segment.to_owned() } else { format!("{path}/{segment}") },
    );
    let named = |endpoint: &Endpoint| {
        path.strip_prefix(endpoint.path)
            .is_some_and(|rest| rest.is_empty() || rest == "/$entity" || rest.starts_with("/microsoft.graph."))
            && endpoint.path.contains('/')
    };
    POLICY_KINDS.iter().find(|kind| kind.endpoints.iter().any(&named))
}

/// The kind that exporting tools put into a folder of this name.
pub fn by_folder(folder: &str) -> Option<&'static PolicyKind> {
    let letters = |text: &str| text.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    let folder = letters(folder);
    if folder.is_empty() {
        return None;
    }
    POLICY_KINDS.iter().find(|kind| {
        let slug = letters(kind.slug());
        let collections = kind.endpoints.iter().filter_map(|endpoint| endpoint.path.rsplit('/').next());
        folder == slug
            || folder == format!("{slug}s")
            || kind.folders.contains(&folder.as_str())
            || collections.map(letters).any(|collection| collection == folder)
    })
}
