"""kill -9 at each step between commit and provider call: nothing is sent twice, nothing is lost, nothing is stuck."""

import asyncio
import contextlib
import itertools
import sqlite3
from pathlib import Path

import aiohttp
import asyncpg
import msgspec
import pytest
import pytest_asyncio
from support.crashing_gateway import Life, Step
from support.integrator import PATIENCE, Answer, Integrator, Json, wrong_for
from support.network import ACCOUNT, OURS, TOKEN, PhoneNetwork
from support.nursery import Nursery, nursery
from support.world import LIMITS, key_for, network_at, settings_for

from gateway.settings.accounts import AccountSettings, RouteSettings
from gateway.settings.channels import Voice
from gateway.settings.settings import Database, Outbox
from gateway.stores.places import is_postgres

pytestmark = pytest.mark.asyncio(loop_scope="module")

# The provider has the send, or never will. How it ended is told by callbacks, which the dead miss, or asked for later.
OPEN = {"queued", "sending", "unknown"}
# Longer than a gateway may take from claim to send on a machine that does much else.
OUTBOX = Outbox(lease=5.0, reconcile_after=0.1, reconcile_for=1.0, settle_after=0.2)
VOICE = Voice(OURS, ring_timeout=5)
AT_ONCE = msgspec.structs.replace(LIMITS, resend_wait=0)

# How many sends the phone sees. None after a claim that nothing followed: nobody can know, so it is never repeated.
TEXTS = {
    Step("create", "before"): 1,
    Step("create", "after"): 1,
    Step("claim", "before"): 1,
    Step("claim", "after"): 0,
    Step("send_sms", "before"): 0,
    Step("send_sms", "after"): 1,
    Step("apply", "before"): 1,
    Step("apply", "after"): 1,
}
CALLS = {
    Step("claim", "before"): 1,
    Step("place_call", "before"): 0,
    Step("place_call", "after"): 1,
    Step("apply", "before"): 1,
}
NOTIFICATIONS = {
    Step("claim", "before"): 1,
    Step("claim", "after"): 0,
    Step("send_sms", "before"): 0,
    Step("send_sms", "after"): 1,
    Step("update", "before"): 1,
}
RESENDS = {Step("resend", "before"): 2, Step("resend", "after"): 2, Step("send_sms", "after"): 2}
NOT_OURS = "+15005550001"
"""A sender that the provider refuses for every number."""
# Behind the first provider's no: what was not kept of it is in doubt, and what was kept is sent by the second, once.
REROUTES = {Step("apply", "before"): 0, Step("apply", "after"): 1}
CHECKS = {Step("apply_counted", "before"): False, Step("apply_counted", "after"): True}


class Story:
    """One verification on a gateway of its own that dies and is started again."""

    def __init__(
        self, nursery: Nursery, integrator: Integrator, life: Life, network: PhoneNetwork, number: str
    ) -> None:
        self.nursery = nursery
        self.integrator = integrator
        self.life = life
        self.network = network
        self.number = number
        self.pid = 0

    async def live(self, step: Step | None = None) -> None:
        """Start the gateway; with a step, so that it dies there."""
        self.pid = await self.nursery.start(msgspec.structs.replace(self.life, step=step))

    async def die(self) -> None:
        await self.nursery.kill(self.pid, self.life)

    async def ask_and_die(self, path: str, body: Json) -> None:
        """Ask for something on the way to which, or behind which, the gateway dies."""
        with contextlib.suppress(aiohttp.ClientError):
            await self.ask(path, body)
        await self.nursery.death(self.life)

    async def ask(self, path: str, body: Json) -> Answer:
        return await self.integrator.ask("POST", path, body, Idempotency_Key=path)

    async def no_notification_waits(self) -> None:
        """Wait until the outbox holds no notification."""
        async with asyncio.timeout(PATIENCE):
            while await count_notifications(self.life.settings.database):
                await asyncio.sleep(0.05)

    async def settled(self, verification_id: str) -> Json:
        return await self.integrator.wait_until(
            verification_id, lambda kept: all(attempt["status"] not in OPEN for attempt in kept["attempts"])
        )


