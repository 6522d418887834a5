"""bench: what Weir costs, beside nginx relaying the same bytes and LiteLLM's proxy, in one run on one machine.

    make bench            all of it, under a quarter of an hour
    make bench-quick      two rounds and shorter streams, to see that it works
    --only cpu,translation,latency,streams,churn      some of its parts

Rounds are interleaved: every target runs every scenario once a round, and the ratio is that of the medians over the rounds. The
document goes to standard output, to Benchmarks/out/results.md and, as data, to results.json.
"""

import argparse
import contextlib
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import processes
import report
import targets
from targets import ROOT, load

OUT = ROOT / "Benchmarks/out"

# name: options of the load generator; how many requests the slow LiteLLM gets; how many in --quick.
SCENARIOS = {
    "ns2k": dict(options=dict(body=2048, count=4000, concurrency=16), slow=100, quick=1000),
    "ns60k": dict(options=dict(body=61_440, count=2000, concurrency=16), slow=32, quick=500),
    "ns600k": dict(options=dict(body=614_400, count=500, concurrency=8), slow=8, quick=150),
    "s200": dict(options=dict(chunks=200, count=320, concurrency=16), slow=16, quick=64),
    "s200p": dict(options=dict(chunks=200, gap="5ms", count=64, concurrency=16), slow=16, quick=16),
}


