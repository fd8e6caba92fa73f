"""One line by itself: keys, interruptions and time, with nothing left to chance."""

import asyncio

import pytest

from simulator.calls.call import Call, CallOrder, DocumentSource
from simulator.calls.line import ANSWERED, BUSY, CANCELED, NO_ANSWER, HungUp, Line, Redirected
from simulator.calls.timeline import Timeline
from simulator.clock import Clock
from simulator.records import now

OTHER = DocumentSource(url="http://127.0.0.1/other")


@pytest.fixture
def line():
    order = CallOrder(script=DocumentSource(twiml="<Response/>"), ring_timeout=60, time_limit=600)
    call = Call(account_sid="AC", sid="CA", caller="+1", to="+2", order=order, created=now(), updated=now())
    return Line(call, Timeline(Clock(0), patient=False), lambda: None)


async def test_first_decision_counts(line):
    line.timeline.after(3, lambda: line.decide(ANSWERED))
    line.timeline.after(4, lambda: line.decide(BUSY))
    assert await line.ring(60) is ANSWERED
    line.decide(BUSY)
    assert await line.ring(60) is ANSWERED
    assert line.timeline.now == 3


async def test_nobody_answers(line):
    assert await line.ring(60) is NO_ANSWER
    assert line.timeline.now == 60


async def test_hanging_up_while_it_rings_cancels(line):
    line.timeline.after(5, line.hang_up)
    assert await line.ring(60) is CANCELED


async def test_key_pressed_just_before_hanging_up_counts_first(line):
    line.open_gather()
    line.press("#")
    line.hang_up()
    assert await line.pass_time(5, until_key=True) is False
    assert line.take_key() == "#"
    with pytest.raises(HungUp):
        await line.pass_time(5, until_key=True)


async def test_redirection_interrupts_once_and_hanging_up_for_ever(line):
    line.redirect(OTHER)
    with pytest.raises(Redirected) as redirected:
        await line.pass_time(5)
    assert redirected.value.source == OTHER
    assert await line.pass_time(5)
    line.hang_up()
    line.redirect(OTHER)
    for _ in range(2):
        with pytest.raises(HungUp):
            await line.pass_time(5)


async def test_interruption_does_not_stop_work_outside_the_call(line):
    gate = asyncio.Event()
    work = asyncio.ensure_future(gate.wait())
    asyncio.get_running_loop().call_soon(line.hang_up)
    with pytest.raises(HungUp):
        await line.meanwhile(work)
    gate.set()
    assert await work


async def test_keys_outside_a_gather_are_not_heard(line):
    line.press("1")
    line.open_gather()
    assert await line.pass_time(5, until_key=True)
    line.close_gather()
    line.press("2")
    line.open_gather()
    assert await line.pass_time(5, until_key=True)
