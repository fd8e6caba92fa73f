"""Callbacks that are late, lost, doubled or out of order, and fetches that are."""

import asyncio
from itertools import pairwise

HELLO = "<Response><Say>Hello</Say></Response>"


async def test_callbacks_of_one_call_keep_their_order(lab):
    call = await lab.call(Twiml=HELLO)
    assert [form["SequenceNumber"] for form in lab.reports(call)] == ["0", "1", "2", "3"]


async def test_callback_that_nobody_takes_holds_up_nothing(lab, unused_tcp_port):
    await lab.give("busy")
    _, message = await lab.text(StatusCallback=f"http://127.0.0.1:{unused_tcp_port}/sms")

    async def failures():
        exchanges = (await lab.request("GET", "/v1/exchanges"))[1]["exchanges"]
        return [entry["error"] for entry in exchanges if entry["sid"] == message["sid"]]

    await lab.until(failures, lambda errors: errors == ["11205 no connection"] * 4)  # two callbacks, each tried twice
    assert (await lab.request("GET", message["uri"]))[1]["status"] == "delivered"


async def test_reordered(lab):
    await lab.faults(callbacks={"reorder": True})
    call = await lab.call(Twiml=HELLO)
    await lab.application.until(lambda: len(lab.reports(call)) == 4)
    numbers = [int(form["SequenceNumber"]) for form in lab.reports(call)]
    assert sorted(numbers) == [0, 1, 2, 3]
    assert any(earlier > later for earlier, later in pairwise(numbers))


async def test_duplicated(lab):
    await lab.faults(callbacks={"duplicate": 2})
    call = await lab.call("busy", Twiml=HELLO)
    await lab.application.until(lambda: len(lab.reports(call)) == 6)
    assert [form["SequenceNumber"] for form in lab.reports(call)] == ["0", "0", "0", "1", "1", "1"]
    tokens = [request.headers["I-Twilio-Idempotency-Token"] for request in lab.application.at("/status")]
    assert len(set(tokens)) == 2


async def test_true_is_one_duplicate(lab):
    await lab.faults(callbacks={"duplicate": True})
    call = await lab.call("busy", Twiml=HELLO)
    await lab.application.until(lambda: len(lab.reports(call)) == 4)


async def test_dropped(lab):
    await lab.faults(callbacks={"drop": True})
    call = await lab.place(Twiml=HELLO, To="+15005550009")
    await lab.request("POST", call["uri"], data={"Status": "canceled"})
    await lab.text(StatusCallback=lab.application.url + "/sms")
    await lab.until_handset(lambda state: state["messages"][-1]["status"] == "delivered")
    await lab.faults()
    await lab.call(Twiml=HELLO)
    assert not lab.reports(call)
    assert not lab.application.at("/sms")


async def test_delayed(lab):
    await lab.faults(callbacks={"delay_ms": 60})
    started = asyncio.get_running_loop().time()
    await lab.call("busy", Twiml=HELLO)
    assert asyncio.get_running_loop().time() - started >= 0.12


async def test_fetched_twice(lab):
    await lab.faults(fetches={"duplicate": 1})
    await lab.call(Url=lab.application.answers("/voice", HELLO))
    first, second = lab.application.at("/voice")
    assert first.form == second.form
    assert first.headers["I-Twilio-Idempotency-Token"] == second.headers["I-Twilio-Idempotency-Token"]


async def test_never_fetched(lab):
    await lab.faults(fetches={"drop": True})
    call = await lab.call(Url=lab.application.answers("/voice", HELLO))
    assert call["status"] == "completed"
    assert not lab.application.at("/voice")
