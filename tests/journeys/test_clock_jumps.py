"""Somebody sets the time of day while verifications are pending: it prolongs none, and no queue stands still."""

import time
from types import SimpleNamespace

import msgspec
import pytest
from support.world import LIMITS, world_at

from gateway import app
from gateway.clock import SteadyClock

HOUR = 3_600 * 1_000_000_000
SHORT = msgspec.structs.replace(LIMITS, lifetime=2)
OTHER_PHONE = "+14255550124"


class Wall:
    """The clock on the wall, as the gateway sees it; `jump` nanoseconds away from the true one."""

    def __init__(self) -> None:
        self.jump = 0

    def time_ns(self) -> int:
        return time.time_ns() + self.jump


@pytest.fixture
def wall(monkeypatch):
    """A clock to be set; what the gateway has learnt from it is forgotten after the test."""
    wall = Wall()
    monkeypatch.setattr(app, "time", SimpleNamespace(time_ns=wall.time_ns))
    monkeypatch.setattr(app, "_clock", SteadyClock(lambda: time.monotonic_ns() // 1_000_000))
    return wall


@pytest.fixture
async def world(tmp_path, limits, wall):  # noqa: ARG001 - it stands before the gateway looks at it
    async with world_at(tmp_path, limits=limits) as world:
        yield world


@pytest.mark.parametrize("limits", [SHORT])
async def test_a_clock_set_back_prolongs_no_code(integrator, network, wall):
    made = await integrator.create()
    code = await network.code()
    wall.jump = -HOUR
    ended = await integrator.finished(made["id"])
    assert ended["status"] == "expired"
    assert made["expires_at"] <= ended["updated_at"]
    assert (await integrator.check(made["id"], code)).status == 409


async def test_a_clock_set_back_freezes_no_outbox(integrator, network, wall):
    await network.faults(api={"status": 429, "retry_after": 1, "count": 1})
    waiting = await integrator.create()
    await network.exchanged("api", 1)  # it is to be sent again in a second
    wall.jump = -HOUR
    new = await integrator.create(OTHER_PHONE)
    assert (await integrator.attempt_when(new["id"], "delivered"))["failure"] is None
    assert (await integrator.attempt_when(waiting["id"], "delivered"))["failure"] is None
    assert waiting["created_at"] <= new["created_at"]


async def test_a_clock_set_forward_ends_what_is_over_by_it(integrator, network, wall):
    made = await integrator.create()
    code = await network.code()
    wall.jump = HOUR
    assert (await integrator.check(made["id"], code)).status == 409
    assert (await integrator.finished(made["id"]))["status"] == "expired"
    wall.jump = 0  # set right again, it does not open the code anew
    assert (await integrator.check(made["id"], code)).status == 409
    after = await integrator.create(OTHER_PHONE)
    assert (await integrator.check(after["id"], await network.code(OTHER_PHONE))).body["valid"]
