//! Scripts by their hash alone, for those who do not want their text in a database.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::policy::{Policy, Setting};

/// Properties that hold a script.
const SCRIPTS: [&str; 3] = ["scriptContent", "detectionScriptContent", "remediationScriptContent"];

/// Puts hash and length in place of each script. The hash is that of the script's file.
pub(super) fn withhold(policy: &mut Policy) {
    for setting in &mut policy.settings {
        if SCRIPTS.contains(&setting.path.as_str()) && setting.value.is_some() {
            let script = content(setting);
            let mut hash = String::from("sha256:");
            for byte in Sha256::digest(&script) {
                // writing to a String does not fail
                let _ = write!(hash, "{byte:02x}");
            }
            setting.value = Some(format!("{hash} ({} bytes)", script.len()).into());
            setting.raw_value = None;
        }
    }
}

/// The script's bytes; where its raw value was withheld, those of what a person reads.
fn content(setting: &Setting) -> Vec<u8> {
    let encoded = setting.raw_value.as_deref().and_then(|raw| serde_json::from_str::<String>(raw).ok());
    encoded
        .and_then(|encoded| base64_simd::forgiving_decode_to_vec(encoded.as_bytes()).ok())
        .unwrap_or_else(|| setting.value.as_deref().unwrap_or_default().as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::withhold;
    use crate::policy::{Policy, Setting};

    #[test]
    fn the_hash_is_that_of_the_decoded_script() {
        let setting = |path: &str, value: &str, raw: &str| Setting {
            path: path.into(),
            value: Some(value.into()),
            raw_value: Some(raw.into()),
            ..Setting::default()
        };
        let settings = vec![setting("scriptContent", "abc", "\"YWJj\""), setting("fileName", "a.ps1", "\"a.ps1\"")];
        let mut policy = Policy { settings, ..Policy::default() };
        withhold(&mut policy);
        let hash = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad (3 bytes)";
        assert_eq!((policy.settings[0].value.as_deref(), policy.settings[0].raw_value.as_deref()), (Some(hash), None));
        assert_eq!(policy.settings[1].raw_value.as_deref(), Some("\"a.ps1\""));
    }
}
