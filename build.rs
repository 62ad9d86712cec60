//! Gives the flattener a version that changes with its source, so that stored rows are put right when
//! words get better and nobody has to remember to raise a number.

use std::{collections::hash_map::DefaultHasher, env, fs, hash::Hasher as _, path::Path};

fn main() {
    let mut hasher = DefaultHasher::new();
    let rows = ["src/flatten", "src/json.rs", "src/policy.rs", "data/words"];
    let names = ["src/definitions.rs", "src/definitions", "src/directory.rs"];
    for source in rows.into_iter().chain(names).chain(["src/registry.rs", "src/sync/scripts.rs"]) {
        println!("cargo::rerun-if-changed={source}");
        hash(Path::new(source), &mut hasher);
    }
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    println!("cargo::rustc-env=TENANTPILOT_FLATTENER={version}-{:016x}", hasher.finish());
}

fn hash(path: &Path, hasher: &mut DefaultHasher) {
    if let Ok(folder) = fs::read_dir(path) {
        let mut entries: Vec<_> = folder.flatten().map(|entry| entry.path()).collect();
        entries.sort();
        for entry in &entries {
            hash(entry, hasher);
        }
    } else if let Ok(source) = fs::read(path) {
        hasher.write(&source);
    }
}
