#!/usr/bin/env python3
"""The figures of the queue and the worker, as ratios inside one run.

    cargo build --release
    benches/queue.py [--binary target/release/tenantpilot] [--rounds 5]

A private Redis with an append-only file is started and stopped. Empty jobs run through the library's own worker
(`benches/queue.rs`); `redis-benchmark` gives the rate of a script of the same size at the same concurrency.
Nothing fails here, unless a job is lost or done twice: the table tells what was met.
"""

import argparse
import collections
import os
import random
import re
import statistics
import subprocess
import threading
import time
from pathlib import Path

from live import TENANT, Live, server
from queue_server import Redis
from sync import ROOT, Figures, listed

WAIT = "tenantpilot:{intune-sync-queue}:wait"
#: One hash and one list, as the end of a job writes them.
SCRIPT = "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) redis.call('LPUSH', KEYS[2], ARGV[3]) redis.call('LTRIM', KEYS[2], 0, 99)"
PAYLOAD = "x" * 190


def bench(redis, *arguments):
    command = ["cargo", "bench", "-q", "--bench", "queue", "--", *arguments]
    kept = os.environ | {"REDIS_URL": redis.url}
    return subprocess.run(command, cwd=ROOT, env=kept, stdout=subprocess.PIPE, text=True, check=True).stdout


def ceiling(redis, concurrency):
    """EVALSHA a second."""
    sha = redis.cli("SCRIPT", "LOAD", SCRIPT)
    command = ["redis-benchmark", "-p", str(redis.port), "-c", str(concurrency), "-n", "60000", "-q"]
    command += ["EVALSHA", sha, "2", "bench:{b}:hash", "bench:{b}:list", "field", "value", PAYLOAD]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return float(re.findall(r"([\d.]+) requests per second", printed)[-1])


def throughput(figures, redis, rounds):
    jobs, most = collections.defaultdict(list), collections.defaultdict(list)
    for _ in range(rounds):
        for concurrency in (1, 50):
            most[concurrency].append(ceiling(redis, concurrency))
            redis.cli("FLUSHALL")
            rate = bench(redis, "speed", "--jobs", "60000", "--concurrency", str(concurrency)).split()[1]
            jobs[concurrency].append(float(rate))
            redis.cli("FLUSHALL")
    for concurrency, least in ((1, 5000), (50, 20000)):
        rate, top = statistics.median(jobs[concurrency]), statistics.median(most[concurrency])
        note = f"{listed(jobs[concurrency], '{:.0f}')}; at least {least}"
        figures.add(f"empty jobs a second at concurrency {concurrency}", rate, "", None, note)
        note = f"EVALSHA {listed(most[concurrency], '{:.0f}')}; at least 0.5"
        figures.add(f"empty jobs / EVALSHA of redis-benchmark at concurrency {concurrency}", rate / top, "", None, note)


def enqueue(figures, redis, environment, binary):
    seconds = []
    for number in range(60):
        started = time.monotonic()
        subprocess.run([binary, "enqueue", "--tenant", TENANT.format(number), "--json"], env=environment,
                       stdout=subprocess.DEVNULL, check=True)
        seconds.append((time.monotonic() - started) * 1000)
    redis.cli("FLUSHALL")
    figures.add("enqueue, start to job id", statistics.median(seconds[10:]), " ms", 20, f"to {max(seconds[10:]):.1f} ms")


def worker(environment, binary, *flags):
    return subprocess.Popen([binary, "worker", *flags], env=environment, stdout=subprocess.PIPE, text=True)


def latency(figures, redis, environment, binary):
    """From the push of another program to the worker's line."""
    process = worker(environment, binary)
    connection = __import__("socket").create_connection(("127.0.0.1", redis.port))
    took = []
    try:
        process.stdout.readline()
        time.sleep(3)
        for number in range(60):
            envelope = (
                f'{{"v":1,"id":"{number:08x}-0000-4000-8000-000000000000","tenantId":"{TENANT.format(number)}",'
                '"attempt":1,"deliveries":0,"enqueuedAt":0}'
            )
            words = ["LPUSH", WAIT, envelope]
            command = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
            started = time.monotonic()
            connection.sendall(command.encode())
            while '"job_start"' not in process.stdout.readline():
                pass
            took.append((time.monotonic() - started) * 1000)
            while '"job_complete"' not in process.stdout.readline():
                pass
            time.sleep(0.05)
    finally:
        process.terminate()
        process.wait()
    redis.cli("FLUSHALL")
    figures.add("enqueue to job_start on an idle worker", statistics.median(took), " ms", 5, f"to {max(took):.1f} ms")


