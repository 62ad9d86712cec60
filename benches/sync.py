#!/usr/bin/env python3
"""The figures of a sync and of `inspect` on half a million rows, as ratios inside one run.

    cargo build --release
    benches/sync.py [--policies 10000] [--rounds 3] [--binary target/release/tenantpilot] [--tenant FOLDER]

A private PostgreSQL cluster is started on a unix socket below a temporary folder, and always stopped. Each
round syncs a generated tenant into an empty database, syncs it again, and does the same rows by hand: psql
`\\copy` into an unlogged table with INSERT … SELECT … ON CONFLICT for PostgreSQL, Python's `executemany` of
the same upsert for SQLite. Python's standard library, and PostgreSQL's own programs, are all that it needs.
Nothing fails here: the table tells what was met, and the exit code is 0.
"""

import argparse
import contextlib
import glob
import os
import pwd
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = [
    "policy_id", "setting_name", "setting_value", "setting_path", "definition_id", "category", "configured",
    "raw_value", "search_text", "created_at", "updated_at",
]
UPSERT = "ON CONFLICT (policy_id, setting_name) DO UPDATE SET " + ", ".join(
    f"{column} = excluded.{column}" for column in COLUMNS[2:]
)


class Cluster:
    """A PostgreSQL server of this process alone: fsync on, 512 MB of shared buffers, a socket and no port."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.bin = self._programs()
        # initdb refuses root
        self.user = None
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            self.user = "postgres" if "postgres" in names else "nobody"

    @staticmethod
    def _programs():
        for folder in sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True):
            if os.path.exists(f"{folder}/initdb"):
                return folder
        return os.path.dirname(shutil.which("initdb") or "initdb")

    def _run(self, *command):
        kept = {"check": True, "stdout": subprocess.DEVNULL, "cwd": self.folder}
        if self.user:
            kept["user"] = self.user
            kept["group"] = pwd.getpwnam(self.user).pw_gid
            kept["extra_groups"] = []
        subprocess.run([os.path.join(self.bin, command[0]), *command[1:]], **kept)

    def __enter__(self):
        if self.user:
            os.chown(self.folder, pwd.getpwnam(self.user).pw_uid, -1)
        self._run("initdb", "-D", str(self.data), "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-sync")
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write(
                f"listen_addresses = ''\nunix_socket_directories = '{self.folder}'\nfsync = on\n"
                "shared_buffers = 512MB\nmax_wal_size = 4GB\nlog_min_messages = fatal\n"
            )
        self._run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "start")
        return self

    def __exit__(self, *_):
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "-D", str(self.data), "-w", "-m", "immediate", "stop")

    def psql(self, database, text):
        """Runs a script, and gives what it printed."""
        command = [os.path.join(self.bin, "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder)]
        command += ["-U", "bench", "-d", database, "-f", "-"]
        return subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.PIPE).stdout

    def url(self, database):
        socket = str(self.folder).replace("/", "%2F")
        return f"postgres://bench@{socket}/{database}"


class Command:
    """The binary, without what the caller's environment says."""

    def __init__(self, binary):
        self.binary = str(binary)
        kept = {"PATH", "HOME", "LANG"}
        self.environment = {key: value for key, value in os.environ.items() if key in kept}

    def run(self, *arguments):
        """Seconds, and peak memory in MiB."""
        started = time.monotonic()
        process = subprocess.Popen(
            [self.binary, *arguments], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(arguments)}: exit code {process.returncode}: {errors.decode()}")
        # kilobytes, but bytes on macOS
        return seconds, usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)

    def sync(self, folder, url):
        return self.run("sync", "--tenant", "bench", "--fixtures", str(folder), "--database-url", url, "--quiet")


class Figures:
    """What was measured, and what it should have been."""

    def __init__(self):
        self.rows = []

    def add(self, name, value, unit="", at_most=None, note=""):
        self.rows.append((name, f"{value:.3g}{unit}", at_most and f"{at_most:g}{unit}", value, at_most, note))
        print(f"  {name}: {value:.3g}{unit}  {note}", flush=True)

    def print(self):
        print("\n| figure | measured | at most | | rounds |\n|---|---:|---:|---|---|")
        for name, shown, bound, value, at_most, note in self.rows:
            verdict = "" if at_most is None else "met" if value <= at_most else "**missed**"
            print(f"| {name} | {shown} | {bound or ''} | {verdict} | {note} |")


