"""Time on a call: order is kept at every speed, and waits end early only for a reason."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.calls.timeline import Timeline
from simulator.clock import Clock

SECONDS = st.floats(0, 1000, allow_nan=False)


@given(st.lists(SECONDS, max_size=20), st.lists(SECONDS, min_size=1, max_size=5))
def test_what_is_due_happens_in_order_and_in_time(dues, waits):
    async def run():
        timeline, happened = Timeline(Clock(0), patient=False), []
        for due in dues:
            timeline.after(due, lambda due=due: happened.append((due, timeline.now)))
        for wait in waits:
            assert await timeline.wait(wait)
        assert timeline.now == pytest.approx(sum(waits))
        return happened

    happened = asyncio.run(run())
    assert all(due == moment for due, moment in happened)
    end = sum(waits)
    assert [due for due, _ in happened] == sorted(due for due in dues if due < end or math.isclose(due, end))[
        : len(happened)
    ]
    assert len(happened) >= sum(due < end * 0.999 for due in dues)


async def test_nudge_cuts_a_wait_short():
    timeline = Timeline(Clock(0), patient=False)
    timeline.after(2, timeline.nudge)
    assert not await timeline.wait(5)
    assert timeline.now == 2
    assert await timeline.wait(5)
    assert timeline.now == 7


async def test_nudge_from_outside_cuts_a_wait_short_at_every_speed():
    for speed in (0, 0.001):
        timeline = Timeline(Clock(speed), patient=False)
        asyncio.get_running_loop().call_soon(timeline.nudge)
        assert not await timeline.wait(1000)
        assert timeline.now < 1


async def test_patient_wait_takes_real_time_at_speed_0_and_others_none():
    timeline = Timeline(Clock(0), patient=True)
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await timeline.wait(3600)
    assert loop.time() - started < 5
    started = loop.time()
    assert await timeline.wait(0.05, for_person=True)
    assert loop.time() - started >= 0.049


async def test_speed_scales_real_time():
    timeline = Timeline(Clock(100), patient=True)
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await timeline.wait(5, for_person=True)
    assert 0.049 <= loop.time() - started < 5


async def test_change_of_speed_counts_at_once_and_passed_time_is_kept():
    clock = Clock(0.001)
    timeline = Timeline(clock, patient=False)
    wait = asyncio.ensure_future(timeline.wait(10))
    await asyncio.sleep(0)
    clock.set_speed(0)
    assert await wait
    assert timeline.now == 10


async def test_closed_timeline_forgets_what_is_due():
    clock = Clock(0)
    timeline = Timeline(clock, patient=False)
    timeline.after(1, lambda: pytest.fail("it is closed"))
    timeline.close()
    assert await timeline.wait(5)


@pytest.mark.parametrize("speed", [-1, math.inf, math.nan])
def test_impossible_speeds(speed):
    with pytest.raises(ValueError, match="speed"):
        Clock(speed)
    clock = Clock(1)
    with pytest.raises(ValueError, match="speed"):
        clock.set_speed(speed)
    assert clock.speed == 1
