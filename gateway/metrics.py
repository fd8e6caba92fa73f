"""The metrics for Prometheus: committed changes, sends, callbacks and the gateway's present state.

No label holds a number, an id or an application. Each is a member of an enum, a name from the settings or a country,
so the number of series is bounded. Counting takes about a microsecond.
"""

import asyncio
import contextlib
import platform
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Generic, TypeVar

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from gateway.domain.attempts import find_attempt
from gateway.domain.errors import StoreUnavailable
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import SECOND
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.send_results import is_final
from gateway.domain.verification import Change, Channel, FailureCode, Status, Verification
from gateway.providers.counting import RequestKind, SendResult
from gateway.stores.outbox import Backlog
from gateway.stores.store import Store
from webhooks.routes import CallbackResult

_CHECK_RESULTS = {
    "call.key_pressed": ("key", "right"),
    "call.wrong_key": ("key", "wrong"),
    "call.digits_matched": ("digits", "right"),
    "call.wrong_digits": ("digits", "wrong"),
    "call.pin_right": ("pin", "right"),
    "call.pin_to_be_changed": ("pin", "right"),
    "call.wrong_pin": ("pin", "wrong"),
}
_ENDED = frozenset(f"verification.{status.value}" for status in Status if status is not Status.PENDING)
_REPORTED = frozenset({"message.status", "call.status"})
_APPROVAL_BUCKETS = (2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600)
_SEND_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)
_AREA_CODE = 5  # "+1" and three digits
_SHUTDOWN_TIMEOUT = 0.1  # seconds; a scrape that waits for the database does not delay the end
_STORE_TIMEOUT = 5.0  # seconds; Prometheus itself waits for 10
_NO_COUNTRY = "ZZ"  # ISO 3166: user-assigned, for numbers of no country


class GatewayState(msgspec.Struct, frozen=True):
    """The gateway's state at a scrape.

    Attributes:
        ready: Whether the database is usable.
        workers: Whether each background worker runs.
        open_circuits: Whether each provider's circuit breaker is open.
        waiters: Requests that wait for a change.
        sends_in_progress: Sends that this process has claimed.
        sends_queued: Sends in the store that no provider has accepted yet.
        oldest_queued: Age of the oldest of them in seconds.
    """

    ready: bool
    workers: Mapping[str, bool]
    open_circuits: Mapping[str, bool]
    waiters: int
    sends_in_progress: int
    sends_queued: int
    oldest_queued: float


Metric = TypeVar("Metric", Counter, Histogram)

Scrape = Callable[[], Awaitable[bytes]]
"""Returns all metrics in Prometheus' text format."""


class _Series(Generic[Metric]):
    """A metric with a cache of its children, which skips the client library's checks of labels."""

    def __init__(self, metric: Metric) -> None:
        self._metric: Metric = metric
        self._children: dict[tuple[str, ...], Metric] = {}

    def child(self, *values: str) -> Metric:
        """Return the child for these label values."""
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self._metric.labels(*values)
        return child


