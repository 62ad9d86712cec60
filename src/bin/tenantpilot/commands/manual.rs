//! `completions` and `man`: what packagers install beside the program.

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::{cli::Cli, printer::Printer};

/// Prints the completions of a shell.
pub(crate) fn completions(shell: clap_complete::Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tenantpilot", &mut script);
    let mut out = Printer::stdout();
    out.write_all(&script)?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page, or writes one for each command.
pub(crate) fn pages(folder: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let command = Cli::command();
    if let Some(folder) = folder {
        std::fs::create_dir_all(&folder)
            .and_then(|()| clap_mangen::generate_to(command, &folder))
            .with_context(|| format!("failed to write manual pages into `{}`", folder.display()))?;
    } else {
        let mut out = Printer::stdout();
        clap_mangen::Man::new(command).render(&mut out)?;
        out.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}
