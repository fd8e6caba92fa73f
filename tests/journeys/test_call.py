"""A verification by call, end to end: who presses # is approved, and every other end has its own reason."""

import pytest
from support.network import said


async def test_pound_approves_at_once(integrator, network):
    made = await integrator.create(channel="call")
    assert (made["mode"], made["next"]["check"]) == ("confirm", False)
    sid = await network.answered()
    shown = await integrator.show(made["id"])
    assert shown["attempts"][0]["status"] == "in_progress"
    await network.press(sid, "#")
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["assurance"], ended["failure"]) == ("approved", "presence", None)
    heard = said(await network.call_over())
    assert len(heard) == 2
    assert "Example Bank" in heard[0]
    assert heard[1].startswith("Thank you.")
    attempt = await integrator.attempt_when(made["id"], "completed")
    assert (attempt["provider_sid"], attempt["failure"]) == (sid, None)


async def test_a_key_pressed_before_the_prompt_is_over_is_not_heard(integrator, network):
    await network.speed(1)
    made = await integrator.create(channel="call")
    sid = await network.ringing()
    await network.answer(sid)
    await network.handset_when(lambda kept: said(kept["calls"][-1]))
    await network.press(sid, "#")
    await network.speed(1000)
    assert (await integrator.finished(made["id"]))["failure"]["code"] == "no_key_pressed"


async def test_other_keys_are_asked_again_and_the_third_ends_it(integrator, network):
    made = await integrator.create(channel="call")
    sid = await network.answered()
    for times, key in enumerate(("1", "4", "7"), start=1):
        await network.asked(times)
        await network.press(sid, key)
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "wrong_key")
    heard = said(await network.call_over())
    assert [sentence.split(".")[0] for sentence in heard[1:3]] == ["That was not the pound key"] * 2
    assert heard[3].startswith("No key that we asked for was pressed")


async def test_pound_after_wrong_keys_approves(integrator, network):
    made = await integrator.create(channel="call")
    sid = await network.answered()
    for times, key in enumerate(("7", "8", "#"), start=1):
        await network.asked(times)
        await network.press(sid, key)
    assert (await integrator.finished(made["id"]))["status"] == "approved"


async def test_silence_is_asked_again_and_then_ends_it(integrator, network):
    made = await integrator.create(channel="call")
    await network.answered()
    await network.speed(1000)
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "no_key_pressed")
    heard = said(await network.call_over())
    assert len(heard) == 3
    assert all(sentence.startswith("We did not receive a key") for sentence in heard[1:])


async def test_a_person_who_hangs_up_ends_it_after_a_grace(integrator, network):
    made = await integrator.create(channel="call")
    sid = await network.answered()
    await network.hang_up(sid)
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "hung_up")


@pytest.mark.parametrize(
    ("persona", "code", "status"),
    [
        ("hangs_up", "hung_up", "completed"),
        ("busy", "line_busy", "busy"),
        ("no_answer", "no_answer", "no_answer"),
        ("rejects", "call_rejected", "busy"),
        ("unreachable", "number_unreachable", "failed"),
    ],
)
async def test_every_other_end_has_its_own_reason(integrator, network, persona, code, status):
    await network.persona(persona)
    made = await integrator.create(channel="call")
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"], ended["assurance"]) == ("failed", code, None)
    attempt = await integrator.attempt_when(made["id"], status)
    assert attempt["failure"] == ended["failure"]


@pytest.mark.parametrize("persona", ["voicemail", "voicemail_with_tones"])
async def test_a_machine_never_approves_whatever_tones_it_plays(integrator, network, persona):
    await network.persona(persona)
    made = await integrator.create(channel="call")
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "answered_by_machine")
    assert ended["attempts"][0]["answered_by"] == "machine"


async def test_a_screening_service_presses_nothing_and_proves_nothing(integrator, network):
    await network.persona("screening")
    made = await integrator.create(channel="call")
    ended = await integrator.finished(made["id"])
    assert ended["status"] == "failed"
    assert ended["failure"]["code"] in {"no_key_pressed", "hung_up"}


@pytest.mark.parametrize(
    ("locale", "language", "words"),
    [
        ("en", "en-US", "pound key"),
        ("en-AU", "en-GB", "hash key"),
        ("de-AT", "de-DE", "Raute-Taste"),
        ("xx", "en-US", "pound key"),
    ],
)
async def test_the_call_speaks_the_locale(integrator, network, locale, language, words):
    await network.persona("presses_pound")
    made = await integrator.create(channel="call", locale=locale)
    await integrator.finished(made["id"])
    call = await network.call_over()
    assert words in said(call)[0]
    assert {heard["language"] for heard in call["transcript"] if heard["verb"] == "Say"} == {language}


async def test_a_canceled_call_hears_that_it_is_over(integrator, network):
    made = await integrator.create(channel="call")
    sid = await network.answered()
    await integrator.cancel(made["id"])
    await network.press(sid, "#")
    assert said(await network.call_over())[-1].startswith("This verification has already ended.")
    assert (await integrator.show(made["id"]))["status"] == "canceled"


async def test_a_call_carries_no_code_so_there_is_none_to_check(integrator, network):
    made = await integrator.create(channel="call")
    await network.answered()
    refused = await integrator.check(made["id"], "123456")
    assert (refused.status, refused.body["code"]) == (409, "no_code_sent")
    assert (await integrator.show(made["id"]))["checks_left"] == 5


async def test_a_phone_that_declines(integrator, network):
    made = await integrator.create(channel="call")
    await network.decline(await network.ringing())
    assert (await integrator.finished(made["id"]))["failure"]["code"] == "call_rejected"
