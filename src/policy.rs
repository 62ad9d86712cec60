//! Plain data that every other module speaks: tenants, policies as they were read, and settings as rows.

use std::fmt;

use bytes::Bytes;
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A tenant: the lower-case GUID of a directory, or the name an import was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(String);

/// Longest name of a tenant, in characters: with a policy's id it stands in an index.
pub const MAX_TENANT_CHARS: usize = 128;

impl TenantId {
    /// Takes the name as given; GUIDs are lower-cased, since Microsoft's tools print them either way.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        match uuid::Uuid::try_parse(&name) {
            Ok(guid) => Self(guid.hyphenated().to_string()),
            Err(_) => Self(name),
        }
    }

    /// A tenant of a cloud, by its GUID or by a domain, in lower case; `None` for any other text.
    pub fn of_directory(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        (uuid::Uuid::try_parse(&name).is_ok() || is_domain(&name)).then(|| Self::new(name))
    }

    /// Whether it is a GUID, which Microsoft Graph knows a tenant by.
    pub fn is_guid(&self) -> bool {
        uuid::Uuid::try_parse(&self.0).is_ok()
    }

    /// The text that the database holds.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_domain(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top = name.rsplit('.').next().unwrap_or_default();
    name.len() <= MAX_TENANT_CHARS
        && name.contains('.')
        && name.split('.').all(label)
        && !top.bytes().all(|b| b.is_ascii_digit())
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A policy's id inside its tenant: Graph's `id`, or `fixture:<path>` for a file without one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyId(String);

impl PolicyId {
    /// Wraps the id; one too long for a database key is cut and ends in a hash of the whole.
    pub fn new(id: impl AsRef<str>) -> Self {
        Self(bounded(&without_nul(id.as_ref())))
    }

    /// The text that the database holds.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A policy as its source gave it, not yet parsed: what pages are made of.
#[derive(Debug, Clone)]
pub struct PolicyDocument {
    /// The policy's id, read ahead of the rest.
    pub id: PolicyId,
    /// The policy's name where it could be read ahead, for messages.
    pub name: Option<String>,
    /// The file it stands in, below the folder of an import.
    pub file: Option<String>,
    /// One JSON object: the policy with its settings and assignments.
    pub json: Bytes,
}

/// A policy flattened: its own columns, its assignments and one row per setting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// See [`PolicyId`].
    pub id: String,
    /// Slug of the kind, `policy_type` in the database.
    pub kind: &'static str,
    /// The name that the portal shows.
    pub name: String,
    /// The administrator's description.
    pub description: Option<String>,
    /// `Windows`, `macOS`, `iOS/iPadOS`, `Android`, `Linux`, …; several are joined by ", ".
    pub platform: Option<String>,
    /// Graph's `technologies`, as a comma-separated list.
    pub technologies: Option<String>,
    /// `@odata.type` without the `#microsoft.graph.` in front.
    pub graph_type: Option<String>,
    /// `templateReference.templateFamily`: tells endpoint security and baselines from the plain catalog.
    pub template_family: Option<String>,
    /// `templateReference.templateDisplayName` with its version.
    pub template_name: Option<String>,
    /// Ids of the scope tags, comma-separated.
    pub scope_tag_ids: Option<String>,
    /// Whether anything is assigned; unknown where the export does not say.
    pub assigned: Option<bool>,
    /// Whether all came that it sets.
    pub completeness: Completeness,
    /// `createdDateTime`, UTC.
    pub created_at: Option<NaiveDateTime>,
    /// `lastModifiedDateTime`, UTC.
    pub modified_at: Option<NaiveDateTime>,
    /// Whom the policy is for; `None` where the source did not say.
    pub assignments: Option<Vec<Assignment>>,
    /// One row per setting, names unique, in order of path.
    pub settings: Vec<Setting>,
}

impl Policy {
    /// `complete` in the database.
    pub fn is_complete(&self) -> bool {
        self.completeness == Completeness::Whole
    }
}