class Bench:
    """One run: the targets that are up, and what was measured so far."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-bench-"))
        self.results = {"rounds": 2 if arguments.quick else arguments.rounds, "machine": machine(), "versions": targets.versions()}

    def say(self, text):
        print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def up(self, wanted):
        """Providers and the wanted targets as (name, upstream) pairs."""
        with contextlib.ExitStack() as stack:
            certificate, private_key = targets.weirkit.make_certificate(self.folder)
            providers = {"plain": targets.Provider(), "tls": targets.Provider(certificate, private_key)}
            for provider in providers.values():
                stack.callback(provider.kill)
            found = {}
            makers = {
                "nginx": targets.Nginx, "Weir": targets.WeirTarget, "translating": targets.TranslatingWeir, "LiteLLM": targets.LiteLLM}
            for name, upstream in wanted:
                folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-{upstream}-", dir=self.folder)) / "run"
                target = makers[name](folder, providers[upstream])
                stack.callback(target.stop)
                found[name, upstream] = target
            yield providers, found

    # MARK: the parts

    def cpu(self):
        """CPU time per request of every target in every scenario."""
        wanted = [("nginx", "plain"), ("Weir", "plain"), ("nginx", "tls"), ("Weir", "tls")]
        if targets.LITELLM.exists() and not self.arguments.no_litellm:
            wanted.append(("LiteLLM", "plain"))
        names = list(SCENARIOS) if not self.arguments.scenarios else self.arguments.scenarios.split(",")
        samples = {}
        with self.up(wanted) as (_, found):
            for pair, target in found.items():
                load("closed", url=target.url, api_key=target.key, verify=target.verify, count=64)
                load("closed", url=target.url, api_key=target.key, verify=target.verify, count=16, chunks=20)
                processes.settle(target.pid)
            for number in range(self.results["rounds"]):
                for name in names:
                    for pair, target in found.items():
                        sample = self.one(SCENARIOS[name], pair, target)
                        samples.setdefault(name, {}).setdefault("/".join(pair), []).append(sample)
                self.say(f"round {number + 1}: " + ", ".join(
                    f"{name} {report.ratio_text(samples[name])}" for name in names))
            memory = {"/".join(pair): processes.rss_mb(target.pid) for pair, target in found.items()}
        self.results["cpu"] = {
            name: {pair: dict(median_us=statistics.median(s["us"] for s in all_), samples=all_) for pair, all_ in one.items()}
            for name, one in samples.items()}
        self.results["rss_after_cpu_mb"] = memory

    def one(self, scenario, pair, target):
        options = dict(scenario["options"])
        if self.arguments.quick:
            options["count"] = scenario["quick"]
        if pair[0] == "LiteLLM":
            options["count"] = scenario["slow"]
        before = processes.cpu_seconds(target.pid)
        done = load("closed", url=target.url, api_key=target.key, verify=target.verify, **options)
        processes.settle(target.pid)
        used = processes.cpu_seconds(target.pid) - before
        if done["errors"]:
            self.say(f"{pair}: {done['errors']} errors: {done['first_error']}")
        return dict(
            us=used / max(1, done["requests"]) * 1e6, requests=done["requests"], errors=done["errors"],
            rate=done["requests"] / done["seconds"])

    def translation(self):
        """CPU time of a translated turn beside that of the byte relay."""
        samples = {}
        with self.up([("Weir", "plain"), ("translating", "plain")]) as (_, found):
            for target in found.values():
                load("closed", url=target.url, api_key=target.key, verify=target.verify, count=64, chunks=5)
                processes.settle(target.pid)
            for number in range(self.results["rounds"]):
                for name in ("ns2k", "ns60k", "s200", "s200p"):
                    for pair, target in found.items():
                        samples.setdefault(name, {}).setdefault("/".join(pair), []).append(self.one(SCENARIOS[name], pair, target))
                self.say(f"translation, round {number + 1}")
        self.results["translation"] = samples

    def latency(self):
        """What is added at a fixed rate: direct and gateway side by side in one run."""
        count = 200 if self.arguments.quick else 1000
        with self.up([("Weir", "plain"), ("Weir", "tls"), ("nginx", "plain"), ("nginx", "tls")]) as (providers, found):
            measured = {}
            for (name, upstream), target in found.items():
                # The direct arm is plain in both cases: the gateway's TLS to the provider is part of what it adds.
                common = dict(url=target.url, direct=providers["plain"].url, api_key=target.key)
                self.say(f"latency of {name} {upstream}")
                measured[f"{name}/{upstream}"] = dict(
                    ns2k=load("paired", rate=100, count=count, body=2048, **common),
                    stream=load("paired", rate=8, count=count // 25, chunks=200, gap="5ms", **common))
        self.results["latency"] = {pair: report.added(one) for pair, one in measured.items()}

    def streams(self):
        """A thousand slow streams at once."""
        count = 1000
        chunks = 20 if self.arguments.quick else 100
        self.results["streams"] = {}
        for upstream in ("plain", "tls"):
            with self.up([("nginx", upstream), ("Weir", upstream)]) as (_, found):
                for (name, _), target in found.items():
                    self.say(f"{count} slow streams through {name} {upstream}")
                    load("closed", url=target.url, api_key=target.key, count=64)
                    processes.settle(target.pid)
                    before, idle = processes.cpu_seconds(target.pid), processes.rss_mb(target.pid)
                    done = load("closed", url=target.url, api_key=target.key, count=count, concurrency=count, chunks=chunks, gap="100ms")
                    processes.settle(target.pid)
                    self.results["streams"][f"{name}/{upstream}"] = dict(
                        streams=count, chunks=chunks, errors=done["errors"], first_error=done["first_error"], idle_rss_mb=idle,
                        peak_rss_mb=processes.peak_rss_mb(target.pid),
                        us=(processes.cpu_seconds(target.pid) - before) / max(1, done["requests"]) * 1e6, event_us=done["event_us"])

    def churn(self):
        """Memory before and after many connections."""
        count = 10_000 if self.arguments.quick else 100_000
        with self.up([("Weir", "plain")]) as (_, found):
            target = found["Weir", "plain"]
            load("churn", url=target.url, count=count // 10, concurrency=32)
            processes.settle(target.pid)
            before = processes.rss_mb(target.pid)
            self.say(f"{count} connections")
            done = load("churn", url=target.url, count=count, concurrency=32)
            processes.settle(target.pid)
            self.results["churn"] = dict(done, rss_before_mb=before, rss_after_mb=processes.rss_mb(target.pid))


def machine():
    """Where and when."""
    model = next(
        (line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")),
        "unknown")
    return {
        "cpu": model, "cores": len([one for one in pathlib.Path("/sys/devices/system/cpu").glob("cpu[0-9]*")]),
        "kernel": subprocess.run(["uname", "-r"], capture_output=True, text=True).stdout.strip(),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "load_before": pathlib.Path("/proc/loadavg").read_text().split()[0],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--only", default="cpu,translation,latency,streams,churn")
    parser.add_argument("--scenarios", default="")
    parser.add_argument("--no-litellm", action="store_true")
    arguments = parser.parse_args()
    subprocess.run(["sh", str(ROOT / "Benchmarks/setup.sh")], check=True)
    OUT.mkdir(exist_ok=True)
    bench = Bench(arguments)
    began = time.monotonic()
    try:
        for part in arguments.only.split(","):
            getattr(bench, part)()
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)
    bench.results["machine"]["load_after"] = pathlib.Path("/proc/loadavg").read_text().split()[0]
    bench.results["seconds"] = round(time.monotonic() - began)
    (OUT / "results.json").write_text(json.dumps(bench.results, indent=1) + "\n")
    text = report.markdown(bench.results)
    (OUT / "results.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
