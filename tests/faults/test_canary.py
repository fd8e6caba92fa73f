"""No code, API key or full number reaches a log, a URL, a problem, the journal or a database file, whatever happens."""

import base64
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from support.integrator import PHONE, Answer, wrong_for
from support.network import gather_url
from support.world import ACCOUNT, LIMITS, TOKEN, network_at, serving_at, settings_for

from gateway.settings.accounts import Twilio
from gateway.settings.settings import Outbox
from webhooks.urls import Addresses

# A code so long that no time or random id holds it by chance.
LONG_CODES = msgspec.structs.replace(LIMITS, code_length=10, resend_wait=0)


class Witness:
    """Keeps what an outsider could read, and what none of it may hold."""

    def __init__(self, world, key: str) -> None:
        self.world = world
        self.secrets = {PHONE[1:], PHONE[2:], key, base64.b64encode(f"{key}:".encode()).decode()[:20], TOKEN}
        self.read: list[str] = []

    async def ask(self, *question, **headers) -> Answer:
        """Ask as the integrator does, and keep the answer if it is a problem."""
        answer = await self.world.integrator.ask(*question, **headers)
        if answer.status >= 400:
            self.read.append(f"{answer.body} {answer.headers}")
        return answer

    async def code(self, texts: int = 1) -> str:
        code = await self.world.network.code(texts=texts)
        self.secrets |= {code, wrong_for(code)}
        return code

    async def reads_the_journal(self, verification_id: str) -> None:
        self.read.append(json.dumps(await self.world.integrator.events(verification_id)))

    async def reads_the_addresses(self) -> None:
        """Keep the URLs of both sides; the provider's own lists have the number in their query, as its API wants it."""
        for exchange in await self.world.network.exchanges():
            self.read.append(exchange["url"].partition("?")[0] if exchange["kind"] == "api" else exchange["url"])

    def found(self, text: str) -> set[str]:
        return {secret for secret in self.secrets if secret in text}


@contextlib.asynccontextmanager
async def witnessed(folder: Path, caplog) -> AsyncIterator[Witness]:
    """Let something happen in a world of its own, and hold what is left of it against the secrets."""
    caplog.set_level(logging.DEBUG)
    async with network_at() as network:
        settings = settings_for(
            folder,
            network.url,
            limits=LONG_CODES,
            outbox=Outbox(lease=1.0, reconcile_after=0.1, reconcile_for=0.5),
            twilio=Twilio(network.url, ACCOUNT, TOKEN, total_timeout=0.5, connect_timeout=0.3),
        )
        async with serving_at(settings, network) as world:
            witness = Witness(world, world.integrator.key)
            yield witness
            await witness.reads_the_addresses()
            while_it_runs = files_of(folder)
        after_its_end = files_of(folder)
    logged = [logging.Formatter().format(record) for record in caplog.records]
    assert len(witness.read) > 5
    assert witness.found("\n".join([*witness.read, *logged])) == set()
    for files in (while_it_runs, after_its_end):
        assert b"ver_" in files
        assert witness.found(files.decode("latin-1")) == set()


def files_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def test_a_text_with_wrong_codes_and_bad_input(tmp_path, caplog):
    async with witnessed(tmp_path, caplog) as witness:
        made = (
            await witness.ask("POST", "/v1/verifications", {"to": PHONE, "channel": "sms"}, Idempotency_Key="one")
        ).body
        code = await witness.code()
        check = f"/v1/verifications/{made['id']}/check"
        for typed in (wrong_for(code), code[:-1], f"{code}\0", [code], code):
            await witness.ask("POST", check, {"code": typed})
        await witness.ask("POST", check, {"code": code})
        await witness.ask("POST", "/v1/verifications", {"to": f"{PHONE}0000000", "channel": "sms"})
        await witness.ask(
            "POST", "/v1/verifications", {"to": {"country": "US", "number": f"x{PHONE}"}, "channel": "sms"}
        )
        await witness.ask("POST", "/v1/verifications", {"to": PHONE, "channel": PHONE})
        await witness.ask("POST", "/v1/verifications", {"to": PHONE, "channel": "sms", "locale": PHONE})
        await witness.ask("POST", "/v1/verifications", {"to": PHONE, "channel": "call"}, Idempotency_Key="one")
        await witness.ask("POST", "/v1/verifications", raw=f'{{"to": "{PHONE}", "to": "{PHONE}"}}'.encode())
        await witness.ask("POST", "/v1/enrollments", raw=b'{"user": "\\ud800%b"}' % PHONE.encode())
        await witness.ask("GET", f"/v1/verifications?to={PHONE}")  # the plus is a space there
        await witness.ask("GET", "/v1/verifications", Authorization=f"Bearer {witness.world.integrator.key}x")
        await witness.reads_the_journal(made["id"])


