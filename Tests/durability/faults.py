#!/usr/bin/env python3
"""Makes the disk under a running Weir fail: full, broken at fdatasync, a ledger that is locked, overwritten or gone. New work stops
with a clear 503 or goes on, running streams end and are settled, and after a restart nothing that was served is missing.

    python3 Tests/durability/faults.py
"""

import contextlib
import http.client
import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "kit")]

import books  # noqa: E402
import harness  # noqa: E402
import weirkit  # noqa: E402
from traffic import CLAUDE, GPT, Outcome  # noqa: E402


class Case:
    """A Weir with small segments, its provider, and what its callers were told."""

    def __init__(self, folder, shim=None, extra="", data=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.trigger = self.folder / "fails"
        environment = {"LD_PRELOAD": str(shim), "WEIR_SHIM": str(self.trigger)} if shim else {}
        self.simulation = weirkit.Simulation(log_path=self.folder / "served.log")
        self.weir = weirkit.Weir(
            self.folder, harness.configuration(self.simulation) + "\njournal:\n  segment_mebibytes: 1\n" + extra, environment)
        if data:
            self.weir.data = data
        self.outcomes = []

    def fail(self, *words):
        self.trigger.write_text(" ".join(words))

    def call(self, path="/v1/chat/completions", stream=False, chunks=3, pace=0, timeout=30):
        """One whole exchange: status and body."""
        body = {"model": CLAUDE if path.endswith("messages") else GPT, "max_tokens": 200, "stream": stream,
                "messages": [{"role": "user", "content": "word " * 40}]}
        connection = http.client.HTTPConnection("127.0.0.1", self.weir.port, timeout=timeout)
        try:
            connection.request("POST", path, json.dumps(body), {
                "authorization": f"Bearer {self.weir.first_key}", "content-type": "application/json",
                "x-sim-chunks": str(chunks), "x-sim-pace-ms": str(pace), "x-sim-tool-rounds": "0"})
            answer = connection.getresponse()
            outcome = Outcome(answer.getheader("x-weir-request-id", ""), answer.status, False, None)
            outcome.text = answer.read().decode()
            outcome.complete = True
            self.outcomes.append(outcome)
            return outcome
        finally:
            connection.close()

    def slow_stream(self, seconds):
        """A stream that takes its time, in a thread; `join` gives it."""
        found, served = [], len(self.simulation.served())
        thread = threading.Thread(
            target=lambda: found.append(self.call(stream=True, chunks=int(seconds * 20), pace=50, timeout=60)))
        thread.start()
        weirkit.wait_until(lambda: len(self.simulation.served()) > served, what="the provider to have the stream")

        def join():
            thread.join(timeout=60)
            return found[0]
        return join

    def status(self):
        class Link(http.client.HTTPConnection):
            def connect(link):
                link.sock = weirkit.socket.socket(weirkit.socket.AF_UNIX)
                link.sock.connect(str(self.weir.data / "weir.sock"))
        link = Link("weir", timeout=20)
        link.request("GET", "/api/v1/status")
        document = json.loads(link.getresponse().read())
        link.close()
        return document

    def doctor(self):
        return self.weir.cli("doctor", "--config", self.weir.config_path, "--data", self.weir.data, check=False)

    def call_until_refused(self, count_max=3000):
        for _ in range(count_max):
            outcome = self.call()
            if outcome.status != 200:
                return outcome
        raise AssertionError(f"{count_max} calls and no refusal")

    def close_books(self, checks, name):
        """Restarts with a sound disk, stops, and compares everything."""
        self.trigger.unlink(missing_ok=True)
        self.weir.start()
        self.weir.json("report", "spend")
        self.weir.stop()
        inner = books.Checks()
        books.compare(self.weir, self.folder / "served.log", self.outcomes, inner)
        checks.check(f"{name}: the books agree after a restart", [
            f"{what}: {violations[:3]}" for what, violations in inner.results if violations])


@contextlib.contextmanager
def case(folder, **options):
    one = Case(folder, **options)
    try:
        yield one
    finally:
        if one.weir.process:
            one.weir.process.kill()
        one.simulation.kill()


def refuses_clearly(one, checks, name):
    """A 503 in each caller's own dialect, and a reason for the operator."""
    chat, message = one.call(), one.call("/v1/messages")
    checks.check(f"{name}: chat is refused with 503 in OpenAI's form", chat.status == 503
                 and "journal" in json.loads(chat.text)["error"]["message"])
    document = json.loads(message.text)
    checks.check(f"{name}: messages are refused with 503 in Anthropic's form", message.status == 503
                 and document["type"] == "error" and "journal" in document["error"]["message"])


def full_disk(folder, shim, checks):
    with case(folder, shim=shim) as one:
        one.weir.start()
        ending = one.slow_stream(8)
        one.fail("allocate")
        one.call_until_refused()
        refuses_clearly(one, checks, "full disk")
        checks.check("full disk: status says why", "No space left" in (one.status()["journal_failure"] or ""))
        doctor = one.doctor()
        checks.check("full disk: doctor says why", doctor.returncode == 1 and "No space left on device" in doctor.stdout)
        stream = ending()
        checks.check("full disk: the running stream ends whole", stream.status == 200 and "[DONE]" in stream.text)
        one.fail("")
        weirkit.wait_until(lambda: one.call().status == 200, what="work to begin again once there is room")
        checks.check("full disk: work begins again once there is room", one.doctor().returncode == 0)
        one.weir.kill()
        one.close_books(checks, "full disk")


def full_disk_at_start(folder, shim, checks):
    with case(folder, shim=shim) as one:
        one.fail("allocate")
        done = subprocess.run(
            [weirkit.binary(), "serve", "--config", one.weir.config_path, "--data", one.weir.data, "--listen", "127.0.0.1:0"],
            env=one.weir.environment, capture_output=True, text=True, timeout=30)
        checks.check("full disk at start: exit code 1 and a reason", done.returncode == 1
                     and "error[journal_unavailable]" in done.stderr and "No space left" in done.stderr)
        checks.check("full disk at start: no half-made boot is left", list((one.weir.data / "journal").iterdir()) == [])


def broken_disk(folder, shim, checks, sync):
    name = f"broken disk, sync {sync}"
    with case(folder, shim=shim, extra=f"  sync: {sync}\n") as one:
        one.weir.start()
        one.call()
        ending = one.slow_stream(2)
        one.fail("sync")
        if sync == "always":
            served = len(one.simulation.served())
            first = one.call()
            checks.check(f"{name}: what cannot be journaled is not sent", first.status == 503
                         and len(one.simulation.served()) == served)
        else:
            one.call_until_refused()
        refuses_clearly(one, checks, name)
        checks.check(f"{name}: doctor says why", "fdatasync failed: Input/output error" in one.doctor().stdout)
        stream = ending()
        checks.check(f"{name}: the running stream ends whole", stream.status == 200 and "[DONE]" in stream.text)
        one.fail("")
        time.sleep(0.5)
        checks.check(f"{name}: a later sync is not trusted", one.call().status == 503)
        one.weir.kill()
        one.close_books(checks, name)


def really_full(folder, checks):
    """A file system of 24 MiB, filled to its last block. Where nothing may be mounted, the shim's cases stand for it."""
    data = folder / "disk" / "data"
    data.parent.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "weir-test", data.parent], capture_output=True).returncode != 0:
        print("  note: no file system can be mounted here; the full disk is the shim's alone")
        return
    try:
        with case(folder, data=data) as one:
            one.weir.start()
            ending = one.slow_stream(8)
            with contextlib.suppress(OSError), open(data / "filler", "wb", buffering=0) as filler:
                while True:
                    filler.write(bytes(4096))
            one.call_until_refused()
            refuses_clearly(one, checks, "really full")
            stream = ending()
            checks.check("really full: the running stream ends whole", stream.status == 200 and "[DONE]" in stream.text)
            checks.check("really full: doctor says why", "No space left" in one.doctor().stdout)
            (data / "filler").unlink()
            weirkit.wait_until(lambda: one.call().status == 200, what="work to begin again once there is room")
            one.weir.kill()
            one.close_books(checks, "really full")
    finally:
        subprocess.run(["umount", data.parent], check=True)


