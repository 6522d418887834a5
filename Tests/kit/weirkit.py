"""weirkit: starts the real `weir` binary, a simulated provider beside it, and speaks to both.

Every black-box suite (conformance, agents, durability, benchmarks) uses this one kit. It needs nothing beyond the standard
library. `WEIR_BIN` names the binary.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary():
    """The binary under test."""
    path = pathlib.Path(os.environ.get("WEIR_BIN", ROOT / ".build/release/weir"))
    if not path.exists():
        raise SystemExit(f"{path} is missing: run `make build` first")
    return str(path)


def wait_until(check, seconds=20, what="a condition"):
    """Waits until `check()` is true and gives what it gave."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def clean_environment(**extra):
    """The environment without anything that a provider, a proxy or Weir is configured by."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "TERM") if name in os.environ}
    kept["SWIFT_BACKTRACE"] = "enable=no"
    kept.update(extra)
    return kept


class Process:
    """A child whose output is read as it comes."""

    def __init__(self, arguments, environment=None, cwd=None):
        self.output = []
        self._changed = threading.Condition()
        self.child = subprocess.Popen(
            arguments, env=environment or clean_environment(), cwd=cwd, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.child.stdout:
            with self._changed:
                self.output.append(line.decode(errors="replace"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def pid(self):
        return self.child.pid

    @property
    def text(self):
        return "".join(self.output)

    def wait_for_line(self, pattern, seconds=30):
        """The match of the first line in which the pattern is found."""
        expression = re.compile(pattern)
        deadline = time.monotonic() + seconds
        seen = 0
        with self._changed:
            while True:
                for line in self.output[seen:]:
                    found = expression.search(line)
                    if found:
                        return found
                seen = len(self.output)
                left = deadline - time.monotonic()
                if self.child.poll() is not None and not self._reader.is_alive():
                    raise AssertionError(f"{self.child.args[:2]} ended with {self.child.returncode}:\n{self.text}")
                if left <= 0:
                    raise AssertionError(f"no line like {pattern!r} within {seconds} s:\n{self.text}")
                self._changed.wait(min(left, 0.2))

    def kill(self, number=signal.SIGKILL):
        if self.child.poll() is None:
            self.child.send_signal(number)
        self.child.wait(timeout=60)
        self._reader.join(timeout=10)

    def stop(self):
        """Ends the child the polite way and gives its exit code."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"{self.child.args[:2]} did not stop:\n{self.text}")
        self._reader.join(timeout=10)
        return self.child.returncode


class Simulation(Process):
    """`weir simulate`. `url` is its address; `log_path` the file in which it keeps what it served."""

    def __init__(self, log_path=None, pace_ms=0, certificate=None, private_key=None, port=0):
        arguments = [binary(), "simulate", "--listen", f"127.0.0.1:{port}", "--pace-ms", str(pace_ms)]
        if log_path:
            arguments += ["--log", str(log_path)]
        if certificate:
            arguments += ["--tls-certificate", str(certificate), "--tls-private-key", str(private_key)]
        self.log_path = log_path
        self.scheme = "https" if certificate else "http"
        super().__init__(arguments)
        self.port = int(self.wait_for_line(r"Simulated provider on https?://127\.0\.0\.1:(\d+)").group(1))
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"

    def page(self, method, path):
        request = urllib.request.Request(f"{self.url}{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def requests(self):
        """What arrived, oldest first: method, path, headers as pairs, body as text."""
        return self.page("GET", "/_sim/requests")

    def forget(self):
        self.page("DELETE", "/_sim/requests")

    def arm(self, fault, count=1):
        """Makes the next `count` requests fail as `fault` says (the forms of the x-sim-fault header)."""
        self.page("PUT", f"/_sim/fault?fault={fault}&count={count}")

    def served(self):
        """The lines of the served log."""
        text = pathlib.Path(self.log_path).read_text() if pathlib.Path(self.log_path).exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]


class Weir:
    """A data folder, a configuration, and the server that works with them; it can be killed and started again."""

    def __init__(self, folder, configuration, environment=None, listen="127.0.0.1:0"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.config_path = self.folder / "weir.yaml"
        self.config_path.write_text(configuration)
        self.environment = clean_environment(**(environment or {}))
        self.listen = listen
        self.process = None
        self.first_key = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, extra_environment=None, wrapper=()):
        environment = dict(self.environment, **(extra_environment or {}))
        self.process = Process(
            [*wrapper, binary(), "serve", "--config", str(self.config_path), "--data", str(self.data), "--listen", self.listen],
            environment)
        # A program that counts instructions makes it fifty times slower.
        seconds = 240 if wrapper else 30
        self.port = int(self.process.wait_for_line(r"address=[^ ]*:(\d+) .*listening", seconds).group(1))
        found = re.search(r"weir_k_\S+", self.process.text)
        if found and not self.first_key:
            self.first_key = found.group(0)
        return self

    def stop(self):
        return self.process.stop()

    def kill(self):
        self.process.kill()

    def cli(self, *arguments, check=True, stdin=None, environment=None):
        """Runs a verb against this data folder."""
        done = subprocess.run(
            [binary(), *map(str, arguments)], env=dict(self.environment, WEIR_DATA=str(self.data), **(environment or {})),
            input=stdin, capture_output=True, text=True, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f"weir {' '.join(map(str, arguments))} gave {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def json(self, *arguments, stdin=None):
        """A verb's JSON document."""
        return json.loads(self.cli(*arguments, "--format", "json", stdin=stdin).stdout)

    def key(self, *arguments, developer="maria", team="web"):
        """A new key's secret."""
        who = [] if "--service-account" in arguments else ["--developer", developer]
        return self.cli("key", "create", *who, "--team", team, *arguments).stdout.strip()

    def turns(self):
        """The newest thousand turns in the ledger, latest first."""
        return self.json("turn", "list", "--limit", "1000")["data"]


def simulated_configuration(simulation, extra="", name="simulated"):
    """A configuration whose first provider is a simulation; `{simulation}` in `extra` stands for its address."""
    extra = extra.replace("{simulation}", simulation.url)
    return f"""
log:
  level: notice
providers:
  - name: {name}
    kind: simulated
    base_url: {simulation.url}
{extra}
"""


@contextlib.contextmanager
def running(extra="", environment=None, **simulation_options):
    """A simulation and a Weir in front of it, in a folder of their own."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-test-"))
    simulation = Simulation(log_path=folder / "served.log", **simulation_options)
    weir = Weir(folder, simulated_configuration(simulation, extra), environment)
    try:
        weir.start()
        yield weir, simulation
    finally:
        if weir.process:
            weir.process.kill(signal.SIGTERM)
        simulation.kill()
        shutil.rmtree(folder, ignore_errors=True)


def make_certificate(folder, names=("localhost",), addresses=("127.0.0.1",)):
    """A self-signed ECDSA certificate and its key, as PEM files, made by openssl."""
    certificate, private_key = pathlib.Path(folder) / "tls.crt", pathlib.Path(folder) / "tls.key"
    alternatives = ",".join([f"DNS:{name}" for name in names] + [f"IP:{address}" for address in addresses])
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", f"subjectAltName={alternatives}", "-keyout", str(private_key),
         "-out", str(certificate)], check=True, capture_output=True)
    return certificate, private_key
