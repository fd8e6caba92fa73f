"""Starting and stopping: many calls side by side, and nothing left behind when the network closes under them."""

import asyncio

import pytest

from simulator.app import start
from simulator.config import SimulatorConfig

ASK = """<Response>
  <Gather finishOnKey="" numDigits="1" timeout="60" action="/key"><Say>Press pound</Say></Gather>
</Response>"""


async def test_calls_side_by_side(make_lab):
    lab = await make_lab(default_persona="presses_pound")
    url = lab.application.answers("/voice", ASK)
    lab.application.answers("/key", "<Response><Hangup/></Response>")
    numbers = [f"+1425555{number:04d}" for number in range(60)]
    calls = await asyncio.gather(*(lab.place(To=number, Url=url) for number in numbers))
    for call in calls:
        await lab.until_over(call)
    assert sorted(form["To"] for form in lab.application.forms("/key")) == numbers
    assert {form["Digits"] for form in lab.application.forms("/key")} == {"#"}
    _, page = await lab.request("GET", f"{lab.api}/Calls.json", params={"Status": "completed", "PageSize": "1000"})
    assert len(page["calls"]) == len(numbers)


async def test_closing_cancels_what_is_under_way(make_lab):
    lab = await make_lab(speed=1.0)
    lab.application.answers("/voice", ASK)
    lab.application.holds("/voice")
    await lab.place(Twiml=ASK)
    await lab.text()
    await lab.give("presses_pound")
    await lab.request("PUT", "/v1/clock", json={"speed": 0})
    await lab.place(Url=lab.application.url + "/voice")
    await lab.application.until(lambda: lab.application.at("/voice"))
    await lab.faults(api={"hang": "after"})
    hanging = asyncio.ensure_future(lab.text())
    await lab.until_handset(lambda state: len(state["messages"]) == 2)
    background = lab.network._network._tasks._running
    assert background
    await lab.network.close()
    assert not background
    assert (await hanging)[0] == 201  # let go, not cut off
    lab.application.lets_go()


def test_account_needs_a_number():
    with pytest.raises(ValueError, match="at least one number"):
        SimulatorConfig(auth_token="token", account_sid="AC" + "0" * 32, numbers=())


async def test_port_that_is_taken_is_said_at_once_and_leaves_nothing_open(lab):
    port = int(lab.network.url.rpartition(":")[2])
    config = SimulatorConfig(auth_token=lab.token, account_sid=lab.account, numbers=(lab.number,))
    with pytest.raises(OSError, match="address already in use"):
        await start(config, port=port)
