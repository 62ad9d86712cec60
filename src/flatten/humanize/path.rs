//! Which part of a definition id is its name, and which is plumbing.

use super::strip::{starts_with, strip_end, strip_start, without_feature, without_text_number, without_zone};
use super::words::words;

/// Beyond this many segments from the end nothing names a setting.
const MOST_SEGMENTS: usize = 12;

/// Last segments that only say what kind of control an administrative template draws.
const CONTROLS: [&str; 17] = [
    "box",
    "check",
    "checkbox",
    "chk",
    "combo",
    "combobox",
    "comp",
    "control",
    "dropdown",
    "edit",
    "enum",
    "numeric",
    "part",
    "recommended",
    "spin",
    "text",
    "textbox",
];

/// Segments that stand before a name without being a part of it.
const MARKS: [&str; 6] = ["iz", "l", "lbl", "part", "pol", "policy"];

/// Areas whose policies are named by two segments: `objectaccess_auditfilesystem`.
const TWO_PART_AREAS: [&str; 2] = ["audit", "localpoliciessecurityoptions"];

/// What else follows the name of a policy in the ids of its elements without naming them.
const ELEMENT_ENDS: [&str; 8] = ["boolid", "colon", "decimal", "desc", "dropid", "id", "spinid", "textid"];

/// What elements are called after their policy, as it says too little alone: `querypolicylevel`.
const VAGUE_ENDS: [&str; 6] = ["drop", "level", "list", "policy", "title", "value"];

/// Last segments that say nothing without the one before: `certificates_list`, `encryption_required`,
/// `allowbasicauthentication_client`, `passwordagedays_aad`.
const OPEN_ENDS: [&str; 6] = ["aad", "ad", "client", "list", "required", "service"];

/// Parents whose elements are called by their technical names, written as one: `InstancePathId`.
const TECHNICAL_PARENTS: [&str; 2] = ["descriptoridlist", "printerdevicesidlist"];

/// What names a setting.
pub(super) enum Name<'a> {
    /// The words of these parts, in order; there may be none.
    Words(Vec<&'a str>),
    /// The words of a part, written as one, as Graph does for registry values: `MaxPollInterval`.
    Joined(&'a str),
    /// A program's file, without its extension.
    Program(&'a str),
}

/// Whether `id` is of an administrative template, whose texts people wrote.
pub(super) fn is_template(id: &str) -> bool {
    let path = Path::of(id);
    path.admx || !path.categories.is_empty()
}

/// The part of `id` that names the setting.
pub(super) fn name(id: &str) -> Name<'_> {
    // The definition of a collection ends in the placeholder of its items' names, and is called so.
    if let Some((above, placeholder)) = id.strip_suffix('}').and_then(|id| id.rsplit_once('{')) {
        // a mere `{id}` says nothing
        let above = above.trim_end_matches('_').rsplit('_').next().filter(|_| placeholder.eq_ignore_ascii_case("id"));
        return Name::Words(vec![above.unwrap_or(placeholder)]);
    }
    let path = Path::of(id);
    let mut parts = path.parts();
    strip_controls(&mut parts, path.policy_csp);
    if path.is_single_sign_on() && parts.len() > 1 {
        parts.pop_if(|part| part.eq_ignore_ascii_case("kerberos"));
    }
    let Some(last) = parts.pop() else { return Name::Words(path.area.into_iter().collect()) };
    if let Some(program) = strip_end(last, "exe").filter(|_| path.policy_csp) {
        return Name::Program(program);
    }
    let is_number = |part: &mut &str| part.bytes().all(|b| b.is_ascii_digit());
    while path.policy_csp && parts.pop_if(is_number).is_some() {}
    let parent = parts.last().copied().unwrap_or_default();
    let is_technical = TECHNICAL_PARENTS.iter().any(|technical| parent.eq_ignore_ascii_case(technical));
    if is_technical || (path.is_in("w32time") && parent.eq_ignore_ascii_case("w32time")) {
        return Name::Joined(last);
    }
    if TWO_PART_AREAS.iter().any(|area| path.is_in(area))
        // `tapedrives_denyread_access`
        || (path.is_in("removablestorage") && last.eq_ignore_ascii_case("access"))
        || parts.first().is_some_and(|part| starts_with(part, "letapps"))
    {
        parts.push(last);
        return Name::Words(parts);
    }
    Name::Words(path.own_parts(last, &parts))
}

/// A definition id, its plumbing taken off.
struct Path<'a> {
    /// What is left: segments with `_` between them.
    rest: &'a str,
    /// The area of a policy of the Policy CSP, which is its name when nothing follows.
    area: Option<&'a str>,
    /// The categories of an administrative template, outermost first.
    categories: Vec<&'a str>,
    policy_csp: bool,
    /// Whether the policy is one of Windows' own templates.
    admx: bool,
}

