//! The leaf rule, held against what flattening gave: which values a policy sets, which of them are secrets,
//! and which values of its JSON may stand in a row at all. Written apart from the program, on purpose.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use tenantpilot::policy::Setting;

const POLICY_METADATA: [&str; 25] = [
    "id",
    "displayName",
    "name",
    "description",
    "createdDateTime",
    "lastModifiedDateTime",
    "version",
    "roleScopeTagIds",
    "roleScopeTags",
    "supportsScopeTags",
    "assignments",
    "isAssigned",
    "settingCount",
    "settingsCount",
    "templateReference",
    "templateId",
    "platforms",
    "technologies",
    "priorityMetaData",
    "creationSource",
    "isMigratingToConfigurationPolicy",
    "isGlobalScript",
    "deployedAppCount",
    "modifiedDateTime",
    "deletedDateTime",
];

const METADATA: [&str; 6] =
    ["id", "createdDateTime", "lastModifiedDateTime", "modifiedDateTime", "deletedDateTime", "version"];

const SECRETS: [&str; 14] = [
    "preSharedKey",
    "password",
    "passphrase",
    "privateKey",
    "sharedSecret",
    "clientSecret",
    "secret",
    "proxyManualPassword",
    "keyStorePassword",
    "advancedThreatProtectionOnboardingBlob",
    "advancedThreatProtectionOffboardingBlob",
    "secretReferenceValueId",
    "productKey",
    "license",
];

type Counts = BTreeMap<String, usize>;

/// The values of one policy.
#[derive(Debug, Default)]
pub(crate) struct Leaves {
    /// What has to stand in a row.
    pub(crate) must: Counts,
    /// What may.
    pub(crate) may: Counts,
    /// What may not, anywhere.
    pub(crate) secrets: BTreeSet<String>,
}

impl Leaves {
    /// Of a policy's JSON.
    pub(crate) fn of(policy: &Value) -> Self {
        let mut leaves = Self::default();
        scalars(policy, &mut leaves.may);
        let listed = || ["settings", "settingsDelta"].iter().filter_map(|key| policy.get(key)).flat_map(elements);
        if listed().any(|setting| setting.get("settingInstance").is_some()) {
            listed().for_each(|setting| leaves.instance(&setting["settingInstance"]));
        } else if let Some(values) = policy.get("definitionValues") {
            elements(values).for_each(|value| leaves.template(value));
        } else if listed().any(|setting| setting.get("definitionId").is_some()) {
            listed().for_each(|setting| leaves.intent(setting));
        } else {
            leaves.bag(policy.as_object().unwrap(), true);
        }
        leaves
    }

    /// What is wrong with these rows.
    pub(crate) fn faults(&self, rows: &[Setting]) -> Vec<String> {
        let (mut found, mut faults) = (Counts::new(), Vec::new());
        for row in rows {
            let Some(raw) = &row.raw_value else { continue };
            let raw: Value = serde_json::from_str(raw).unwrap();
            let plain = |value: &Value| !value.is_object() && !value.is_array();
            if !plain(&raw) && !raw.as_array().is_some_and(|items| items.iter().all(plain)) {
                faults.push(format!("{} lumps {raw}", row.name));
            }
            scalars(&raw, &mut found);
        }
        let of = |counts: &Counts, value: &str| counts.get(value).copied().unwrap_or_default();
        let dropped = self.must.iter().filter(|(value, count)| of(&found, value) < **count);
        faults.extend(dropped.map(|(value, _)| format!("no row holds {value}")));
        let invented = found.iter().filter(|(value, count)| of(&self.may, value) < **count);
        faults.extend(invented.map(|(value, _)| format!("{value} stands nowhere in the policy")));
        for row in rows {
            let texts = format!("{row:?}");
            let leaked = self.secrets.iter().filter(|secret| secret.len() > 3 && texts.contains(secret.as_str()));
            faults.extend(leaked.map(|secret| format!("{} holds the secret {secret}", row.name)));
        }
        faults
    }

