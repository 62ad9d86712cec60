//! Writes a generated tenant into a folder: `cargo bench --bench generate -- [--policies N] [--seed N] FOLDER`.

#![expect(clippy::print_stderr, reason = "a program of its own")]

#[expect(dead_code, reason = "the bench of flattening uses more of it")]
#[path = "support/tenant.rs"]
mod tenant;

use std::{path::PathBuf, process::ExitCode};

fn main() -> ExitCode {
    let (mut policies, mut seed, mut folder) = (10_000, 1, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|number| number.parse().ok());
        match argument.as_str() {
            "--policies" => policies = number().unwrap_or(policies),
            "--seed" => seed = number().map_or(seed, |number| number as u64),
            // cargo's own
            "--bench" => {}
            _ => folder = Some(PathBuf::from(argument)),
        }
    }
    let Some(folder) = folder else {
        // `cargo bench` runs every bench: this one has nothing to measure
        eprintln!("usage: cargo bench --bench generate -- [--policies N] [--seed N] FOLDER");
        return ExitCode::SUCCESS;
    };
    match tenant::Tenant::new(policies, seed).write(&folder) {
        Ok(bytes) => {
            eprintln!("{policies} policies, {} MiB, in {}", bytes >> 20, folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}