class Metrics:
    """Implements the ports `Counters` and `RequestCounters`, and counts callbacks."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        def counter(name: str, text: str, *labels: str) -> _Series[Counter]:
            return _Series(Counter(f"poundkey_{name}", text, labels, registry=registry))

        def seconds(name: str, text: str, buckets: Sequence[float], *labels: str) -> _Series[Histogram]:
            return _Series(Histogram(f"poundkey_{name}_seconds", text, labels, buckets=buckets, registry=registry))

        self._area_codes: dict[str, str] = {}
        self._started = counter("verifications_started", "Verifications created.", "channel", "mode")
        self._ended = counter("verifications_ended", "Verifications that ended.", "channel", "status", "failure")
        self._approvals = seconds("approval", "From creation to approval.", _APPROVAL_BUCKETS, "channel")
        self._checks = counter("checks", "Codes, keys and digits checked.", "kind", "result")
        self._sent = counter(
            "sends", "Texts and calls handed to providers.", "provider", "channel", "result", "failure"
        )
        self._send_seconds = seconds(
            "send", "From the commit of a send to its acceptance by the provider.", _SEND_BUCKETS, "channel"
        )
        self._sends_ended = counter(
            "sends_ended", "Final statuses that providers reported.", "provider", "channel", "status", "failure"
        )
        self._billed = counter("sends_billed", "Texts and calls that a provider accepted.", "channel", "country")
        self._segments = counter("text_segments", "Segments of accepted texts.", "country")
        self._requests = seconds(
            "provider_request", "Duration of requests to providers.", _REQUEST_BUCKETS, "provider", "request"
        )
        self._callbacks = counter("callbacks", "Callbacks from providers.", "provider", "kind", "result")
        self._gauges = _Gauges(registry)

    def change_committed(self, change: Change) -> None:
        """Count the journal entries of a committed change."""
        for entry in change.entries:
            self._count_entry(change.verification, entry)

    def request_timed(self, provider: str, kind: RequestKind, seconds: float) -> None:
        """Observe how long a request to a provider took (seconds)."""
        self._requests.child(provider, kind.value).observe(seconds)

    def sent(self, provider: str, channel: Channel, result: SendResult, failure: FailureCode | None) -> None:
        """Count the result of a send."""
        self._sent.child(provider, channel.value, result.value, failure.value if failure else "").inc()

    def billed(self, channel: Channel, number: str, segments: int) -> None:
        """Count an accepted send, and a text's segments, by the number's region."""
        region = self._region_of(number)
        self._billed.child(channel.value, region).inc()
        if segments:
            self._segments.child(region).inc(segments)

    def callback_received(self, provider: str, kind: str, result: CallbackResult) -> None:
        """Count a callback."""
        self._callbacks.child(provider, kind, result.value).inc()

    def render(self, state: GatewayState) -> bytes:
        """Return all metrics in Prometheus' text format."""
        self._gauges.set_all(state)
        return generate_latest(self._registry)

    def _count_entry(self, verification: Verification, entry: JournalEntry) -> None:
        kind = entry.type
        if kind == "verification.created":
            self._started.child(verification.channel.value, verification.mode.value if verification.mode else "").inc()
        elif kind in _ENDED:
            self._count_end(verification)
        elif kind == "code.checked":
            self._checks.child("code", "right" if entry.facts["valid"] else "wrong").inc()
        elif kind in _CHECK_RESULTS:
            self._checks.child(*_CHECK_RESULTS[kind]).inc()
        elif kind == "attempt.sent" or kind in _REPORTED:
            self._count_attempt(verification, entry)

    def _count_end(self, verification: Verification) -> None:
        failure = verification.failure.code.value if verification.failure else ""
        self._ended.child(verification.channel.value, verification.status.value, failure).inc()
        if verification.status is Status.APPROVED and verification.attempts:
            seconds = (verification.updated_at - verification.created_at) / SECOND
            self._approvals.child(verification.channel.value).observe(seconds)

    def _count_attempt(self, verification: Verification, entry: JournalEntry) -> None:
        attempt = find_attempt(verification, str(entry.facts["attempt_id"]))
        if attempt is None:
            return
        if entry.type == "attempt.sent":
            self._send_seconds.child(attempt.channel.value).observe((attempt.updated_at - attempt.created_at) / SECOND)
        elif is_final(attempt):
            failure = attempt.failure.code.value if attempt.failure else ""
            self._sends_ended.child(attempt.provider, attempt.channel.value, attempt.status.value, failure).inc()

    def _region_of(self, number: str) -> str:
        """Return a number's country; cached by area code for +1, which 25 countries share (parsing takes 20-40 µs)."""
        if not number.startswith("+1"):
            return PhoneNumber(number).region or _NO_COUNTRY
        area_code = number[:_AREA_CODE]
        region = self._area_codes.get(area_code)
        if region is None:
            region = self._area_codes[area_code] = PhoneNumber(number).region or _NO_COUNTRY
        return region


class _Gauges:
    """The metrics that are set at each scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"poundkey_{name}", text, labels, registry=registry)

        self._ready = gauge("store_ready", "Whether the database has the newest schema and accepts writes.")
        self._workers = gauge("worker_alive", "Whether a background worker runs.", "worker")
        self._open_circuits = gauge("provider_circuit_open", "Whether a provider's circuit is open.", "provider")
        self._waiters = gauge("waiters", "Requests that wait for a change.")
        self._in_progress = gauge("sends_in_progress", "Sends that this process has claimed.")
        self._queued = gauge("sends_queued", "Sends in the store that no provider has accepted yet.")
        self._oldest = gauge("sends_oldest_queued_seconds", "Age of the oldest queued send.")
        build = gauge("build_info", "Version of the program and of Python.", "version", "python")
        build.labels(version("poundkey"), platform.python_version()).set(1)

    def set_all(self, state: GatewayState) -> None:
        """Set all gauges."""
        self._ready.set(state.ready)
        for worker, alive in state.workers.items():
            self._workers.labels(worker).set(alive)
        for provider, is_open in state.open_circuits.items():
            self._open_circuits.labels(provider).set(is_open)
        self._waiters.set(state.waiters)
        self._in_progress.set(state.sends_in_progress)
        self._queued.set(state.sends_queued)
        self._oldest.set(state.oldest_queued)


def scraper(
    metrics: Metrics,
    store: Store,
    workers: Mapping[str, Callable[[], bool]],
    load: Callable[[], tuple[int, int]],
    open_circuits: Callable[[], Mapping[str, bool]],
) -> Scrape:
    """Return a function that renders the metrics with the gateway's state at that moment.

    Args:
        metrics: The counted metrics.
        store: Queried for readiness and the outbox, within `_STORE_TIMEOUT`.
        workers: Whether each background worker runs, by name.
        load: Returns how many requests wait for a change, and how many sends this process has claimed.
        open_circuits: Returns for each provider whether its circuit breaker is open.
    """

    async def scrape() -> bytes:
        queued, ready = Backlog(0, None), True
        try:
            async with asyncio.timeout(_STORE_TIMEOUT):
                await store.ready()
                queued = await store.outbox.backlog()
        except (StoreUnavailable, TimeoutError):
            ready = False
        oldest = 0.0 if queued.oldest_at is None else (store.clock() - queued.oldest_at) / SECOND
        alive = {name: is_alive() for name, is_alive in workers.items()}
        waiters, in_progress = load()
        return metrics.render(GatewayState(ready, alive, open_circuits(), waiters, in_progress, queued.queued, oldest))

    return scrape


@contextlib.asynccontextmanager
async def serving_metrics(scrape: Scrape, host: str, port: int) -> AsyncIterator[None]:
    """Serve GET /metrics on an address of its own until the block ends; raises OSError if it is in use."""

    async def get_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=await scrape(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.add_routes([web.get("/metrics", get_metrics)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