/// Whether all came that a policy sets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Completeness {
    /// As far as anybody can tell.
    #[default]
    Whole,
    /// All of its settings, and not all of another list, as of its assignments.
    PartlyAssigned,
    /// Fewer settings than Graph counted.
    Short,
    /// The list of its settings ends in a link to its next page, or holds something else as well.
    Cut,
    /// No list of settings: nothing is there, or something else stands in its place.
    Absent,
}

impl Completeness {
    /// Whether it is known which settings the policy has.
    pub fn has_all_settings(self) -> bool {
        matches!(self, Self::Whole | Self::PartlyAssigned)
    }
}

/// One setting of a policy: a row of the table. Its texts are shared with other rows where they are the same, and
/// short ones stand in the row itself: a tenant has hundreds of thousands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setting {
    /// What a person reads: `Parent > Child`, unique inside the policy.
    pub name: SmolStr,
    /// What a person reads as its value.
    pub value: Option<SmolStr>,
    /// The technical address, independent of wording: ids joined by `/`, `[n]` for elements.
    pub path: SmolStr,
    /// The definition that names the setting: catalog id, intent definition, OMA-URI.
    pub definition_id: Option<SmolStr>,
    /// Where the portal lists it.
    pub category: Option<SmolStr>,
    /// False where the value says "not configured", unknown where it may be an unset default.
    pub configured: Option<bool>,
    /// The JSON text that Graph sent; `None` for secrets and for the row of an empty policy.
    pub raw_value: Option<SmolStr>,
}

/// One assignment of a policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assignment {
    /// `include` or `exclude`.
    pub intent: String,
    /// `group`, `allUsers`, `allDevices`, or Graph's own word for a newer one.
    pub target_type: String,
    /// The group's id.
    pub target_id: Option<String>,
    /// The group's name, where it was allowed to be read.
    pub target_name: Option<String>,
    /// The assignment filter's id.
    pub filter_id: Option<String>,
    /// The assignment filter's name, where it was allowed to be read.
    pub filter_name: Option<String>,
    /// `include` or `exclude`: how the filter is applied.
    pub filter_mode: Option<String>,
}

/// What is kept of the scripts in policies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ScriptContent {
    /// Their text.
    #[default]
    Full,
    /// Their SHA-256 and length: enough to see that one has changed.
    Hash,
}

/// What one sync was asked to do for one tenant.
#[derive(Debug, Clone)]
pub struct SyncRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// Slugs of the kinds asked for; `None` is the source's default.
    pub kinds: Option<Vec<String>>,
    /// Who started it: `cli` or `worker`.
    pub trigger: &'static str,
    /// The queue's job, when a worker runs it.
    pub job_id: Option<String>,
    /// What is kept of the scripts in policies.
    pub script_content: ScriptContent,
    /// Write nothing, and tell what would change.
    pub dry_run: bool,
    /// Wait for another sync of the tenant instead of giving up.
    pub wait: bool,
}

/// The name of the row that stands for a policy without settings.
pub const NO_SETTINGS: &str = "(No settings configured)";

/// The path of the row that stands for a policy without settings.
pub const NO_SETTINGS_PATH: &str = "#none";

/// Longest text in a column that PostgreSQL indexes, in characters: 512 of four bytes stay
/// below the 2,704 bytes that an index row may hold.
pub const MAX_KEY_CHARS: usize = 512;

/// Begins the paths of what a policy's assignments set.
pub const ASSIGNMENT_SETTINGS: &str = "assignments/";

/// Cuts a text that stands in an index to [`MAX_KEY_CHARS`], ending in a hash of the whole.
pub fn bounded(text: &str) -> String {
    bounded_with(text, text)
}

/// As [`bounded`], the hash taken of `identity` instead of the text.
pub fn bounded_with(text: &str, identity: &str) -> String {
    if text.len() <= MAX_KEY_CHARS || text.chars().count() <= MAX_KEY_CHARS {
        return text.to_owned();
    }
    let hash = &blake3::hash(identity.as_bytes()).to_hex()[..8];
    let kept: String = text.chars().take(MAX_KEY_CHARS - hash.len() - 2).collect();
    format!("{kept}…#{hash}")
}

/// PostgreSQL's text holds no NUL: it becomes the picture of one, in both databases alike.
pub fn without_nul(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{2400}").into() } else { text.into() }
}
