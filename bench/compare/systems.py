"""The systems that are compared and the scenarios they get. Each measurement is a fresh process, pinned, at the same load."""
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

# What consilium-load and consilium-floor are told; both know the scenarios by the same names.
SCENARIOS = {
    "lecture": ["lecture", "--members", "100"],
    "lecture-even": ["lecture", "--members", "100", "--spacing", "even"],
    "consult": ["consult", "--rooms", "8", "--members", "4"],
    "gallery": ["gallery", "--members", "25"],
}


class Failed(Exception):
    """A measurement that did not come about, in words."""


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pinned(cpu, realtime, command):
    """The command on one core; with --realtime ahead of everything else on the machine."""
    return ["taskset", "-c", str(cpu), *(["chrt", "-f", "2"] if realtime else []), *map(str, command)]


def measured(options, command):
    """What measures, behind the words of --wrap, which may wait for as long as they like."""
    return subprocess.run([*options.wrap, *map(str, command)], capture_output=True, text=True, timeout=3600 if options.wrap else 300)


def figures_of(file):
    """name → value of a report of consilium-load."""
    report = json.loads(pathlib.Path(file).read_text())
    figures = {name: metric["value"] for name, metric in report["metrics"].items()}
    figures["valid"] = bool(report.get("valid", figures.get("valid")))
    return figures


class Bench:
    """Paths and pins of one comparison."""

    def __init__(self, build, options):
        self.build = pathlib.Path(build)
        self.options = options
        self.folder = tempfile.TemporaryDirectory(prefix="consilium-bench-")
        self.file = pathlib.Path(self.folder.name) / "figures.json"
        self.waited_us = {}  # scenario → how long our worker let packets gather, when it was measured last

    def load(self, scenario, *more):
        o = self.options
        command = [self.build / "consilium-load", *SCENARIOS[scenario], "--duration", o.seconds, "--warmup", o.warmup,
                   "--accept-invalid", "--quiet", "--json", self.file, *more]
        done = measured(o, pinned(o.generator_cpu, o.realtime, command))
        if done.returncode:
            raise Failed(done.stderr.strip() or f"consilium-load ended with {done.returncode}")
        return figures_of(self.file)

    def floor(self, scenario, *more):
        o = self.options
        command = [self.build / "consilium-floor", *SCENARIOS[scenario], "--duration", max(1, round(o.seconds)), "--pin",
                   o.server_cpu, "--load-pin", o.generator_cpu, "--json", self.file, *more]
        done = measured(o, [*(["chrt", "-f", "2"] if o.realtime else []), *command])
        if done.returncode:
            raise Failed(done.stderr.strip())
        return json.loads(self.file.read_text())

    def ours(self, scenario, settings=(), more=()):
        o = self.options
        http, media = free_port(), free_port(socket.SOCK_DGRAM)
        runtime = tempfile.mkdtemp(dir=self.folder.name)
        command = [self.build / "consilium", "--dev", "--workers", 1, "--http", f"127.0.0.1:{http}", "--media-port", media]
        token = secrets.token_hex(16)
        for setting in ("limits.connections_per_address=4000", "rooms.max_participants=1000", f"admin.token={token}", *settings):
            command += ["--set", setting]
        with open(pathlib.Path(runtime) / "log", "w", encoding="utf-8") as log, subprocess.Popen(
                pinned(o.server_cpu, o.realtime, command), stdout=log, stderr=log,
                env={**os.environ, "XDG_RUNTIME_DIR": runtime}) as server:
            try:
                wait_for(f"http://127.0.0.1:{http}/readyz", server)
                with Waiting(f"http://127.0.0.1:{http}/metrics", token) as waiting:
                    figures = self.load(scenario, "--url", f"http://127.0.0.1:{http}", "--pid", server.pid, *more)
                self.waited_us[str(scenario)] = figures["waited_us"] = waiting.us
                return figures
            finally:
                server.send_signal(signal.SIGTERM)
                try:
                    server.wait(10)
                except subprocess.TimeoutExpired:
                    server.kill()

    def alike(self, scenario):
        """The floor, waiting for as long as ours did in its last round and not for the 2 ms that a floor may always wait."""
        if self.waited_us.get(str(scenario)) is None:
            raise Failed("our server was not measured before, or did not say how long it waits")
        return self.floor(scenario, "--gather-us", self.waited_us[str(scenario)])

    def janus(self, scenario):
        if not shutil.which("janus"):
            raise Failed("Debian's package janus is not installed")
        return self.load(scenario, "--target", "janus", "--target-pin", self.options.server_cpu)

    def measure(self, system, scenario):
        return {"ours": self.ours, "floor": self.floor, "alike": self.alike, "janus": self.janus}[system](scenario)


class Waiting:
    """How long our worker lets packets gather (consilium_worker_gather_seconds), asked once a second; `us` is the last answer."""

    def __init__(self, url, token):
        self.request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        self.us = None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.ask, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def ask(self):
        while not self.over.wait(1):
            try:
                with urllib.request.urlopen(self.request, timeout=1) as answer:
                    found = gather_us(answer.read().decode())
            except (urllib.error.URLError, OSError):
                continue
            if found is not None and not self.over.is_set():
                self.us = found


def gather_us(metrics):
    """The longest that any worker waits; None: it is not said."""
    found = re.findall(r"^consilium_worker_gather_seconds(?:\{[^}]*\})? (\S+)$", metrics, re.MULTILINE)
    return round(max(map(float, found)) * 1e6) if found else None


def wait_for(url, process, seconds=20):
    """Until the server says it is ready."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Failed(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.05)
    raise Failed("the server did not become ready")
