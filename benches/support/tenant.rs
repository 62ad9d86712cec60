//! A generated tenant: policies in the shape that Graph gives them, about 50 settings and 500 bytes of JSON
//! a setting, the same for the same seed wherever it runs.
//!
//! Seven policies in ten are of the settings catalog, the rest device configurations, compliance, intents
//! and administrative templates. Definition ids are words of real areas put together, a few thousand of
//! them, as long as real ones (90 characters on average).

use std::{fmt::Write as _, fs, io, path::Path};

/// Definitions that the catalog policies of a tenant draw from.
const DEFINITIONS: usize = 3_000;
/// Properties that device configurations draw from.
const PROPERTIES: usize = 600;
/// Settings of a policy: at least, and at most.
const SETTINGS: (usize, usize) = (5, 300);

/// One policy as an export would hold it.
#[derive(Debug)]
pub(crate) struct Exported {
    /// Slug of the kind.
    pub(crate) kind: &'static str,
    /// The policy's id.
    pub(crate) id: String,
    /// Where an export would put it.
    pub(crate) file: String,
    /// The policy.
    pub(crate) json: String,
}

/// The policies of a tenant, one after the other.
#[derive(Debug)]
pub(crate) struct Tenant {
    random: Random,
    definitions: Vec<Definition>,
    properties: Vec<String>,
    next: usize,
    policies: usize,
}

impl Tenant {
    /// A tenant of so many policies; the same seed gives the same tenant.
    pub(crate) fn new(policies: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let definitions = (0..DEFINITIONS).map(|_| Definition::new(&mut random)).collect();
        let properties = (0..PROPERTIES).map(|_| property(&mut random)).collect();
        Self { random, definitions, properties, next: 0, policies }
    }

    /// Writes the whole tenant below `folder`, and tells how many bytes it has.
    pub(crate) fn write(self, folder: &Path) -> io::Result<u64> {
        let mut bytes = 0;
        for policy in self {
            let path = folder.join(policy.file);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            bytes += policy.json.len() as u64;
            fs::write(path, policy.json)?;
        }
        Ok(bytes)
    }
}

impl Iterator for Tenant {
    type Item = Exported;

    fn next(&mut self) -> Option<Exported> {
        if self.next >= self.policies {
            return None;
        }
        self.next += 1;
        let number = self.next;
        let id = guid(&mut self.random);
        let settings = settings_of_a_policy(&mut self.random);
        let name = policy_name(&mut self.random, number);
        let (kind, folder, json) = match self.random.below(100) {
            0..70 => ("settings-catalog", "Settings Catalog", self.catalog(&id, &name, settings)),
            70..82 => {
                ("device-configuration", "Device Configurations", self.device_configuration(&id, &name, settings))
            }
            82..88 => ("compliance", "Compliance Policies", self.compliance(&id, &name, settings)),
            88..93 => ("intent", "Endpoint Security", self.intent(&id, &name, settings)),
            _ => ("administrative-template", "Administrative Templates", self.template(&id, &name, settings)),
        };
        let file = format!("{folder}/{:03}/{name}.json", number / 100);
        Some(Exported { kind, id, file, json })
    }
}

