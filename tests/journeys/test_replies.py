"""A person texts back: the code approves where the policy lets it, and the fraud word denies everywhere."""

import msgspec
import pytest
from support.integrator import PHONE, wrong_for
from support.network import OURS
from support.world import LIMITS, world_at

from gateway.settings.channels import Text
from gateway.settings.settings import PortalSettings
from webhooks.urls import Addresses

OTHER_PHONE = "+14255550124"
POLICY = '[applications."Example Bank"]\nreply_with_code = true\nfraud_block_days = 7\n'


@pytest.fixture
async def world(tmp_path, limits):
    file = tmp_path / "applications.toml"
    file.write_text(POLICY)
    async with world_at(tmp_path, limits=limits, portal=PortalSettings(applications=str(file))) as world:
        yield world


async def test_the_code_texted_back_approves(integrator, network):
    made = await integrator.create()
    code = await network.code()
    await network.text_back(f" {code[:3]} {code[3:]}\n")
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["assurance"], ended["failure"]) == ("approved", "possession", None)
    types = [event["type"] for event in await integrator.events(made["id"])]
    assert [kind for kind in types if kind != "message.status"][-3:] == [
        "text.replied",
        "code.checked",
        "verification.approved",
    ]


async def test_wrong_codes_count_whichever_way_they_come(integrator, network):
    made = await integrator.create()
    code = await network.code()
    wrong = wrong_for(code)
    await network.text_back(wrong)
    assert (await integrator.show(made["id"]))["checks_left"] == 4
    assert (await integrator.check(made["id"], wrong)).body["checks_left"] == 3
    for words in ("hello", code[:-1], f"my code is {code}"):
        await network.text_back(words)
    assert (await integrator.show(made["id"]))["checks_left"] == 3
    for _ in range(3):
        await network.text_back(wrong)
    assert (await integrator.show(made["id"]))["status"] == "max_attempts_reached"
    await network.text_back(code)
    assert (await integrator.show(made["id"]))["status"] == "max_attempts_reached"


@pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, failed_checks_per_day=2)])
async def test_a_number_that_had_its_wrong_codes_is_not_heard(integrator, network):
    made = await integrator.create()
    code = await network.code()
    for _ in range(2):
        await network.text_back(wrong_for(code))
    await network.text_back(code)
    shown = await integrator.show(made["id"])
    assert (shown["status"], shown["checks_left"]) == ("pending", 3)


async def test_a_text_that_is_reported_often_is_one_guess(integrator, network):
    made = await integrator.create()
    code = await network.code()
    await network.faults(callbacks={"duplicate": 9})
    await network.text_back(wrong_for(code))
    await network.exchanged("callback", 10)
    assert (await integrator.show(made["id"]))["checks_left"] == 4


async def test_a_report_of_fraud_is_told_to_the_operator_once_and_without_the_number(integrator, network, caplog):
    made = await integrator.create()
    await network.code()
    await network.faults(callbacks={"duplicate": 3})
    await network.text_back("Fraud!")
    await integrator.finished(made["id"])
    told = [record.getMessage() for record in caplog.records if "reported fraud" in record.getMessage()]
    assert told == [f"a person reported fraud by text: {made['id']}"]


async def test_without_the_policy_a_code_does_nothing(world, network):
    made = await world.other.create()
    await network.text_back(await network.code())
    shown = await world.other.show(made["id"])
    assert (shown["status"], shown["checks_left"]) == ("pending", 5)


async def test_another_phone_s_text_does_nothing(integrator, network):
    made = await integrator.create()
    code = await network.code()
    await network.text_back(code, OTHER_PHONE)
    await network.text_back("FRAUD", OTHER_PHONE)
    assert (await integrator.show(made["id"]))["status"] == "pending"


async def test_a_call_is_not_answered_by_text(integrator, network):
    made = await integrator.create(channel="call")
    await network.ringing()
    await network.text_back("FRAUD")
    assert (await integrator.show(made["id"]))["status"] == "pending"


@pytest.mark.parametrize(
    ("locale", "words"), [("en", "FRAUD"), ("de", "Betrug!"), ("ja", "詐欺"), ("fr", "fraude"), ("de", "fraud")]
)
async def test_the_fraud_word_denies_and_locks_the_person_out(integrator, network, locale, words):
    person = await integrator.enroll()
    made = await integrator.create(enrollment_id=person["id"], locale=locale)
    code = await network.code()
    await network.text_back(words)
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("denied", "reported_fraud")
    record = await integrator.enrollment(person["id"])
    assert record["status"] == "blocked"
    assert record["last_outcome"]["failure"]["code"] == "reported_fraud"
    assert (await integrator.check(made["id"], code)).status == 409


async def test_the_fraud_word_is_heard_whatever_the_policy_says(world, network):
    made = await world.other.create()
    await network.code()
    await network.text_back("Fraud")
    assert (await world.other.finished(made["id"]))["status"] == "denied"


async def test_a_text_that_the_provider_did_not_sign_is_not_heard(world, integrator, network):
    made = await integrator.create()
    code = await network.code()
    form = {"MessageSid": "SM1", "From": PHONE, "To": OURS, "Body": code}
    url = Addresses(world.settings.server.public_url, "twilio").inbound_message_url()
    status, _ = await network.report(url, "a forger's guess", **form)
    assert (status, (await integrator.show(made["id"]))["status"]) == (403, "pending")
    status, answer = await network.report(url, **form)
    assert (status, answer, (await integrator.show(made["id"]))["status"]) == (200, "<Response/>", "approved")


@pytest.mark.parametrize("sender", ["12345", "+1", "anonymous", "+1900555012345678"])
async def test_a_sender_that_is_no_phone_is_not_heard(world, network, sender):
    url = Addresses(world.settings.server.public_url, "twilio").inbound_message_url()
    told = await network.report(url, MessageSid="SM1", From=sender, To=OURS, Body="STOP")
    assert told == (200, "<Response/>")


async def test_other_fraud_words_are_a_setting(tmp_path):
    async with world_at(tmp_path, text=Text(OURS, fraud_words=("Not me",))) as world:
        made = await world.integrator.create()
        await world.network.handset_when(lambda kept: kept["messages"])
        await world.network.text_back("not me.")
        assert (await world.integrator.finished(made["id"]))["status"] == "denied"
