#!/usr/bin/env python3
"""The figures of live tenants: the same policies over HTTP, with latency, and many tenants side by side.

    cargo build --release
    cargo bench --bench generate -- --policies 10000 /tmp/tenant
    benches/live.py --tenant /tmp/tenant [--rounds 3] [--binary target/release/tenantpilot]

A server in a process of its own answers on loopback as Microsoft Graph does: 25 policies a page with their
settings, `$batch`, gzip; its pages are made before anything is measured. PostgreSQL is a private cluster, as in
`sync.py`. Nothing fails here: the table tells what was met, and the exit code is 0.
"""

import argparse
import contextlib
import gzip
import http.server
import json
import math
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sync import Cluster, Command, Figures, ROOT, listed

COLLECTIONS = {
    "Settings Catalog": ("deviceManagement/configurationPolicies", 25, None),
    "Device Configurations": ("deviceManagement/deviceConfigurations", 1000, None),
    "Compliance Policies": ("deviceManagement/deviceCompliancePolicies", 1000, None),
    "Endpoint Security": ("deviceManagement/intents", 1000, "settings"),
    "Administrative Templates": ("deviceManagement/groupPolicyConfigurations", 1000, "definitionValues"),
}
TENANT = "aaaaaaaa-0000-4000-8000-{:012}"
TOKEN = b'{"token_type":"Bearer","expires_in":3599,"access_token":"bench"}'


class Answers:
    """Every body that the server gives, made once."""

    def __init__(self, folder, url, limit=None):
        self.pages, self.details, self.list_pages = {}, {}, {}
        for name, (path, size, detail) in COLLECTIONS.items():
            items = []
            for file in sorted((Path(folder) / name).rglob("*.json"))[:limit]:
                items.append(self.item(path, file.read_text("utf-8"), detail))
            chunks = [items[start : start + size] for start in range(0, len(items), size)] or [[]]
            self.list_pages[path] = len(chunks)
            for number, chunk in enumerate(chunks):
                link = f',"@odata.nextLink":"{url}/beta/{path}?$skiptoken={number + 1}"' if number + 1 < len(chunks) else ""
                body = f'{{"value":[{",".join(chunk)}]{link}}}'.encode()
                self.pages[f"/beta/{path}", number] = gzip.compress(body, 1)

    def item(self, path, text, detail):
        """An item as its list has it; what the list leaves out is an answer of its own."""
        if detail is None:
            return text
        policy = json.loads(text)
        values = policy.pop(detail, [])
        if detail == "definitionValues":
            for number, value in enumerate(values):
                value.setdefault("id", str(number))
                shown = json.dumps(value.pop("presentationValues", []))
                self.details[f"/{path}/{policy['id']}/{detail}/{value['id']}/presentationValues"] = shown
        self.details[f"/{path}/{policy['id']}/{detail}"] = json.dumps(values)
        return json.dumps(policy)

    def batch(self, requests):
        answers = []
        for request in requests:
            known = self.details.get(request["url"].split("?")[0])
            # names of settings are not what is measured: nobody knows any
            status, body = (200, f'{{"value":{known}}}') if known else (404, '{"error":{"code":"NotFound","message":"no"}}')
            answers.append(f'{{"id":{json.dumps(request["id"])},"status":{status},"headers":{{}},"body":{body}}}')
        return f'{{"responses":[{",".join(answers)}]}}'.encode()


def serve(folder, port, latency, limit, failing):
    """Answers until the process is ended; that share of the answers is an error that may pass."""
    answers = Answers(folder, f"http://127.0.0.1:{port}", limit)
    chance = random.Random(1)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def answer(self, body, *headers):
            time.sleep(latency)
            self.send_response(200)
            for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def fails(self):
            if chance.random() >= failing:
                return False
            status, more = chance.choice([(429, ("Retry-After", "1")), (500, None), (502, None), (503, None), (504, None)])
            body = b'{"error":{"code":"Fault","message":"it fails on purpose"}}'
            self.send_response(status)
            for name, value in filter(None, (("Content-Length", str(len(body))), more)):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            return True

        def do_GET(self):
            if self.fails():
                return
            path, _, query = self.path.partition("?")
            number = int(query.rpartition("skiptoken=")[2]) if "skiptoken=" in query else 0
            page = answers.pages.get((path, number))
            if page is None:
                self.answer(b'{"value":[]}')
            else:
                self.answer(page, ("Content-Encoding", "gzip"))

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not self.path.endswith("/token") and self.fails():
                return
            if self.path.endswith("/token"):
                self.answer(TOKEN)
            elif self.path.endswith("/$batch"):
                self.answer(answers.batch(json.loads(body)["requests"]))
            elif self.path.endswith("/getByIds"):
                named = [{"@odata.type": "#microsoft.graph.group", "id": id, "displayName": id[:8]} for id in json.loads(body)["ids"]]
                self.answer(json.dumps({"value": named}).encode())
            else:
                self.answer(b'{"value":[]}')

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 512
        daemon_threads = True

    server = Server(("127.0.0.1", port), Handler)
    print(json.dumps(answers.list_pages), flush=True)
    server.serve_forever()


