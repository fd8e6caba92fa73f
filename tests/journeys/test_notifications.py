"""A person is told by text of every change of their record: on the phones they had, whatever else those were sent."""

import asyncio
import contextlib
import logging
import sqlite3

import msgspec
import pytest
from support.integrator import PATIENCE, PHONE
from support.world import LIMITS, World, network_at, serving_at, settings_for

from gateway.domain.phone_number import PhoneNumber
from gateway.settings.settings import PortalSettings

NEW = "+14255550199"
ONE_SEND = msgspec.structs.replace(LIMITS, sends_per_number=1)
TWO_SENDS = msgspec.structs.replace(LIMITS, sends_per_number=2, resend_wait=0)


async def prove(world: World, enrollment_id: str, number: str, **fields: str) -> str:
    """Add a phone to a person's record and prove it by text; returns its id."""
    wish = {"kind": "authentication", "to": number, "channel": "sms", **fields}
    answer = await world.integrator.ask("POST", f"/v1/enrollments/{enrollment_id}/phones", wish)
    assert answer.status == 201, answer
    code = await world.network.code(number)
    assert (await world.integrator.check(answer.body["verification"]["id"], code)).body["valid"]
    return answer.body["phone"]["id"]


async def person(world: World, **fields: str) -> tuple[str, str]:
    """Enroll a person with a proven phone; returns the ids of both."""
    answer = await world.integrator.ask("POST", "/v1/enrollments", {"user": "alice@example.com", **fields})
    return answer.body["id"], await prove(world, answer.body["id"], PHONE)


async def block(world: World, enrollment_id: str) -> None:
    answer = await world.integrator.ask("POST", f"/v1/enrollments/{enrollment_id}/block", {"reason": "a lost phone"})
    assert answer.status == 200, answer


async def told(world: World, texts: int, number: str = PHONE) -> str:
    """Wait until a handset has so many texts; returns the latest."""
    handset = await world.network.handset_when(lambda kept: len(kept["messages"]) >= texts, number)
    return handset["messages"][-1]["body"]


async def none_left(world: World) -> None:
    """Wait until no notification is in the outbox any more."""
    with contextlib.closing(sqlite3.connect(world.settings.database.path)) as database:
        async with asyncio.timeout(PATIENCE):
            while database.execute("SELECT COUNT(*) FROM outbox WHERE kind = 'notification'").fetchone() != (0,):
                await asyncio.sleep(0.01)


async def test_the_old_phone_is_told_that_another_took_its_place(world, network):
    alice, old = await person(world)
    await prove(world, alice, NEW, replaces=old)
    assert await told(world, 2) == "A phone of your Example Bank account was replaced."
    await none_left(world)
    assert [len(await network.texts(number)) for number in (PHONE, NEW)] == [2, 1]


async def test_the_other_phones_are_told_of_one_that_comes_and_of_one_that_goes(world, integrator, network):
    alice, first = await person(world)
    await prove(world, alice, NEW, kind="alternate")
    assert await told(world, 2) == "A phone was added to your Example Bank account."
    await integrator.ask("DELETE", f"/v1/enrollments/{alice}/phones/{first}")
    removed = "A phone was removed from your Example Bank account."
    assert [await told(world, 3), await told(world, 2, NEW)] == [removed, removed]
    await none_left(world)
    assert [len(await network.texts(number)) for number in (PHONE, NEW)] == [3, 2]


async def test_a_new_app_password_is_told(world, integrator):
    alice, _ = await person(world)
    made = await integrator.ask("POST", f"/v1/enrollments/{alice}/app-passwords", {"name": "mail"})
    assert made.status == 201, made
    assert await told(world, 2) == "An app password was created for your Example Bank account."


async def test_a_pin_that_is_set_set_anew_chosen_on_a_call_or_removed_is_told(world, network):
    alice, _ = await person(world)
    path, new = f"/v1/enrollments/{alice}", "A new PIN was set for your Example Bank account."
    for texts, pin in enumerate(("715926", "583017"), start=2):
        assert (await world.integrator.ask("PUT", f"{path}/pin", {"pin": pin})).status == 200
        assert await told(world, texts) == new
    wish = {"purpose": "sign_in", "channel": "call", "mode": "pin"}
    assert (await world.integrator.ask("POST", f"{path}/verifications", wish)).status == 201
    sid = await network.answered()
    for times, digits in enumerate(("583017", "40962", "40962"), start=1):
        await network.asked(times)
        await network.press(sid, f"{digits}#")
    assert await told(world, 4) == new
    assert (await world.integrator.ask("DELETE", f"{path}/pin")).status == 204
    assert await told(world, 5) == "The PIN of your Example Bank account was removed."


