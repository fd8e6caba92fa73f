"""The network as another provider: who may ask, what sids and answers look like, and how callbacks are signed."""

import base64
import contextlib
import re

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from simulator.app import start
from simulator.config import SimulatorConfig
from simulator.dialects import DIALECTS, new_signing_key, public_key

ACCOUNT = "0f0e0d0c-0b0a-4908-8706-050403020100"
OURS, PHONE = "+15005550006", "+14255550123"
TOKEN, KEY = "token", new_signing_key()
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@contextlib.asynccontextmanager
async def network(dialect, **headers):
    """Start a network, and give its address and a client with these headers."""
    config = SimulatorConfig(
        auth_token=TOKEN, account_sid=ACCOUNT, numbers=(OURS,), speed=0, dialect=dialect, signing_key=KEY
    )
    simulator = await start(config)
    try:
        async with aiohttp.ClientSession(headers=headers) as session:
            yield simulator.url + DIALECTS[dialect].root + f"/Accounts/{ACCOUNT}", session
    finally:
        await simulator.close()


def basic(password=TOKEN):
    return {"Authorization": "Basic " + base64.b64encode(f"{ACCOUNT}:{password}".encode()).decode()}


def bearer(token=TOKEN):
    return {"Authorization": f"Bearer {token}"}


async def test_a_signalwire_text_has_a_uuid_and_counts_that_are_numbers():
    async with network("signalwire", **basic()) as (account, session):
        form = {"To": PHONE, "From": OURS, "Body": "hello"}
        async with session.post(f"{account}/Messages.json", data=form) as answer:
            made = await answer.json()
    assert answer.status == 201
    assert re.fullmatch(UUID, made["sid"])
    assert made["num_segments"] == 1.0


async def test_a_telnyx_call_is_ordered_as_json_and_its_answer_tells_no_sid():
    async with network("telnyx", **bearer()) as (account, session):
        order = {"ApplicationSid": "2000", "To": PHONE, "From": OURS, "Url": "http://127.0.0.1:9/", "AsyncAmd": True}
        async with session.post(f"{account}/Calls", json=order) as answer:
            assert (answer.status, await answer.json()) == (200, {"from": OURS, "to": PHONE, "status": "queued"})
        async with session.get(f"{account}/Calls", params={"To": PHONE}) as listed:
            [call] = (await listed.json())["calls"]
        assert re.fullmatch(r"v3:[\w-]{1,61}", call["sid"])
        async with session.post(f"{account}/Calls/{call['sid']}", data={"Status": "completed"}) as ended:
            assert ended.status == 200


@pytest.mark.parametrize("missing", ["ApplicationSid", "To", "From", "Url"])
async def test_a_telnyx_refusal_is_a_list_of_errors(missing):
    order = {"ApplicationSid": "2000", "To": PHONE, "From": OURS, "Url": "http://127.0.0.1:9/"}
    del order[missing]
    async with (
        network("telnyx", **bearer()) as (account, session),
        session.post(f"{account}/Calls", json=order) as answer,
    ):
        [error] = (await answer.json())["errors"]
    assert answer.status == 400
    assert error["code"].isdigit()


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b'"text"'])
async def test_a_telnyx_body_that_is_no_order_is_refused(body):
    async with (
        network("telnyx", **bearer(), **{"Content-Type": "application/json"}) as (account, session),
        session.post(f"{account}/Calls", data=body) as answer,
    ):
        assert answer.status == 400


@pytest.mark.parametrize(
    ("dialect", "headers", "path"),
    [
        ("signalwire", basic("wrong"), "Calls.json"),
        ("signalwire", bearer(), "Calls.json"),
        ("telnyx", bearer("wrong"), "Calls"),
        ("telnyx", basic(), "Calls"),
        ("telnyx", {}, "Calls"),
    ],
)
async def test_who_has_not_the_token_may_not_ask(dialect, headers, path):
    async with network(dialect, **headers) as (account, session), session.get(f"{account}/{path}") as answer:
        assert answer.status == 401


def test_callbacks_have_the_fields_and_the_proof_of_their_provider():
    form = {"CallSid": "v3:a", "FinishedOnKey": "", "Digits": "", "SequenceNumber": "0"}
    telnyx, signalwire = DIALECTS["telnyx"], DIALECTS["signalwire"]
    assert telnyx.form(form) == {"CallSid": "v3:a", "SequenceNumber": "0"}
    assert "SequenceNumber" not in signalwire.form(form)
    proof = telnyx.signer(KEY)("https://gw.test/", form, b"a=1")
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key(KEY)))
    key.verify(base64.b64decode(proof["telnyx-signature-ed25519"]), proof["telnyx-timestamp"].encode() + b"|a=1")
    assert set(signalwire.signer(KEY)("https://gw.test/", form, b"")) == {"X-SignalWire-Signature"}


def test_a_dialect_that_is_none_is_refused():
    with pytest.raises(ValueError, match="telnyx"):
        SimulatorConfig(auth_token=TOKEN, account_sid=ACCOUNT, numbers=(OURS,), dialect="plivo")
