"""What Prometheus reads: counts of what was committed, sent and heard, without a number, an id or an application.

Every label is one of a few words: of an enum, of the settings, or a country. So the number of series is bounded,
whoever sends what. To count one thing takes about a microsecond.
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

from gateway.domain.attempts import by_id
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import SECOND
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.send_results import is_final
from gateway.domain.verification import Change, Channel, FailureCode, Status, Verification
from gateway.ports import StoreUnavailable
from gateway.providers.counting import RequestKind, SendResult
from gateway.stores.backlog import Backlog, backlog
from gateway.stores.store import SqlStore
from webhooks.routes import CallbackResult

_JUDGED = {
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
_PROOF_BUCKETS = (2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600)
_SEND_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_ASK_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)
_AREA_CODE = 5  # "+1" and three digits
_LAST_SCRAPE = 0.1  # at the end nobody waits for one that waits for the database
_PATIENCE = 5.0  # Prometheus itself waits for 10 s
_NOWHERE = "ZZ"  # ISO 3166: what is in no country


class Standing(msgspec.Struct, frozen=True):
    """How the gateway stands at a moment; `oldest` is the age of the oldest queued send in seconds."""

    ready: bool
    workers: Mapping[str, bool]
    resting: Mapping[str, bool]
    waiting: int
    in_hand: int
    queued: int
    oldest: float


Metric = TypeVar("Metric", Counter, Histogram)

Scrape = Callable[[], Awaitable[bytes]]
"""Writes everything that is counted, as it is now."""


class _Series(Generic[Metric]):
    """A metric whose children are found without Prometheus' checks."""

    def __init__(self, metric: Metric) -> None:
        self._metric: Metric = metric
        self._children: dict[tuple[str, ...], Metric] = {}

    def of(self, *values: str) -> Metric:
        """Return the child for these values of the labels."""
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self._metric.labels(*values)
        return child


class Metrics:
    """Fills the ports `Counters` and `RequestCounters`, and hears what becomes of callbacks."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        def counter(name: str, text: str, *labels: str) -> _Series[Counter]:
            return _Series(Counter(f"poundkey_{name}", text, labels, registry=registry))

        def seconds(name: str, text: str, buckets: Sequence[float], *labels: str) -> _Series[Histogram]:
            return _Series(Histogram(f"poundkey_{name}_seconds", text, labels, buckets=buckets, registry=registry))

        self._area_codes: dict[str, str] = {}
        self._started = counter("verifications_started", "Verifications begun.", "channel", "mode")
        self._ended = counter("verifications_ended", "How they ended.", "channel", "status", "failure")
        self._proofs = seconds("approval", "From start to approval.", _PROOF_BUCKETS, "channel")
        self._checks = counter("checks", "Codes, keys and digits judged.", "kind", "result")
        self._sent = counter("sends", "Texts and calls handed over.", "provider", "channel", "result", "failure")
        self._waits = seconds("send", "From the commit of a send to the provider's yes.", _SEND_BUCKETS, "channel")
        self._reported = counter(
            "sends_ended", "How they ended, as reported.", "provider", "channel", "status", "failure"
        )
        self._billed = counter("sends_billed", "Texts and calls taken by a provider.", "channel", "country")
        self._segments = counter("text_segments", "Segments of the texts taken.", "country")
        self._requests = seconds(
            "provider_request", "How long a provider's answer takes.", _ASK_BUCKETS, "provider", "request"
        )
        self._callbacks = counter("callbacks", "Requests of providers.", "provider", "kind", "result")
        self._gauges = _Gauges(registry)

    def kept(self, change: Change) -> None:
        """See the port."""
        for entry in change.entries:
            self._note(change.verification, entry)

    def request_timed(self, provider: str, kind: RequestKind, seconds: float) -> None:
        """See the port."""
        self._requests.of(provider, kind.value).observe(seconds)

    def sent(self, provider: str, channel: Channel, result: SendResult, failure: FailureCode | None) -> None:
        """See the port."""
        self._sent.of(provider, channel.value, result.value, failure.value if failure else "").inc()

    def billed(self, channel: Channel, number: str, segments: int) -> None:
        """See the port."""
        region = self._region_of(number)
        self._billed.of(channel.value, region).inc()
        if segments:
            self._segments.of(region).inc(segments)

    def callback_received(self, provider: str, kind: str, result: CallbackResult) -> None:
        """Count a provider's request."""
        self._callbacks.of(provider, kind, result.value).inc()

    def page(self, standing: Standing) -> bytes:
        """Write everything in Prometheus' text format."""
        self._gauges.show(standing)
        return generate_latest(self._registry)

    def _note(self, verification: Verification, entry: JournalEntry) -> None:
        kind = entry.type
        if kind == "verification.created":
            self._started.of(verification.channel.value, verification.mode.value if verification.mode else "").inc()
        elif kind in _ENDED:
            self._note_end(verification)
        elif kind == "code.checked":
            self._checks.of("code", "right" if entry.facts["valid"] else "wrong").inc()
        elif kind in _JUDGED:
            self._checks.of(*_JUDGED[kind]).inc()
        elif kind == "attempt.sent" or kind in _REPORTED:
            self._note_attempt(verification, entry)

    def _note_end(self, verification: Verification) -> None:
        failure = verification.failure.code.value if verification.failure else ""
        self._ended.of(verification.channel.value, verification.status.value, failure).inc()
        if verification.status is Status.APPROVED and verification.attempts:
            seconds = (verification.updated_at - verification.created_at) / SECOND
            self._proofs.of(verification.channel.value).observe(seconds)

    def _note_attempt(self, verification: Verification, entry: JournalEntry) -> None:
        attempt = by_id(verification, str(entry.facts["attempt_id"]))
        if attempt is None:
            return
        if entry.type == "attempt.sent":
            self._waits.of(attempt.channel.value).observe((attempt.updated_at - attempt.created_at) / SECOND)
        elif is_final(attempt):
            failure = attempt.failure.code.value if attempt.failure else ""
            self._reported.of(attempt.provider, attempt.channel.value, attempt.status.value, failure).inc()

    def _region_of(self, number: str) -> str:
        """Return a number's country. Of the code 1, which 25 of them share, the area code decides; else 20-40 µs."""
        if not number.startswith("+1"):
            return PhoneNumber(number).region or _NOWHERE
        area_code = number[:_AREA_CODE]
        region = self._area_codes.get(area_code)
        if region is None:
            region = self._area_codes[area_code] = PhoneNumber(number).region or _NOWHERE
        return region


