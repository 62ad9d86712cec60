//! A private Redis server, which a test may stop, freeze, fill and start again.
//!
//! It listens on a port of its own and keeps everything in an append-only file, so that it remembers what it was told
//! before it was killed. It is told to end with the thread of the test that started it.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tenantpilot::queue::RedisUrl;

/// The prefix of the queue's keys, as other programs write it.
pub(crate) const PREFIX: &str = "tenantpilot:{intune-sync-queue}:";

/// A running server; dropping it ends it.
pub(crate) struct Redis {
    port: u16,
    folder: TempDir,
    flags: Vec<String>,
    process: Option<Child>,
}

impl Redis {
    /// Starts one.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one with more flags of `redis-server`.
    pub(crate) fn with(flags: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let mut server = Self { port, folder: TempDir::new().unwrap(), flags, process: None };
        server.start_again();
        server
    }

    /// Starts it with what it remembers.
    pub(crate) fn start_again(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let flags = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always"];
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string()]).args(flags).arg("--dir").arg(self.folder.path());
        let log = std::fs::File::create(self.log()).unwrap();
        let process = command.args(&self.flags).stdin(Stdio::null()).stdout(log).stderr(Stdio::null()).spawn();
        self.process = Some(process.expect("the tests need `redis-server` on PATH"));
        let until = Instant::now() + Duration::from_secs(10);
        // one that still reads its file takes connections already
        let is_ready = || matches!(self.cli(&["PING"]).split(' ').next(), Some("PONG" | "NOAUTH"));
        while !is_ready() {
            assert!(Instant::now() < until, "it does not start: {}", std::fs::read_to_string(self.log()).unwrap());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Kills it, as a machine does that fails.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("it does not run");
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Freezes it: connections stand, and nobody answers.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// Ends the frost.
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.process.as_ref().expect("it does not run").id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success());
    }

    /// As `REDIS_URL` holds it.
    pub(crate) fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The address for the library.
    pub(crate) fn url(&self) -> RedisUrl {
        RedisUrl::parse(&self.address()).unwrap()
    }

    /// What `redis-cli` prints, as a program of somebody else's would ask. `@` stands for the queue's prefix.
    pub(crate) fn cli(&self, args: &[&str]) -> String {
        let args =
            args.iter().map(|arg| arg.strip_prefix('@').map_or((*arg).to_owned(), |key| format!("{PREFIX}{key}")));
        let output = Command::new("redis-cli").args(["-p", &self.port.to_string(), "--raw"]).args(args).output();
        let output = output.expect("the tests need `redis-cli` on PATH");
        String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
    }

    /// What `redis-cli` prints as a number.
    pub(crate) fn count(&self, args: &[&str]) -> usize {
        let printed = self.cli(args);
        printed.parse().unwrap_or_else(|_| panic!("{args:?}: {printed}"))
    }

    /// Makes the heartbeats of all workers but the named one look as old as that of a worker that died a minute ago.
    pub(crate) fn age_workers(&self, except: Option<&str>) {
        for worker in self.cli(&["ZRANGE", "@workers", "0", "-1"]).lines() {
            if Some(worker) != except {
                self.cli(&["DEL", &format!("@hb:{worker}")]);
                self.cli(&["ZADD", "@workers", "1", worker]);
            }
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // one that is frozen or gone ends as well
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
