"""A call on which the person keys in the digits that the page shows, then #: nothing less is enough."""

import msgspec
import pytest
from support.integrator import PHONE, wrong_for
from support.network import gather_url, said
from support.world import LIMITS, world_at

from gateway.settings.settings import PortalSettings

AT_ONCE = pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, resend_wait=0)])
PATIENT = pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, resend_wait=0, call_grace=60.0)])
FOUR_WRONG = pytest.mark.parametrize(
    "limits", [msgspec.structs.replace(LIMITS, failed_checks_per_day=4, resend_wait=0)]
)


async def match(integrator, **fields):
    made = await integrator.create(channel="call", mode="match", **fields)
    assert (made["mode"], made["attempts"][0]["mode"], made["next"]["check"]) == ("match", "match", False)
    assert made["match_digits"].isdecimal()
    assert len(made["match_digits"]) == 2
    return made


async def wrong_to_the_end(integrator, network, made):
    sid = await network.answered()
    for times in range(1, LIMITS.wrong_keys_per_call + 1):
        await network.asked(times)
        await network.press(sid, f"{wrong_for(made['match_digits'])}#")
    return await integrator.finished(made["id"])


async def test_the_digits_and_pound_approve_at_once(integrator, network):
    enrollment = await integrator.enroll()
    made = await match(integrator, enrollment_id=enrollment["id"])
    sid = await network.answered()
    assert (await integrator.show(made["id"]))["match_digits"] == made["match_digits"]
    await network.press(sid, f"{made['match_digits']}#")
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["assurance"], ended["failure"]) == ("approved", "possession", None)
    assert ended["match_digits"] is None
    heard = said(await network.call_over())
    assert heard[0].startswith("Example Bank is calling")
    assert heard[0].endswith("enter the two digits that you see on the screen, then press the pound key.")
    assert heard[1].startswith("Thank you.")
    outcome = (await integrator.enrollment(enrollment["id"]))["last_outcome"]
    assert (outcome["status"], outcome["assurance"]) == ("approved", "possession")


async def test_the_provider_posts_the_digits_without_the_pound_and_never_hears_them_from_us(integrator, network):
    made = await match(integrator)
    sid = await network.answered()
    for key in f"{made['match_digits']}#":
        await network.press(sid, key)
    await integrator.finished(made["id"])
    [posted] = [form for fetch in await network.exchanges("fetch") if "Digits" in (form := dict(fetch["form"]))]
    assert (posted["Digits"], posted["FinishedOnKey"]) == (made["match_digits"], "#")
    assert not any(made["match_digits"] in sentence for sentence in said(await network.call_over()))


async def test_the_digits_without_pound_approve_when_no_more_come(integrator, network):
    made = await match(integrator)
    sid = await network.answered()
    await network.press(sid, made["match_digits"])
    await network.speed(1000)
    assert (await integrator.finished(made["id"]))["assurance"] == "possession"


async def test_wrong_digits_are_asked_again_and_the_third_end_it(integrator, network):
    made = await match(integrator)
    ended = await wrong_to_the_end(integrator, network, made)
    assert (ended["status"], ended["assurance"], ended["failure"]["code"]) == ("failed", None, "wrong_key")
    heard = said(await network.call_over())
    assert all(sentence.startswith("Those were not the digits on the screen. ") for sentence in heard[1:3])
    assert heard[3].startswith("Those were not the digits on the screen, so")
    types = [entry["type"] for entry in await integrator.events(made["id"])]
    assert types.count("call.wrong_digits") == 3


async def test_the_digits_approve_after_wrong_ones_and_a_lone_pound(integrator, network):
    made = await match(integrator)
    sid = await network.answered()
    keys = (f"{wrong_for(made['match_digits'])}#", "#", f"{made['match_digits']}#")
    for times, pressed in enumerate(keys, start=1):
        await network.asked(times)
        await network.press(sid, pressed)
    assert (await integrator.finished(made["id"]))["status"] == "approved"


async def test_a_bare_pound_never_approves(integrator, network):
    await network.persona("presses_pound")
    made = await match(integrator)
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "no_key_pressed")
    heard = said(await network.call_over())
    assert [sentence.startswith("We did not receive any digits") for sentence in heard] == [False, True, True]


async def test_a_provider_that_sends_the_pound_as_a_digit_approves_nothing(integrator, network):
    made = await match(integrator)
    sid = await network.answered()
    [order] = await network.orders()
    assert (await network.report(gather_url(order), CallSid=sid, Digits="#"))[0] == 200
    assert (await integrator.show(made["id"]))["status"] == "pending"


