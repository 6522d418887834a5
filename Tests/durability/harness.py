#!/usr/bin/env python3
"""Kills Weir with SIGKILL, at random moments and at chosen journal writes, under 64 concurrent callers, and then holds the
provider's own account of what it served against the ledger: nothing lost, nothing counted twice, everything settled once.

    python3 Tests/durability/harness.py --kills 300 --seed 1

With `--budgets strict` (or `elastic`) budgets for everybody, for each repository and for each session stand in the way, and what the
provider served is held against them: never more than a strict budget, and no more over an elastic one than it prints.
"""

import argparse
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "kit")]

import books  # noqa: E402
import weirkit  # noqa: E402
from traffic import Traffic  # noqa: E402

MOMENTS = ["before", "torn", "after"]


def routed(configuration):
    """The same, with each model on a route whose first deployment cannot be reached: every turn is reserved twice."""
    dead = f"""  - name: dead
    kind: simulated
    base_url: http://127.0.0.1:{weirkit.free_port()}
    models: [{', '.join(books.PRICES)}]
prices:"""
    routes = "".join(
        f"  - {{model: {model}, affinity: none, breaker: {{failures_max: 10000, turns_min: 1000000}},"
        f" deployments: [dead/{model}, simulated/{model}]}}\n" for model in books.PRICES)
    return configuration.replace("prices:", dead, 1) + f"routes:\n{routes}"


def configuration(simulation, budgets=None):
    models = ", ".join(books.PRICES)
    text = f"{weirkit.simulated_configuration(simulation, f'    models: [{models}]')}\n{books.price_lines()}\n"
    return text + (books.budget_lines(budgets) if budgets else "")


def plan(kills, seed):
    """What ends each boot: a moment in seconds, or a journal write. Writes are taken in order, so that the first ones, which
    are recovery's own, are crashed too; then at random."""
    rng = random.Random(seed)
    ends, write = [], 0
    for number in range(kills):
        if number % 2 == 0:
            ends.append(("time", 0.05 + rng.random() * 0.9))
        elif number % 4 == 1:
            ends.append(("write", f"journal.append:{1 + write // 3}:{MOMENTS[write % 3]}"))
            write += 1
        else:
            ends.append(("write", f"journal.append:{rng.randrange(20, 400)}:{rng.choice(MOMENTS)}"))
    return ends


def start(weir, failpoint=None):
    """Starts the server; False when the failpoint ended it before it listened."""
    try:
        weir.start({"WEIR_FAILPOINT": failpoint} if failpoint else None)
        return True
    except AssertionError:
        if failpoint and weir.process.child.poll() == -9:
            return False
        raise


def end(weir, kind, value):
    """Lets the boot run until what ends it. True when its failpoint did."""
    if kind == "time":
        time.sleep(value)
        weir.kill()
        return False
    try:
        weir.process.child.wait(timeout=6)
        return True
    except subprocess.TimeoutExpired:
        weir.kill()
        return False


def disk_bytes(folder):
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def run(kills, seed, folder, callers, budgets=None, routes=False):
    began = time.monotonic()
    simulation = weirkit.Simulation(log_path=folder / "served.log", pace_ms=3)
    text = configuration(simulation, budgets)
    weir = weirkit.Weir(folder, routed(text) if routes else text, listen=f"127.0.0.1:{weirkit.free_port()}")
    counts = {"at random moments": 0, "at journal writes": 0, "in recovery": 0}
    checks, traffic = books.Checks(), None
    try:
        weir.start()
        traffic = Traffic(weir.port, weir.first_key, callers, seed).start()
        time.sleep(0.3)
        weir.kill()
        for kind, value in plan(kills - 1, seed):
            if not start(weir, value if kind == "write" else None):
                counts["in recovery"] += 1
                continue
            counts["at journal writes" if end(weir, kind, value) else "at random moments"] += 1
        counts["at random moments"] += 1
        weir.start()
        traffic.stop()
        checks.check("weir stops in peace", weir.stop() == 0)
        # A start with nothing open must find nothing to recover.
        weir.start()
        checks.check("a second start recovers nothing", "recovered turns" not in weir.process.text)
        weir.json("report", "spend")
        counters = books.counters(weir) if budgets else {}
        weir.stop()
        found = books.compare(weir, folder / "served.log", traffic.outcomes, checks)
        if budgets:
            found.update(books.compare_budgets(weir, folder / "served.log", counters, budgets, callers, checks))
        used = disk_bytes(weir.data / "journal")
        checks.check("old boots give their disk back", used < found["journal records"] * 2048 + kills * 12_288 + (1 << 20))
        found["journal on disk"] = f"{used / (1 << 20):.1f} MiB"
    finally:
        if weir.process:
            weir.process.kill()
        simulation.kill()
    what = (f", {budgets} budgets" if budgets else "") + (", routes" if routes else "")
    print(f"\nDurability{what}: {kills} kills, seed {seed}, {callers} callers, {time.monotonic() - began:.0f} s")
    for name, value in [*((f"kills {name}", count) for name, count in counts.items()), *found.items()]:
        print(f"  {name:<28} {value}")
    checks.print()
    print(f"{kills + len(checks.results) - checks.failed} passed, {checks.failed} failed")
    return checks.failed == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--budgets", choices=["strict", "elastic"])
    parser.add_argument("--routes", action="store_true", help="every turn fails at a first deployment and goes on at a second")
    parser.add_argument("--keep", action="store_true", help="leave the data folder")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-durability-"))
    try:
        fine = run(options.kills, options.seed, folder, options.callers, options.budgets, options.routes)
    finally:
        if options.keep:
            print(f"left in {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