async def test_a_call_with_wrong_keys_and_forged_callbacks(tmp_path, caplog):
    async with witnessed(tmp_path, caplog) as witness:
        network = witness.world.network
        enrollment = await witness.world.integrator.enroll()
        wish = {"to": PHONE, "channel": "call", "enrollment_id": enrollment["id"]}
        made = (await witness.ask("POST", "/v1/verifications", wish)).body
        sid = await network.answered()
        [order] = await network.orders()
        for token, form in (
            ("a forger's guess", {"CallSid": sid, "Digits": "#", "From": PHONE}),
            (TOKEN, {"CallSid": PHONE * 9, "Digits": "#", "From": PHONE}),
            (TOKEN, {"CallSid": sid, "Digits": f"{PHONE}x", "From": PHONE}),
        ):
            status, body = await network.report(gather_url(order), token, **form)
            assert status in {400, 403}
            witness.read.append(body)
        await network.press(sid, "7")
        await network.asked(2)
        await network.press(sid, "#")
        assert (await witness.world.integrator.finished(made["id"]))["status"] == "approved"
        await witness.ask("POST", f"/v1/verifications/{made['id']}/check", {"code": "0123456789"})
        await witness.ask("POST", f"/v1/verifications/{made['id']}/cancel")
        await witness.reads_the_journal(made["id"])


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"lose_answer": True}, {"status": 400, "error_code": 21211}], ids=str
)
async def test_a_provider_that_fails(tmp_path, caplog, fault):
    async with witnessed(tmp_path, caplog) as witness:
        network, integrator = witness.world.network, witness.world.integrator
        await network.faults(api={**fault, "method": "POST"}, callbacks={"drop": True})
        made = await integrator.create()
        await integrator.attempt_when(made["id"], "sent", "failed")
        if "lose_answer" in fault:
            await witness.code()
        await witness.ask("POST", f"/v1/verifications/{made['id']}/check", {"code": "1"})
        await witness.reads_the_journal(made["id"])
        for number in range(4):
            await witness.ask("POST", "/v1/verifications", {"to": PHONE[: 4 + number], "channel": "sms"})


async def test_a_database_that_takes_nothing(tmp_path, caplog):
    async with witnessed(tmp_path, caplog) as witness:
        integrator, network = witness.world.integrator, witness.world.network
        made = await integrator.create(channel="call")
        sid = await network.answered()
        witness.world.gateway.store._engine._connection.execute("PRAGMA query_only = ON")
        await network.press(sid, "#")
        await network.call_over()
        for _ in range(6):
            await witness.ask("POST", "/v1/verifications", {"to": PHONE, "channel": "sms"})
        witness.world.gateway.store._engine._connection.execute("PRAGMA query_only = OFF")
        await witness.reads_the_journal(made["id"])


