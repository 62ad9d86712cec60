"""A private Redis for the measurements."""

import socket
import subprocess
import tempfile
import time


class Redis:
    """A server of this process alone, with an append-only file written every second, as one runs it."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        flags = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--dir", self.folder.name]
        command = ["redis-server", "--port", str(self.port), *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while self.cli("PING") != "PONG":
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def cli(self, *arguments):
        command = ["redis-cli", "-p", str(self.port), "--raw", *arguments]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()

    def info(self, field):
        lines = dict(line.split(":", 1) for line in self.cli("INFO").splitlines() if ":" in line)
        return lines[field]
