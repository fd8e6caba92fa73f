"""What Prometheus reads: what happened is counted once, in words that name nobody."""

import asyncio
import contextlib
from enum import Enum

import phonenumbers
import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.integrator import PATIENCE, PHONE, wrong_for

from gateway.domain.delivery import DeliveryStatus
from gateway.domain.verification import Channel, FailureCode, Mode, Status
from gateway.providers.counting import RequestKind, SendResult
from webhooks.routes import CallbackResult

ENUMS: tuple[type[Enum], ...] = (
    Channel,
    DeliveryStatus,
    FailureCode,
    CallbackResult,
    Mode,
    RequestKind,
    SendResult,
    Status,
)
KINDS = {"call_status", "gather", "answer", "message_status", "machine", "message"}
JUDGED = {"code", "key", "digits", "pin", "right", "wrong"}
WORKERS = {"dispatcher", "reconciler", "scheduler"}
WORDS = {word.value for words in ENUMS for word in words} | KINDS | JUDGED | WORKERS | {"", "twilio", "ZZ"}
FREE = {"le", "version", "python"}


class Counted:
    """The page that Prometheus gets."""

    def __init__(self, world) -> None:
        self.world = world

    async def samples(self):
        page = (await self.world.gateway.scrape()).decode()
        return [sample for family in text_string_to_metric_families(page) for sample in family.samples]

    async def value(self, name: str, **labels: str) -> float:
        found = [each for each in await self.samples() if each.name == f"poundkey_{name}"]
        return sum(each.value for each in found if labels.items() <= each.labels.items())

    async def reaches(self, value: float, name: str, **labels: str) -> None:
        """Wait until a metric has a value: what is counted is counted right after it was told."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while await self.value(name, **labels) != value:
                    await asyncio.sleep(0)  # a read of SQLite lets nobody else go on
        assert await self.value(name, **labels) == value


@pytest.fixture
def counted(world):
    return Counted(world)


async def test_a_text_from_its_start_to_its_bill(integrator, network, counted):
    made = await integrator.create()
    code = await network.code()
    await integrator.check(made["id"], wrong_for(code))
    await integrator.check(made["id"], code)
    await integrator.attempt_when(made["id"], "delivered")

    await counted.reaches(1, "verifications_started_total", channel="sms", mode="")
    await counted.reaches(1, "verifications_ended_total", channel="sms", status="approved", failure="")
    await counted.reaches(1, "approval_seconds_count", channel="sms")
    await counted.reaches(1, "checks_total", kind="code", result="wrong")
    await counted.reaches(1, "checks_total", kind="code", result="right")
    await counted.reaches(1, "sends_total", provider="twilio", channel="sms", result="accepted", failure="")
    await counted.reaches(1, "send_seconds_count", channel="sms")
    await counted.reaches(1, "sends_billed_total", channel="sms", country="US")
    await counted.reaches(1, "text_segments_total", country="US")
    await counted.reaches(1, "sends_ended_total", channel="sms", status="delivered", failure="")
    await counted.reaches(1, "provider_request_seconds_count", provider="twilio", request="send_sms")
    assert await counted.value("callbacks_total", kind="message_status", result="accepted") >= 1


async def test_a_call_and_the_keys_pressed(integrator, network, counted):
    await network.persona("manual", "+442079460123")
    made = await integrator.create("+442079460123", "call")
    sid = await network.answered("+442079460123")
    await network.press(sid, "5", "+442079460123")
    await network.asked(2, "+442079460123")
    await network.press(sid, "#", "+442079460123")
    await integrator.finished(made["id"])

    await counted.reaches(1, "verifications_started_total", channel="call", mode="confirm")
    await counted.reaches(1, "checks_total", kind="key", result="wrong")
    await counted.reaches(1, "checks_total", kind="key", result="right")
    await counted.reaches(1, "sends_billed_total", channel="call", country="GB")
    await counted.reaches(2, "callbacks_total", kind="gather", result="accepted")
    assert await counted.value("text_segments_total") == 0


async def test_what_is_refused_is_counted_with_its_reason_and_billed_to_nobody(integrator, network, counted):
    await network.faults(api={"status": 400, "error_code": 21211, "method": "POST"})
    made = await integrator.create()
    ended = await integrator.finished(made["id"])
    reason = ended["failure"]["code"]
    await counted.reaches(1, "sends_total", channel="sms", result="refused", failure=reason)
    await counted.reaches(1, "verifications_ended_total", status="failed", failure=reason)
    assert await counted.value("sends_billed_total") == 0


async def test_a_busy_provider_and_one_that_loses_its_answer(integrator, network, counted):
    await network.faults(api={"status": 429, "retry_after": 0, "count": 1, "method": "POST"})
    await integrator.create()
    await network.code()
    await counted.reaches(1, "sends_total", result="busy")
    await network.faults(api={"lose_answer": True, "method": "POST"})
    await integrator.create("+14255550124")
    await counted.reaches(1, "sends_total", result="unknown")


async def test_callbacks_are_counted_by_what_became_of_them(network, counted):
    url = f"{counted.world.settings.server.public_url}/callbacks/twilio/messages"
    await network.report(url, "not the token", From=PHONE, Body="hello")
    await network.report(url)
    assert await counted.value("callbacks_total", provider="twilio", kind="message", result="forged") == 1
    assert await counted.value("callbacks_total", provider="twilio", kind="message", result="malformed") == 1


async def test_a_repeated_request_is_counted_once(integrator, counted):
    wish = {"to": PHONE, "channel": "sms"}
    for _ in range(3):
        await integrator.ask("POST", "/v1/verifications", wish, Idempotency_Key="once")
    await counted.reaches(1, "verifications_started_total")


async def test_what_the_clock_and_a_reply_end_is_counted(integrator, network, counted):
    canceled = await integrator.create("+14255550125")
    await integrator.cancel(canceled["id"])
    await counted.reaches(1, "verifications_ended_total", status="canceled")
    await integrator.create()
    await network.code()
    await network.text_back("FRAUD")
    await counted.reaches(1, "verifications_ended_total", status="denied", failure="reported_fraud")


async def test_who_waits_is_shown_while_they_wait(integrator, counted):
    made = await integrator.create()
    await integrator.attempt_when(made["id"], "delivered")
    revision = (await integrator.show(made["id"]))["revision"]
    waiter = asyncio.create_task(integrator.wait(made["id"], revision))
    await counted.reaches(1, "waiters")
    await integrator.cancel(made["id"])
    await waiter
    await counted.reaches(0, "waiters")


async def test_it_stands_well(counted):
    assert await counted.value("store_ready") == 1
    assert await counted.value("worker_alive") == len(WORKERS)
    assert await counted.value("sends_queued") == await counted.value("sends_oldest_queued_seconds") == 0
    assert await counted.value("build_info") == 1


async def test_every_label_is_one_of_a_few_words_and_nobody_is_named(integrator, network, counted):
    await network.persona("manual")
    call = await integrator.create(channel="call")
    sid = await network.answered()
    await network.press(sid, "#")
    await integrator.finished(call["id"])
    text = await integrator.create("+14255550124", metadata={"order": "order-4711"})
    code = await network.code("+14255550124")
    await integrator.check(text["id"], code)
    await integrator.ask("POST", "/v1/verifications", {"to": "+33 no number", "channel": "sms"})
    await counted.reaches(2, "verifications_ended_total", status="approved")

    regions = set(phonenumbers.SUPPORTED_REGIONS)
    values = {value for each in await counted.samples() for name, value in each.labels.items() if name not in FREE}
    assert values - WORDS - regions == set()
    page = (await counted.world.gateway.scrape()).decode()
    secret = (PHONE, "4255550124", code, call["id"], sid, "order-4711", "Example Bank", integrator.key)
    assert [word for word in secret if word in page] == []