@pytest.mark.parametrize("persona", ["voicemail", "voicemail_with_tones", "screening"])
async def test_a_machine_never_approves(integrator, network, persona):
    await network.persona(persona)
    made = await match(integrator)
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["assurance"]) == ("failed", None)


@AT_ONCE
async def test_the_next_call_asks_for_the_same_digits(integrator, network):
    made = await match(integrator)
    await integrator.resend(made["id"], channel="sms")
    sid = await network.answered()
    await network.hang_up(sid)
    await integrator.attempt_when(made["id"], "completed")
    again = (await integrator.resend(made["id"], channel="call")).body
    assert (again["mode"], again["match_digits"]) == ("match", made["match_digits"])
    sid = await network.answered()
    await network.press(sid, f"{made['match_digits']}#")
    assert (await integrator.finished(made["id"]))["assurance"] == "possession"


@AT_ONCE
async def test_who_gets_no_text_can_be_called_and_key_in_digits(integrator, network):
    made = await integrator.create()
    assert (made["mode"], made["match_digits"]) == (None, None)
    again = (await integrator.resend(made["id"], channel="call", mode="match")).body
    sid = await network.answered()
    await network.press(sid, f"{again['match_digits']}#")
    assert (await integrator.finished(made["id"]))["assurance"] == "possession"


@FOUR_WRONG
async def test_wrong_digits_count_for_the_number_with_its_wrong_codes(world, integrator, network):
    await wrong_to_the_end(integrator, network, await match(integrator))
    texted = await world.other.create()
    code = await network.code()
    assert (await world.other.check(texted["id"], wrong_for(code))).body["valid"] is False
    assert (await world.other.check(texted["id"], code)).status == 429
    made = await match(integrator)
    sid = await network.answered()
    await network.press(sid, f"{made['match_digits']}#")
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "rate_limited")
    assert said(await network.call_over())[-1].startswith("Too many wrong codes were entered for this phone")


@pytest.mark.parametrize(
    ("locale", "words"),
    [("en-AU", "press the hash key"), ("de-AT", "zwei Ziffern"), ("ja", "2桁の数字"), ("xx", "press the pound key")],
)
async def test_the_call_speaks_the_locale(integrator, network, locale, words):
    await match(integrator, locale=locale)
    await network.answered()
    assert words in said((await network.handset())["calls"][-1])[0]


async def test_a_list_shows_the_digits_to_its_application_only_while_they_count(world, integrator):
    made = await match(integrator)
    listed = (await integrator.ask("GET", "/v1/verifications")).body["data"]
    assert [one["match_digits"] for one in listed] == [made["match_digits"]]
    assert (await world.other.ask("GET", f"/v1/verifications/{made['id']}")).status == 404
    assert (await integrator.cancel(made["id"])).body["match_digits"] is None


async def test_where_policy_asks_for_digits_no_call_asks_for_less(tmp_path):
    policies = tmp_path / "applications.toml"
    policies.write_text('[applications."Example Bank"]\ncall_proof = "match"\n')
    async with world_at(tmp_path, portal=PortalSettings(applications=str(policies))) as world:
        call = {"to": PHONE, "channel": "call"}
        refused = await world.integrator.ask("POST", "/v1/verifications", {**call, "mode": "confirm"})
        assert (refused.status, refused.body["code"]) == (403, "method_forbidden")
        made = await world.integrator.create(channel="call")
        assert (made["mode"], len(made["match_digits"])) == ("match", 2)
        assert (await world.other.create("+14255550124", channel="call"))["mode"] == "confirm"
        sid = await world.network.answered()
        await world.network.press(sid, f"{made['match_digits']}#")
        assert (await world.integrator.finished(made["id"]))["assurance"] == "possession"


@PATIENT
@pytest.mark.parametrize(
    ("asked", "mode"),
    [({}, "match"), ({"channel": "call"}, "match"), ({"channel": "call", "mode": "confirm"}, "confirm")],
)
async def test_a_resend_asks_for_less_only_when_it_is_told_to(integrator, network, asked, mode):
    made = await match(integrator)
    await network.decline(await network.ringing())
    await integrator.wait_until(made["id"], lambda kept: kept["attempts"][0]["failure"])
    again = await integrator.resend(made["id"], **asked)
    assert again.status == 200, again
    assert (again.body["mode"], again.body["match_digits"]) == (mode, made["match_digits"] if mode == "match" else None)
