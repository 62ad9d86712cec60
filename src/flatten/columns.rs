//! The policy's own columns: name, platform, template, times, assignments.

use chrono::{DateTime, NaiveDateTime, SubsecRound as _};
use serde_json::Value;

use super::{Shape, body::Body, completeness, elements, property};
use crate::{
    json::Document,
    policy::{Assignment, Policy, PolicyDocument},
};

/// What stands on the policy itself; its settings come later.
pub(super) fn columns(shape: &Shape, document: &PolicyDocument, body: &Body<'_>) -> Policy {
    let said = |key: &str| body.get(key).and_then(text);
    let graph_type =
        said("@odata.type").map(|kind| without_start(kind.trim_start_matches('#'), "microsoft.graph.").to_owned());
    let template = body.get("templateReference").and_then(Value::as_object);
    let template_text = |key: &str| template.and_then(|template| property(template, key)).and_then(text);
    let template_name =
        template_text("templateDisplayName").map(|name| match template_text("templateDisplayVersion") {
            Some(version) => format!("{name} ({version})"),
            None => name.to_owned(),
        });
    // anything else, as `null`, says as little as nothing does
    let listed = body.get("assignments").filter(|it| completeness::are_assignments(it) && !body.goes_on("assignments"));
    let assignments = listed.map(|listed| elements(listed).map(assignment).collect::<Vec<_>>());
    let any_listed = assignments.as_ref().map(|listed| !listed.is_empty());
    Policy {
        id: document.id.to_string(),
        kind: shape.slug,
        name: [said("name"), said("displayName"), document.name.as_deref()]
            .into_iter()
            .flatten()
            .find(|name| !name.trim().is_empty())
            .unwrap_or("(no name)")
            .to_owned(),
        description: said("description").map(str::to_owned),
        platform: body
            .get("platforms")
            .or_else(|| body.get("platform"))
            .or_else(|| body.get("platformType"))
            .and_then(platforms)
            .or_else(|| graph_type.as_deref().and_then(platform_of_type).map(str::to_owned))
            .or_else(|| shape.platform.map(str::to_owned)),
        technologies: body.get("technologies").and_then(words),
        template_family: template_text("templateFamily").filter(|family| *family != "none").map(str::to_owned),
        template_name: template_name.or_else(|| said("TemplateDisplayName").map(str::to_owned)),
        scope_tag_ids: body.get("roleScopeTagIds").or_else(|| body.get("roleScopeTags")).and_then(words),
        assigned: any_listed
            .filter(|any| *any)
            .or_else(|| body.get("isAssigned").and_then(Value::as_bool))
            .or(any_listed),
        completeness: completeness::of(shape.settings, body, any_listed.is_some()),
        created_at: said("createdDateTime").and_then(timestamp),
        modified_at: said("lastModifiedDateTime").or_else(|| said("modifiedDateTime")).and_then(timestamp),
        assignments,
        graph_type,
        settings: Vec::new(),
    }
}

fn without_start<'t>(text: &'t str, start: &str) -> &'t str {
    text.strip_prefix(start).unwrap_or(text)
}

/// A text that says something.
fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

/// Makes every text fit for both databases.
pub(super) fn cleaned(policy: &mut Policy, document: &Document) {
    document.readable(&mut policy.name);
    let columns = [
        &mut policy.description,
        &mut policy.platform,
        &mut policy.technologies,
        &mut policy.graph_type,
        &mut policy.template_family,
        &mut policy.template_name,
        &mut policy.scope_tag_ids,
    ];
    columns.into_iter().flatten().for_each(|text| document.readable(text));
    for assignment in policy.assignments.iter_mut().flatten() {
        document.readable(&mut assignment.target_type);
        let Assignment { target_id, target_name, filter_id, filter_name, filter_mode, .. } = assignment;
        let texts = [target_id, target_name, filter_id, filter_name, filter_mode];
        texts.into_iter().flatten().for_each(|text| document.readable(text));
    }
    if let Some(assignments) = &mut policy.assignments {
        assignments.sort_unstable();
        assignments.dedup();
    }
}

/// A time of Graph's, UTC; the least one means "never".
fn timestamp(text: &str) -> Option<NaiveDateTime> {
    const SECOND: u32 = 1_000_000_000;
    let time = match text.strip_prefix("/Date(").and_then(|text| text.strip_suffix(")/")) {
        // as Windows PowerShell writes it
        Some(ms) => DateTime::from_timestamp_millis(ms.parse().ok()?)?.fixed_offset(),
        None => DateTime::parse_from_rfc3339(text).ok()?,
    };
    // chrono has a leap second as more than a whole one; no database has such a time
    let (seconds, nanos) = (time.timestamp(), time.timestamp_subsec_nanos());
    let time = DateTime::from_timestamp(seconds + i64::from(nanos / SECOND), nanos % SECOND)?;
    (seconds > 0).then(|| time.naive_utc().trunc_subsecs(6))
}