impl Tenant {
    fn catalog(&mut self, id: &str, name: &str, settings: usize) -> String {
        let mut walk = Instances { random: &mut self.random, definitions: &self.definitions, json: String::new() };
        let (mut rows, mut listed) = (0, 0);
        // no definition twice in a policy: steps that meet all of them before any again
        let mut definition = walk.random.below(DEFINITIONS);
        let step = walk.random.of(&[7, 11, 13, 17, 19, 23, 29, 31, 37, 41]);
        let mut body = String::new();
        while rows < settings {
            walk.json.clear();
            definition = (definition + step) % DEFINITIONS;
            rows += walk.instance(definition, 0);
            if listed > 0 {
                body.push(',');
            }
            push(&mut body, format_args!(r#"{{"id":"{listed}","settingInstance":{}}}"#, walk.json));
            listed += 1;
        }
        let random = &mut self.random;
        let (created, modified) = (time(random), time(random));
        let (template, family) = match random.below(5) {
            0 => (guid(random), "endpointSecurityAntivirus"),
            1 => (guid(random), "endpointSecurityFirewall"),
            _ => (String::new(), "none"),
        };
        format!(
            r#"{{"@odata.context":"https://graph.microsoft.com/beta/$metadata#deviceManagement/configurationPolicies/$entity","createdDateTime":"{created}","creationSource":null,"description":"{description}","lastModifiedDateTime":"{modified}","name":"{name}","platforms":"windows10","priorityMetaData":null,"roleScopeTagIds":["0"],"settingCount":{listed},"technologies":"mdm","id":"{id}","templateReference":{{"templateId":"{template}","templateFamily":"{family}","templateDisplayName":null,"templateDisplayVersion":null}},"settings":[{body}],"assignments":{assignments}}}"#,
            description = sentence(random),
            assignments = assignments(random, id),
        )
    }

    fn device_configuration(&mut self, id: &str, name: &str, settings: usize) -> String {
        let random = &mut self.random;
        let kind = random.of(&["windows10GeneralConfiguration", "iosGeneralDeviceConfiguration"]);
        // one in four is a custom configuration
        let custom = random.below(4) == 0;
        let mut json = head(random, "deviceConfigurations", id, name);
        if custom {
            json.push_str(r##","@odata.type":"#microsoft.graph.windows10CustomConfiguration","omaSettings":["##);
            for index in 0..settings {
                if index > 0 {
                    json.push(',');
                }
                let definition = &self.definitions[random.below(DEFINITIONS)];
                push(
                    &mut json,
                    format_args!(
                        r##"{{"@odata.type":"#microsoft.graph.omaSettingInteger","displayName":"{} {index}","description":"{}","omaUri":"./{}/{index}","secretReferenceValueId":null,"isEncrypted":false,"value":{},"isReadOnly":false}}"##,
                        words(random, 4),
                        sentence(random),
                        definition.id.replace('_', "/"),
                        random.below(5),
                    ),
                );
            }
            json.push(']');
        } else {
            push(&mut json, format_args!(r##","@odata.type":"#microsoft.graph.{kind}""##));
            // one property in three is null and makes no row
            let first = random.below(PROPERTIES);
            for offset in 0..(settings * 3 / 2).min(PROPERTIES) {
                let name = &self.properties[(first + offset) % PROPERTIES];
                push(&mut json, format_args!(r#","{name}":"#));
                property_value(random, &mut json, true);
            }
        }
        push(&mut json, format_args!(r#","assignments":{}}}"#, assignments(random, id)));
        json
    }

    fn compliance(&mut self, id: &str, name: &str, settings: usize) -> String {
        let random = &mut self.random;
        let mut json = head(random, "deviceCompliancePolicies", id, name);
        json.push_str(r##","@odata.type":"#microsoft.graph.windows10CompliancePolicy""##);
        let first = random.below(PROPERTIES);
        for offset in 0..settings {
            let name = &self.properties[(first + offset) % PROPERTIES];
            push(&mut json, format_args!(r#","{name}":"#));
            property_value(random, &mut json, false);
        }
        push(
            &mut json,
            format_args!(
                r#","scheduledActionsForRule":[{{"id":"{}","ruleName":"PasswordRequired","scheduledActionConfigurations":[{{"id":"{}","gracePeriodHours":{},"actionType":"block","notificationTemplateId":"00000000-0000-0000-0000-000000000000","notificationMessageCCList":[]}}]}}],"assignments":{}}}"#,
                guid(random),
                guid(random),
                random.below(72),
                assignments(random, id),
            ),
        );
        json
    }

    fn intent(&mut self, id: &str, name: &str, settings: usize) -> String {
        let random = &mut self.random;
        let mut json = head(random, "intents", id, name);
        push(&mut json, format_args!(r#","isAssigned":true,"templateId":"{}","settings":["#, guid(random)));
        let first = random.below(PROPERTIES);
        for offset in 0..settings {
            if offset > 0 {
                json.push(',');
            }
            let property = &self.properties[(first + offset) % PROPERTIES];
            let (kind, value) = match random.below(3) {
                0 => ("Boolean", "true".to_owned()),
                1 => ("Integer", random.below(900).to_string()),
                _ => ("String", format!("\"{}\"", words(random, 1))),
            };
            push(
                &mut json,
                format_args!(
                    r##"{{"@odata.type":"#microsoft.graph.deviceManagement{kind}SettingInstance","id":"{}","definitionId":"deviceConfiguration--windows10EndpointProtectionConfiguration_{property}","valueJson":"{}","value":{value}}}"##,
                    guid(random),
                    value.replace('"', "\\\""),
                ),
            );
        }
        push(&mut json, format_args!(r#"],"assignments":{}}}"#, assignments(random, id)));
        json
    }

    fn template(&mut self, id: &str, name: &str, settings: usize) -> String {
        let random = &mut self.random;
        let mut json = head(random, "groupPolicyConfigurations", id, name);
        json.push_str(r#","policyConfigurationIngestionType":"builtIn","definitionValues":["#);
        let mut rows = 0;
        while rows < settings {
            if rows > 0 {
                json.push(',');
            }
            rows += definition_value(random, &mut json);
        }
        push(&mut json, format_args!(r#"],"assignments":{}}}"#, assignments(random, id)));
        json
    }
}

/// An administrative template's setting with its presentations; tells how many rows it makes.
fn definition_value(random: &mut Random, json: &mut String) -> usize {
    let (created, modified) = (time(random), time(random));
    push(
        json,
        format_args!(
            r#"{{"createdDateTime":"{created}","lastModifiedDateTime":"{modified}","enabled":{},"configurationType":"policy","id":"{}","definition":{{"id":"{}","classType":"{}","displayName":"{}","categoryPath":"\\{}\\{}","supportedOn":"At least Windows 10","policyType":"admxBacked","version":"1.0"}},"presentationValues":["#,
            random.below(4) > 0,
            guid(random),
            guid(random),
            random.of(&["user", "machine"]),
            sentence(random),
            words(random, 2),
            words(random, 1),
        ),
    );
    let shown = random.below(3);
    for index in 0..shown {
        if index > 0 {
            json.push(',');
        }
        push(
            json,
            format_args!(
                r##"{{"@odata.type":"#microsoft.graph.groupPolicyPresentationValueText","lastModifiedDateTime":"{modified}","createdDateTime":"{created}","id":"{}","value":"{}","presentation":{{"@odata.type":"#microsoft.graph.groupPolicyPresentationTextBox","id":"{}","label":"{}:"}}}}"##,
                guid(random),
                words(random, 3),
                guid(random),
                words(random, 3),
            ),
        );
    }
    json.push_str("]}");
    shown + 1
}

/// What policies of the older kinds begin with.
fn head(random: &mut Random, collection: &str, id: &str, name: &str) -> String {
    format!(
        r#"{{"@odata.context":"https://graph.microsoft.com/beta/$metadata#deviceManagement/{collection}/$entity","id":"{id}","displayName":"{name}","description":"{}","createdDateTime":"{}","lastModifiedDateTime":"{}","version":{},"roleScopeTagIds":["0"]"#,
        sentence(random),
        time(random),
        time(random),
        random.below(9) + 1,
    )
}

fn property_value(random: &mut Random, json: &mut String, nullable: bool) {
    match random.below(12) {
        0..4 if nullable => json.push_str("null"),
        0..6 => push(json, format_args!("{}", random.below(2) == 0)),
        6..8 => push(json, format_args!("{}", random.below(1_000))),
        8..11 => push(json, format_args!("\"{}\"", words(random, 2).replace(' ', ""))),
        _ => push(json, format_args!(r#"["{}","{}"]"#, words(random, 1), words(random, 2))),
    }
}

/// A definition of the settings catalog.
#[derive(Debug)]
struct Definition {
    id: String,
    shape: Shape,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    /// So many options; one choice in eight has settings below it.
    Choice(usize),
    Integer,
    Text,
    TextCollection,
    ChoiceCollection,
    Group,
    Secret,
}

impl Definition {
    fn new(random: &mut Random) -> Self {
        let scope = random.of(&[
            "device_vendor_msft_policy_config",
            "device_vendor_msft_policy_config",
            "device_vendor_msft_policy_config",
            "user_vendor_msft_policy_config",
            "vendor_msft_firewall_mdmstore",
            "com.apple.managedclient.preferences",
            "device_vendor_msft",
        ]);
        let mut id = format!("{scope}_{}", random.of(&AREAS));
        let joined = |random: &mut Random, count| words(random, count).replace(' ', "").to_lowercase();
        if random.below(3) == 0 {
            let count = 1 + random.below(2);
            push(&mut id, format_args!("_{}", joined(random, count)));
        }
        let count = 2 + random.below(4);
        push(&mut id, format_args!("_{}", joined(random, count)));
        let shape = match random.below(100) {
            0..72 => Shape::Choice(2 + random.below(5)),
            72..78 => Shape::Integer,
            78..87 => Shape::Text,
            87..93 => Shape::TextCollection,
            93..94 => Shape::ChoiceCollection,
            94..99 => Shape::Group,
            _ => Shape::Secret,
        };
        Self { id, shape }
    }
}

/// Instances of definitions, as JSON.
struct Instances<'t> {
    random: &'t mut Random,
    definitions: &'t [Definition],
    json: String,
}

impl Instances<'_> {
    /// Adds an instance, and tells how many rows it makes.
    fn instance(&mut self, definition: usize, depth: usize) -> usize {
        let definitions = self.definitions;
        let Definition { id, shape } = &definitions[definition % definitions.len()];
        let shape = match *shape {
            Shape::Group if depth > 2 => Shape::Text,
            shape => shape,
        };
        let (kind, property) = match shape {
            Shape::Choice(_) => ("Choice", "choiceSettingValue"),
            Shape::Integer | Shape::Text | Shape::Secret => ("Simple", "simpleSettingValue"),
            Shape::TextCollection => ("SimpleSettingCollection", "simpleSettingCollectionValue"),
            Shape::ChoiceCollection => ("ChoiceSettingCollection", "choiceSettingCollectionValue"),
            Shape::Group => ("GroupSettingCollection", "groupSettingCollectionValue"),
        };
        let kind = if kind.ends_with("Collection") { kind.to_owned() } else { format!("{kind}Setting") };
        push(
            &mut self.json,
            format_args!(
                r##"{{"@odata.type":"#microsoft.graph.deviceManagementConfiguration{kind}Instance","settingDefinitionId":"{id}","settingInstanceTemplateReference":null,"auditRuleInformation":null,"{property}":"##
            ),
        );
        let rows = self.value(id, definition, shape, depth);
        self.json.push('}');
        rows
    }

    fn value(&mut self, id: &str, definition: usize, shape: Shape, depth: usize) -> usize {
        match shape {
            Shape::Choice(options) => {
                // the base type has no `@odata.type` unless all metadata was asked for
                if self.random.below(2) == 0 {
                    self.push(
                        r##"{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingValue","##,
                    );
                } else {
                    self.push("{");
                }
                let option = self.random.below(options);
                push(
                    &mut self.json,
                    format_args!(r#""settingValueTemplateReference":null,"value":"{id}_{option}","children":["#),
                );
                let below = if depth < 3 && self.random.below(8) == 0 { 1 + self.random.below(3) } else { 0 };
                let rows = 1 + self.children(definition, below, depth);
                self.push("]}");
                rows
            }
            Shape::Integer => {
                let value = self.random.below(10_000);
                self.typed("IntegerSettingValue", &value.to_string(), "");
                1
            }
            Shape::Text => {
                let value = text(self.random);
                self.typed("StringSettingValue", &format!("\"{value}\""), "");
                1
            }
            Shape::Secret => {
                let value = format!("\"{}\"", guid(self.random));
                self.typed("SecretSettingValue", &value, r#","valueState":"encryptedValueToken""#);
                1
            }
            Shape::TextCollection | Shape::ChoiceCollection => {
                self.push("[");
                for index in 0..=self.random.below(6) {
                    if index > 0 {
                        self.push(",");
                    }
                    if matches!(shape, Shape::TextCollection) {
                        let value = text(self.random);
                        self.typed("StringSettingValue", &format!("\"{value}\""), "");
                    } else {
                        push(
                            &mut self.json,
                            format_args!(
                                r#"{{"settingValueTemplateReference":null,"value":"{id}_{index}","children":[]}}"#
                            ),
                        );
                    }
                }
                self.push("]");
                1
            }
            Shape::Group => {
                self.push("[");
                let mut rows = 0;
                for index in 0..=self.random.below(3) {
                    if index > 0 {
                        self.push(",");
                    }
                    self.push(r#"{"settingValueTemplateReference":null,"children":["#);
                    let below = 2 + self.random.below(4);
                    rows += self.children(definition, below, depth);
                    self.push("]}");
                }
                self.push("]");
                rows
            }
        }
    }

    /// Children are the definitions that follow: the same ones below the same parent, as in Graph.
    fn children(&mut self, definition: usize, count: usize, depth: usize) -> usize {
        let mut rows = 0;
        for child in 0..count {
            if child > 0 {
                self.push(",");
            }
            rows += self.instance(definition + 1 + child, depth + 1);
        }
        rows
    }

    fn typed(&mut self, kind: &str, value: &str, more: &str) {
        push(
            &mut self.json,
            format_args!(
                r##"{{"@odata.type":"#microsoft.graph.deviceManagementConfiguration{kind}","settingValueTemplateReference":null,"value":{value}{more}}}"##
            ),
        );
    }

    fn push(&mut self, text: &str) {
        self.json.push_str(text);
    }
}

fn assignments(random: &mut Random, policy: &str) -> String {
    let mut json = String::from("[");
    for index in 0..random.below(4) {
        if index > 0 {
            json.push(',');
        }
        let (id, group) = (guid(random), guid(random));
        push(
            &mut json,
            format_args!(
                r##"{{"id":"{policy}_{id}","source":"direct","sourceId":"{policy}","target":{{"@odata.type":"#microsoft.graph.groupAssignmentTarget","deviceAndAppManagementAssignmentFilterId":null,"deviceAndAppManagementAssignmentFilterType":"none","groupId":"{group}"}}}}"##
            ),
        );
    }
    json.push(']');
    json
}

/// Mostly few, seldom many; 50 on average.
fn settings_of_a_policy(random: &mut Random) -> usize {
    let mut settings = SETTINGS.0;
    // geometric: each step is taken 44 times of 45
    while settings < SETTINGS.1 && random.below(45) > 0 {
        settings += 1;
    }
    settings
}

fn policy_name(random: &mut Random, number: usize) -> String {
    let platform = random.of(&["Windows", "Windows", "macOS", "iOS"]);
    // one policy in a hundred is about what the search looks for
    let subject = if number % 100 == 7 { "BitLocker".to_owned() } else { words(random, 2) };
    format!("{platform} - {subject} - {number:05}")
}

fn sentence(random: &mut Random) -> String {
    let count = 5 + random.below(6);
    words(random, count)
}

/// What an administrator types into a setting: a word, a path, a list, an address.
fn text(random: &mut Random) -> String {
    match random.below(4) {
        0 => format!("C:\\\\ProgramData\\\\{}\\\\{}.exe", words(random, 1), words(random, 1)),
        1 => format!("https://{}.contoso.com/{}", words(random, 1).to_lowercase(), random.below(100_000)),
        2 => guid(random),
        _ => sentence(random),
    }
}

fn words(random: &mut Random, count: usize) -> String {
    let mut text = String::new();
    for index in 0..count {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(random.of(&WORDS));
    }
    text
}

fn property(random: &mut Random) -> String {
    let text = words(random, 3).replace(' ', "");
    let number = random.below(90);
    format!("{}{}{number}", text[..1].to_lowercase(), &text[1..])
}

fn time(random: &mut Random) -> String {
    format!(
        "202{}-{:02}-{:02}T{:02}:{:02}:{:02}.{:07}Z",
        random.below(6),
        1 + random.below(12),
        1 + random.below(28),
        random.below(24),
        random.below(60),
        random.below(60),
        random.below(10_000_000),
    )
}

fn guid(random: &mut Random) -> String {
    let (high, low) = (random.next(), random.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        high & 0xFFFF,
        high >> 20 & 0xFFF,
        low >> 52,
        low & 0xFFFF_FFFF_FFFF
    )
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // writing to a String does not fail
    let _ = text.write_fmt(arguments);
}

/// `SplitMix64`: small, and the same everywhere.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap_or_default()
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

const AREAS: [&str; 40] = [
    "admx_errorreporting",
    "admx_controlpaneldisplay",
    "admx_offlinefiles",
    "admx_dnsclient",
    "admx_grouppolicy",
    "admx_deviceinstallation",
    "abovelock",
    "appvirtualization",
    "audit",
    "authentication",
    "bitlocker",
    "browser",
    "defender",
    "defender_attacksurfacereductionrules",
    "deliveryoptimization",
    "deviceguard",
    "deviceinstallation",
    "experience",
    "internetexplorer",
    "kerberos",
    "lanmanworkstation",
    "laps_policies",
    "localpoliciessecurityoptions",
    "microsoft_edge~policy~microsoft_edge",
    "microsoft_edge~policy~microsoft_edge~contentsettings",
    "microsoft_edge~policy~microsoft_edge~httpauthentication",
    "microsoft_edgev128~policy~microsoft_edge~downloads",
    "office16v2~policy~l_microsoftofficesystem~l_broadcast~l_broadcastservices",
    "outlk16v2~policy~l_microsoftofficeoutlook~l_outlookoptions~l_preferences",
    "excel16v2~policy~l_microsoftofficeexcel~l_disableitemsinuserinterface",
    "word16v2~policy~l_microsoftofficeword~l_wordoptions~l_advanced",
    "onedrivengscv2~policy~onedrivengsc",
    "power",
    "privacy",
    "remotedesktopservices",
    "settings",
    "smartscreen",
    "system",
    "update",
    "windowslogon",
];

const WORDS: [&str; 72] = [
    "Access",
    "Account",
    "Action",
    "Advanced",
    "Allow",
    "Always",
    "App",
    "Audit",
    "Authentication",
    "Automatic",
    "Backup",
    "Block",
    "Browser",
    "Cache",
    "Certificate",
    "Check",
    "Cloud",
    "Configure",
    "Connection",
    "Content",
    "Control",
    "Credential",
    "Data",
    "Default",
    "Delay",
    "Delivery",
    "Device",
    "Disable",
    "Download",
    "Drive",
    "Enable",
    "Encryption",
    "Enforce",
    "Exclusion",
    "Experience",
    "Extension",
    "File",
    "Filter",
    "Force",
    "Guest",
    "Hide",
    "Install",
    "Level",
    "Local",
    "Lock",
    "Logon",
    "Machine",
    "Maximum",
    "Minimum",
    "Mode",
    "Network",
    "Notification",
    "Password",
    "Path",
    "Period",
    "Prevent",
    "Profile",
    "Prompt",
    "Protection",
    "Recovery",
    "Remote",
    "Require",
    "Restrict",
    "Scan",
    "Screen",
    "Security",
    "Server",
    "Sign",
    "Storage",
    "Time",
    "Update",
    "User",
];