async def test_what_a_person_texts_back_is_kept_nowhere(tmp_path, caplog):
    words = "my own secret words"
    async with witnessed(tmp_path, caplog) as witness:
        integrator, network = witness.world.integrator, witness.world.network
        witness.secrets |= {words, "secret words"}
        made = await integrator.create()
        code = await witness.code()
        for body in (words, wrong_for(code), code, f"{code} {words}", "STOP", f"stop {words}", "START", "FRAUD"):
            await network.text_back(body)
        url = Addresses(witness.world.settings.server.public_url, "twilio").inbound_message_url()
        for form in ({"From": words}, {"From": PHONE * 9}, {"From": PHONE, "OptOutType": words}):
            status, answer = await network.report(url, **{"MessageSid": "SM1", "To": PHONE, "Body": words} | form)
            witness.read.append(f"{status} {answer}")
        store = witness.world.gateway.store
        store._engine._connection.execute("PRAGMA query_only = ON")
        witness.read.append(str(await network.report(url, MessageSid="SM2", From=PHONE, To=PHONE, Body="STOP")))
        store._engine._connection.execute("PRAGMA query_only = OFF")
        assert (await integrator.show(made["id"]))["status"] == "denied"
        await witness.reads_the_journal(made["id"])


async def test_pins_right_wrong_and_changed(tmp_path, caplog):
    async with witnessed(tmp_path, caplog) as witness:
        network, integrator = witness.world.network, witness.world.integrator
        enrollment = await integrator.enroll()
        one, given, wrong, own = f"/v1/enrollments/{enrollment['id']}", "5830179264", "7159382046", "4096281735"
        witness.secrets |= {given, wrong, own}
        for pin in (given, f"{given}x", int(given), [given]):
            await witness.ask("PUT", f"{one}/pin", {"pin": pin})
        wish = {"to": PHONE, "channel": "call", "mode": "pin", "enrollment_id": enrollment["id"]}
        await witness.ask("POST", "/v1/verifications", {**wish, "mode": given})
        made = (await witness.ask("POST", "/v1/verifications", wish)).body
        sid = await network.answered()
        for times, digits in enumerate((wrong, given, own, own), start=1):
            await network.asked(times)
            await network.press(sid, f"{digits}#")
        assert (await integrator.finished(made["id"]))["status"] == "approved"
        await witness.ask("DELETE", f"{one}/pin")
        await witness.ask("DELETE", f"{one}/pin")
        shown = [await witness.ask("GET", path) for path in (one, f"{one}/events", f"/v1/verifications/{made['id']}")]
        shown[0].body["phones"] = shown[2].body["to"] = None  # the number, which who asks may see
        witness.read += [json.dumps(answer.body) for answer in shown]
        await witness.reads_the_journal(made["id"])


async def test_app_passwords_right_wrong_and_taken_away(tmp_path, caplog):
    async with witnessed(tmp_path, caplog) as witness:
        enrollment = await witness.world.integrator.enroll()
        every, check = f"/v1/enrollments/{enrollment['id']}/app-passwords", "/v1/app-passwords/check"
        made = (await witness.ask("POST", every, {"name": "Mail"}, Idempotency_Key="one")).body
        password, wrong = made["password"], "pppp-aaaa-ssss-8888-wwww-hhhh"
        for secret in (password, wrong):
            witness.secrets |= {secret, secret.replace("-", ""), secret.upper(), secret.replace("-", " ")}
        await witness.ask("POST", every, {"name": "Mail"}, Idempotency_Key="one")
        for typed in (password, password.upper(), password.replace("-", ""), *[wrong] * 12):
            await witness.ask("POST", check, {"user": enrollment["user"], "password": typed})
        for body in (
            {"user": password, "password": password},
            {"user": enrollment["user"], "password": [password]},
            {"user": enrollment["user"], "password": password, "scope": f" {password}"},
        ):
            await witness.ask("POST", check, body)
        await witness.ask("POST", every, {"name": f"\n{password}"})
        await witness.ask("DELETE", f"{every}/{made['id']}")
        await witness.ask("DELETE", f"{every}/{made['id']}")
        shown = [await witness.ask("GET", path) for path in (every, f"/v1/enrollments/{enrollment['id']}/events")]
        witness.read += [json.dumps(answer.body) for answer in shown]
        await witness.world.integrator.create()
