"""What a process uses, as Linux tells it; other systems tell nothing here."""

import os
from pathlib import Path

import msgspec

IS_TOLD = Path("/proc/self/stat").exists()
"""Whether this system tells it."""

_MIB = 1024


class Usage(msgspec.Struct, frozen=True):
    """Memory held (resident, MiB) and threads."""

    resident: float
    threads: int


def usage(pid: int) -> Usage:
    """Return what a process uses now (proc(5): /proc/pid/status, VmRSS in KiB, Threads)."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Usage(int(lines["VmRSS"].split()[0]) / _MIB, int(lines["Threads"]))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used so far (proc(5): /proc/pid/stat, utime and stime); 0 if not told."""
    if not IS_TOLD:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
