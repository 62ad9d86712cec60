//! Flattening against parsing: the time of `flatten_parsed` over a generated tenant, or over a folder of exported
//! policies, as a ratio of the time that serde_json needs to parse the same bytes into `Value`. Rounds of the two
//! alternate in one process, and the ratio is that of their medians:
//! `cargo bench --bench flatten -- [--policies N | --folder FOLDER] [--rounds N] [--slowest N] [--official]`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program of its own")]

#[expect(dead_code, reason = "the program that writes a tenant down uses more of it")]
#[path = "support/tenant.rs"]
mod tenant;

use std::{
    hint::black_box,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use tenantpilot::{
    definitions::Definition,
    fixtures::{Folder, Found},
    flatten::{self, Flattener},
    json::Document,
    policy::{PolicyDocument, PolicyId},
    registry::{self, PolicyKind},
};

struct Read {
    kind: &'static PolicyKind,
    document: PolicyDocument,
}

fn main() -> ExitCode {
    let (mut policies, mut rounds, mut slowest, mut folder, mut official) = (2_000, 15, 0, None, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = |usual| arguments.next().and_then(|number| number.parse().ok()).unwrap_or(usual);
        match argument.as_str() {
            "--policies" => policies = number(policies),
            "--rounds" => rounds = number(rounds),
            "--official" => official = true,
            "--slowest" => slowest = number(slowest),
            "--folder" => folder = arguments.next(),
            _ => {}
        }
    }
    let read = match &folder {
        Some(folder) => exported(Path::new(folder)),
        None => generated(policies),
    };
    let all = match read {
        Ok(all) => all,
        Err(error) => {
            eprintln!("flatten: {error}");
            return ExitCode::FAILURE;
        }
    };
    let bytes: usize = all.iter().map(|read| read.document.json.len()).sum();
    let parsed: Result<Vec<_>, _> = all.iter().map(|read| Document::parse(&read.document.json)).collect();
    let Ok(parsed) = parsed else {
        eprintln!("flatten: a policy is no JSON");
        return ExitCode::FAILURE;
    };
    // one flattener for all, as in a sync: its words are made once
    let flattener = Flattener::default();
    if official {
        flattener.learn(named(&all, &parsed, &flattener));
    }
    let (mut parsing, mut flattening, mut rows) = (Vec::new(), Vec::new(), 0);
    let (mut parsing_each, mut flattening_each) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        parsing.push(timed(|| parse_all(&all)));
        let started = Instant::now();
        rows = flatten_all(&all, &parsed, &flattener);
        flattening.push(started.elapsed());
        let (parse, flatten) = one_by_one(&all, &flattener);
        parsing_each.push(parse);
        flattening_each.push(flatten);
    }
    println!("{} policies, {rows} settings, {:.1} MiB of JSON, {rounds} rounds", all.len(), mib(bytes));
    println!("all policies parsed, then all flattened:");
    show(bytes, &mut parsing, &mut flattening);
    println!("each policy flattened after it was parsed, as in a sync:");
    show(bytes, &mut parsing_each, &mut flattening_each);
    show_slowest(&all, slowest, rounds, &flattener);
    ExitCode::SUCCESS
}

fn generated(policies: usize) -> Result<Vec<Read>, String> {
    let read = |exported: tenant::Exported| {
        let kind = registry::by_slug(exported.kind).map_err(|error| error.to_string())?;
        let id = PolicyId::new(exported.id);
        let document = PolicyDocument { id, name: None, file: Some(exported.file), json: exported.json.into() };
        Ok(Read { kind, document })
    };
    tenant::Tenant::new(policies, 1).map(read).collect()
}

fn exported(folder: &Path) -> Result<Vec<Read>, String> {
    let folder = Folder::open(folder).map_err(|error| error.to_string())?;
    let found = folder.files().iter().flat_map(|file| folder.read(file));
    let policies = found.filter_map(|found| match found {
        Found::Policy(kind, document) => Some(Read { kind, document }),
        _ => None,
    });
    Ok(policies.collect())
}

/// A name for each definition that the policies use, as a tenant has them that was synced before.
fn named(all: &[Read], parsed: &[Document], flattener: &Flattener) -> Vec<(String, Definition)> {
    let flattened = all
        .iter()
        .zip(parsed)
        .filter_map(|(read, parsed)| flatten::flatten_parsed(&read.kind.shape, &read.document, parsed, flattener).ok());
    let rows = flattened.flat_map(|policy| policy.settings);
    let named = rows.filter_map(|row| {
        let definition = Definition {
            display_name: row.name.rsplit(" > ").next().map(str::to_owned),
            category: Some("Administrative Templates > Windows Components > Windows Update".to_owned()),
            ..Definition::default()
        };
        Some((row.definition_id?.to_string(), definition))
    });
    named.collect()
}

/// Parses and flattens policy by policy; the time of each of the two, what they made given back outside.
fn one_by_one(all: &[Read], flattener: &Flattener) -> (Duration, Duration) {
    let (mut parsing, mut flattening) = (Duration::ZERO, Duration::ZERO);
    for read in all {
        let started = Instant::now();
        let value = black_box(Document::parse(&read.document.json));
        parsing += started.elapsed();
        let Ok(value) = value else { continue };
        let started = Instant::now();
        let policy = black_box(flatten::flatten_parsed(&read.kind.shape, &read.document, &value, flattener));
        flattening += started.elapsed();
        drop(policy);
    }
    (parsing, flattening)
}

fn show(bytes: usize, parsing: &mut [Duration], flattening: &mut [Duration]) {
    let (parse, flatten) = (median(parsing), median(flattening));
    println!("  serde_json into Value   {:8.1} ms  {:7.1} MiB/s", millis(parse), mib(bytes) / parse.as_secs_f64());
    println!("  flatten_parsed          {:8.1} ms  {:7.1} MiB/s", millis(flatten), mib(bytes) / flatten.as_secs_f64());
    println!("  ratio                   {:8.2}     (at most 1.0)", flatten.as_secs_f64() / parse.as_secs_f64());
}

/// The policies that take the most time beyond that of their own parse: where to look first.
fn show_slowest(all: &[Read], slowest: usize, rounds: usize, flattener: &Flattener) {
    if slowest == 0 {
        return;
    }
    let mut each: Vec<_> = all
        .iter()
        .map(|read| {
            let one = std::slice::from_ref(read);
            let (mut parsing, mut flattening): (Vec<_>, Vec<_>) =
                (0..rounds).map(|_| one_by_one(one, flattener)).unzip();
            (median(&mut parsing), median(&mut flattening), read)
        })
        .collect();
    each.sort_by_key(|(parse, flatten, _)| std::cmp::Reverse(flatten.saturating_sub(*parse)));
    for (parse, flatten, read) in each.into_iter().take(slowest) {
        let file = read.document.file.as_deref().unwrap_or_default();
        println!("{:8.0} {:8.0} us  {} {file}", millis(parse) * 1e3, millis(flatten) * 1e3, read.kind.slug());
    }
}

fn parse_all(all: &[Read]) {
    for read in all {
        let value: Result<serde_json::Value, _> = serde_json::from_slice(&read.document.json);
        drop(black_box(value));
    }
}

fn flatten_all(all: &[Read], parsed: &[Document], flattener: &Flattener) -> usize {
    let mut rows = 0;
    for (read, parsed) in all.iter().zip(parsed) {
        let policy = flatten::flatten_parsed(&read.kind.shape, &read.document, parsed, flattener);
        rows += black_box(policy).map_or(0, |policy| policy.settings.len());
    }
    rows
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "a size, shown with one digit")]
fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
