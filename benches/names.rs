//! How well words from ids meet the official names: scores `humanize` against the file
//! `names-sample.json` in the folder that `TENANTPILOT_DEFINITIONS` names. Run it with
//! `cargo bench --bench names`, and with `-- --misses` to see what came out otherwise.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is the result")]
#![expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::Value;
use tenantpilot::flatten::humanize::humanize;

fn main() -> ExitCode {
    let Some(folder) = std::env::var_os("TENANTPILOT_DEFINITIONS") else {
        eprintln!("names: set TENANTPILOT_DEFINITIONS to a folder that holds names-sample.json");
        return ExitCode::FAILURE;
    };
    let pairs = match official_names(Path::new(&folder)) {
        Ok(pairs) => pairs,
        Err(error) => {
            eprintln!("names: {error}");
            return ExitCode::FAILURE;
        }
    };
    let started = Instant::now();
    let _ = humanize("load_the_lexicon");
    println!("loading: {:.1} ms", started.elapsed().as_secs_f64() * 1e3);

    let started = Instant::now();
    let given: Vec<String> = pairs.iter().map(|(id, _)| humanize(id)).collect();
    println!("humanize: {:.1} µs a name", started.elapsed().as_secs_f64() * 1e6 / pairs.len() as f64);

    let show_misses = std::env::args().any(|argument| argument == "--misses");
    // What a hyphen is, nothing or a space, is a matter of taste: both are counted.
    for (title, instead) in [("punctuation dropped", ""), ("punctuation as space", " ")] {
        let mut all = Score::default();
        let mut spelled = Score::default();
        let mut halves = [Score::default(), Score::default()];
        for ((id, official), given) in pairs.iter().zip(&given) {
            let right = plain(given, instead) == plain(official, instead);
            all.count(right);
            if letters(official).is_empty() || !letters(id).ends_with(&letters(official)) {
                continue;
            }
            spelled.count(right);
            halves[half(id)].count(right);
            if show_misses && !right && instead.is_empty() {
                println!("{}\t{id}\t{official}\t{given}", half(id));
            }
        }
        println!("{title}: spelled by the id {spelled}, halves {} and {}; all {all}", halves[0], halves[1]);
    }
    let left = pairs.iter().zip(&given).filter(|((id, _), given)| is_plumbing_left(id, given));
    let left: Vec<_> = left.map(|((id, _), given)| format!("\n  {given}\t{id}")).collect();
    println!(
        "names with an underscore, a tilde or a `policy` that only stands between: {}{}",
        left.len(),
        left.concat()
    );
    ExitCode::SUCCESS
}

/// Whether `name` has a mark of the id, or the word `policy` though the id has it as a segment of its own only: it
/// belongs to a name where it stands in one, as in `auditcentralaccesspolicystaging`.
fn is_plumbing_left(id: &str, name: &str) -> bool {
    let says = |text: &str| text.to_ascii_lowercase().contains("policy");
    let in_a_name = || id.split(['_', '~']).any(|segment| says(segment) && !segment.eq_ignore_ascii_case("policy"));
    name.contains(['_', '~']) || (says(name) && !in_a_name())
}

/// Right ones out of how many.
#[derive(Default)]
struct Score {
    right: usize,
    of: usize,
}

impl Score {
    fn count(&mut self, right: bool) {
        self.of += 1;
        self.right += usize::from(right);
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} ({:.1} %)", self.right, self.of, 100.0 * self.right as f64 / self.of.max(1) as f64)
    }
}

/// Ids with their official names, without the scope that some names end in.
fn official_names(folder: &Path) -> Result<Vec<(String, String)>, String> {
    let path = folder.join("names-sample.json");
    let text = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let definitions: serde_json::Map<String, Value> =
        serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let named = definitions.into_iter().filter_map(|(id, definition)| {
        let name = definition.get("displayName")?.as_str()?.trim();
        Some((id, without_scope(name).to_owned()))
    });
    Ok(named.collect())
}

fn without_scope(name: &str) -> &str {
    let lower = name.to_ascii_lowercase();
    for scope in ["(user)", "(device)"] {
        if lower.ends_with(scope) {
            return name[..name.len() - scope.len()].trim_end();
        }
    }
    name
}

/// A name as it is compared: lower-case words with single spaces, `instead` of punctuation.
fn plain(name: &str, instead: &str) -> String {
    let mut bare = String::new();
    for c in name.chars() {
        if c.is_alphanumeric() || c.is_whitespace() { bare.push(c) } else { bare.push_str(instead) }
    }
    bare.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The letters and digits alone.
fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// Which half of the sample an id belongs to: rules are made with one and tried on the other.
fn half(id: &str) -> usize {
    id.bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte))) / 64 % 2
}
