"""Capacity up to 10,000 verifications a second: arithmetic from measured costs, and a simulation of commits.

    python benchmarks/scaling.py

It runs in seconds without a gateway. docs/scaling.md shows its output, which a test compares.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Sequence

import msgspec

DAY = 86_400
RATES = (100, 1_000, 10_000)


class Verification(msgspec.Struct, frozen=True):
    """Average requests of one verification: a fifth are calls, the rest texts."""

    calls: float = 0.2
    resends: float = 0.1
    checks: float = 0.8 * 1.2  # of texts only, some codes are mistyped
    text_callbacks: float = 2.0
    call_callbacks: float = 6.0
    reads: float = 3.0
    seconds: float = 25.0  # from start to end, with one waiting client

    @property
    def sends(self) -> float:
        """Return texts and calls."""
        return 1.0 + self.resends

    @property
    def callbacks(self) -> float:
        """Return the provider's callbacks."""
        return self.sends * (self.calls * self.call_callbacks + (1 - self.calls) * self.text_callbacks)

    @property
    def commits(self) -> float:
        """Return durable changes: three for a send, one for a callback or a check."""
        return 3 * self.sends + self.callbacks + self.checks


class Machine(msgspec.Struct, frozen=True):
    """Costs. CPU in µs, 1.5 times the measurements in docs/performance.md; the rest is assumed."""

    start: float = 605.0
    check: float = 205.0
    callback: float = 275.0
    read: float = 115.0
    postgres: float = 1.5  # factor for writes through a driver
    busy: float = 0.6  # planned utilization of a core
    waiter_kb: float = 18.0
    send_seconds: float = 0.15  # the provider's answer
    in_flight: int = 32  # outbox.concurrency
    database_change: float = 80.0  # CPU µs of PostgreSQL for a change in a batch
    database_cores: int = 16
    log_kb: float = 3.0  # of write-ahead log for a change
    log_mb: float = 80.0  # a second, sustainable by a disk and a replica
    stored_kb: float = 2.0  # of a verification with its journal
    retention_days: int = 30
    disk_tb: float = 4.0  # that can be backed up and restored in a night


class Need(msgspec.Struct, frozen=True):
    """The resources for a rate of verifications."""

    rate: int
    changes: float
    processes: int
    waiting: float
    waiting_mb: float
    database_cores: float
    log_mb: float
    disk_tb: float
    databases: int
    short_codes: int
    calls_at_once: float


def needs(rate: int, verification: Verification, machine: Machine) -> Need:
    """Compute the resources for a number of verifications a second."""
    v, m = verification, machine
    writes = m.start * v.sends + m.callback * v.callbacks + m.check * v.checks
    cores = rate * (writes * m.postgres + m.read * v.reads) / 1e6
    by_cpu = cores / m.busy
    by_sends = rate * v.sends * m.send_seconds / (m.in_flight * m.busy)
    changes = rate * v.commits
    database_cores = changes * m.database_change / 1e6
    log_mb = changes * m.log_kb / 1e3
    disk_tb = rate * DAY * m.retention_days * m.stored_kb / 1e9
    databases = max(database_cores / (m.database_cores * m.busy), log_mb / m.log_mb, disk_tb / m.disk_tb)
    return Need(
        rate=rate,
        changes=changes,
        processes=max(2, math.ceil(max(by_cpu, by_sends))),
        waiting=rate * v.seconds,
        waiting_mb=rate * v.seconds * m.waiter_kb / 1e3,
        database_cores=database_cores,
        log_mb=log_mb,
        disk_tb=disk_tb,
        databases=math.ceil(databases),
        short_codes=math.ceil(rate * v.sends * (1 - v.calls) / 100),
        calls_at_once=rate * v.sends * v.calls * 30,
    )


class Layout(msgspec.Struct, frozen=True):
    """A way to distribute commits over databases; `changes` is the rate per second for one database.

    With `notify` a commit holds PostgreSQL's global lock for notifications until it is flushed.
    """

    name: str
    writers: int
    changes: float
    notify: bool
    flush: float = 0.001
    round_trip: float = 0.0005
    change: float = 0.00002
    largest_batch: int = 256


class Waits(msgspec.Struct, frozen=True):
    """The waiting times of changes (ms), the average batch, and whether the writers keep up."""

    batch: float
    p50: float
    p99: float
    keeps_up: bool


