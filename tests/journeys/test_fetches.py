"""The provider asks for a call's script before it has answered us, twice, or never."""

from support.network import said


async def test_it_asks_before_the_call_was_answered_for(integrator, network):
    await network.faults(api={"answer_delay_ms": 60_000, "method": "POST"})
    await network.persona("presses_pound")
    made = await integrator.create(channel="call")
    ended = await integrator.finished(made["id"])
    assert ended["status"] == "approved"
    call = await network.call_over()
    assert await network.exchanges("api") == []
    assert ended["attempts"][0]["provider_sid"] == call["sid"]
    await integrator.attempt_when(made["id"], "completed")


async def test_it_asks_before_an_answer_that_is_lost(integrator, network):
    await network.faults(api={"lose_answer": True})
    await network.persona("presses_pound")
    made = await integrator.create(channel="call")
    ended = await integrator.finished(made["id"])
    assert ended["status"] == "approved"
    handset = await network.handset()
    assert [call["sid"] for call in handset["calls"]] == [ended["attempts"][0]["provider_sid"]]


async def test_it_asks_twice_each_time(integrator, network):
    await network.faults(fetches={"duplicate": 1})
    made = await integrator.create(channel="call")
    sid = await network.answered()
    await network.press(sid, "7")
    await network.asked(2)
    await network.press(sid, "#")
    ended = await integrator.finished(made["id"])
    assert ended["status"] == "approved"
    heard = said(await network.call_over())
    assert len(heard) == 3
    assert heard[-1].startswith("Thank you.")
    types = [event["type"] for event in await integrator.events(made["id"])]
    for once in ("call.answered", "call.wrong_key", "call.key_pressed", "verification.approved"):
        assert types.count(once) == 1


async def test_it_never_asks(integrator, network):
    await network.faults(fetches={"drop": True})
    await network.persona("presses_pound")
    made = await integrator.create(channel="call")
    ended = await integrator.finished(made["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "hung_up")
