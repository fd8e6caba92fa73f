"""A provider that fails: the next of the route is asked after a no for good, and never when in doubt."""

import asyncio

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.dialects import SPARE, elsewhere_at
from support.integrator import PHONE
from support.world import ACCOUNT, TOKEN, free_port, serving_at, settings_for

from gateway.settings.accounts import AccountSettings, RouteSettings, Twilio
from gateway.settings.settings import Outbox

BOTH = ("twilio", SPARE)
ABROAD = "+442079460123"
NUMBERS_OWN = {
    ("sms", "+15005550001"): "number_invalid",
    ("sms", "+15005550004"): "opted_out",
    ("sms", "+15005550009"): "number_unreachable",
    ("call", "+15005550002"): "number_unreachable",
}
FAULTS = {
    "our credentials are refused": {"status": 401, "error_code": 20003},
    "the account is suspended": {"status": 403, "error_code": 30002},
    "the sender is not allowed": {"status": 400, "error_code": 21606},
    "the country is switched off": {"status": 400, "error_code": 21408},
    "nobody knows what it means": {"status": 400, "error_code": 21999},
    "it asks for patience again and again": {"status": 429, "retry_after": 0},
}
DOUBTS = {
    "the answer is lost": {"lose_answer": True},
    "it hangs": {"hang": "connect"},
    "500": {"status": 500},
    "503": {"status": 503, "retry_after": 1},
    "the answer names no sid": {"body": "no_sid"},
}


@pytest.fixture
async def spare():
    async with elsewhere_at("signalwire") as elsewhere:
        yield elsewhere


@pytest.fixture
def routes():
    return RouteSettings(BOTH, BOTH)


@pytest.fixture
def twilio(network):
    return Twilio(network.url, ACCOUNT, TOKEN, total_timeout=0.5, connect_timeout=0.3)


@pytest.fixture
async def world(tmp_path, network, spare, routes, twilio):
    sections = {"providers": {SPARE: spare.account}, "routes": routes, "twilio": twilio}
    outbox = Outbox(lease=3.0, reconcile_after=0.1, reconcile_for=0.6)
    async with serving_at(settings_for(tmp_path, network.url, outbox=outbox, **sections), network) as world:
        yield world


async def open_circuits(world):
    page = (await world.gateway.scrape()).decode()
    families = {family.name: family.samples for family in text_string_to_metric_families(page)}
    return {sample.labels["provider"]: sample.value for sample in families["poundkey_provider_circuit_open"]}


async def kinds(integrator, verification_id):
    return [event["type"] for event in await integrator.events(verification_id)]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_no_for_the_providers_own_sake_leads_to_the_next(integrator, network, spare, fault):
    await network.faults(api={**fault, "method": "POST"})
    made = await integrator.create()
    attempt = await integrator.attempt_when(made["id"], "delivered")
    assert (attempt["provider"], attempt["failure"]) == (SPARE, None)
    assert len((await integrator.show(made["id"]))["attempts"]) == 1
    assert (len(await network.texts()), len(await spare.network.texts())) == (0, 1)
    assert "attempt.rerouted" in await kinds(integrator, made["id"])
    assert (await integrator.check(made["id"], await spare.network.code())).body["valid"]


@pytest.mark.parametrize("twilio", [Twilio(f"http://127.0.0.1:{free_port()}", ACCOUNT, TOKEN)])
async def test_a_provider_that_is_not_reached_is_passed_at_once(integrator, spare):
    await spare.network.persona("presses_pound")
    made = await integrator.create(channel="call")
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["attempts"][0]["provider"]) == ("approved", SPARE)
    [rerouted] = [event for event in await integrator.events(made["id"]) if event["type"] == "attempt.rerouted"]
    told = {name: rerouted["facts"][name] for name in ("from", "to", "failure")}
    assert told == {"from": "twilio", "to": SPARE, "failure": "provider_unavailable"}


@pytest.mark.parametrize(("channel", "number"), NUMBERS_OWN, ids=str)
async def test_a_no_for_the_numbers_sake_is_the_last_word(integrator, spare, channel, number):
    made = await integrator.create(number, channel)
    ended = await integrator.finished(made["id"])
    assert ended["failure"]["code"] == NUMBERS_OWN[channel, number]
    assert ended["attempts"][0]["provider"] == "twilio"
    assert await spare.network.orders() == []


