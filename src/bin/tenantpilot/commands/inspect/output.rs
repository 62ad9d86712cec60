//! The three ways to show rows. JSON and CSV are written as the rows come.

use std::{
    io::{self, BufWriter, IsTerminal as _, StdoutLock, Write as _},
    mem,
};

use comfy_table::{ColumnConstraint, ContentArrangement, Row, Table, Width, presets};
use serde::Serialize;

use super::shorten::without_middle;
use crate::{
    printer::Printer,
    terminal::{self, SafeJson},
};

/// Width of a table that goes to a file or a pipe.
const WIDTH_OF_PIPES: u16 = 160;

/// A row of some subject.
pub(crate) trait Record: Serialize {
    /// Column titles of the table.
    const TITLES: &'static [&'static str];
    /// Cells of the table, one row or several.
    fn cells(&self) -> Vec<Vec<String>>;
    /// Writes a line of CSV, and a line of titles before the first: the fields of the JSON.
    fn csv(&self, lines: &mut csv::Writer<Vec<u8>>) -> csv::Result<()> {
        lines.serialize(self)
    }
}

/// Where rows go.
pub(crate) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    printer: Printer,
    format: Format,
}

enum Format {
    Table { table: Option<Box<Table>>, rows: usize, limit: usize, limit_is_default: bool },
    Json { any: bool },
    Csv { titled: bool, safe: bool },
}

impl Output {
    pub(crate) fn table(printer: &Printer, limit: usize, limit_is_default: bool) -> Self {
        Self::new(printer, Format::Table { table: None, rows: 0, limit, limit_is_default })
    }

    pub(crate) fn json(printer: &Printer) -> Self {
        Self::new(printer, Format::Json { any: false })
    }

    pub(crate) fn csv(printer: &Printer) -> Self {
        Self::new(printer, Format::Csv { titled: false, safe: io::stdout().is_terminal() })
    }

    fn new(printer: &Printer, format: Format) -> Self {
        Self { out: Printer::stdout(), printer: printer.clone(), format }
    }

    /// Whether a program reads it as JSON.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.format, Format::Json { .. })
    }

    /// Shows a row.
    pub(crate) fn row<R: Record>(&mut self, record: &R) -> io::Result<()> {
        self.rows(record)
    }

    /// Shows a record that may have several rows in a table.
    pub(crate) fn rows<R: Record>(&mut self, record: &R) -> io::Result<()> {
        match &mut self.format {
            Format::Table { table: shown, rows, limit, .. } => {
                *rows += 1;
                if *rows <= *limit {
                    let table = shown.get_or_insert_with(|| Box::new(table(R::TITLES)));
                    for cells in record.cells() {
                        add_row(table, &cells);
                    }
                }
                Ok(())
            }
            Format::Json { any } => {
                self.out.write_all(if mem::replace(any, true) { b",\n" } else { b"[\n" })?;
                json(&mut self.out, record)
            }
            Format::Csv { titled, safe } => {
                let titles = !mem::replace(titled, true);
                let mut lines = csv::WriterBuilder::new().has_headers(titles).from_writer(Vec::new());
                record.csv(&mut lines)?;
                let lines = lines.into_inner().map_err(csv::IntoInnerError::into_error)?;
                if *safe {
                    // what the escapes hide is in the data alone, and the lines stay lines
                    let text = String::from_utf8_lossy(&lines);
                    return self.out.write_all(terminal::shown(&text).as_bytes());
                }
                self.out.write_all(&lines)
            }
        }
    }

    /// Ends the output.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        match self.format {
            Format::Table { table: Some(table), rows, limit, limit_is_default } => {
                writeln!(self.out, "{table}")?;
                self.out.flush()?;
                if limit_is_default && rows > limit {
                    self.printer.note(&format!("the first {limit} rows; `--limit N` shows more, `--json` all"));
                }
            }
            Format::Table { table: None, .. } => self.printer.note("nothing found"),
            Format::Json { any } => self.out.write_all(if any { b"\n]\n" } else { b"[]\n" })?,
            Format::Csv { .. } => {}
        }
        self.out.flush()
    }

    /// Writes one JSON value instead of rows.
    pub(crate) fn value(mut self, value: &impl Serialize) -> io::Result<()> {
        json(&mut self.out, value)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}

fn json(out: &mut impl io::Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, SafeJson::default())).map_err(io::Error::from)
}

/// An empty table as wide as the terminal.
pub(crate) fn table(titles: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_truncation_indicator("…");
    if !io::stdout().is_terminal() {
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        table.set_width(columns.unwrap_or(WIDTH_OF_PIPES));
    }
    table.set_header(titles);
    let width = table.width().unwrap_or(WIDTH_OF_PIPES);
    for (index, title) in titles.iter().enumerate() {
        // an id is copied, a time is read: a part of one is worth nothing
        let whole = match *title {
            "JOB" => ID,
            title if title.ends_with("(UTC)") && width >= WIDE => MINUTE,
            _ => continue,
        };
        if let Some(column) = table.column_mut(index) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(whole + PADDING)));
        }
    }
    table
}

/// Characters of a job's id.
const ID: u16 = 36;

/// Characters of a time to the minute.
const MINUTE: u16 = 16;

/// Width at which a table has room for whole times.
const WIDE: u16 = 100;

/// Adds a row of one line; what does not fit is cut.
pub(crate) fn add_row(table: &mut Table, cells: &[String]) {
    /// More of a cell than any terminal shows.
    const LONGEST: usize = 1_000;
    let (names, width) = (column_of_names(table), width_of_names(table));
    let cells = cells.iter().enumerate().map(|(index, cell)| {
        let cell = if names == Some(index) { without_middle(cell, width.into()) } else { cell.into() };
        let cut: String = cell.chars().take(LONGEST).collect();
        terminal::one_line(&cut).into_owned()
    });
    let mut row = Row::from(cells);
    row.max_height(1);
    let is_long = names.is_some_and(|names| {
        row.cell_iter().nth(names).is_some_and(|cell| cell.content().chars().count() >= width.into())
    });
    if let Some(column) = names.filter(|_| is_long).and_then(|names| table.column_mut(names)) {
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width + PADDING)));
    }
    table.add_row(row);
}

/// Of the width of a table, in percent, what names of settings have where they are long.
const NAMES_SHARE: u16 = 32;

/// Blanks on both sides of a cell.
const PADDING: u16 = 2;

fn column_of_names(table: &Table) -> Option<usize> {
    table.header()?.cell_iter().position(|title| title.content() == "SETTING")
}

fn width_of_names(table: &Table) -> u16 {
    (table.width().unwrap_or(WIDTH_OF_PIPES) * NAMES_SHARE / 100).saturating_sub(PADDING)
}
