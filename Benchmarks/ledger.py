"""ledger: what a turn costs on the ledger's thread in user-space instructions, held against committed thresholds.

Valgrind's callgrind counts them, so the figure is the same however busy the machine is. Turns of some developers, sessions,
repositories and branches are made at full speed first. Then the ledger is thrown away and made again from the journal, which is a few
large transactions; and then calls come at a steady pace, which is many small ones.

    python3 Benchmarks/ledger.py [--turns 4000] [--profile]
"""

import argparse
import concurrent.futures
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

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "Tests/kit")]

import scale  # noqa: E402
import weirkit  # noqa: E402

THRESHOLDS = {"large": 84_000, "steady": 157_000}
DEVELOPERS = 8
STEADY_CALLS, STEADY_PACE = 96, 1 / 12


class Caller:
    """One developer: a session, a repository, and a branch that changes now and then."""

    def __init__(self, weir, number, key):
        self.connection = http.client.HTTPConnection("127.0.0.1", weir.port, timeout=120)
        self.number, self.key, self.calls = number, key, 0

    def call(self):
        self.calls += 1
        body = {"model": "gpt-5.2", "messages": [{"role": "user", "content": "Read src/sort.py. " + "x" * 1500}], "max_tokens": 20}
        self.connection.request("POST", "/v1/chat/completions", json.dumps(body), {
            "authorization": f"Bearer {self.key}", "content-type": "application/json", "user-agent": "opencode/1.14.0",
            "x-weir-session": f"ses_{self.number}_{self.calls // 100}", "x-weir-agent": ["build", "plan", "explore"][self.calls // 10 % 3],
            "x-weir-repo": f"github.com/acme/service-{self.number % 5}", "x-weir-branch": f"feature/{self.calls // 150}"})
        answer = self.connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status


def make_turns(weir, keys, count):
    callers = [Caller(weir, number, key) for number, key in enumerate(keys)]
    with concurrent.futures.ThreadPoolExecutor(len(callers)) as pool:
        list(pool.map(lambda caller: [caller.call() for _ in range(count // len(callers))], callers))


class Counted:
    """A server under callgrind."""

    def __init__(self, weir, folder, preload):
        self.weir, self.output, self.dumps = weir, folder / "callgrind.out", 0
        weir.start({"LD_PRELOAD": str(preload)}, wrapper=[
            "valgrind", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={self.output}"])
        self.admin = scale.Admin(weir)

    def catch_up(self):
        def caught_up():
            status = self.admin.get("/status")[2]
            return status["ledger_sequence"] >= status["journal_sequence"]
        weirkit.wait_until(caught_up, 600, "the ledger to catch up")

    def instructions(self):
        """Those of the ledger's thread since the last call."""
        self.dumps += 1
        subprocess.run(["callgrind_control", "-d", str(self.weir.process.pid)], check=True, capture_output=True, timeout=120)
        total = 0
        for path in self.output.parent.glob(f"{self.output.name}.{self.dumps}-*"):
            text = path.read_text(errors="replace")
            if "NSThreadStart" in text and "ProjectionThreadC4step" in text:
                total += int(re.search(r"^totals: (\d+)", text, re.MULTILINE).group(1))
        return total

    def idle(self):
        """Instructions a second of a ledger with nothing to do."""
        self.instructions()
        began = time.monotonic()
        time.sleep(3)
        return self.instructions() / (time.monotonic() - began)


def measure(folder, turns, preload, stripped):
    simulation = weirkit.Simulation()
    weir = weirkit.Weir(folder / "weir", weirkit.simulated_configuration(simulation))
    try:
        weir.start()
        keys = [weir.key(developer=f"developer-{number}") for number in range(DEVELOPERS)]
        make_turns(weir, keys, turns)
        weir.stop()
        for path in weir.data.glob("ledger.db*"):
            path.unlink()
        os.environ["WEIR_BIN"] = str(stripped)
        counted = Counted(weir, folder, preload)
        counted.catch_up()
        time.sleep(1.5)
        large = counted.instructions() / turns
        idle = counted.idle()
        callers = [Caller(weir, number, key) for number, key in enumerate(keys[:4])]
        for caller in callers:
            caller.call()
        counted.catch_up()
        time.sleep(1.5)
        counted.instructions()
        began = time.monotonic()
        for number in range(STEADY_CALLS):
            callers[number % len(callers)].call()
            time.sleep(max(0, began + (number + 1) * STEADY_PACE - time.monotonic()))
        time.sleep(1.5)
        elapsed = time.monotonic() - began
        steady = (counted.instructions() - idle * elapsed) / STEADY_CALLS
        return {"large": large, "steady": steady}, STEADY_CALLS / elapsed
    finally:
        if weir.process:
            weir.kill()
        simulation.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--turns", type=int, default=4000)
    parser.add_argument("--profile", action="store_true", help="keep callgrind's files and say where")
    options = parser.parse_args()
    missing = [tool for tool in ("valgrind", "strip", "gcc") if not shutil.which(tool)]
    if missing:
        raise SystemExit(f"missing: {', '.join(missing)} (make setup installs them)")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-ledger-"))
    try:
        # Valgrind 3.19 gives up on Swift's debug information.
        stripped, preload = folder / "weir-stripped", folder / "sigsuspend.so"
        subprocess.run(["strip", "-g", "-o", str(stripped), weirkit.binary()], check=True)
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(preload), str(HERE / "sigsuspend.c")], check=True)
        found, rate = measure(folder, options.turns, preload, stripped)
    finally:
        if options.profile:
            print(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    failed = 0
    print(f"{'user-space instructions a turn':<44}{'ledger':>10}{'at most':>10}")
    for name, what in [("large", f"{options.turns:,} turns at once"), ("steady", f"{rate:.0f} turns a second, four sessions")]:
        good = 0 < found[name] <= THRESHOLDS[name]
        failed += not good
        print(f"{what:<44}{found[name]:>10,.0f}{THRESHOLDS[name]:>10,}{'' if good else '   over'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
