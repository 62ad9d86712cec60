//! The program as a worker: a process of its own, whose lines a test reads and which it sends signals.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::cli::{BINARY, Program};

/// Longest time that anything may take: far above what it takes.
const LONGEST: Duration = Duration::from_secs(50);

/// A worker that runs; dropping it kills it.
pub(crate) struct WorkerProcess {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    stderr: Option<JoinHandle<String>>,
}

impl WorkerProcess {
    /// Starts `tenantpilot worker` with these flags; health is served where one of them says so.
    pub(crate) fn start(program: &Program, flags: &[&str]) -> Self {
        let health: &[&str] = if flags.contains(&"--health-addr") { &[] } else { &["--health-addr", "off"] };
        let args = ["worker"].iter().chain(health).chain(flags);
        let mut command = program.command(BINARY, args);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stdout, read) = (BufReader::new(child.stdout.take().unwrap()), lines.clone());
        thread::spawn(move || stdout.lines().map_while(Result::ok).for_each(|line| read.lock().unwrap().push(line)));
        let mut errors = child.stderr.take().unwrap();
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).unwrap();
            text
        });
        Self { child, lines, stderr: Some(stderr) }
    }

    /// Everything it has written to stdout.
    pub(crate) fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// Its lines as JSON, which all of them must be.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let lines = self.lines.lock().unwrap();
        lines.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    }

    /// Its lines of one event.
    pub(crate) fn events(&self, event: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["event"] == event).collect()
    }

    /// Waits for so many lines of an event; gives the last.
    pub(crate) fn wait_for(&self, event: &str, times: usize) -> Value {
        let until = Instant::now() + LONGEST;
        loop {
            let mut events = self.events(event);
            if events.len() >= times {
                return events.swap_remove(times - 1);
            }
            assert!(Instant::now() < until, "{times} × {event}: {}", self.text());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for a log message that begins so.
    pub(crate) fn wait_for_message(&self, beginning: &str) -> Value {
        let until = Instant::now() + LONGEST;
        loop {
            let said = |line: &Value| line["message"].as_str().is_some_and(|message| message.starts_with(beginning));
            if let Some(line) = self.lines().into_iter().find(said) {
                return line;
            }
            assert!(Instant::now() < until, "{beginning}: {}", self.text());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success());
    }

    /// Kills it, as the kernel does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end; gives its exit status and what it wrote to stderr.
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
        let until = Instant::now() + LONGEST;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.code(), self.stderr.take().unwrap().join().unwrap());
            }
            assert!(Instant::now() < until, "it does not end: {}", self.text());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // one that has ended needs no killing
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