/// A comma-separated text; some exports hold a list instead.
fn words(value: &Value) -> Option<String> {
    let joined = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        _ => return None,
    };
    (!joined.is_empty()).then_some(joined)
}

/// Flags that name no platform.
const ANY: [&str; 3] = ["", "none", "allPlatforms"];

/// `platforms` of a catalog policy, a flags text, in the portal's words.
fn platforms(value: &Value) -> Option<String> {
    let mut named: Vec<String> = Vec::new();
    for flag in words(value)?.split(',').map(str::trim).filter(|flag| !ANY.contains(flag)) {
        let name = platform_word(flag).map_or_else(|| flag.to_owned(), str::to_owned);
        if !named.contains(&name) {
            named.push(name);
        }
    }
    (!named.is_empty()).then(|| named.join(", "))
}

fn platform_word(flag: &str) -> Option<&'static str> {
    let flag = flag.to_ascii_lowercase();
    let known = [
        ("android", "Android"),
        ("aosp", "Android"),
        ("ios", "iOS/iPadOS"),
        ("mac", "macOS"),
        ("windowsphone", "Windows Phone"),
        ("windows", "Windows"),
        ("linux", "Linux"),
        ("visionos", "visionOS"),
        ("tvos", "tvOS"),
        ("unknownfuturevalue", "Unknown"),
    ];
    known.into_iter().find(|(prefix, _)| flag.starts_with(prefix)).map(|(_, name)| name)
}

/// The platform in the name of a derived type (the type names of Graph's device configurations, compliance
/// policies and app protection).
fn platform_of_type(graph_type: &str) -> Option<&'static str> {
    let known = [
        ("android", "Android"),
        ("aosp", "Android"),
        ("ios", "iOS/iPadOS"),
        ("macOS", "macOS"),
        ("windowsPhone", "Windows Phone"),
        ("windows", "Windows"),
        ("mdmWindows", "Windows"),
        ("deviceComanagementAuthority", "Windows"),
        ("deviceEnrollmentWindows", "Windows"),
        ("sharedPC", "Windows"),
        ("editionUpgrade", "Windows"),
        ("hardwareConfiguration", "Windows"),
        ("appleVpn", "iOS/iPadOS, macOS"),
        ("appleDeviceFeatures", "iOS/iPadOS, macOS"),
        ("appleExpeditedCheckin", "iOS/iPadOS, macOS"),
    ];
    known.into_iter().find(|(prefix, _)| graph_type.starts_with(prefix)).map(|(_, name)| name)
}

/// The platform of an intent, which tells it nowhere but in the ids of its settings:
/// `deviceConfiguration--windows10EndpointProtectionConfiguration_…`.
pub(super) fn platform_of_definition(id: &str) -> Option<&'static str> {
    id.split_once("--").and_then(|(_, graph_type)| platform_of_type(graph_type))
}

fn assignment(listed: &Value) -> Assignment {
    let target = listed.get("target").unwrap_or(listed).as_object();
    let said = |key: &str| target.and_then(|target| property(target, key)).and_then(text);
    let kind = said("@odata.type").unwrap_or_default();
    let kind = without_start(kind, "#microsoft.graph.");
    let kind = kind.strip_suffix("AssignmentTarget").unwrap_or(kind);
    let (intent, target_type) = match kind {
        "exclusionGroup" => ("exclude", "group"),
        "allLicensedUsers" => ("include", "allUsers"),
        "" => ("include", "group"),
        other => ("include", other),
    };
    let filter_mode = said("deviceAndAppManagementAssignmentFilterType").filter(|mode| *mode != "none");
    // IntuneCD writes names in place of ids
    let filter = filter_mode.and_then(|_| said("deviceAndAppManagementAssignmentFilterId"));
    let (filter_id, filter_name) = match filter {
        Some(name) if uuid::Uuid::parse_str(name).is_err() => (None, Some(name)),
        id => (id, None),
    };
    Assignment {
        intent: intent.to_owned(),
        target_type: target_type.to_owned(),
        target_id: ["groupId", "collectionId", "targetGroupId"].into_iter().find_map(said).map(str::to_owned),
        target_name: said("groupDisplayName").or_else(|| said("groupName")).map(str::to_owned),
        filter_id: filter_id.map(str::to_owned),
        filter_name: filter_name.map(str::to_owned),
        filter_mode: filter_mode.map(str::to_owned),
    }
}
