"""A call that tells the code: only to who presses a key, twice and digit by digit; typing it proves possession."""

import logging

import msgspec
import pytest
from support.integrator import wrong_for
from support.network import gather_url, said
from support.world import LIMITS, OURS, world_at

from gateway.settings.channels import Voice

AT_ONCE = pytest.mark.parametrize("limits", [msgspec.structs.replace(LIMITS, resend_wait=0)])


async def told(integrator, network, **fields):
    """Have a call tell its code; returns the verification and the code."""
    made = await integrator.create(channel="call", mode="code", **fields)
    sid = await network.answered()
    await network.press(sid, "#")
    heard = said(await network.call_over())
    digits = "".join(sentence for sentence in heard if len(sentence) == 1)
    assert digits[: len(digits) // 2] == digits[len(digits) // 2 :]
    return made, digits[: len(digits) // 2]


async def test_the_code_is_told_after_a_key_and_approves_when_it_is_typed(integrator, network):
    made, code = await told(integrator, network)
    assert (made["mode"], made["next"]["check"]) == ("code", True)
    attempt = await integrator.attempt_when(made["id"], "completed")
    assert attempt["failure"] is None
    assert (await integrator.show(made["id"]))["status"] == "pending"
    checked = (await integrator.check(made["id"], wrong_for(code))).body
    assert (checked["valid"], checked["checks_left"]) == (False, 4)
    checked = (await integrator.check(made["id"], code)).body
    assert (checked["valid"], checked["status"], checked["assurance"]) == (True, "approved", "possession")


async def test_what_is_heard(integrator, network):
    await told(integrator, network)
    heard = said((await network.handset())["calls"][-1])
    assert heard[0].startswith("Example Bank is calling to verify this phone.")
    assert heard[0].endswith("please press the pound key now to hear your code.")
    assert heard[1] == "Your code for Example Bank is:"
    assert heard[-1] == "Enter this code where you asked for it, and tell it to nobody. Goodbye."


@pytest.mark.parametrize("persona", ["voicemail", "voicemail_with_tones", "screening", "hangs_up"])
async def test_who_presses_nothing_hears_no_code(integrator, network, persona):
    await network.persona(persona)
    made = await integrator.create(channel="call", mode="code")
    assert (await integrator.finished(made["id"]))["status"] == "failed"
    assert not any(len(sentence) == 1 for sentence in said(await network.call_over()))


async def test_a_key_on_another_leg_hears_no_code(integrator, network):
    await integrator.create(channel="call", mode="code")
    await network.answered()
    [order] = await network.orders()
    status, document = await network.report(gather_url(order), CallSid="CA" + "f" * 32, Digits="#")
    assert status == 200
    assert "Your code" not in document


async def test_the_report_of_a_gather_that_comes_twice_tells_the_same(integrator, network):
    await network.faults(fetches={"duplicate": 1})
    made, code = await told(integrator, network)
    assert (await integrator.check(made["id"], code)).body["valid"] is True


@AT_ONCE
async def test_a_text_and_a_call_of_one_verification_carry_the_same_code(integrator, network):
    made = await integrator.create()
    texted = await network.code()
    assert (await integrator.resend(made["id"], channel="call", mode="code")).status == 200
    sid = await network.answered()
    await network.press(sid, "#")
    heard = said(await network.call_over())
    assert "".join(sentence for sentence in heard if len(sentence) == 1) == texted * 2
    await integrator.attempt_when(made["id"], "completed", number=1)
    again = await integrator.resend(made["id"], channel="call", mode="code")
    assert again.status == 200, "a call that is over is not under way"


async def test_the_code_is_neither_in_the_journal_nor_in_the_log(integrator, network, caplog):
    caplog.set_level(logging.DEBUG)
    made, code = await told(integrator, network)
    await integrator.check(made["id"], code)
    journal = await integrator.events(made["id"])
    assert "call.code_told" in [entry["type"] for entry in journal]
    assert code not in repr(journal)
    assert not [
        record for record in caplog.records if record.name.startswith("gateway") and code in record.getMessage()
    ]


@pytest.mark.parametrize(
    ("locale", "words"), [("de", "Ihr Code für"), ("ja", "コードをお伝えします"), ("en-AU", "Your code")]
)
async def test_the_call_speaks_the_locale(integrator, network, locale, words):
    await told(integrator, network, locale=locale)
    assert words in said((await network.handset())["calls"][-1])[1]


async def test_a_desk_phone_that_swallows_pound_reaches_nothing_by_default(integrator, network):
    await network.persona("desk_phone")
    made = await integrator.create(channel="call")
    sid = await network.answered()
    await network.press(sid, "#")
    await network.speed(1000)
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "no_key_pressed")


async def test_a_desk_phone_confirms_with_another_key_and_matches_without_pound(tmp_path):
    async with world_at(tmp_path, voice=Voice(OURS, confirm_key="5")) as world:
        await world.network.persona("desk_phone")
        made = await world.integrator.create(channel="call")
        sid = await world.network.answered()
        assert said((await world.network.handset())["calls"][-1])[0].endswith("please press the 5 key now.")
        await world.network.press(sid, "#5")
        ended = await world.integrator.finished(made["id"])
        assert (ended["status"], ended["assurance"]) == ("approved", "presence")
        made = await world.integrator.create(channel="call", mode="match")
        sid = await world.network.answered()
        await world.network.press(sid, f"{made['match_digits']}#")
        await world.network.speed(1000)
        assert (await world.integrator.finished(made["id"]))["assurance"] == "possession"


async def test_a_call_offers_the_second_language_in_its_own_words(tmp_path):
    async with world_at(tmp_path, voice=Voice(OURS, second_language="es")) as world:
        made = await world.integrator.create(channel="call", locale="en")
        sid = await world.network.answered()
        say = [one for one in (await world.network.handset())["calls"][-1]["transcript"] if one["verb"] == "Say"]
        assert [one["language"] for one in say] == ["en-US", "es-ES", "en-US"]
        assert (say[0]["text"], say[1]["text"]) == (
            "Example Bank is calling to verify this phone.",
            "Para español, pulse 2.",
        )
        await world.network.press(sid, "2")
        await world.network.asked(6)
        await world.network.press(sid, "#")
        assert (await world.integrator.finished(made["id"]))["status"] == "approved"
        assert said(await world.network.call_over())[-1].startswith("Gracias.")


async def test_no_other_language_is_offered_to_who_speaks_it(tmp_path):
    async with world_at(tmp_path, voice=Voice(OURS, second_language="es")) as world:
        await world.integrator.create(channel="call", locale="es-MX")
        await world.network.answered()
        assert len(said((await world.network.handset())["calls"][-1])) == 1


async def test_8_slows_the_prompt_and_the_code(integrator, network):
    made = await integrator.create(channel="call", mode="code")
    sid = await network.answered()
    await network.press(sid, "8")
    slow = await network.asked(5)
    assert [heard["verb"] for heard in slow["transcript"]][1:] == [*["Say", "Pause"] * 3, "Say"]
    await network.press(sid, "#")
    spoken = (await network.call_over())["transcript"]
    assert {heard["text"] for heard in spoken if heard["verb"] == "Pause"} == {"1", "2"}
    told = "".join(heard["text"] for heard in spoken if heard["verb"] == "Say" and len(heard["text"]) == 1)
    checked = await integrator.check(made["id"], told[:6])
    assert checked.body["valid"]
    assert "call.pace_changed" in [entry["type"] for entry in await integrator.events(made["id"])]
