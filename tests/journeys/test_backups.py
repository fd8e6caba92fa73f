"""The backup on a whole gateway: nobody answers a sign-in's call, and the person's next phone is called, once."""

import asyncio

import msgspec
import pytest
from support.integrator import PHONE
from support.network import ACCOUNT, TOKEN
from support.people import OFFICE, OFFICE_NUMBER, SECOND_PHONE, enroll, governed_at
from support.world import LIMITS, World, free_port, network_at, serving_at, settings_for
from twilio.request_validator import RequestValidator

from gateway.domain.delivery import DeliveryStatus
from gateway.domain.status_reports import CallReport, apply_call_report
from gateway.metrics import Metrics
from gateway.services.backup_phone import BackupPhones
from gateway.settings.channels import Voice
from gateway.settings.settings import Database, Outbox, PortalSettings

POLICY = "[default]\ncall_backup = true\n"
PATIENT = msgspec.structs.replace(LIMITS, call_grace=2.0)
UNANSWERED = {"no_answer": "no_answer", "busy": "line_busy", "unreachable": "number_unreachable"}


@pytest.fixture
def policy():
    return POLICY


@pytest.fixture
def limits():
    return PATIENT


@pytest.fixture
def outbox():
    return Outbox()


@pytest.fixture
async def world(tmp_path, limits, policy, outbox):
    async with governed_at(
        tmp_path, policy, limits=limits, outbox=outbox, voice=Voice("+15005550006", ring_timeout=5)
    ) as world:
        yield world


@pytest.fixture
async def alice(world):
    """A person with two phones, of whom the default is silent and the other is answered."""
    return await with_two_phones(world)


async def with_two_phones(world: World):
    alice = await enroll(world)
    await alice.prove()
    await alice.prove(SECOND_PHONE, kind="alternate")
    await world.network.persona("no_answer")
    await world.network.persona("presses_pound", SECOND_PHONE)
    return alice


async def begun(alice, **fields) -> dict:
    answer = await alice.sign_in(channel="call", **fields)
    assert answer.status == 201, answer
    assert (answer.body["to"], answer.body["continued_by"]) == (PHONE, None)
    return answer.body


async def gone_on(integrator, first: str) -> dict:
    """Wait until a verification goes on, and return the one that it goes on by."""
    kept = await integrator.wait_until(first, lambda kept: kept["continued_by"] or kept["status"] != "pending")
    return await integrator.show(kept["continued_by"])


async def facts_of(integrator, verification_id: str, kind: str) -> list[dict]:
    return [event["facts"] for event in await integrator.events(verification_id) if event["type"] == kind]


async def calls_to(network, number: str) -> int:
    return [order["To"] for order in await network.orders() if "Url" in order].count(number)


async def reason_of_end(integrator, made: dict) -> dict:
    """Wait until a verification that goes on nowhere has failed; return why it does not go on."""
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["continued_by"]) == ("failed", None)
    [facts] = await facts_of(integrator, made["id"], "verification.not_continued")
    return facts


