//! `definitions`: official names of settings from a file, and how many are known.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use serde::Serialize;
use tenantpilot::{
    definitions,
    flatten::SettingsShape,
    registry::{POLICY_KINDS, PolicyKind},
    report::{now, rfc3339_text},
    store::{DefinitionTotals, Store},
};

use crate::{
    cli::{DefinitionsAction, DefinitionsArgs, Global},
    printer::Printer,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Imported {
    version: u32,
    imported: usize,
    left_out: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    version: u32,
    definitions: u64,
    with_options: u64,
    with_category: u64,
    unknown: u64,
    oldest: Option<String>,
    newest: Option<String>,
    used: u64,
    used_without_name: u64,
}

impl From<DefinitionTotals> for Status {
    fn from(totals: DefinitionTotals) -> Self {
        Self {
            version: 1,
            definitions: totals.definitions,
            with_options: totals.with_options,
            with_category: totals.with_category,
            unknown: totals.unknown,
            oldest: totals.oldest.map(rfc3339_text),
            newest: totals.newest.map(rfc3339_text),
            used: totals.used,
            used_without_name: totals.used_without_name,
        }
    }
}

pub(crate) async fn run(args: DefinitionsArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let (store, printer) = (super::store(global)?, printer.clone());
    // the database is read and written on a thread that may block
    tokio::task::spawn_blocking(move || match args.action {
        DefinitionsAction::Import { file, json } => {
            let imported = import(&store, &file)?;
            if imported.left_out > 0 {
                printer.note(&format!("{} elements have no id or no name, and were left out", imported.left_out));
            }
            print(json, &imported, |out| {
                writeln!(out, "{} definitions imported; a tenant's next sync uses them", imported.imported)
            })
        }
        DefinitionsAction::Status { json } => {
            let status = status(&store)?;
            print(json, &status, |out| tell(out, &status))
        }
    })
    .await??;
    Ok(ExitCode::SUCCESS)
}

fn print(
    json: bool,
    told: &impl Serialize,
    text: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut out = Printer::stdout();
    if json {
        serde_json::to_writer(&mut out, told)?;
        out.write_all(b"\n")?;
    } else {
        text(&mut out)?;
    }
    Ok(out.flush()?)
}

fn import(store: &Store, file: &std::path::Path) -> anyhow::Result<Imported> {
    let (read, left_out) = definitions::read_file(file)?;
    let named = read.into_iter().map(|listed| (listed.id, listed.definition)).collect();
    let kept = store.open()?.keep_definitions(named, now())?;
    Ok(Imported { version: 1, imported: kept.len(), left_out })
}

fn status(store: &Store) -> anyhow::Result<Status> {
    let has_names = |shape| matches!(shape, SettingsShape::Catalog | SettingsShape::Intent);
    let kinds: Vec<&str> =
        POLICY_KINDS.iter().filter(|kind| has_names(kind.shape.settings)).map(PolicyKind::slug).collect();
    Ok(store.open_read_only()?.definition_totals(&kinds)?.into())
}

fn tell(out: &mut dyn io::Write, status: &Status) -> io::Result<()> {
    let minute = |time: &Option<String>| {
        time.as_ref().map_or_else(|| "-".to_owned(), |time| time.get(..16).unwrap_or(time).replace('T', " "))
    };
    writeln!(out, "{} definitions, {} with names of options", status.definitions, status.with_options)?;
    writeln!(out, "read between {} and {} UTC", minute(&status.oldest), minute(&status.newest))?;
    writeln!(out, "{} ids that Graph does not know", status.unknown)?;
    writeln!(out, "{} ids in stored settings, {} of them without a name", status.used, status.used_without_name)
}