def idle(figures, redis, environment, binary):
    process = worker(environment, binary)
    try:
        time.sleep(5)
        commands, started = int(redis.info("total_commands_processed")), time.monotonic()
        before = cpu(process)
        time.sleep(60)
        seconds = time.monotonic() - started
        # those of this script among them: INFO itself
        asked = (int(redis.info("total_commands_processed")) - commands - 1) / seconds
        used = (cpu(process) - before) / seconds * 100
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            size = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))
    finally:
        process.terminate()
        process.wait()
    figures.add("idle worker, resident", size, " MiB", 15)
    figures.add("idle worker, share of a core", used, " %", 0.2)
    figures.add("idle worker, Redis commands a second, those inside scripts among them", asked, "", 2)


def cpu(process):
    """Seconds of processor time."""
    fields = Path(f"/proc/{process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Crew:
    """Workers of `benches/queue.rs`, and every tenant that they said was done."""

    def __init__(self, redis):
        self.redis, self.done, self.lock = redis, collections.Counter(), threading.Lock()
        self.program = built()
        self.threads = []

    def start(self):
        kept = os.environ | {"REDIS_URL": self.redis.url}
        process = subprocess.Popen([self.program, "worker"], env=kept, stdout=subprocess.PIPE, text=True)
        thread = threading.Thread(target=self.read, args=(process.stdout,))
        thread.start()
        self.threads.append(thread)
        return process

    def read(self, stream):
        for line in stream:
            with self.lock:
                self.done[line.strip()] += 1


def built():
    """The program behind `cargo bench --bench queue`."""
    command = ["cargo", "bench", "--bench", "queue", "--no-run", "--message-format", "short"]
    printed = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=True).stderr
    return str(ROOT / re.findall(r"\((target/[^)]*)\)", printed)[-1])


def killed(figures, redis, jobs, kills):
    """Two workers work; a third is killed and started anew every second."""
    for start in range(0, jobs, 1000):
        envelopes = [
            f'{{"v":1,"id":"{number:08x}-0000-4000-8000-000000000000","tenantId":"{TENANT.format(number)}",'
            '"attempt":1,"deliveries":0,"enqueuedAt":0}'
            for number in range(start, start + 1000)
        ]
        redis.cli("LPUSH", WAIT, *envelopes)
    crew = Crew(redis)
    steady = [crew.start(), crew.start()]
    if kills:
        victim = crew.start()
    started = time.monotonic()
    times = 0
    while len(crew.done) < jobs and time.monotonic() - started < 300:
        time.sleep(1)
        if kills and len(crew.done) < jobs:
            # one of the three, whichever
            chosen = random.randrange(3)
            process = victim if chosen == 2 else steady[chosen]
            process.kill()
            process.wait()
            times += 1
            if chosen == 2:
                victim = crew.start()
            else:
                steady[chosen] = crew.start()
    seconds = time.monotonic() - started
    for process in [*steady, *([victim] if kills else [])]:
        process.terminate()
        process.kill()
        process.wait()
    for thread in crew.threads:
        thread.join()
    missing = jobs - len(crew.done)
    twice = sum(times > 1 for times in crew.done.values())
    redis.cli("FLUSHALL")
    name = f"{jobs} jobs, a worker killed every second: lost" if kills else f"{jobs} jobs, two workers: lost or twice"
    figures.add(name, missing if kills else missing + twice, "", 0, f"{seconds:.0f} s, {times} kills, {twice} done twice")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tenantpilot")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=10_000)
    arguments = parser.parse_args()
    binary = str(arguments.binary.resolve())
    figures = Figures()
    folder = ROOT / "fixtures/contoso"
    with Redis() as redis, server(folder) as (url, _):
        database = Path(redis.folder.name) / "queue.db"
        environment = Live(binary, url).command.environment | {
            "REDIS_URL": redis.url, "DATABASE_URL": str(database), "TENANTPILOT_HEALTH_ADDR": "off",
        }
        enqueue(figures, redis, environment, binary)
        latency(figures, redis, environment, binary)
        idle(figures, redis, environment, binary)
        throughput(figures, redis, arguments.rounds)
        killed(figures, redis, arguments.jobs, kills=False)
        killed(figures, redis, arguments.jobs, kills=True)
    figures.print()


if __name__ == "__main__":
    main()