impl<'a> Path<'a> {
    fn of(id: &'a str) -> Self {
        let mut rest = id;
        for scope in ["device_", "user_"] {
            rest = strip_start(rest, scope).unwrap_or(rest);
        }
        rest = strip_start(rest, "vendor_msft_").unwrap_or(rest);
        let policy = strip_start(rest, "policy_config_");
        let mut path = Self { rest, area: None, categories: Vec::new(), policy_csp: policy.is_some(), admx: false };
        if let Some(policy) = policy {
            let admx = strip_start(policy, "admx_");
            path.rest = admx.unwrap_or(policy);
            path.admx = admx.is_some();
            path.take_area();
        } else if let Some((_, typed)) = rest.split_once("--") {
            path.rest = typed;
            path.take_area();
        }
        if let Some((categories, last)) = path.rest.rsplit_once('~') {
            path.categories = categories.split('~').filter(|part| !part.eq_ignore_ascii_case("policy")).collect();
            path.rest = last;
            path.policy_csp = true;
            if let Some((category, rest)) = last.split_once('_')
                && !category.eq_ignore_ascii_case("l")
            {
                path.categories.push(category);
                path.rest = rest;
            }
        }
        path
    }

    /// Takes the first segment off as the area, unless it ends in the categories of a template.
    fn take_area(&mut self) {
        let end = self.rest.find(['_', '~']).unwrap_or(self.rest.len());
        self.area = Some(&self.rest[..end]);
        if self.rest[end..].starts_with('~') {
            return;
        }
        self.rest = self.rest[end..].trim_start_matches('_');
    }

    fn is_in(&self, area: &str) -> bool {
        self.area.is_some_and(|own| own.eq_ignore_ascii_case(area))
    }

    /// Whether the categories are those of an Office template, which all begin with `l_`.
    fn is_office(&self) -> bool {
        self.categories.iter().any(|category| starts_with(category, "l_"))
    }

    fn is_single_sign_on(&self) -> bool {
        starts_with(self.rest, "com.apple.extensiblesso_")
    }