async def count_notifications(database: Database) -> int:
    """Count what the outbox holds beside its gateway."""
    statement = "SELECT COUNT(*) FROM outbox WHERE kind = 'notification'"
    if not is_postgres(database.url):
        with contextlib.closing(sqlite3.connect(database.path)) as file:
            return file.execute(statement).fetchone()[0]
    connection = await asyncpg.connect(database.url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


class Ending(msgspec.Struct, frozen=True):
    """How a story ended: once settled, after another death and start, and what the phone has got."""

    settled: Json
    later: Json
    sends: int


async def told_of_a_send(story: Story, step: Step, channel: str) -> Ending:
    wish = {"to": story.number, "channel": channel}
    await story.network.persona("presses_pound", story.number)
    await story.live(step)
    await story.ask_and_die("/v1/verifications", wish)
    await story.live()
    made = (await story.ask("/v1/verifications", wish)).body
    return await ending(story, made["id"])


async def told_of_a_resend(story: Story, step: Step) -> Ending:
    wish = {"to": story.number, "channel": "sms"}
    await story.live()
    made = (await story.ask("/v1/verifications", wish)).body
    await story.settled(made["id"])
    await story.die()
    await story.live(step)
    resend = f"/v1/verifications/{made['id']}/resend"
    await story.ask_and_die(resend, {})
    await story.live()
    assert (await story.ask(resend, {})).status == 200
    return await ending(story, made["id"])


async def told_of_a_notification(story: Story, step: Step) -> int:
    """Let a gateway die when it tells a person of a block; return how many texts about it their phone has got."""
    await story.live()
    alice = (await story.ask("/v1/enrollments", {"user": "alice@example.com"})).body["id"]
    phone = {"kind": "authentication", "to": story.number, "channel": "sms"}
    offered = (await story.ask(f"/v1/enrollments/{alice}/phones", phone)).body["verification"]["id"]
    await story.integrator.attempt_when(offered, "delivered")
    assert (await story.integrator.check(offered, await story.network.code(story.number))).body["valid"]
    await story.die()
    await story.live(step)
    await story.ask_and_die(f"/v1/enrollments/{alice}/block", {"reason": "a lost phone"})
    await story.live()
    await story.no_notification_waits()
    messages = (await story.network.handset(story.number))["messages"]
    return sum("was blocked" in message["body"] for message in messages)


async def told_of_a_reroute(story: Story, step: Step) -> Ending:
    """Let a gateway die between the first provider's no and the second one's send."""
    settings = story.life.settings
    spare = AccountSettings(base_url=story.network.url, account_sid=ACCOUNT, auth_token=TOKEN, sender=OURS)
    refused = msgspec.structs.replace(settings.text, sender=NOT_OURS)
    both = msgspec.structs.replace(
        settings, text=refused, providers={"spare": spare}, routes=RouteSettings(text=("twilio", "spare"))
    )
    story.life = Life(both)
    return await told_of_a_send(story, step, "sms")


async def ending(story: Story, verification_id: str) -> Ending:
    settled = await story.settled(verification_id)
    await story.die()
    await story.live()
    later = await story.settled(verification_id)
    handset = await story.network.handset(story.number)
    return Ending(settled, later, len(handset["messages"]) + len(handset["calls"]))


async def told_of_a_check(story: Story, step: Step) -> tuple[Json, Json]:
    """Let a gateway die at a wrong code and then at the right one; return the verification after each."""
    await story.live()
    made = (await story.ask("/v1/verifications", {"to": story.number, "channel": "sms"})).body
    code = await story.network.code(story.number)
    shown = []
    for typed in (wrong_for(code), code):
        await story.die()
        await story.live(step)
        await story.ask_and_die(f"/v1/verifications/{made['id']}/check", {"code": typed})
        await story.live()
        shown.append(await story.integrator.show(made["id"]))
    return shown[0], shown[1]


async def told_of_an_end(story: Story) -> Json:
    """Let a call end while its gateway is dead; return the verification as it ended."""
    wish = {"to": story.number, "channel": "call"}
    await story.network.persona("busy", story.number)
    await story.live(Step("place_call", "after"))
    await story.ask_and_die("/v1/verifications", wish)
    await story.network.call_over(story.number)
    await story.live()
    made = (await story.ask("/v1/verifications", wish)).body
    return await story.integrator.finished(made["id"])


async def told_of_a_hang_up(story: Story) -> Json:
    """Let a gateway die once a cancel is kept; return the call as it ended."""
    patient = msgspec.structs.replace(story.life.settings, voice=Voice(OURS))
    story.life = msgspec.structs.replace(story.life, settings=patient)
    await story.live()
    made = (await story.ask("/v1/verifications", {"to": story.number, "channel": "call"})).body
    await story.integrator.attempt_when(made["id"], "ringing")
    await story.die()
    await story.live(Step("apply", "after"))
    await story.ask_and_die(f"/v1/verifications/{made['id']}/cancel", {})
    await story.live()
    return await story.network.call_over(story.number)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgres"])
async def endings(request, tmp_path_factory):
    """Let all stories happen at once, for most of their time is spent waiting."""
    numbers = (f"+1425555{number:04}" for number in itertools.count(1000))
    connector = aiohttp.TCPConnector(force_close=True)
    async with network_at() as network, nursery() as nurse, aiohttp.ClientSession(connector=connector) as session:

        async def begin(folder: Path) -> Story:
            usual = {"outbox": OUTBOX, "limits": AT_ONCE, "voice": VOICE}
            if request.param == "postgres":
                server = request.getfixturevalue("postgres")
                usual["database"] = Database(await asyncio.to_thread(server.database))
            settings = settings_for(folder, network.url, **usual)
            integrator = Integrator(session, settings.server.public_url, await key_for(settings))
            return Story(nurse, integrator, Life(settings), network, next(numbers))

        async def tell(teller, *about):
            return await teller(await begin(tmp_path_factory.mktemp("story")), *about)

        asked = {
            **{("text", step): (told_of_a_send, step, "sms") for step in TEXTS},
            **{("call", step): (told_of_a_send, step, "call") for step in CALLS},
            **{("resend", step): (told_of_a_resend, step) for step in RESENDS},
            **{("notification", step): (told_of_a_notification, step) for step in NOTIFICATIONS},
            **{("reroute", step): (told_of_a_reroute, step) for step in REROUTES},
            **{("check", step): (told_of_a_check, step) for step in CHECKS},
            "end": (told_of_an_end,),
            "hang up": (told_of_a_hang_up,),
        }
        told = await asyncio.gather(*(tell(*about) for about in asked.values()))
        yield dict(zip(asked, told, strict=True))


def assert_settled(ending: Ending, sends: int) -> None:
    assert ending.sends == sends
    last, later = ending.settled["attempts"][-1], ending.later["attempts"][-1]
    assert (later["id"], later["provider_sid"]) == (last["id"], last["provider_sid"])
    assert len(ending.later["attempts"]) == len(ending.settled["attempts"])
    assert later["status"] not in OPEN


@pytest.mark.parametrize(("step", "sends"), TEXTS.items(), ids=str)
async def test_a_text_goes_out_once_or_is_reported_failed(endings, step, sends):
    ending = endings["text", step]
    assert_settled(ending, sends)
    if sends == 0:
        assert (ending.later["status"], ending.later["failure"]["code"]) == ("failed", "outcome_unknown")
    else:
        assert ending.later["status"] == "pending"


@pytest.mark.parametrize(("step", "sends"), CALLS.items(), ids=str)
async def test_a_call_is_placed_once_or_is_reported_failed(endings, step, sends):
    ending = endings["call", step]
    assert_settled(ending, sends)
    if sends == 0:
        assert (ending.later["status"], ending.later["failure"]["code"]) == ("failed", "outcome_unknown")


@pytest.mark.parametrize(("step", "sends"), RESENDS.items(), ids=str)
async def test_a_resend_goes_out_once(endings, step, sends):
    assert_settled(endings["resend", step], sends)


@pytest.mark.parametrize(("step", "texts"), NOTIFICATIONS.items(), ids=str)
async def test_a_notification_goes_out_once_or_not_at_all(endings, step, texts):
    assert endings["notification", step] == texts


@pytest.mark.parametrize(("step", "sends"), REROUTES.items(), ids=str)
async def test_a_text_that_one_provider_refused_goes_out_once_by_the_next_or_is_reported_failed(endings, step, sends):
    ending = endings["reroute", step]
    assert_settled(ending, sends)
    assert ending.later["attempts"][0]["provider"] == ("spare" if sends else "twilio")


@pytest.mark.parametrize(("step", "kept"), CHECKS.items(), ids=str)
async def test_a_committed_check_is_kept_and_another_is_as_if_it_never_was(endings, step, kept):
    after_wrong, after_right = endings["check", step]
    assert after_wrong["checks_left"] == (4 if kept else 5)
    assert after_right["status"] == ("approved" if kept else "pending")


async def test_how_a_call_ended_is_learned_though_nobody_heard_it(endings):
    ended = endings["end"]
    assert (ended["status"], ended["attempts"][0]["status"]) == ("failed", "busy")
    assert ended["failure"]["code"] == "line_busy"


async def test_a_kept_cancel_hangs_up_whoever_dies_before(endings):
    assert endings["hang up"]["status"] == "canceled"
