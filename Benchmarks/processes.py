"""processes: CPU time and memory of a process tree, read from the kernel with nanosecond resolution."""

import pathlib
import time


def tree(pid):
    """The process and all its descendants."""
    found, queue = [], [pid]
    while queue:
        one = queue.pop()
        found.append(one)
        for children in pathlib.Path(f"/proc/{one}/task").glob("*/children"):
            try:
                queue += map(int, children.read_text().split())
            except OSError:
                pass
    return found


def cpu_seconds(pid):
    """CPU time of the tree, all threads. The clock's id is made from the pid (clock_getcpuclockid(3))."""
    return sum(time.clock_gettime((~one << 3) | 2) for one in tree(pid))


def _memory(pid, field):
    total = 0
    for one in tree(pid):
        for line in pathlib.Path(f"/proc/{one}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                total += int(line.split()[1])
    return total / 1024


def rss_mb(pid):
    return _memory(pid, "VmRSS")


def peak_rss_mb(pid):
    return _memory(pid, "VmHWM")


def reset_peak(pid):
    """Makes the peak begin anew at the present size."""
    for one in tree(pid):
        pathlib.Path(f"/proc/{one}/clear_refs").write_text("5")


def settle(pid, seconds=20):
    """Waits until the tree has nothing more to do: a ledger is written after the answers."""
    deadline = time.monotonic() + seconds
    before = cpu_seconds(pid)
    quiet = 0
    while quiet < 2 and time.monotonic() < deadline:
        time.sleep(0.3)
        after = cpu_seconds(pid)
        quiet = quiet + 1 if after - before < 0.002 else 0
        before = after
