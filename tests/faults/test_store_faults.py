"""A database that takes nothing: the API says so, a callee hears an apology, and what was promised still happens."""

import asyncio
import contextlib
import sqlite3

import pytest
from support.integrator import PHONE
from support.network import gather_url, said
from support.problems import assert_problem


@pytest.fixture
def full(world):
    """Let the database take no change, as on a full disk, for as long as the block lasts."""

    @contextlib.contextmanager
    def full():
        writer = world.gateway.store._engine._connection
        writer.execute("PRAGMA query_only = ON")
        yield
        writer.execute("PRAGMA query_only = OFF")

    return full


async def test_what_cannot_be_kept_is_not_done(integrator, network, full):
    made = await integrator.create()
    code = await network.code()
    await integrator.attempt_when(made["id"], "delivered")
    with full():
        refused = [
            await integrator.ask("POST", "/v1/verifications", {"to": PHONE, "channel": "sms"}, Idempotency_Key="one"),
            await integrator.check(made["id"], code),
            await integrator.cancel(made["id"]),
            await integrator.ask("POST", "/v1/enrollments", {"user": "alice@example.com"}),
        ]
        for answer in refused:
            assert_problem(answer, 503, "store_unavailable")
            assert int(answer.headers["Retry-After"]) > 0
        assert (await integrator.show(made["id"]))["status"] == "pending"
    assert len(await network.texts()) == 1
    assert (await integrator.check(made["id"], code)).body["status"] == "approved"
    again = await integrator.ask("POST", "/v1/verifications", {"to": PHONE, "channel": "sms"}, Idempotency_Key="one")
    assert again.status == 201


async def test_a_callee_hears_an_apology_and_pound_proves_nothing_meanwhile(integrator, network, full):
    made = await integrator.create(channel="call")
    sid = await network.answered()
    with full():
        await network.press(sid, "#")
        call = await network.call_over()
    assert said(call)[-1].startswith("We are sorry.")
    assert (await integrator.show(made["id"]))["status"] == "pending"


async def test_a_report_that_cannot_be_kept_is_not_taken(integrator, network, full):
    made = await integrator.create(channel="call")
    sid = await network.answered()
    [order] = await network.orders()
    with full():
        status, _ = await network.report(order["StatusCallback"], CallSid=sid, CallStatus="busy", SequenceNumber="9")
        assert status == 503
        status, script = await network.report(gather_url(order), CallSid=sid, Digits="#")
        assert status == 200
        assert "We are sorry." in script
    status, script = await network.report(gather_url(order), CallSid=sid, Digits="#")
    assert "Thank you." in script
    assert (await integrator.show(made["id"]))["status"] == "approved"


async def test_a_text_whose_outcome_could_not_be_kept_is_found_and_not_sent_again(integrator, network, full):
    await network.faults(api={"answer_delay_ms": 200, "method": "POST"}, callbacks={"drop": True})
    made = await integrator.create()
    await network.code()
    with full():
        await network.exchanged("api", 1)
    attempt = await integrator.attempt_when(made["id"], "sent")
    [message] = (await network.handset())["messages"]
    assert attempt["provider_sid"] == message["sid"]


async def test_another_process_that_holds_the_database_is_waited_for(world, integrator):
    with contextlib.closing(sqlite3.connect(world.settings.database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(integrator.create())
        assert (await integrator.ask("GET", "/v1/verifications")).body["data"] == []
        assert not waiting.done()
        other.execute("ROLLBACK")
        assert (await waiting)["status"] == "pending"


async def test_readiness_tells_of_a_database_that_is_not_at_head(world, integrator):
    with contextlib.closing(sqlite3.connect(world.settings.database.path)) as other:
        other.execute("UPDATE alembic_version SET version_num = 'elsewhere'")
        other.commit()
    assert_problem(await integrator.ask("GET", "/readyz"), 503, "not_ready")
    assert (await integrator.ask("GET", "/healthz")).status == 200
