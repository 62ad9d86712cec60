//! The program as its users run it, without anything of the environment that the tests run in.

use std::{
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// The built binary.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_tenantpilot");

/// Longest time that a call may take: far above any, so that a call that hangs fails.
const LONGEST: Duration = Duration::from_mins(1);

/// The program with its environment.
#[derive(Debug)]
pub(crate) struct Program {
    env: Vec<(String, String)>,
    home: TempDir,
}

/// What a call printed, and its exit status.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// `None` where a signal ended it.
    pub(crate) code: Option<i32>,
}

impl Program {
    /// The program with an empty home folder and nothing else.
    pub(crate) fn new() -> Self {
        Self { env: Vec::new(), home: TempDir::new().unwrap() }.env("COLUMNS", "160")
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Its home folder, which is where it runs.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs it to its end.
    pub(crate) fn run<I: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Printed {
        Printed::of(&assert_cmd::Command::from_std(self.command(BINARY, args)).timeout(LONGEST).output().unwrap())
    }

    /// Starts it and leaves it running, deaf and silent.
    pub(crate) fn start<I: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Child {
        let mut command = self.command(BINARY, args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// As [`Self::run`], bound by the permissions of files: as nobody, where root runs the tests.
    pub(crate) fn run_as_nobody<I: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Printed {
        use std::os::unix::{fs::MetadataExt as _, process::CommandExt as _};
        let mut command = self.command(BINARY, args);
        command.current_dir("/");
        if self.home.path().metadata().unwrap().uid() == 0 {
            command.uid(65_534).gid(65_534);
        }
        Printed::of(&command.output().unwrap())
    }

    /// Another program in this environment.
    pub(crate) fn command<I: AsRef<std::ffi::OsStr>>(
        &self,
        program: &str,
        args: impl IntoIterator<Item = I>,
    ) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().env("HOME", self.home.path()).current_dir(self.home.path());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Imports a folder and expects it to be done, in whole.
    pub(crate) fn sync(&self, folder: &Path) -> Value {
        self.sync_with(folder, &[])
    }

    /// As [`Self::sync`], with more flags.
    pub(crate) fn sync_with(&self, folder: &Path, flags: &[&str]) -> Value {
        let printed = self.try_sync(folder, flags);
        assert_eq!(printed.code, Some(0), "{printed:?}");
        printed.json()["tenants"][0].clone()
    }

    /// Imports a folder, whatever comes of it.
    pub(crate) fn try_sync(&self, folder: &Path, flags: &[&str]) -> Printed {
        let folder = folder.to_str().unwrap();
        self.run(["sync", "--tenant", "contoso", "--json", "--fixtures", folder].iter().chain(flags))
    }

    /// What `inspect … --json` prints.
    pub(crate) fn inspect(&self, args: &[&str]) -> Vec<Value> {
        let printed = self.run(["inspect"].iter().chain(args).chain(&["--json"]));
        assert_eq!(printed.code, Some(0), "{printed:?}");
        printed.json().as_array().unwrap().clone()
    }
}

impl Printed {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { stdout: text(&output.stdout), stderr: text(&output.stderr), code: output.status.code() }
    }

    /// stdout as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// All of it as text, for a snapshot.
    pub(crate) fn text(&self) -> String {
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        format!("exit: {code}\n---- stdout\n{}---- stderr\n{}", self.stdout, self.stderr)
    }
}