@pytest.mark.parametrize("persona", UNANSWERED)
async def test_the_other_phone_is_called_and_signs_in(alice, integrator, network, persona):
    await network.persona(persona)
    first = await begun(alice, mode="match")
    second = await gone_on(integrator, first["id"])
    assert (second["to"], second["channel"], second["mode"]) == (SECOND_PHONE, "call", "match")
    assert (second["purpose"], second["enrollment_id"], second["locale"]) == ("sign_in", alice.id, first["locale"])
    assert await facts_of(integrator, first["id"], "verification.continued") == [{"verification_id": second["id"]}]
    [created] = await facts_of(integrator, second["id"], "verification.created")
    assert created["continues"] == first["id"]
    ended = await integrator.finished(first["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", UNANSWERED[persona])
    assert ended["continued_by"] == second["id"]


@pytest.mark.parametrize("limits", [msgspec.structs.replace(PATIENT, call_grace=0.0)])
async def test_the_other_phone_is_called_where_a_call_has_no_grace(world, alice):
    await assert_one_backup(world, await begun(alice))


async def test_a_text_that_is_refused_behind_a_call_that_reached_nobody_lets_the_other_phone_be_called(
    world, alice, integrator, network
):
    await network.text_back("STOP")
    first = await begun(alice, fallback=[{"channel": "call"}, {"channel": "sms"}])
    await assert_one_backup(world, first)
    failures = [attempt["failure"]["code"] for attempt in (await integrator.show(first["id"]))["attempts"]]
    assert failures == ["no_answer", "opted_out"]


async def test_who_waits_hears_of_the_other_phone_before_the_end(alice, integrator):
    first = await begun(alice)
    told = await integrator.wait_until(first["id"], lambda kept: kept["continued_by"] is not None)
    assert told["status"] == "pending"
    approved = await integrator.finished(told["continued_by"])
    assert (approved["status"], approved["assurance"], approved["to"]) == ("approved", "presence", SECOND_PHONE)
    outcome = (await alice.record())["last_outcome"]
    assert (outcome["verification_id"], outcome["status"]) == (approved["id"], "approved")


@pytest.mark.parametrize("policy", ["", POLICY + '[applications."Example Bank"]\ncall_backup = false\n'])
async def test_without_the_policys_yes_nobody_else_is_called(alice, integrator, network):
    first = await begun(alice)
    ended = await integrator.finished(first["id"])
    assert (ended["failure"]["code"], ended["continued_by"]) == ("no_answer", None)
    assert await facts_of(integrator, first["id"], "verification.not_continued") == []
    assert await calls_to(network, SECOND_PHONE) == 0


@pytest.mark.parametrize("policy", ['[applications."Example Bank".groups.callees]\ncall_backup = true\n'])
async def test_a_group_decides(alice, integrator):
    assert (await integrator.finished((await begun(alice))["id"]))["continued_by"] is None
    await alice.ask("PATCH", "", {"groups": ["callees"]})
    assert (await gone_on(integrator, (await begun(alice))["id"]))["to"] == SECOND_PHONE


async def test_who_declines_is_called_nowhere_else(world, alice, integrator, network):
    made, order = await ringing_call(world, alice)
    [sid] = [call["sid"] for call in (await network.handset())["calls"]]
    form = {"CallSid": sid, "CallStatus": "busy", "SequenceNumber": "9", "AccountSid": ACCOUNT}
    await network.report(order["StatusCallback"], **form, SipResponseCode="603")
    ended = await integrator.finished(made["id"])
    assert (ended["failure"]["code"], ended["continued_by"]) == ("call_rejected", None)
    assert await calls_to(network, SECOND_PHONE) == 0


async def test_a_verification_without_that_purpose_goes_nowhere(alice, integrator, network):
    made = (await alice.ask("POST", "/verifications", {"channel": "call"})).body
    assert (await integrator.finished(made["id"]))["continued_by"] is None
    assert await calls_to(network, SECOND_PHONE) == 0


async def test_the_steps_of_a_fallback_come_first(alice, integrator, network):
    await network.persona("unreachable")
    first = await begun(alice, fallback=[{"channel": "call"}, {"channel": "sms"}])
    second = await gone_on(integrator, first["id"])
    kept = await integrator.show(first["id"])
    assert [attempt["channel"] for attempt in kept["attempts"]] == ["call", "sms"]
    assert (second["to"], second["fallback"]) == (SECOND_PHONE, None)


@pytest.mark.parametrize("limits", [msgspec.structs.replace(PATIENT, sends_per_person=3)])
async def test_limits_hold_and_the_journal_says_so(alice, integrator, network):
    assert await reason_of_end(integrator, await begun(alice)) == {"reason": "rate_limited"}
    assert await calls_to(network, SECOND_PHONE) == 0


async def test_who_has_one_phone_is_told_why_it_ended_there(world, integrator, network):
    alone = await enroll(world)
    await alone.prove()
    await network.persona("no_answer")
    assert await reason_of_end(integrator, await begun(alone)) == {"reason": "no_method"}


async def test_a_phone_that_may_not_be_called_is_left_out(alice, integrator, network):
    await alice.prove(OFFICE, "call", kind="office")
    await network.persona("manual")
    await network.persona("manual", SECOND_PHONE)
    stopping = await alice.sign_in(channel="call", phone_id=(await alice.record())["phones"][1]["id"])
    await network.press(await network.answered(SECOND_PHONE), "9", SECOND_PHONE)
    await network.asked(2, SECOND_PHONE)
    sid = (await network.handset(SECOND_PHONE))["calls"][-1]["sid"]
    await network.press(sid, "#", SECOND_PHONE)
    assert (await integrator.finished(stopping.body["id"]))["failure"]["code"] == "number_blocked"
    await network.persona("no_answer")
    assert (await gone_on(integrator, (await begun(alice))["id"]))["to"] == OFFICE_NUMBER


async def test_a_row_of_three_calls_each_phone_once(alice, integrator, network):
    await alice.prove(OFFICE, "call", kind="office")
    await network.persona("busy", SECOND_PHONE)
    first = await begun(alice)
    second = await gone_on(integrator, first["id"])
    third = await gone_on(integrator, second["id"])
    assert (second["to"], third["to"]) == (SECOND_PHONE, OFFICE_NUMBER)
    await network.press(await network.answered(OFFICE_NUMBER), "#", OFFICE_NUMBER)
    assert (await integrator.finished(third["id"]))["status"] == "approved"
    await integrator.finished(first["id"])
    await integrator.finished(second["id"])
    assert [await calls_to(network, number) for number in (PHONE, SECOND_PHONE)] == [1, 1]


async def test_all_in_vain_ends_with_the_last(alice, integrator, network):
    await network.persona("busy", SECOND_PHONE)
    first = await begun(alice)
    second = await gone_on(integrator, first["id"])
    assert await reason_of_end(integrator, second) == {"reason": "no_method"}
    await integrator.finished(first["id"])
    outcome = (await alice.record())["last_outcome"]
    assert outcome["verification_id"] in {first["id"], second["id"]}
    assert outcome["status"] == "failed"
    assert [await calls_to(network, number) for number in (PHONE, SECOND_PHONE)] == [1, 1]


async def reported_at_once(network, order: dict[str, str], addresses: list[str]) -> None:
    """Let the provider tell each address of the end of a call twenty times at once, with other numbers each."""
    url = order["StatusCallback"]
    port = url.split("/")[2]
    [sid] = [call["sid"] for call in (await network.handset())["calls"]]

    async def report(count: int) -> int:
        form = {
            "CallSid": sid,
            "CallStatus": "no-answer",
            "SequenceNumber": str(count),
            "AccountSid": ACCOUNT,
        }
        headers = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(url, form)}
        at = url.replace(port, addresses[count % len(addresses)])
        async with network.session.post(at, data=form, headers=headers) as response:
            return response.status

    statuses = await asyncio.gather(*(report(count) for count in range(20)))
    assert max(statuses) < 300


