//! Folders of exported policies, written by the test that reads them.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder of exported policies.
#[derive(Debug)]
pub(crate) struct Export(TempDir);

impl Export {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// With one policy.
    pub(crate) fn of(policy: &Value) -> Self {
        let export = Self::new();
        export.put("policy.json", policy);
        export
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, in place of one that was there.
    pub(crate) fn put(&self, file: &str, content: &Value) {
        self.put_bytes(file, content.to_string().as_bytes());
    }

    /// As [`Self::put`], of any bytes.
    pub(crate) fn put_bytes(&self, file: &str, content: &[u8]) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn remove(&self, file: &str) {
        std::fs::remove_file(self.path().join(file)).unwrap();
    }
}

/// A settings catalog policy.
pub(crate) fn catalog(id: &str, name: &str, instances: impl IntoIterator<Item = Value>) -> Value {
    let settings: Vec<Value> = instances.into_iter().map(|instance| json!({"settingInstance": instance})).collect();
    json!({"id": id, "name": name, "platforms": "windows10", "technologies": "mdm", "settings": settings})
}

/// A setting with a text.
pub(crate) fn text(definition: &str, value: &str) -> Value {
    json!({"settingDefinitionId": definition, "simpleSettingValue": {"value": value}})
}

/// A setting with an option.
pub(crate) fn choice(definition: &str, suffix: &str) -> Value {
    json!({
        "settingDefinitionId": definition,
        "choiceSettingValue": {"value": format!("{definition}_{suffix}"), "children": []},
    })
}

/// A setting with groups of settings.
pub(crate) fn groups(definition: &str, groups: impl IntoIterator<Item = Vec<Value>>) -> Value {
    let groups: Vec<Value> = groups.into_iter().map(|children| json!({"children": children})).collect();
    json!({"settingDefinitionId": definition, "groupSettingCollectionValue": groups})
}

/// A legacy device configuration.
pub(crate) fn device_configuration(id: &str, name: &str, properties: &Value) -> Value {
    let mut policy = json!({
        "@odata.type": "#microsoft.graph.windows10GeneralConfiguration",
        "id": id,
        "displayName": name,
    });
    policy.as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
    policy
}
