"""limits: what twelve limits cost a turn in user-space instructions, and a million counters and all watched sessions in memory, held
against thresholds.

Valgrind's callgrind counts admission and settlement of two numbers of turns; the difference is the turns' own. The second figure is the
resident set of a process with a million counters, one a session, each under a name of its own; the third that of one that watches as
many sessions for runaway agents as are watched at most, each with all that is kept of one.

    python3 Benchmarks/limits.py
"""

import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = pathlib.Path(os.environ.get("WEIR_LIMIT_COST", ROOT / ".build/release/LimitCost"))
# What keeps a turn under twelve limits below three microseconds here; a twentieth above what was counted.
INSTRUCTIONS_MAX = 11_000
COUNTERS = 1_000_000
COUNTERS_MIB_MAX = 512
SESSIONS = 100_000
# A twentieth above what was measured.
SESSIONS_MIB_MAX = 166
FEW, MANY = 1000, 3000


def instructions(program, kind, turns, folder):
    output = folder / f"{kind}-{turns}"
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}", program, kind, str(turns)], check=True,
                   capture_output=True, timeout=600)
    return int(re.search(r"^totals: (\d+)", output.read_text(errors="replace"), re.MULTILINE).group(1))


def nanoseconds(program, kind):
    text = subprocess.run([program, kind, "300000"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"(\d+) ns", text).group(1))


def main():
    if not shutil.which("valgrind"):
        raise SystemExit("missing: valgrind (make setup installs it)")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="weir-limits-") as name:
        folder = pathlib.Path(name)
        # Valgrind 3.19 gives up on Swift's debug information.
        stripped = folder / "LimitCost"
        subprocess.run(["strip", "-g", "-o", str(stripped), str(PROGRAM)], check=True)
        each = (instructions(stripped, "turns", MANY, folder) - instructions(stripped, "turns", FEW, folder)) / (MANY - FEW)
        good = 0 < each <= INSTRUCTIONS_MAX
        failed += not good
        print(f"{'instructions a turn under twelve limits':<44}{each:>10,.0f}{INSTRUCTIONS_MAX:>10,}{'' if good else '   over'}")
        # Time depends on the machine and is told, not judged.
        under, beside = ([nanoseconds(stripped, kind) for _ in range(5)] for kind in ("turns", "none"))
        added = statistics.median(under) - statistics.median(beside)
        print(f"{'microseconds of CPU a turn, added':<44}{added / 1000:>10.2f}{'':>10} aim 3")
        counters, sessions = (COUNTERS, COUNTERS_MIB_MAX), (SESSIONS, SESSIONS_MIB_MAX)
        for kind, (count, most) in {"counters": counters, "rolling": counters, "sessions": sessions}.items():
            text = subprocess.run([stripped, kind, str(count)], capture_output=True, text=True, check=True, timeout=600).stdout
            mib = int(re.search(r"(\d+) MiB", text).group(1))
            good = 0 < mib <= most
            failed += not good
            print(f"{'MiB of ' + text.split(',')[0] + ' (' + kind + ')':<44}{mib:>10,}{most:>10,}{'' if good else '   over'}")
    print(f"{4 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