async def assert_one_backup(world, made) -> None:
    second = await gone_on(world.integrator, made["id"])
    assert (await world.integrator.finished(second["id"]))["status"] == "approved"
    listed = (await world.integrator.ask("GET", "/v1/verifications?limit=100")).body["data"]
    calls = [kept for kept in listed if kept["to"] == SECOND_PHONE and kept["channel"] == "call"]
    assert [kept["id"] for kept in calls] == [second["id"]]
    assert await calls_to(world.network, SECOND_PHONE) == 1
    assert len(await facts_of(world.integrator, made["id"], "verification.continued")) == 1


async def ringing_call(world, alice) -> tuple[dict, dict[str, str]]:
    """Begin a call that rings on; return its order, too."""
    await world.network.persona("manual")
    made = await begun(alice)
    await world.network.ringing()
    order = next(order for order in await world.network.orders() if order["To"] == PHONE and "Url" in order)
    return made, order


async def test_a_repeated_report_begins_one(world, alice):
    made, order = await ringing_call(world, alice)
    await reported_at_once(world.network, order, [order["StatusCallback"].split("/")[2]])
    await assert_one_backup(world, made)


async def test_two_gateways_begin_one(tmp_path, postgres):
    file = tmp_path / "applications.toml"
    file.write_text(POLICY)
    async with network_at() as network:
        settings = settings_for(
            tmp_path,
            network.url,
            database=Database(postgres.database()),
            limits=PATIENT,
            portal=PortalSettings(applications=str(file)),
        )
        other = msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, port=free_port()))
        async with serving_at(settings, network) as first, serving_at(other, network):
            alice = await with_two_phones(first)
            made, order = await ringing_call(first, alice)
            ports = [f"127.0.0.1:{each.server.port}" for each in (settings, other)]
            await reported_at_once(network, order, ports)
            await assert_one_backup(first, made)


@pytest.mark.parametrize("outbox", [Outbox(reconcile_after=0.2, reconcile_for=2.0, settle_after=0.2)])
async def test_what_the_provider_says_when_asked_begins_one_too(alice, integrator, network):
    await network.faults(callbacks={"drop": True})
    second = await gone_on(integrator, (await begun(alice))["id"])
    assert second["to"] == SECOND_PHONE


async def test_a_first_one_that_has_ended_meanwhile_takes_the_call_back(world, alice, integrator, network):
    await network.persona("manual")
    made = await begun(alice)
    await network.ringing()
    store, services = world.gateway.store, world.gateway.services
    kept = await store.verifications.get(made["id"])
    report = CallReport("CA1", DeliveryStatus.NO_ANSWER, "no-answer", 1, None, None)
    known = msgspec.structs.replace(kept.attempts[0], provider_sid=None)
    before = msgspec.structs.replace(kept, attempts=(known,))
    stale = apply_call_report(before, known.token, report, world.gateway.store.clock(), PATIENT).verification
    await integrator.cancel(made["id"])
    await BackupPhones(
        store.verifications, store.enrollments, services.authentication, services.verifications, Metrics()
    ).reported(stale)
    listed = (await integrator.ask("GET", "/v1/verifications?limit=100")).body["data"]
    [backup] = [kept for kept in listed if kept["to"] == SECOND_PHONE and kept["channel"] == "call"]
    assert backup["status"] == "canceled"
    assert (await integrator.show(made["id"]))["continued_by"] is None
