"""Resource usage of processes, from Linux's /proc; not available on other systems."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

IS_AVAILABLE = Path("/proc/self/stat").exists()

_MIB = 1024


class Usage(msgspec.Struct, frozen=True):
    """Memory held (resident, MiB) and threads."""

    resident: float
    threads: int


def usage(pid: int) -> Usage:
    """Return the present usage of a process (proc(5): /proc/pid/status, VmRSS in KiB, Threads)."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Usage(int(lines["VmRSS"].split()[0]) / _MIB, int(lines["Threads"]))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process and its children, also those that ended, have used so far; 0 if unavailable.

    proc(5): /proc/pid/stat, ppid, utime, stime, cutime and cstime.
    """
    processes = [fields for other, fields in _stats() if pid in {other, int(fields[1])}]
    return sum(int(ticks) for fields in processes for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def _stats() -> Iterator[tuple[int, list[str]]]:
    """Yield the pid of each process, and the fields of its stat from the state on."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:  # it has just ended
            continue
        yield int(path.parent.name), text.rpartition(")")[2].split()