class _Commits:
    """A discrete-event simulation of writers that each commit one batch of arrived changes at a time."""

    def __init__(self, layout: Layout, seconds: float, seed: int) -> None:
        self._layout = layout
        self._random = random.Random(seed)
        self._queues: list[deque[float]] = [deque() for _ in range(layout.writers)]
        self._idle = [True] * layout.writers
        self._events: list[tuple[float, int, int]] = []
        self._lock_free_at = 0.0
        self._seconds = seconds
        self._waits: list[float] = []
        self._batches = 0

    def run(self) -> Waits:
        """Run the simulation; arrivals in the first quarter are a warm-up and not counted."""
        arrival = self._random.expovariate(self._layout.changes)
        while arrival < self._seconds:
            self._finish_until(arrival)
            writer = self._random.randrange(self._layout.writers)
            self._queues[writer].append(arrival)
            if self._idle[writer]:
                self._start_commit(writer, arrival)
            arrival += self._random.expovariate(self._layout.changes)
        waiting = sum(map(len, self._queues))
        counted = sorted(self._waits)
        return Waits(
            batch=len(counted) / max(1, self._batches),
            p50=1e3 * counted[len(counted) // 2],
            p99=1e3 * counted[len(counted) * 99 // 100],
            keeps_up=waiting < self._layout.changes * self._seconds / 10,
        )

    def _finish_until(self, now: float) -> None:
        while self._events and self._events[0][0] <= now:
            at, writer, _ = heapq.heappop(self._events)
            self._idle[writer] = True
            if self._queues[writer]:
                self._start_commit(writer, at)

    def _start_commit(self, writer: int, at: float) -> None:
        """Start the commit of a batch: statements, then the flush, which may wait for the lock."""
        layout, queue = self._layout, self._queues[writer]
        batch = [queue.popleft() for _ in range(min(len(queue), layout.largest_batch))]
        ready = at + layout.round_trip + layout.change * len(batch)
        flush = layout.flush * (0.7 + self._random.expovariate(1 / 0.3))
        if layout.notify:
            ready = self._lock_free_at = max(ready, self._lock_free_at) + flush
        else:
            ready += flush
        self._idle[writer] = False
        heapq.heappush(self._events, (ready, writer, len(batch)))
        if at > self._seconds / 4:
            self._batches += 1
            self._waits += [ready - arrival for arrival in batch]


def simulate(layout: Layout, *, seconds: float = 1.0, seed: int = 1) -> Waits:
    """Simulate a layout and return its waiting times."""
    return _Commits(layout, seconds, seed).run()


def layouts(need: Need) -> list[Layout]:
    """List layouts for the resources that a rate needs."""
    cell = math.ceil(need.processes / need.databases)
    share = need.changes / need.databases
    return [
        Layout("one database, NOTIFY in the commit", need.processes, need.changes, notify=True),
        Layout("one database, NOTIFY beside it, as built", need.processes, need.changes, notify=False),
        Layout("one distributed database, 6 ms to agree", need.processes, need.changes, notify=False, flush=0.006),
        Layout(f"{need.databases} databases, every gateway writes to all", need.processes, share, notify=False),
        Layout(f"{need.databases} cells of a database and {cell} gateways", cell, share, notify=False),
        Layout("the same, a cell with twice its share", cell, 2 * share, notify=False),
    ]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a table in Markdown."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(f"| {' | '.join(map(str.ljust, line, widths))} |" for line in lines)


def needs_table() -> str:
    """Format the resources for each of RATES."""
    needed = [needs(rate, Verification(), Machine()) for rate in RATES]
    rows = [
        ("durable changes a second", [f"{need.changes:,.0f}" for need in needed]),
        ("gateway processes, a core each", [f"{need.processes:,}" for need in needed]),
        ("clients that wait at once", [f"{need.waiting:,.0f}" for need in needed]),
        ("their memory, MB", [f"{need.waiting_mb:,.0f}" for need in needed]),
        ("PostgreSQL, cores at work", [f"{need.database_cores:.1f}" for need in needed]),
        ("write-ahead log, MB a second", [f"{need.log_mb:,.0f}" for need in needed]),
        ("kept for 30 days, TB", [f"{need.disk_tb:.1f}" for need in needed]),
        ("databases", [f"{need.databases}" for need in needed]),
        ("short codes of 100 texts a second", [f"{need.short_codes:,}" for need in needed]),
        ("calls at once, 30 s each", [f"{need.calls_at_once:,.0f}" for need in needed]),
    ]
    head = ("verifications a second", *(f"{rate:,}" for rate in RATES))
    return table(head, [(name, *values) for name, values in rows])


def waits_table() -> str:
    """Format the waiting times of each layout."""
    rows = []
    for layout in layouts(needs(RATES[-1], Verification(), Machine())):
        waits = simulate(layout)
        cells = (
            (f"{waits.batch:.0f}", f"{waits.p50:.1f}", f"{waits.p99:.1f}") if waits.keeps_up else ("-", "-", "never")
        )
        rows.append((layout.name, f"{layout.writers}", f"{layout.changes:,.0f}", *cells))
    return table(("layout", "writers", "changes/s", "in a commit", "p50 ms", "p99 ms"), rows)


if __name__ == "__main__":
    print(needs_table(), waits_table(), sep="\n\n")