def listed(values, form="{:.2f}"):
    return " ".join(form.format(value) for value in values)


def sqlite_remove(path):
    for file in glob.glob(f"{glob.escape(str(path))}*"):
        os.remove(file)


def sqlite_floor(synced, target):
    """Python's own upsert of the rows of one database into the same, empty table of another."""
    source = sqlite3.connect(synced)
    rows = source.execute(f"SELECT {', '.join(COLUMNS)} FROM settings ORDER BY id").fetchall()
    sqlite_remove(target)
    database = sqlite3.connect(target, isolation_level=None)
    schema = source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'").fetchall()
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    for (statement,) in schema:
        database.execute(statement)
    for table in ("tenants", "policies"):
        found = source.execute(f"SELECT * FROM {table}").fetchall()
        marks = ", ".join("?" * len(found[0]))
        database.executemany(f"INSERT INTO {table} VALUES ({marks})", found)
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.sync()
    started = time.monotonic()
    database.execute("BEGIN IMMEDIATE")
    marks = ", ".join("?" * len(COLUMNS))
    database.executemany(f"INSERT INTO settings ({', '.join(COLUMNS)}) VALUES ({marks}) {UPSERT}", rows)
    database.execute("COMMIT")
    # the last connection brings the log into the file, as it does at the end of a sync
    database.close()
    print(time.monotonic() - started)


def postgres_floor(cluster, database, table):
    """`\\copy` into an unlogged table and one upsert from there, by psql."""
    columns = ", ".join(COLUMNS)
    cluster.psql(database, f"TRUNCATE settings; CREATE UNLOGGED TABLE staging AS SELECT {columns} FROM settings; CHECKPOINT;")
    started = time.monotonic()
    cluster.psql(
        database,
        f"\\copy staging ({columns}) FROM '{table}'\n"
        f"INSERT INTO settings ({columns}) SELECT {columns} FROM staging {UPSERT};",
    )
    seconds = time.monotonic() - started
    cluster.psql(database, "DROP TABLE staging;")
    return seconds


def compare(figures, name, first, second, floor):
    ratio = statistics.median(first) / statistics.median(floor)
    note = f"sync {listed(first)} s; by hand {listed(floor)} s"
    figures.add(f"first sync into {name} / the same rows by hand", ratio, "", 1.6, note)
    again = statistics.median(second) / statistics.median(first)
    figures.add(f"second sync into {name} / first", again, "", 0.25, f"{listed(second)} s")