@pytest.mark.parametrize("fault", DOUBTS.values(), ids=DOUBTS)
async def test_a_send_in_doubt_never_moves_on(integrator, network, spare, fault):
    await network.faults(api={**fault, "method": "POST"}, callbacks={"drop": True})
    made = await integrator.create()
    await integrator.attempt_when(made["id"], "unknown")
    await network.faults(callbacks={"drop": True})
    attempt = await integrator.attempt_when(made["id"], "sent", "failed")
    assert attempt["provider"] == "twilio"
    assert await spare.network.orders() == []
    assert len(await network.texts()) <= 1


async def test_when_all_have_said_no_the_last_no_is_told(integrator, network, spare):
    await network.faults(api={"status": 401, "error_code": 20003})
    await spare.network.faults(api={"status": 400, "error_code": 21606})
    made = await integrator.create()
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["provider_code"]) == ("failed", "21606")
    assert (await kinds(integrator, made["id"])).count("attempt.rerouted") == 1


@pytest.mark.parametrize("routes", [RouteSettings(text=("twilio",), text_to={"GB": (SPARE,)})])
async def test_a_country_has_its_own_route(integrator, network, spare):
    home, abroad = await integrator.create(PHONE), await integrator.create(ABROAD)
    assert home["attempts"][0]["provider"] == "twilio"
    assert abroad["attempts"][0]["provider"] == SPARE
    await integrator.attempt_when(home["id"], "delivered")
    await integrator.attempt_when(abroad["id"], "delivered")
    assert (len(await network.orders()), len(await spare.network.orders())) == (1, 1)


@pytest.mark.parametrize("routes", [RouteSettings(BOTH, BOTH, failures=2, rest=1)])
async def test_a_provider_that_keeps_failing_is_rested_and_then_tried_with_one_send(world, integrator, network):
    async def delivered_by(number):
        made = await integrator.create(f"+1425555{number:04}")
        return (await integrator.attempt_when(made["id"], "delivered"))["provider"]

    await network.faults(api={"status": 401, "error_code": 20003})
    asked = 0
    for number in range(100, 104):
        assert await delivered_by(number) == SPARE
        asked = len(await network.orders())
    assert asked == 2  # the third and the fourth did not even ask
    assert await open_circuits(world) == {"twilio": 1, SPARE: 0}
    await network.faults()
    made_by, number = SPARE, 200
    while made_by == SPARE:  # until the rest is over
        made_by, number = await delivered_by(number), number + 1
    assert made_by == "twilio"
    assert await delivered_by(300) == "twilio"
    assert await open_circuits(world) == {"twilio": 0, SPARE: 0}


@pytest.mark.parametrize("routes", [RouteSettings(BOTH, BOTH, failures=2, rest=3)])
async def test_of_many_sends_at_once_one_tries_a_provider_after_its_rest(world, integrator, network, monkeypatch):
    opted_out = world.gateway.store.suppressions.opted_out

    async def slowly(number, sender):
        await asyncio.sleep(0.05)  # as where the database is elsewhere
        return await opted_out(number, sender)

    monkeypatch.setattr(world.gateway.store.suppressions, "opted_out", slowly)
    await network.faults(api={"status": 401, "error_code": 20003})
    for number in range(100, 102):
        made = await integrator.create(f"+1425555{number:04}")
        await integrator.attempt_when(made["id"], "delivered")
    asked = len(await network.orders())
    rested = world.gateway.store.clock() + 3_000
    while world.gateway.store.clock() < rested:
        await asyncio.sleep(0.05)
    many = await asyncio.gather(*(integrator.create(f"+1425555{number:04}") for number in range(200, 206)))
    for made in many:
        assert (await integrator.attempt_when(made["id"], "delivered"))["provider"] == SPARE
    assert len(await network.orders()) - asked == 1


async def test_the_provider_of_an_open_attempt_that_is_removed_from_the_settings_is_asked_no_more(
    tmp_path, network, spare, twilio
):
    outbox = Outbox(lease=3.0, reconcile_after=0.1, reconcile_for=0.6)
    first = settings_for(
        tmp_path,
        network.url,
        outbox=outbox,
        twilio=twilio,
        providers={SPARE: spare.account},
        routes=RouteSettings((SPARE,)),
    )
    await spare.network.faults(api={"lose_answer": True}, callbacks={"drop": True})
    async with serving_at(first, network) as world:
        made = await world.integrator.create()
        await world.integrator.attempt_when(made["id"], "unknown")
    later = msgspec.structs.replace(first, providers={}, routes=RouteSettings())
    async with serving_at(later, network) as world:
        shown = await world.gateway.store.verifications.get(made["id"])
        assert shown.attempts[0].provider == SPARE
        assert await network.orders() == []


def test_accounts_print_no_secret():
    assert "s3cret" not in repr(AccountSettings(auth_token="s3cret"))
