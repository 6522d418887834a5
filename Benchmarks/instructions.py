"""instructions: what a request and a forwarded chunk cost in user-space instructions, held against committed thresholds.

Valgrind's callgrind counts them, so the figure is the same however busy the machine is. The event loop's thread of the server is
counted: everything that stands between a client and its provider, journal included; the ledger's thread is shown beside it, without
a threshold, since how many transactions it makes depends on the time it takes. Provider and client run at full speed. Costs are read
between two dumps, what an idle server does is taken off, and a chunk is the difference of two streams of different length.

    python3 Benchmarks/instructions.py [--plain|--tls] [--keep]
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from paced_provider import EVENT, MODEL, PacedProvider

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/kit"))
import weirkit  # noqa: E402

# A chunk travels alone only if the server, some fifty times slower here, has forwarded it before the next is sent.
PACE_SECONDS = 0.012
SHORT, LONG = 50, 250
REQUESTS = 60


def body(stream):
    """A 2 KB chat request."""
    request = {"model": MODEL, "stream": stream, "max_tokens": 512, "messages": [
        {"role": "system", "content": "You are a coding agent."}, {"role": "user", "content": "Read src/sort.py. "}]}
    if stream:
        request["stream_options"] = {"include_usage": True}
    request["messages"][1]["content"] += "x" * (2048 - len(json.dumps(request)))
    return json.dumps(request)


class Counts:
    """Instructions by who spent them."""

    def __init__(self, loop=0, ledger=0):
        self.loop, self.ledger = loop, ledger

    def minus(self, other, times=1):
        return Counts(self.loop - other.loop * times, self.ledger - other.ledger * times)

    def over(self, number):
        return Counts(self.loop / number, self.ledger / number)


class Counted:
    """A server under callgrind, with a provider beside it."""

    def __init__(self, folder, upstream, preload):
        folder = pathlib.Path(folder)
        certificate, private_key = weirkit.make_certificate(folder) if upstream == "tls" else (None, None)
        self.provider = PacedProvider(PACE_SECONDS, certificate, private_key)
        trust = f"\n    trust_roots: {certificate}" if certificate else ""
        self.weir = weirkit.Weir(folder / "weir", f"""
event_loops: 1
log:
  level: notice
providers:
  - name: counted
    kind: openai-compatible
    base_url: {self.provider.url}/v1
    price_provider: openai
    models: [{MODEL}]
    allow_private_addresses: true{trust}
""")
        self.output = folder / "callgrind.out"
        self.dumps = 0
        self.weir.start({"LD_PRELOAD": str(preload)}, wrapper=[
            "valgrind", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={self.output}"])
        self.idle = Counts()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.weir.port, timeout=120)

    def stop(self):
        self.connection.close()
        self.weir.kill()
        self.provider.stop()

    def dump(self):
        """Counts since the last dump: one file a thread, each ended by its total."""
        self.dumps += 1
        subprocess.run(["callgrind_control", "-d", str(self.weir.process.pid)], check=True, capture_output=True, timeout=120)
        counts = Counts()
        for path in self.output.parent.glob(f"{self.output.name}.{self.dumps}-*"):
            text = path.read_text(errors="replace")
            total = int(re.search(r"^totals: (\d+)", text, re.MULTILINE).group(1))
            if "$s5Proxy" in text:
                counts.loop += total
            elif "$s7Storage" in text:
                counts.ledger += total
        return counts

    def count(self, work):
        """The cost of `work`, with what the ledger does behind it and without what an idle server does."""
        time.sleep(0.7)
        self.dump()
        began = time.monotonic()
        work()
        time.sleep(0.7)
        elapsed = time.monotonic() - began
        return self.dump().minus(self.idle, elapsed)

    def measure_idle(self):
        began = time.monotonic()
        counts = self.count(lambda: time.sleep(2))
        self.idle = counts.over(time.monotonic() - began)

    def request(self):
        self.ask(body(False), {}, b"}")

    def stream(self, chunks):
        text = self.ask(body(True), {"x-chunks": str(chunks)}, b"data: [DONE]\n\n")
        assert text.count(EVENT.encode()) == chunks

    def ask(self, text, fields, end):
        self.connection.request("POST", "/v1/chat/completions", text, {
            "Authorization": f"Bearer {self.weir.first_key}", "Content-Type": "application/json", "User-Agent": "opencode/1.14.0",
            "x-session-affinity": "ses_counted", "x-weir-repo": "github.com/acme/shop", **fields})
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == 200 and text.endswith(end), text[-300:]
        return text


def measure(upstream, preload):
    """Counts of one request and of one chunk."""
    folder = tempfile.mkdtemp(prefix="weir-instructions-")
    server = Counted(folder, upstream, preload)
    try:
        for _ in range(10):
            server.request()
        server.stream(5)
        server.measure_idle()
        request = server.count(lambda: [server.request() for _ in range(REQUESTS)]).over(REQUESTS)
        short = server.count(lambda: server.stream(SHORT))
        chunk = server.count(lambda: server.stream(LONG)).minus(short).over(LONG - SHORT)
        return {f"request_{upstream}": request, f"chunk_{upstream}": chunk}
    finally:
        server.stop()
        if "--keep" in sys.argv:
            print(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def main():
    missing = [tool for tool in ("valgrind", "strip", "openssl", "gcc") if not shutil.which(tool)]
    if missing:
        raise SystemExit(f"missing: {', '.join(missing)} (make setup installs them)")
    thresholds = json.loads((ROOT / "Benchmarks/thresholds.json").read_text())
    wanted = [one for one in ("plain", "tls") if f"--{one}" in sys.argv] or ["plain", "tls"]
    counted = {}
    with tempfile.TemporaryDirectory(prefix="weir-stripped-") as folder:
        # Valgrind 3.19 gives up on Swift's debug information.
        stripped, preload = pathlib.Path(folder) / "weir", pathlib.Path(folder) / "sigsuspend.so"
        subprocess.run(["strip", "-g", "-o", str(stripped), weirkit.binary()], check=True)
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(preload), str(ROOT / "Benchmarks/sigsuspend.c")], check=True)
        os.environ["WEIR_BIN"] = str(stripped)
        for upstream in wanted:
            counted.update(measure(upstream, preload))
    failed = 0
    print(f"{'user-space instructions':<24}{'event loop':>12}{'at most':>12}{'ledger':>12}")
    for name, counts in counted.items():
        good = 0 < counts.loop <= thresholds[name]
        failed += not good
        ledger = f"{counts.ledger:>12,.0f}" if name.startswith("request") else ""
        print(f"{name:<24}{counts.loop:>12,.0f}{thresholds[name]:>12,}{ledger}{'' if good else '   over'}")
    print(f"{len(counted) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
