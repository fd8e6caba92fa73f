"""The live stream: everything at first, then each change, bursts as one, and a clean end."""

import asyncio

import msgspec
import pytest


class Listener:
    def __init__(self, response) -> None:
        self._lines = response.content
        self.leave = response.close

    async def next(self):
        """Returns the next event's name and content."""
        async with asyncio.timeout(5):
            name = (await self._lines.readline()).decode().removeprefix("event: ").strip()
            content = (await self._lines.readline()).decode().removeprefix("data: ")
            assert await self._lines.readline() == b"\n"
        return name, msgspec.json.decode(content)

    async def until(self, condition):
        while True:
            name, content = await self.next()
            if name == "handset" and condition(content):
                return content


@pytest.fixture
async def listen(lab):
    responses = []

    async def connect() -> Listener:
        response = await lab.session.get(lab.network.url + "/v1/stream")
        assert response.content_type == "text/event-stream"
        responses.append(response)
        return Listener(response)

    yield connect
    for response in responses:
        response.close()


async def test_clock_and_all_handsets_at_first(lab, listen):
    await lab.give("busy")
    await lab.give("voicemail", "+4930123456")
    listener = await listen()
    assert await listener.next() == ("clock", {"speed": 0.0})
    assert await listener.next() == ("handset", await lab.handset())
    assert await listener.next() == ("handset", await lab.handset("+4930123456"))


async def test_changes_of_texts_calls_personas_and_clock(lab, listen):
    listener = await listen()
    await listener.next()
    await lab.text()
    await listener.until(lambda state: state["messages"] and state["messages"][-1]["status"] == "delivered")
    await lab.give("busy")
    await listener.until(lambda state: state["persona"] == "busy")
    await lab.give("manual")
    call = await lab.place(Twiml='<Response><Gather timeout="600"><Say>Press</Say></Gather></Response>')
    await listener.until(lambda state: state["calls"] and state["calls"][-1]["status"] == "ringing")
    await lab.act(call, "answer")
    state = await listener.until(lambda state: state["calls"][-1]["gathering"])
    assert state["calls"][-1]["transcript"][-1]["text"] == "Press"
    await lab.act(call, "hangup")
    await listener.until(lambda state: state["calls"][-1]["status"] == "completed")
    await lab.request("PUT", "/v1/clock", json={"speed": 3})
    while True:
        name, content = await listener.next()
        if name == "clock":
            assert content == {"speed": 3.0}
            return


async def test_burst_is_coalesced(lab, listen):
    listener = await listen()
    await listener.next()
    handsets = lab.network._network.handsets
    for persona in ["busy", "rejects", "screening"]:
        handsets.give_persona(lab.handset_number, persona)
    assert (await listener.next())[1]["persona"] == "screening"


async def test_quiet_stream_has_heartbeats_and_a_listener_may_leave(lab, listen, monkeypatch):
    monkeypatch.setattr("simulator.control.stream._HEARTBEAT_SECONDS", 0.01)
    listener = await listen()
    await listener.next()
    assert await listener._lines.readline() == b": heartbeat\n"
    watchers = lab.network._network.handsets._watchers
    assert len(watchers) == 1
    listener.leave()
    async with asyncio.timeout(10):
        while watchers:
            await asyncio.sleep(0.005)


async def test_network_that_closes_ends_the_stream(lab, listen):
    listener = await listen()
    await listener.next()
    await lab.network.close()
    assert await listener._lines.read() == b""  # it would raise had the connection been cut
