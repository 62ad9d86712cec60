//! Any bytes as a policy of every shape: flattening never panics, and its rows keep their promises.

#![no_main]

#[path = "../../tests/it/support/leaves.rs"]
mod leaves;

use std::{collections::HashSet, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use tenantpilot::{
    flatten::{self, Flattener, SECRET},
    json::Document,
    policy::{MAX_KEY_CHARS, PolicyDocument, PolicyId},
    registry,
};

/// A kind of each shape.
const KINDS: [&str; 5] =
    ["settings-catalog", "intent", "administrative-template", "device-configuration", "conditional-access"];

static FLATTENER: LazyLock<Flattener> = LazyLock::new(Flattener::default);

fuzz_target!(|json: &[u8]| {
    let Ok(parsed) = Document::parse(json) else { return };
    let document = PolicyDocument { id: PolicyId::new("1"), name: None, file: None, json: json.to_vec().into() };
    for slug in KINDS {
        let shape = &registry::by_slug(slug).expect("a kind").shape;
        let Ok(policy) = flatten::flatten_parsed(shape, &document, &parsed, &FLATTENER) else { continue };
        let (mut names, mut paths) = (HashSet::new(), HashSet::new());
        for row in &policy.settings {
            assert!(names.insert(&row.name) && paths.insert(&row.path), "{row:?} is not unique");
            assert!(!row.name.trim().is_empty() && row.name.chars().count() <= MAX_KEY_CHARS, "{row:?}");
            let texts = [Some(&row.name), Some(&row.path), row.value.as_ref(), row.definition_id.as_ref()];
            assert!(texts.into_iter().flatten().all(|text| !text.contains('\0')), "{row:?}");
            if let Some(raw) = &row.raw_value {
                assert!(Document::parse(raw.as_bytes()).is_ok(), "{row:?}");
            }
        }
        // what is withheld is missing, and has to be
        let secret = policy.settings.iter().any(|row| row.value.as_ref().is_some_and(|text| text.contains(SECRET)));
        if slug == "device-configuration"
            && !secret
            && is_bag(json)
            && let Ok(value) = serde_json::from_slice(json)
        {
            assert_eq!(leaves::Leaves::of(&value).faults(&policy.settings), Vec::<String>::new());
        }
    }
});

/// Whether nothing in it may be the settings of another shape, which the leaf rule reads otherwise.
fn is_bag(json: &[u8]) -> bool {
    let others = ["settingInstance", "definitionId", "definitionValues", "\\u"];
    let text = String::from_utf8_lossy(json);
    others.iter().all(|other| !text.contains(other))
}