def syncs(figures, command, cluster, tenant, small, rounds, work):
    exported = work / "settings.tsv"
    lite, lite_floor = work / "bench.db", work / "floor.db"
    first, second, floor, peak = {}, {}, {}, {}
    for kept in (first, second, floor, peak):
        kept.update(postgres=[], sqlite=[], small=[])
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", flush=True)
        cluster.psql("postgres", "DROP DATABASE IF EXISTS bench; CREATE DATABASE bench; CHECKPOINT;")
        seconds, memory = command.sync(tenant, cluster.url("bench"))
        first["postgres"].append(seconds)
        peak["postgres"].append(memory)
        cluster.psql("bench", "CHECKPOINT;")
        second["postgres"].append(command.sync(tenant, cluster.url("bench"))[0])
        if number == 0:
            cluster.psql("bench", f"\\copy (SELECT {', '.join(COLUMNS)} FROM settings ORDER BY id) TO '{exported}'")
            cluster.psql("postgres", "CREATE DATABASE floor TEMPLATE bench;")
        floor["postgres"].append(postgres_floor(cluster, "floor", exported))

        sqlite_remove(lite)
        os.sync()
        seconds, memory = command.sync(tenant, f"sqlite:{lite}")
        first["sqlite"].append(seconds)
        peak["sqlite"].append(memory)
        second["sqlite"].append(command.sync(tenant, f"sqlite:{lite}")[0])
        # a process of its own: what this one holds would count as its children's peak
        done = subprocess.run(
            [sys.executable, __file__, "--sqlite-floor", str(lite), str(lite_floor)], check=True, stdout=subprocess.PIPE
        )
        floor["sqlite"].append(float(done.stdout))
        sqlite_remove(lite_floor)

        peak["small"].append(command.sync(small, f"sqlite:{work / 'small.db'}")[1])
        sqlite_remove(work / "small.db")
        cluster.psql("postgres", "DROP DATABASE IF EXISTS small; CREATE DATABASE small;")
        first["small"].append(command.sync(small, cluster.url("small"))[1])
    for key, name in (("postgres", "PostgreSQL"), ("sqlite", "SQLite")):
        compare(figures, name, first[key], second[key], floor[key])
    for key, name, at_small in (("postgres", "PostgreSQL", first["small"]), ("sqlite", "SQLite", peak["small"])):
        figures.add(f"peak memory, {name}", max(peak[key]), " MiB", 120, f"{listed(peak[key], '{:.1f}')} MiB")
        grown = statistics.median(peak[key]) / statistics.median(at_small)
        figures.add(f"peak memory, {name} / at a tenth", grown, "", 1.2, f"{listed(at_small, '{:.1f}')} MiB at a tenth")
    return lite


def inspections(figures, command, cluster, lite, rounds, work):
    def median(name, at_most, *arguments, times):
        taken = [command.run(*arguments)[0] * 1e3 for _ in range(times)]
        figures.add(name, statistics.median(taken), " ms", at_most, f"{min(taken):.1f} to {max(taken):.1f} ms")

    contoso = f"sqlite:{work / 'contoso.db'}"
    command.sync(ROOT / "fixtures" / "contoso", contoso)
    cluster.psql("postgres", "DROP DATABASE IF EXISTS contoso; CREATE DATABASE contoso;")
    command.sync(ROOT / "fixtures" / "contoso", cluster.url("contoso"))
    for name, url in (("SQLite", contoso), ("PostgreSQL", cluster.url("contoso"))):
        arguments = ("inspect", "policies", "--json", "--database-url", url)
        median(f"`inspect policies --json`, contoso, {name}", 20, *arguments, times=rounds * 10)
    for name, url in (("SQLite", f"sqlite:{lite}"), ("PostgreSQL", cluster.url("bench"))):
        for needle in ("bitlocker", "stealth"):
            for more in ((), ("--json",)):
                arguments = ("inspect", "settings", "--search", needle, *more)
                shown = " ".join(arguments)
                median(f"`{shown}`, {name}", 500, *arguments, "--database-url", url, times=rounds * 2 + 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=ROOT / "target" / "release" / "tenantpilot")
    parser.add_argument("--policies", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tenant", type=Path, help="a folder to keep the generated tenants in, or to take them from")
    parser.add_argument("--sqlite-floor", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sqlite_floor:
        return sqlite_floor(*options.sqlite_floor)
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="tenantpilot-bench-") as folder:
        work = Path(folder)
        # the server's own user has to come through
        work.chmod(0o755)
        (work / "postgres").mkdir()
        tenants = options.tenant or work
        folders = []
        for policies in (options.policies, max(options.policies // 10, 1)):
            tenant = tenants / f"{policies}-policies"
            if not tenant.exists():
                generate = ["cargo", "bench", "--quiet", "--bench", "generate", "--"]
                subprocess.run([*generate, "--policies", str(policies), str(tenant)], check=True, cwd=ROOT)
            folders.append(tenant)
        command = Command(options.binary.resolve())
        with Cluster(work / "postgres") as cluster:
            lite = syncs(figures, command, cluster, *folders, options.rounds, work)
            settings = cluster.psql("bench", "SELECT count(*) FROM settings;").strip()
            print(f"{options.policies} policies, {settings} settings", flush=True)
            inspections(figures, command, cluster, lite, options.rounds, work)
    figures.print()
    return None


if __name__ == "__main__":
    main()