    /// The last segment, or its parent where it only says what the parent is the name of.
    fn own_parts(&self, last: &'a str, parents: &[&'a str]) -> Vec<&'a str> {
        let parent = parents.last().copied().unwrap_or_default();
        if last.eq_ignore_ascii_case("name")
            && let Some(control) =
                strip_end(parent, "dropdown").or(starts_with(self.rest, "bitlocker_").then_some(parent))
        {
            return vec![control];
        }
        if starts_with(self.rest, "firewall_mdmstore_") {
            // each network has a firewall of its own
            match strip_end(parent, "profile") {
                Some(network) if last.eq_ignore_ascii_case("enablefirewall") => {
                    return vec!["enable", network, "networkfirewall"];
                }
                _ if parent.eq_ignore_ascii_case("action") => return vec![parent],
                _ => {}
            }
        }
        if self.policy_csp && !parent.is_empty() && last.eq_ignore_ascii_case("key") {
            return vec!["name"];
        }
        if OPEN_ENDS.iter().any(|end| last.eq_ignore_ascii_case(end)) {
            return vec![parent, last];
        }
        if self.policy_csp && parents.len() > usize::from(self.is_office()) {
            match element_of(parent, last) {
                Some("") => return vec![self.own_part(parent, "")],
                Some(own) => return vec![own],
                None => {}
            }
        }
        let own = self.own_part(last, parent);
        if self.admx && is_one_word(own) { self.parted(own, parents) } else { vec![own] }
    }

    /// `last` with the words before it, as some templates part the words of a policy by underscores: `ts_time_zone`.
    fn parted(&self, last: &'a str, parents: &[&'a str]) -> Vec<&'a str> {
        let from = parents.iter().rposition(|parent| !is_one_word(parent)).map_or(0, |at| at + 1);
        let mut words = &parents[from..];
        // an element of such a policy begins as its policy does
        if let Some(again) = words.iter().rposition(|word| Some(word) == words.first()) {
            words = &words[again..];
        }
        let area = self.area.unwrap_or_default();
        words = words.strip_prefix(&[last]).unwrap_or(words);
        while let [first, rest @ ..] = words
            && starts_with(area, first)
        {
            words = rest;
        }
        [words, &[last]].concat()
    }

    /// The part of the last segment that its parents do not say already.
    fn own_part(&self, last: &'a str, parent: &str) -> &'a str {
        if let Some(item) = strip_end(last, ".menu") {
            return item;
        }
        // Apple's payload types stand in some ids: `com.apple.mcx_com.apple.cachedaccounts.createatlogin`.
        if let Some((_, key)) = last.rsplit_once('.').filter(|(_, key)| key.len() > 3) {
            return key;
        }
        let mut own = last;
        let area = self.area.unwrap_or_default();
        if starts_with(area, "fslogix") {
            let prefixes = self.categories.iter().flat_map(|category| [category; 2]);
            for prefix in prefixes {
                own = strip_start(own, prefix).filter(|rest| !rest.is_empty()).unwrap_or(own);
            }
        } else if self.is_office() {
            own = without_text_number(own);
            if starts_with(area, "proj16") {
                own = strip_start(own, "pj").filter(|rest| rest.len() > 3).unwrap_or(own);
            }
        } else if self.is_in("internetexplorer") {
            own = without_feature(without_zone(own));
        } else if self.categories.is_empty() && !parent.is_empty() && area.len() > 2 {
            own = strip_start(own, area).filter(|rest| rest.len() > 3).unwrap_or(own);
        }
        own
    }

    /// The last segments, without marks and placeholders.
    fn parts(&self) -> Vec<&'a str> {
        let named = |part: &&str| {
            part.contains(char::is_alphanumeric)
                && !part.starts_with('{')
                && !MARKS.iter().any(|mark| part.eq_ignore_ascii_case(mark))
        };
        let mut parts: Vec<&str> = self.rest.rsplit(['_', '~']).filter(named).take(MOST_SEGMENTS).collect();
        parts.reverse();
        parts
    }
}

/// What an element adds to the name of its policy: `blue` for `buttoncolorblue`, nothing for `buttoncolordropid`. A
/// policy of one word may well be a part of an element's own name: `wallpaperstyle` of `wallpaper`.
fn element_of<'a>(policy: &str, element: &'a str) -> Option<&'a str> {
    let own = strip_start(element, policy).filter(|own| !own.is_empty() && !policy.is_empty())?;
    let is_one_of = |ends: &[&str]| ends.iter().any(|end| own.eq_ignore_ascii_case(end));
    if is_one_of(&CONTROLS) || is_one_of(&ELEMENT_ENDS) || own.bytes().all(|b| b.is_ascii_digit()) {
        return Some("");
    }
    let policy = words(policy);
    (policy.len() > 1 && !is_one_of(&VAGUE_ENDS) && words(element).starts_with(&policy)).then_some(own)
}

fn is_one_word(segment: &str) -> bool {
    words(segment).len() == 1
}

/// Drops what follows the name: numbers of variants, kinds of controls, registry names of zones.
fn strip_controls(parts: &mut Vec<&str>, policy_csp: bool) {
    while let [.., _, last] = parts[..] {
        let control = CONTROLS.iter().any(|control| last.eq_ignore_ascii_case(control));
        let variant = last.trim_start_matches(['v', 'V']).bytes().all(|b| b.is_ascii_digit());
        let zone = strip_start(last, "partname").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        if !(policy_csp && (control || variant || zone)) {
            break;
        }
        parts.pop();
    }
}
