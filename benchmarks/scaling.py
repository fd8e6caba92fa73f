"""What carries to 10,000 verifications a second: arithmetic from measured costs, and a simulation of the commits.

    python benchmarks/scaling.py

It needs nothing and takes seconds. docs/scaling.md shows what it prints, and a test holds the two equal.
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
    """What one verification asks for, on average: a fifth are calls, the rest texts."""

    calls: float = 0.2
    resends: float = 0.1
    checks: float = 0.8 * 1.2  # of texts only, some codes are mistyped
    text_callbacks: float = 2.0
    call_callbacks: float = 6.0
    looks: float = 3.0
    seconds: float = 25.0  # from the start to the end, with one client that waits

    @property
    def sends(self) -> float:
        """Return texts and calls."""
        return 1.0 + self.resends

    @property
    def callbacks(self) -> float:
        """Return what the provider reports and asks."""
        return self.sends * (self.calls * self.call_callbacks + (1 - self.calls) * self.text_callbacks)

    @property
    def commits(self) -> float:
        """Return changes that must be durable: three for a send, one for a callback or a check."""
        return 3 * self.sends + self.callbacks + self.checks


class Machine(msgspec.Struct, frozen=True):
    """What things cost. CPU is in µs, half as much again as docs/performance.md measures; the rest is assumed."""

    start: float = 605.0
    check: float = 205.0
    callback: float = 275.0
    look: float = 115.0
    postgres: float = 1.5  # a gateway pays so many times more for writes through a driver
    busy: float = 0.6  # how much of a core is planned with
    waiter_kb: float = 18.0
    send_seconds: float = 0.15  # the provider's answer
    in_flight: int = 32  # outbox.concurrency
    database_change: float = 80.0  # CPU µs of PostgreSQL for a change that comes in a batch
    database_cores: int = 16
    log_kb: float = 3.0  # of write-ahead log for a change
    log_mb: float = 80.0  # a second, that a disk and a replica follow for hours
    kept_kb: float = 2.0  # of a verification with its journal
    kept_days: int = 30
    disk_tb: float = 4.0  # that can still be backed up and restored in a night


class Need(msgspec.Struct, frozen=True):
    """What a rate of verifications needs."""

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
    """Work out what so many verifications a second need."""
    v, m = verification, machine
    writes = m.start * v.sends + m.callback * v.callbacks + m.check * v.checks
    cores = rate * (writes * m.postgres + m.look * v.looks) / 1e6
    by_cpu = cores / m.busy
    by_sends = rate * v.sends * m.send_seconds / (m.in_flight * m.busy)
    changes = rate * v.commits
    database_cores = changes * m.database_change / 1e6
    log_mb = changes * m.log_kb / 1e3
    disk_tb = rate * DAY * m.kept_days * m.kept_kb / 1e9
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
    """How the changes of 10,000 verifications a second reach databases; `changes` is a second, for one database.

    With `notify` a commit holds PostgreSQL's one lock for notifications until it is on disk.
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
    """How long changes waited for their commit (ms), how many came in one, and whether all were served."""

    batch: float
    p50: float
    p99: float
    keeps_up: bool


class _Commits:
    """Writers that commit what has arrived meanwhile, one batch at a time each; a discrete-event simulation."""

    def __init__(self, layout: Layout, seconds: float, seed: int) -> None:
        self._layout = layout
        self._dice = random.Random(seed)
        self._queues: list[deque[float]] = [deque() for _ in range(layout.writers)]
        self._idle = [True] * layout.writers
        self._events: list[tuple[float, int, int]] = []
        self._lock_free_at = 0.0
        self._seconds = seconds
        self._waits: list[float] = []
        self._batches = 0

    def run(self) -> Waits:
        """Let time pass; what arrives in the first quarter warms up and is not counted."""
        arrival = self._dice.expovariate(self._layout.changes)
        while arrival < self._seconds:
            self._finish_until(arrival)
            writer = self._dice.randrange(self._layout.writers)
            self._queues[writer].append(arrival)
            if self._idle[writer]:
                self._begin(writer, arrival)
            arrival += self._dice.expovariate(self._layout.changes)
        left = sum(map(len, self._queues))
        counted = sorted(self._waits)
        return Waits(
            batch=len(counted) / max(1, self._batches),
            p50=1e3 * counted[len(counted) // 2],
            p99=1e3 * counted[len(counted) * 99 // 100],
            keeps_up=left < self._layout.changes * self._seconds / 10,
        )

    def _finish_until(self, now: float) -> None:
        while self._events and self._events[0][0] <= now:
            at, writer, _ = heapq.heappop(self._events)
            self._idle[writer] = True
            if self._queues[writer]:
                self._begin(writer, at)

    def _begin(self, writer: int, at: float) -> None:
        """Commit what is there: the statements first, then the flush, which may have to wait for the lock."""
        layout, queue = self._layout, self._queues[writer]
        batch = [queue.popleft() for _ in range(min(len(queue), layout.largest_batch))]
        ready = at + layout.round_trip + layout.change * len(batch)
        flush = layout.flush * (0.7 + self._dice.expovariate(1 / 0.3))
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
    """Return how long changes wait in a layout."""
    return _Commits(layout, seconds, seed).run()


def layouts(need: Need) -> list[Layout]:
    """List the ways to lay out what 10,000 verifications a second need."""
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
    """Write a table in Markdown."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(f"| {' | '.join(map(str.ljust, line, widths))} |" for line in lines)


def needs_table() -> str:
    """Write what each of RATES needs."""
    wanted = [needs(rate, Verification(), Machine()) for rate in RATES]
    rows = [
        ("durable changes a second", [f"{need.changes:,.0f}" for need in wanted]),
        ("gateway processes, a core each", [f"{need.processes:,}" for need in wanted]),
        ("clients that wait at once", [f"{need.waiting:,.0f}" for need in wanted]),
        ("their memory, MB", [f"{need.waiting_mb:,.0f}" for need in wanted]),
        ("PostgreSQL, cores at work", [f"{need.database_cores:.1f}" for need in wanted]),
        ("write-ahead log, MB a second", [f"{need.log_mb:,.0f}" for need in wanted]),
        ("kept for 30 days, TB", [f"{need.disk_tb:.1f}" for need in wanted]),
        ("databases", [f"{need.databases}" for need in wanted]),
        ("short codes of 100 texts a second", [f"{need.short_codes:,}" for need in wanted]),
        ("calls at once, 30 s each", [f"{need.calls_at_once:,.0f}" for need in wanted]),
    ]
    head = ("verifications a second", *(f"{rate:,}" for rate in RATES))
    return table(head, [(name, *values) for name, values in rows])


def waits_table() -> str:
    """Write how long changes wait in each layout."""
    rows = []
    for layout in layouts(needs(RATES[-1], Verification(), Machine())):
        waits = simulate(layout)
        told = (f"{waits.batch:.0f}", f"{waits.p50:.1f}", f"{waits.p99:.1f}") if waits.keeps_up else ("-", "-", "never")
        rows.append((layout.name, f"{layout.writers}", f"{layout.changes:,.0f}", *told))
    return table(("layout", "writers", "changes/s", "in a commit", "p50 ms", "p99 ms"), rows)


if __name__ == "__main__":
    print(needs_table(), waits_table(), sep="\n\n")
