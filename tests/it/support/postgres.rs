//! A private PostgreSQL server for the whole test binary, and a database of its own for each test.
//!
//! A shell stands between the tests and the server: it reads a pipe that the tests hold open, and takes the
//! server and its files away when the pipe closes, however the tests ended.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio_postgres::{NoTls, SimpleQueryMessage};

/// A user who has to give [`GUEST_PASSWORD`]; everybody else is trusted.
pub(crate) const GUEST: &str = "guest";

/// The password of [`GUEST`].
pub(crate) const GUEST_PASSWORD: &str = "open-sesame-4711";

static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

/// Databases are named by number.
static DATABASES: AtomicUsize = AtomicUsize::new(0);

/// Runs as the server's user, prepares the cluster, and guards it. `$as` stays unquoted: it is a command with
/// its arguments, or nothing. The signals of a terminal go to the tests, whose end this waits for.
const GUARD: &str = r#"
trap '' INT TERM HUP
dir=$(mktemp -d) || exit 1
as=
if [ "$(id -u)" = 0 ]; then
    user=postgres
    id -u "$user" >/dev/null 2>&1 || user=nobody
    chown "$user" "$dir"
    as="setpriv --reuid=$(id -u "$user") --regid=$(id -g "$user") --clear-groups"
fi
cd "$dir"
finish() { rm -rf "$dir"; }
trap finish EXIT
$as "$1/initdb" -N -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
$as sh -c 'printf "host all guest 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n" > "$1/data/pg_hba.conf"' sh "$dir"
$as "$1/postgres" -D "$dir/data" -p "$2" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=32MB \
    -c max_connections=200 -c logging_collector=off >"$dir/log" 2>&1 &
server=$!
# the server's own word for it
while ! grep -q '^ready' "$dir/data/postmaster.pid" 2>/dev/null; do
    kill -0 $server 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
    sleep 0.05
done
echo ready
read -r forever
kill -QUIT $server
wait $server
"#;

struct Server {
    port: u16,
    // closes with the process, which ends the guard
    _guard: std::process::Child,
}

impl Server {
    fn start() -> Self {
        let binaries = binaries();
        // another process may take the port between here and the server's start
        (0..5).find_map(|_| Self::try_start(&binaries)).expect("PostgreSQL does not start: see above")
    }

    fn try_start(binaries: &Path) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(binaries)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(guard.stdout.take().unwrap()).read_line(&mut said).unwrap();
        if said != "ready\n" {
            let _ = guard.wait();
            return None;
        }
        let server = Self { port, _guard: guard };
        query(&server.url("postgres", "postgres"), &format!("CREATE ROLE {GUEST} LOGIN PASSWORD '{GUEST_PASSWORD}'"));
        Some(server)
    }

    fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }
}

/// Where `initdb` is: on the path, or where Debian puts it.
fn binaries() -> PathBuf {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|version| version.unwrap().path().join("bin"))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .expect("the tests need PostgreSQL's `initdb` and `postgres`, on PATH or in /usr/lib/postgresql/*/bin")
}

/// An empty database.
#[derive(Debug)]
pub(crate) struct Database {
    name: String,
}

impl Database {
    /// Makes one.
    pub(crate) fn new() -> Self {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        query(
            &SERVER.url("postgres", "postgres"),
            &format!("CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy"),
        );
        Self { name }
    }

    /// Its address, for the user who may do everything.
    pub(crate) fn url(&self) -> String {
        SERVER.url("postgres", &self.name)
    }

    /// Its address for a user and a password, which stands in it.
    pub(crate) fn url_for(&self, user: &str, password: &str) -> String {
        SERVER.url(&format!("{user}:{password}"), &self.name)
    }

    /// The first column of what a query answers, as text.
    pub(crate) fn query(&self, sql: &str) -> Vec<Option<String>> {
        query(&self.url(), sql)
    }
}

fn query(url: &str, sql: &str) -> Vec<Option<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let answer = client.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        drop(client);
        connection.await.unwrap().unwrap();
        let first = |message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).map(str::to_owned)),
            _ => None,
        };
        answer.into_iter().filter_map(first).collect()
    })
}