    /// A value that is no scalar, which no type of today has, sets every scalar in it.
    fn leaf(&mut self, value: &Value) {
        scalars(value, &mut self.must);
    }

    fn instance(&mut self, instance: &Value) {
        let properties = ["choiceSettingValue", "simpleSettingValue", "groupSettingValue"];
        let collections =
            ["choiceSettingCollectionValue", "simpleSettingCollectionValue", "groupSettingCollectionValue"];
        for property in properties.iter().chain(&collections) {
            for node in instance.get(property).into_iter().flat_map(elements) {
                let of_type = node.get("@odata.type").and_then(Value::as_str).unwrap_or_default();
                if of_type.contains("SecretSettingValue") || node.get("valueState").is_some() {
                    self.secrets.extend(node["value"].as_str().map(str::to_owned));
                } else if let Some(value) = node.get("value") {
                    self.leaf(value);
                }
                node.get("children").into_iter().flat_map(elements).for_each(|child| self.instance(child));
            }
        }
    }

    fn intent(&mut self, setting: &Value) {
        let value = match setting["valueJson"].as_str() {
            Some(json) => serde_json::from_str(json).unwrap_or_else(|_| json.into()),
            None => setting["value"].clone(),
        };
        scalars(&value, &mut self.must);
        scalars(&value, &mut self.may);
    }

    fn template(&mut self, value: &Value) {
        self.leaf(&value["enabled"]);
        for shown in elements(&value["presentationValues"]) {
            scalars(&shown["value"], &mut self.must);
            scalars(&shown["values"], &mut self.must);
        }
    }

    fn bag(&mut self, node: &Map<String, Value>, top: bool) {
        for (key, value) in node {
            let key = key.as_str();
            let metadata = METADATA.contains(&key)
                || top && (POLICY_METADATA.contains(&key) || key.starts_with("deviceManagementApplicabilityRule"));
            if metadata || is_annotation(key) {
                continue;
            }
            match value {
                Value::String(secret) if SECRETS.contains(&key) => drop(self.secrets.insert(secret.clone())),
                _ if key == "omaSettings" => elements(value).for_each(|oma| self.oma(oma)),
                value => self.any(value),
            }
        }
    }

    fn any(&mut self, value: &Value) {
        match value {
            Value::Object(object) => self.bag(object, false),
            Value::Array(items) => items.iter().for_each(|item| self.any(item)),
            scalar => self.leaf(scalar),
        }
    }

    fn oma(&mut self, oma: &Value) {
        if oma["isEncrypted"] == true {
            let texts = [&oma["value"], &oma["secretReferenceValueId"]];
            self.secrets.extend(texts.into_iter().filter_map(Value::as_str).map(str::to_owned));
        } else if let Some(plain) = oma["value"]["value"].as_str() {
            // the answer of `getOmaSettingPlainTextValue`, which IntuneCD writes for one that is encrypted
            self.secrets.insert(plain.to_owned());
        } else if oma["value"] != "****" {
            self.leaf(&oma["value"]);
        }
    }
}

fn is_annotation(key: &str) -> bool {
    key.contains('@') || key.starts_with(['#', '$'])
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(items) => items.as_slice(),
        Value::Object(_) => std::slice::from_ref(value),
        _ => &[],
    }
    .iter()
}

fn scalars(value: &Value, counts: &mut Counts) {
    match value {
        Value::Object(object) => {
            object.iter().filter(|(key, _)| !is_annotation(key)).for_each(|(_, inner)| scalars(inner, counts));
        }
        Value::Array(items) => items.iter().for_each(|item| scalars(item, counts)),
        scalar => count(scalar, counts),
    }
}

/// As text, so that 1 and "1" are equal; null and "" say "not set".
fn count(scalar: &Value, counts: &mut Counts) {
    let text = match scalar {
        Value::Null => return,
        Value::String(text) if text.is_empty() => return,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    *counts.entry(text).or_default() += 1;
}
