"""A gateway that stands still past its lease, and then goes on: what another has settled meanwhile, it leaves alone."""

import asyncio
import contextlib
import os
import signal

import aiohttp
import msgspec
import pytest
from support.crashing_gateway import Life, Step
from support.integrator import PATIENCE, PHONE, Integrator, Json
from support.network import ACCOUNT, TOKEN
from support.nursery import nursery
from support.world import free_port, key_for, settings_for

from gateway.settings.accounts import Twilio
from gateway.settings.settings import Database, Outbox, Server

OTHER_PHONE = "+14255550124"
WISH = {"to": PHONE, "channel": "sms"}
HELD = {
    "claimed": Step("claim", "held"),
    "claimed and read": Step("get", "held"),
}


class Pair:
    """Two gateways on one database: the first is held up, the second is yet to start."""

    def __init__(self, nurse, session, server, url, settings, key) -> None:
        self._nurse = nurse
        self._server = server
        self._url = url
        self._settings = settings
        port = free_port()
        elsewhere = Server(port=port, public_url=f"http://127.0.0.1:{port}", drain=2.0)
        self._elsewhere = msgspec.structs.replace(settings, server=elsewhere)
        self.first = Integrator(session, settings.server.public_url, key)
        self.second = Integrator(session, elsewhere.public_url, key)
        self._held = 0

    async def start_first(self, step: Step) -> None:
        self._held = await self._nurse.start(Life(self._settings, step))

    async def start_second(self) -> None:
        await self._nurse.start(Life(self._elsewhere))

    def go_on(self) -> None:
        """Let the first go on."""
        os.kill(self._held, signal.SIGCONT)

    async def claimed(self) -> None:
        """Wait until the first has taken the send."""
        statement = "SELECT state FROM outbox"
        async with asyncio.timeout(PATIENCE):
            while [row["state"] for row in await self._read(statement)] != ["sending"]:
                await asyncio.sleep(0.01)

    async def _read(self, statement: str):
        return await asyncio.to_thread(self._server.execute, statement, self._url)


@pytest.fixture
async def pair(tmp_path, network, postgres):
    url = await asyncio.to_thread(postgres.database)
    settings = settings_for(
        tmp_path,
        network.url,
        database=Database(url),
        outbox=Outbox(lease=1.0, reconcile_after=0.1, reconcile_for=2.0),
        twilio=Twilio(network.url, ACCOUNT, TOKEN, total_timeout=0.5, connect_timeout=0.3),
    )
    connector = aiohttp.TCPConnector(force_close=True)
    async with nursery() as nurse, aiohttp.ClientSession(connector=connector) as session:
        yield Pair(nurse, session, postgres, url, settings, await key_for(settings))


async def held_up(pair, network, step: Step) -> Json:
    """Let the first be held up until the second has settled its send, then let it go on; return how that ended."""
    await pair.start_first(step)
    asking = asyncio.create_task(pair.first.ask("POST", "/v1/verifications", WISH, Idempotency_Key="one"))
    await pair.claimed()
    await pair.start_second()
    made = (await pair.second.ask("POST", "/v1/verifications", WISH, Idempotency_Key="one")).body
    await pair.second.attempt_when(made["id"], "unknown", "failed")  # the lease is over
    await network.faults()
    pair.go_on()
    with contextlib.suppress(aiohttp.ClientError):
        await asking
    after = await pair.first.create(OTHER_PHONE)  # whatever was held up came before it
    await pair.first.attempt_when(after["id"], "delivered")
    await pair.second.attempt_when(made["id"], "failed")
    return await pair.second.finished(made["id"])


@pytest.mark.parametrize("step", HELD.values(), ids=HELD)
async def test_what_was_settled_as_unknown_is_not_sent_behind_it(pair, network, step):
    ended = await held_up(pair, network, step)
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "outcome_unknown")
    assert await network.texts() == []
    assert len(await network.texts(OTHER_PHONE)) == 1
    assert await pair.first.show(ended["id"]) == ended


async def test_a_busy_answer_behind_the_lease_leaves_what_another_settles_alone(pair, network):
    await network.faults(api={"status": 429, "retry_after": 1, "method": "POST"})
    ended = await held_up(pair, network, Step("send_sms", "held"))
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "outcome_unknown")
    assert await network.texts() == []