async def test_the_first_phone_is_nobodys_news(world, network):
    await person(world)
    await none_left(world)
    assert len(await network.texts()) == 1


async def test_a_person_reads_it_in_their_language(world):
    alice, _ = await person(world, locale="de-AT")
    await block(world, alice)
    assert await told(world, 2) == "Die Anmeldung an Ihrem Konto bei Example Bank wurde gesperrt."


@pytest.mark.parametrize(
    ("branding", "contact"),
    [
        ({"support_email": "help@example.com"}, "help@example.com"),
        ({"support_email": "help@example.com", "support_url": "https://help.example.com"}, "https://help.example.com"),
        ({"support_url": "https://help.example.com", "support_phone": "+1 425 555 0100"}, "+1 425 555 0100"),
    ],
)
async def test_the_last_line_says_where_to_turn_to(tmp_path, branding, contact):
    file = tmp_path / "applications.toml"
    lines = [f'{name} = "{value}"' for name, value in branding.items()]
    file.write_text("\n".join(['[applications."Example Bank".branding]', *lines, ""]))
    async with network_at() as network:
        settings = settings_for(tmp_path, network.url, portal=PortalSettings(applications=str(file)))
        async with serving_at(settings, network) as world:
            alice, _ = await person(world)
            await block(world, alice)
            expected = f"Sign-in to your Example Bank account was blocked.\nNot you? Contact {contact}."
            assert await told(world, 2) == expected


@pytest.mark.parametrize("limits", [ONE_SEND])
async def test_a_number_that_had_its_share_of_texts_is_told_all_the_same(world, integrator):
    alice, old = await person(world)
    refused = await integrator.ask("POST", "/v1/verifications", {"to": PHONE, "channel": "sms"})
    assert (refused.status, refused.body["code"]) == (429, "rate_limited")
    await prove(world, alice, NEW, replaces=old)
    assert "replaced" in await told(world, 2)


@pytest.mark.parametrize("limits", [TWO_SENDS])
async def test_a_notification_takes_no_part_of_that_share(world, integrator):
    alice, old = await person(world)
    await prove(world, alice, NEW, replaces=old)
    await told(world, 2)
    await integrator.create()


async def test_the_provider_is_not_asked_to_report_on_it(world, network):
    alice, _ = await person(world)
    await block(world, alice)
    await told(world, 2)
    code, notice = await network.orders()
    assert code.keys() - notice.keys() == {"StatusCallback"}


async def test_one_that_the_provider_refuses_is_dropped_and_logged_without_the_number(world, network, caplog):
    alice, _ = await person(world)
    await network.faults(api={"status": 400, "error_code": 21610, "method": "POST"})
    with caplog.at_level(logging.INFO, logger="gateway.outbox"):
        await block(world, alice)
        await none_left(world)
    [line] = [record.getMessage() for record in caplog.records if record.name.startswith("gateway.outbox")]
    assert "was refused" in line
    assert "21610" in line
    assert PHONE[2:] not in line
    assert len(await network.texts()) == 1


@pytest.mark.parametrize("fault", [{"lose_answer": True}, {"status": 502}], ids=["sent", "not sent"])
async def test_one_whose_fate_is_unknown_is_dropped_and_never_sent_again(world, network, fault, caplog):
    alice, _ = await person(world)
    await network.faults(api={**fault, "method": "POST"})
    with caplog.at_level(logging.INFO, logger="gateway.outbox"):
        await block(world, alice)
        await none_left(world)
    assert "left it open" in caplog.text
    assert len(await network.texts()) == (2 if "lose_answer" in fault else 1)


@pytest.mark.parametrize(
    ("task", "worker"),
    [("scheduler", "scheduler"), ("an attempt 0", "dispatcher"), ("a notification 0", "dispatcher")],
)
async def test_readiness_tells_of_a_worker_that_has_stopped(integrator, task, worker):
    [stopped] = [each for each in asyncio.all_tasks() if each.get_name() == task]
    assert (await integrator.ask("GET", "/readyz")).status == 200
    stopped.cancel()
    await asyncio.wait([stopped])
    answer = await integrator.ask("GET", "/readyz")
    assert (answer.status, answer.body["detail"]) == (503, f"{worker} has stopped.")


async def test_who_asked_for_no_more_texts_is_told_nothing(world):
    enrollment_id, _ = await person(world)
    await prove(world, enrollment_id, NEW, kind="alternate")
    await told(world, 2)
    await none_left(world)
    before = len(await world.network.texts()), len(await world.network.texts(NEW))
    await world.gateway.store.suppressions.add(PhoneNumber(PHONE), "asked by letter")
    await block(world, enrollment_id)
    await told(world, before[1] + 1, NEW)
    await none_left(world)
    assert len(await world.network.texts()) == before[0]