def locked_ledger(folder, checks):
    with case(folder) as one:
        one.weir.start()
        one.call()
        one.weir.json("report", "spend")
        holder = sqlite3.connect(one.weir.data / "ledger.db", isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        checks.check("locked ledger: calls are served", all(one.call().status == 200 for _ in range(50)))
        checks.check("locked ledger: and not delayed", time.monotonic() - began < 5)
        weirkit.wait_until(lambda: one.status().get("ledger_failure"), 20, "the status to say that the ledger is locked")
        doctor = one.doctor()
        checks.check("locked ledger: doctor says why", doctor.returncode == 1 and "database is locked" in doctor.stdout)
        holder.execute("ROLLBACK")
        holder.close()
        weirkit.wait_until(lambda: one.status()["ledger_sequence"] == one.status()["journal_sequence"], 20, "the ledger to catch up")
        checks.check("locked ledger: it catches up by itself", one.weir.json("report", "spend")["total"]["turns"] == 51)
        one.weir.kill()
        one.close_books(checks, "locked ledger")


def ruined_ledger(folder, checks, ruin, name):
    with case(folder) as one:
        one.weir.start()
        for _ in range(20):
            one.call()
        one.weir.json("report", "spend")
        ruin(one.weir.data)
        checks.check(f"{name}: calls are served", all(one.call().status == 200 for _ in range(20)))
        one.weir.kill()
        ruin(one.weir.data)
        one.close_books(checks, name)
        checks.check(f"{name}: all turns are made again from the journal", len(books.turns(one.weir.data / "ledger.db")) == 40)


def overwrite(data):
    with open(data / "ledger.db", "r+b") as file:
        file.write(b"this is no database " * 4000)


def remove(data):
    for path in data.glob("ledger.db*"):
        path.unlink()


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-faults-"))
    began, checks = time.monotonic(), books.Checks()
    try:
        shim = folder / "shim.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, HERE / "shim.c", "-ldl"], check=True)
        full_disk(folder / "full", shim, checks)
        full_disk_at_start(folder / "start", shim, checks)
        broken_disk(folder / "interval", shim, checks, "interval")
        broken_disk(folder / "always", shim, checks, "always")
        really_full(folder / "real", checks)
        locked_ledger(folder / "locked", checks)
        ruined_ledger(folder / "garbage", checks, overwrite, "overwritten ledger")
        ruined_ledger(folder / "gone", checks, remove, "removed ledger")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\nDisk faults: {time.monotonic() - began:.0f} s")
    checks.print()
    print(f"{len(checks.results) - checks.failed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
