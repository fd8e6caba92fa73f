"""`poundkey erase`: a number is erased beside a gateway that serves it."""

import asyncio

import pytest
from support.integrator import PATIENCE, PHONE


async def test_a_number_is_erased_beside_a_gateway(world, beside):
    pending = await world.integrator.create()
    code, out, _ = await beside("erase", PHONE, "--reason", "asked by letter")
    assert code == 0
    assert "verifications  1 no longer" in out
    assert PHONE not in out
    async with asyncio.timeout(PATIENCE):  # not by a long poll: what another process does wakes nobody who waits
        while (ended := await world.integrator.show(pending["id"]))["to"] is not None:
            pass
    assert ended["status"] == "canceled"
    listed = (await world.integrator.ask("GET", "/v1/verifications")).body["data"]
    assert [shown["to"] for shown in listed] == [None]
    code, out, _ = await beside("erase", PHONE)
    assert (code, "verifications  0 no longer" in out) == (0, True)


@pytest.mark.parametrize("words", [(), ("12",), (PHONE, "--reason", "")])
async def test_a_number_is_needed(beside, words):
    code, _, err = await beside("erase", *words)
    assert (code, bool(err)) == (2, True)