class _Gauges:
    """What is asked for anew each time that Prometheus comes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"poundkey_{name}", text, labels, registry=registry)

        self._ready = gauge("store_ready", "Whether the database is at head and takes writes.")
        self._workers = gauge("worker_alive", "Whether a worker in the background is at work.", "worker")
        self._resting = gauge("provider_resting", "Whether a provider rests, until a send to it succeeds.", "provider")
        self._waiting = gauge("waiters", "Requests that wait for a change.")
        self._in_hand = gauge("sends_in_hand", "Sends that wait in this process, or are being handed over.")
        self._queued = gauge("sends_queued", "Sends in the store that no provider has taken yet.")
        self._oldest = gauge("sends_oldest_queued_seconds", "The age of the oldest of them.")
        build = gauge("build_info", "The program.", "version", "python")
        build.labels(version("poundkey"), platform.python_version()).set(1)

    def show(self, standing: Standing) -> None:
        """Set them all."""
        self._ready.set(standing.ready)
        for worker, alive in standing.workers.items():
            self._workers.labels(worker).set(alive)
        for provider, rests in standing.resting.items():
            self._resting.labels(provider).set(rests)
        self._waiting.set(standing.waiting)
        self._in_hand.set(standing.in_hand)
        self._queued.set(standing.queued)
        self._oldest.set(standing.oldest)


def scraper(
    metrics: Metrics,
    store: SqlStore,
    workers: Mapping[str, Callable[[], bool]],
    load: Callable[[], tuple[int, int]],
    resting: Callable[[], Mapping[str, bool]],
) -> Scrape:
    """Return what writes the page: the counts, and how the gateway stands at that moment.

    Args:
        metrics: The counts.
        store: Is asked whether it is ready, and what its outbox holds; for seconds at most.
        workers: Tell whether they are at work.
        load: Tells how many requests wait for a change, and how many sends are in hand.
        resting: Tells of each provider whether it rests.
    """

    async def scrape() -> bytes:
        left, ready = Backlog(0, None), True
        try:
            async with asyncio.timeout(_PATIENCE):
                await store.ready()
                left = await backlog(store)
        except (StoreUnavailable, TimeoutError):
            ready = False
        oldest = 0.0 if left.oldest_at is None else (store.clock() - left.oldest_at) / SECOND
        alive = {name: works() for name, works in workers.items()}
        waiting, in_hand = load()
        return metrics.page(Standing(ready, alive, resting(), waiting, in_hand, left.queued, oldest))

    return scrape


@contextlib.asynccontextmanager
async def showing(scrape: Scrape, host: str, port: int) -> AsyncIterator[None]:
    """Answer GET /metrics on an address of its own until the block ends; raises OSError if it is taken."""

    async def show(_request: web.Request) -> web.Response:
        return web.Response(body=await scrape(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.add_routes([web.get("/metrics", show)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_LAST_SCRAPE)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
