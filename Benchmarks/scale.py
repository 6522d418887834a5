#!/usr/bin/env python3
"""Measures Weir with a ledger of ten million turns and with a hundred thousand keys: reports through the admin socket, memory,
start-up, and what a key look-up costs.

    python3 Benchmarks/scale.py [--turns 10000000] [--keys 100000] [--only ledger|keys]
"""

import argparse
import datetime
import hashlib
import hmac
import http.client
import itertools
import json
import pathlib
import shutil
import socket
import sqlite3
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "Tests/kit")]

import bigledger  # noqa: E402
import processes  # noqa: E402
import weirkit  # noqa: E402

DIMENSIONS = ["developer", "team", "repository", "branch", "session", "agent", "client", "model", "deployment", "key", "hour",
              "day", "month"]


class Admin(http.client.HTTPConnection):
    """The admin API over its socket."""

    def __init__(self, weir):
        super().__init__("weir", timeout=300)
        self.path = str(weir.data / "weir.sock")
        self.pid = weir.process.pid

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def get(self, path, **query):
        """Milliseconds until the whole answer is here, those of the server's CPU, and the document."""
        text = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        began, cpu = time.perf_counter(), processes.cpu_seconds(self.pid)
        self.request("GET", f"/api/v1{path}?{text}")
        body = self.getresponse().read()
        return (time.perf_counter() - began) * 1000, (processes.cpu_seconds(self.pid) - cpu) * 1000, json.loads(body)

    def time(self, path, **query):
        """Milliseconds and CPU milliseconds: the median of three, where the first is not far below every aim."""
        runs = [self.get(path, **query)[:2]]
        if runs[0][0] > 50:
            runs += [self.get(path, **query)[:2] for _ in range(2)]
        return sorted(runs)[len(runs) // 2]


class Table:
    """Measured figures beside their aims."""

    def __init__(self):
        self.rows, self.missed = [], 0

    def add(self, what, value, unit, aim=None, cpu=None):
        fine = aim is None or value <= aim
        self.missed += not fine
        mark = "" if aim is None else f"<= {aim:,.0f}" + ("" if fine else "  MISSED")
        self.rows.append((what, f"{value:,.1f} {unit}", "" if cpu is None else f"CPU {cpu:,.1f} ms", mark))

    def print(self):
        width = max(len(row[0]) for row in self.rows)
        for what, value, cpu, mark in self.rows:
            print(f"  {what:<{width}}  {value:>14}  {cpu:>14}  {mark}")


def start(folder, simulation):
    weir = weirkit.Weir(folder, weirkit.simulated_configuration(simulation))
    began = time.monotonic()
    weir.start()
    return weir, (time.monotonic() - began) * 1000, processes.cpu_seconds(weir.process.pid) * 1000


def call(connection, key):
    body = json.dumps({"model": "gpt-5.2", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 20})
    connection.request("POST", "/v1/chat/completions", body, {"authorization": f"Bearer {key}", "content-type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status


def measure_ledger(folder, simulation, turns, table):
    weir, _, _ = start(folder, simulation)
    key = weir.first_key or weir.key()
    call(http.client.HTTPConnection("127.0.0.1", weir.port), key)
    weir.json("report", "spend")
    weir.stop()
    ledger = weir.data / "ledger.db"
    end = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    began = time.monotonic()
    if bigledger.counts(ledger)["session"] < 1000:
        bigledger.fill(ledger, turns, end, lambda text: print(f"  {text}", file=sys.stderr))
    made = time.monotonic() - began
    print(f"Ledger: {turns:,} turns made in {made:.0f} s, {ledger.stat().st_size / 2**30:.2f} GiB, "
          + ", ".join(f"{name} {count:,}" for name, count in bigledger.counts(ledger).items()))
    weir, took, cpu = start(folder, simulation)
    try:
        table.add("start with this ledger", took, "ms", 3000, cpu)
        admin = Admin(weir)
        admin.get("/status")
        resting = processes.rss_mb(weir.process.pid)
        measure_spend(admin, end, table)
        measure_lists(admin, end, table)
        table.add("memory at rest", resting, "MB")
        table.add("memory after all of it", processes.rss_mb(weir.process.pid), "MB", resting + 96)
        # The ledger takes new turns as fast as ever.
        connection = http.client.HTTPConnection("127.0.0.1", weir.port)
        began = time.perf_counter()
        for _ in range(500):
            call(connection, key)
        admin.get("/reports/spend", by="team", since=end.isoformat())
        table.add("500 calls and their projection", (time.perf_counter() - began) * 1000, "ms")
    finally:
        weir.stop()


def measure_spend(admin, end, table):
    """Every pair of dimensions, over everything and over an odd range of days."""
    ranges = {"everything": {}, "the last 30 days": {"since": (end - datetime.timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")},
              "100 odd days": {"since": (end - datetime.timedelta(days=101)).strftime("%Y-%m-%dT05:00:00Z"),
                               "until": (end - datetime.timedelta(days=1)).strftime("%Y-%m-%dT17:00:00Z")}}
    for name, span in ranges.items():
        figures = {}
        for pair in [*((one,) for one in DIMENSIONS), *itertools.combinations(DIMENSIONS, 2)]:
            figures[pair] = admin.time("/reports/spend", by=",".join(pair), **span)
        pairs = sorted((pair for pair in figures if len(pair) == 2), key=figures.get)
        slowest = max((pair for pair in figures if len(pair) == 1), key=figures.get)
        for what, pair in [("one, slowest", slowest), ("two, median", pairs[len(pairs) // 2]), ("two, slowest", pairs[-1])]:
            took, cpu = figures[pair]
            table.add(f"spend by {what} ({','.join(pair)}), {name}", took, "ms", 300, cpu)
        over, cpu = (sum(figures[pair][place] > 300 for pair in pairs) for place in (0, 1))
        print(f"  {name}: {over} of {len(pairs)} pairs over 300 ms, {cpu} over 300 ms of CPU; slowest: " + "; ".join(
            f"{','.join(pair)} {figures[pair][0]:.0f} (CPU {figures[pair][1]:.0f})" for pair in pairs[:-13:-1]), file=sys.stderr)


def measure_lists(admin, end, table):
    def worst(what, aim, *queries):
        took, cpu = max(admin.time(path, **query) for path, query in queries)
        table.add(what, took, "ms", aim, cpu)

    deep = None
    for _ in range(40):
        deep = admin.get("/sessions", limit=1000, after=deep)[2].get("next") or deep
    worst("session list, first page", 100, ("/sessions", {}))
    worst("session list, 40,000 rows down", 100, ("/sessions", {"after": deep}))
    worst("session list, filtered", 100, ("/sessions", {"developer": "developer-007"}), ("/sessions", {"team": "team-03"}),
          ("/sessions", {"repository": "github.com/acme/service-042"}), ("/sessions", {"key": "kscale0123"}),
          ("/sessions", {"developer": "nobody"}),
          ("/sessions", {"until": (end - datetime.timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%SZ")}))
    worst("session list, of one model", 100, ("/sessions", {"model": "qwen3-coder"}), ("/sessions", {"model": "none"}))
    worst("session show", 100, ("/sessions/ses_00050000", {}), ("/sessions/ses_00000007", {}))
    turn = admin.get("/turns", limit=1)[2]
    worst("turn list", 100, ("/turns", {}), ("/turns", {"after": turn["data"][0]["request_id"]}),
          ("/turns", {"since": (end - datetime.timedelta(days=60)).strftime("%Y-%m-%dT%H:%M:%SZ")}))
    worst("turn list, of one developer", 100, ("/turns", {"developer": "developer-007"}))
    worst("turn show", 100, (f"/turns/{turn['data'][0]['request_id']}", {}))


def add_keys(data, count):
    """Key rows as Weir writes them, sealed under its pepper (RFC 5869 for the row key); the server must be down."""
    pepper = (data / "pepper").read_bytes()
    extracted = hmac.new(bytes(32), pepper, hashlib.sha256).digest()
    row_key = hmac.new(extracted, b"weir row mac\x01", hashlib.sha256).digest()
    rows = []
    for number in range(count):
        identifier = f"scale{number:05d}"
        mac = list(hmac.new(pepper, f"{identifier}secret".encode(), hashlib.sha256).digest())
        policy = json.dumps({
            "endpoints": [], "expires": "2099-01-01T00:00:00.000000Z", "id": identifier, "models": [], "networks": [],
            "principal": {"developer": f"developer-{number % 400:03d}", "keyID": identifier, "team": "web", "workspace": "default"},
            "repositoryEnforced": False, "revoked": False, "secrets": [{"generation": 1, "mac": mac}]}, separators=(",", ":"))
        seal = hmac.new(row_key, b"".join(f"{len(part)}:{part}".encode() for part in (identifier, policy)), hashlib.sha256)
        rows.append((identifier, f"key {number}", policy, seal.hexdigest(), "2026-01-01T00:00:00.000000Z"))
    database = sqlite3.connect(data / "control.db")
    database.executemany("INSERT INTO virtual_key (key_id, name, policy, row_mac, created) VALUES (?,?,?,?,?)", rows)
    database.commit()
    database.close()


def request_cpu(weir, count=4000):
    """CPU microseconds of one small call, the least of five rounds."""
    connection = http.client.HTTPConnection("127.0.0.1", weir.port)
    for _ in range(500):
        call(connection, weir.first_key)
    rounds = []
    for _ in range(5):
        processes.settle(weir.process.pid)
        before = processes.cpu_seconds(weir.process.pid)
        for _ in range(count // 5):
            call(connection, weir.first_key)
        processes.settle(weir.process.pid)
        rounds.append((processes.cpu_seconds(weir.process.pid) - before) / (count / 5) * 1e6)
    return min(rounds)


def measure_keys(folder, simulation, count, table):
    weir, few_start, few_cpu = start(folder, simulation)
    few, few_memory = request_cpu(weir), processes.rss_mb(weir.process.pid)
    key = weir.first_key
    weir.stop()
    add_keys(weir.data, count)
    weir, many_start, many_cpu = start(folder, simulation)
    weir.first_key = key
    try:
        many = request_cpu(weir)
        listed = weir.cli("key", "list", "--format", "csv").stdout.count(",active,")
        assert listed > count, f"only {listed} keys are accepted"
        table.add("start with 1 key", few_start, "ms", cpu=few_cpu)
        table.add(f"start with {count:,} keys", many_start, "ms", 3000, many_cpu)
        table.add("CPU of a small call, 1 key", few, "us")
        table.add(f"CPU of a small call, {count:,} keys", many, "us", few * 1.1)
        began = time.perf_counter()
        weir.key()
        table.add(f"making a key beside {count:,}", (time.perf_counter() - began) * 1000, "ms")
        table.add("memory, 1 key", few_memory, "MB")
        table.add(f"memory, {count:,} keys", processes.rss_mb(weir.process.pid), "MB")
    finally:
        weir.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--turns", type=int, default=10_000_000)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--only", choices=["ledger", "keys"])
    parser.add_argument("--folder", help="keep everything here, and use the ledger that is here")
    options = parser.parse_args()
    folder = pathlib.Path(options.folder or tempfile.mkdtemp(prefix="weir-scale-"))
    simulation, table = weirkit.Simulation(), Table()
    try:
        if options.only != "keys":
            measure_ledger(folder / "ledger", simulation, options.turns, table)
        if options.only != "ledger":
            measure_keys(folder / "keys", simulation, options.keys, table)
    finally:
        simulation.kill()
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)
    table.print()
    print(f"{len(table.rows)} figures, {table.missed} missed")
    sys.exit(1 if table.missed else 0)


if __name__ == "__main__":
    main()
