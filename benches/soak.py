#!/usr/bin/env python3
"""A worker for an hour: is a job lost, does its memory grow?

    cargo build --release
    cargo bench --bench generate -- --policies 100 /tmp/hundred
    benches/soak.py --tenant /tmp/hundred [--minutes 60] [--syncs 1200] [--failing 0.01] [--concurrency 4]

One worker, a private Redis with an append-only
file, a private PostgreSQL, and a server that answers as Microsoft Graph does, one answer in a hundred an error.
Tenants are enqueued evenly over the time, by the program itself; of three syncs two are of tenants that were synced
before, and one is of a new tenant. In the end every job's id must stand in the worker's log as done, or as failed
for good with its reason.
Exit status: 0 when no job was lost and memory after minute 5 and at the end is equal within 5 %.
"""

import argparse
import collections
import json
import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from live import Live, TENANT, server
from queue_server import Redis
from sync import Cluster, ROOT


def resident(process):
    """Resident memory in MiB."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


class Log:
    """The worker's lines, read as they come."""

    def __init__(self, stream):
        self.events = collections.Counter()
        self.done, self.dead = set(), set()
        self.thread = threading.Thread(target=self.read, args=(stream,))
        self.thread.start()

    def read(self, stream):
        for text in stream:
            line = json.loads(text)
            event = line.get("event") or f"log: {line.get('message', '')[:40]}"
            self.events[event] += 1
            if event == "job_complete":
                self.done.add(line["jobId"])
            elif event == "job_failed" and not line["willRetry"]:
                self.dead.add(line["jobId"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenant", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--syncs", type=int, default=1200)
    parser.add_argument("--failing", type=float, default=0.01)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tenantpilot")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        with Cluster(folder) as cluster, Redis() as redis, server(arguments.tenant, failing=arguments.failing) as (url, _):
            cluster.psql("postgres", "CREATE DATABASE soak;")
            live = Live(arguments.binary.resolve(), url)
            environment = live.command.environment | {
                "REDIS_URL": redis.url,
                "DATABASE_URL": cluster.url("soak"),
                "TENANTPILOT_HEALTH_ADDR": "off",
                "TENANTPILOT_GRAPH_RATE": "0",
            }
            raise SystemExit(soak(arguments, environment, cluster))


def soak(arguments, environment, cluster):
    binary = str(arguments.binary.resolve())
    command = [binary, "worker", "--concurrency", str(arguments.concurrency)]
    worker = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    log = Log(worker.stdout)
    jobs, duplicates, memory = set(), 0, []
    started = time.monotonic()
    length = arguments.minutes * 60

    def sample(until):
        while (now := time.monotonic()) < until:
            memory.append((now - started, resident(worker)))
            time.sleep(max(0, min(5, until - now)))

    for number in range(arguments.syncs):
        # of three, two come again
        tenant = TENANT.format(number // 3 if number % 3 == 0 else (number * 7919) % max(1, number // 3 + 1))
        asked = subprocess.run(
            [binary, "enqueue", "--tenant", tenant, "--json"], env=environment, stdout=subprocess.PIPE, check=True
        )
        (job,) = json.loads(asked.stdout)
        jobs.add(job["jobId"])
        duplicates += job["status"] == "duplicate"
        sample(started + length * (number + 1) / arguments.syncs)
        if (number + 1) % 100 == 0:
            print(f"{(time.monotonic() - started) / 60:5.1f} min  {number + 1} asked  {len(log.done)} done  "
                  f"{memory[-1][1]:.1f} MiB  {dict(log.events)}", flush=True)
    patience = time.monotonic() + 1800
    while len(log.done | log.dead) < len(jobs) and time.monotonic() < patience:
        sample(time.monotonic() + 1)
    worker.send_signal(signal.SIGTERM)
    code = worker.wait(60)
    log.thread.join()
    lost = jobs - log.done - log.dead
    window = min(60, length / 12)
    early = statistics.median(size for at, size in memory if length / 12 <= at <= length / 12 + window)
    late = statistics.median(size for at, size in memory if length - window <= at <= length)
    rows = cluster.psql("soak", "SELECT count(DISTINCT tenant_id), count(DISTINCT id) FROM policies;").strip()
    print(f"jobs {len(jobs)}  duplicates {duplicates}  done {len(log.done)}  dead {len(log.dead)}  lost {len(lost)}")
    print(f"attempts that failed {log.events['job_failed']}  tenants|policies {rows}  worker's exit {code}")
    print(f"memory after {length / 12 / 60:.0f} min {early:.1f} MiB, at the end {late:.1f} MiB: {late / early:.3f}; "
          f"most {max(size for _, size in memory):.1f} MiB")
    return 0 if not lost and abs(late / early - 1) <= 0.05 and code == 0 else 1


if __name__ == "__main__":
    main()