@contextlib.contextmanager
def server(folder, latency=0.0, limit=None, failing=0.0):
    """The server in a process of its own: its URL, and the pages of each list."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, __file__, "--serve", str(folder), str(port), str(latency), str(limit or 0)]
    command.append(str(failing))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        pages = json.loads(process.stdout.readline())
        yield f"http://127.0.0.1:{port}", pages
    finally:
        process.kill()
        process.wait()


class Live:
    """The binary against a server."""

    def __init__(self, binary, url):
        self.command = Command(binary)
        self.command.environment |= {
            "TENANTPILOT_AUTHORITY_URL": url,
            "TENANTPILOT_GRAPH_URL": url,
            "AZURE_AD_CLIENT_ID": "11111111-aaaa-4aaa-8aaa-111111111111",
            "AZURE_AD_CLIENT_SECRET": "bench",
        }

    def sync(self, database, tenants=1, parallel=4):
        named = [word for number in range(tenants) for word in ("--tenant", TENANT.format(number))]
        return self.command.run(
            "sync", *named, "--parallel", str(parallel), "--graph-rate", "0", "--database-url", database, "--quiet"
        )


def over_http(figures, arguments, cluster):
    files, first, second, peak = [], [], [], []
    with server(arguments.tenant) as (url, _):
        live, plain = Live(arguments.binary, url), Command(arguments.binary)
        for _ in range(arguments.rounds):
            cluster.psql("postgres", "DROP DATABASE IF EXISTS live; CREATE DATABASE live; CHECKPOINT;")
            files.append(plain.sync(arguments.tenant, cluster.url("live"))[0])
            cluster.psql("postgres", "DROP DATABASE live; CREATE DATABASE live; CHECKPOINT;")
            seconds, memory = live.sync(cluster.url("live"))
            first.append(seconds)
            peak.append(memory)
            cluster.psql("live", "CHECKPOINT;")
            second.append(live.sync(cluster.url("live"))[0])
    ratio = statistics.median(first) / statistics.median(files)
    figures.add("first sync over HTTP / from files", ratio, "", 1.2, f"{listed(first)} s; files {listed(files)} s")
    again = statistics.median(second) / statistics.median(first)
    figures.add("second sync over HTTP / first", again, "", 0.3, f"{listed(second)} s")
    figures.add("peak memory over HTTP", max(peak), " MiB", 120)


def with_latency(figures, arguments, cluster):
    with server(arguments.tenant, 0.05) as (url, pages):
        live = Live(arguments.binary, url)
        cluster.psql("postgres", "DROP DATABASE IF EXISTS live; CREATE DATABASE live;")
        seconds = live.sync(cluster.url("live"))[0]
    chain = max(pages.values()) * 0.05
    note = f"{seconds:.1f} s; {max(pages.values())} pages after one another are {chain:.1f} s"
    figures.add("with 50 ms latency / the longest chain of pages", seconds / chain, "", 1.5, note)


def side_by_side(figures, arguments, cluster):
    share = math.ceil(100 / len(COLLECTIONS))
    seconds = {}
    with server(arguments.tenant, 0.05, share) as (url, _):
        live = Live(arguments.binary, url)
        for parallel in (1, 25):
            cluster.psql("postgres", "DROP DATABASE IF EXISTS live; CREATE DATABASE live;")
            seconds[parallel] = live.sync(cluster.url("live"), 50, parallel)[0]
        note = f"{seconds[1]:.1f} s one by one, {seconds[25]:.1f} s"
        figures.add("50 tenants one by one / 25 at a time (at least 8)", seconds[1] / seconds[25], "", None, note)
        with tempfile.TemporaryDirectory() as folder:
            taken = live.sync(f"sqlite:{folder}/fleet.db", 10, 10)[0]
            figures.add("10 tenants at a time into SQLite, none locked out", taken, " s")


def main():
    if sys.argv[1:2] == ["--serve"]:
        folder, port, latency, limit, failing = sys.argv[2:]
        serve(folder, int(port), float(latency), int(limit) or None, float(failing))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenant", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tenantpilot")
    arguments = parser.parse_args()
    arguments.binary = arguments.binary.resolve()
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        with Cluster(folder) as cluster:
            for measure in (over_http, with_latency, side_by_side):
                measure(figures, arguments, cluster)
    figures.print()


if __name__ == "__main__":
    main()
