//! stdout is data, stderr everything else; decided once.

use std::io::{self, IsTerminal as _, Write as _};

use crate::{
    cli::{ColorChoice, Global},
    terminal,
};

/// Where a command writes.
#[derive(Debug, Clone)]
pub(crate) struct Printer {
    quiet: bool,
    color: bool,
}

impl Printer {
    pub(crate) fn new(global: &Global) -> Self {
        let color = match global.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && io::stderr().is_terminal()
            }
        };
        Self { quiet: global.quiet, color }
    }

    /// Whether lines on stderr are coloured.
    pub(crate) fn is_coloured(&self) -> bool {
        self.color
    }

    /// Whether progress is drawn.
    pub(crate) fn draws(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// The stream for data.
    pub(crate) fn stdout() -> io::BufWriter<io::StdoutLock<'static>> {
        io::BufWriter::with_capacity(1 << 16, io::stdout().lock())
    }

    /// A line for people.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            Self::line("", text);
        }
    }

    /// A line for people, also when they want it quiet.
    pub(crate) fn warning(&self, text: &str) {
        Self::line(&self.label("warning", "33"), text);
    }

    /// What failed.
    pub(crate) fn error(&self, text: &str) {
        Self::line(&self.label("error", "31"), text);
    }

    /// What to do about it.
    pub(crate) fn hint(&self, text: &str) {
        Self::line(&self.label("hint", "36"), text);
    }

    fn label(&self, label: &str, color: &str) -> String {
        if self.color { format!("\u{1b}[1;{color}m{label}:\u{1b}[0m ") } else { format!("{label}: ") }
    }

    fn line(label: &str, text: &str) {
        // nobody is left to tell when stderr is gone
        let _ = writeln!(io::stderr().lock(), "{label}{}", terminal::shown(text));
    }
}
