"""Ten thousand checks at once are five guesses and one approval; whoever ends a verification, it ends once."""

import asyncio
import itertools
import random
from collections import Counter

import msgspec
import pytest
from support import raw_http
from support.integrator import wrong_for

CONNECTIONS = 200
ORDERS = list(itertools.permutations(["check", "cancel", "pound", "busy"]))[::3]
ENDINGS = {"approved", "canceled", "failed", "expired", "max_attempts_reached"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def check_all(integrator, verification_id: str, codes: list[str]) -> list[tuple[int, dict]]:
    """Send all checks over a bounded number of connections, each with its next one as soon as it is answered."""
    waiting = iter(codes)
    answers = []
    path = f"/v1/verifications/{verification_id}/check"

    async def work() -> None:
        async with raw_http.connected(integrator.url) as connection:
            for code in waiting:
                body = b'{"code": "%b"}' % code.encode()
                status, answer = await connection.ask(raw_http.request("POST", path, integrator.key, body))
                answers.append((status, msgspec.json.decode(answer)))

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    assert len(answers) == len(codes)
    return answers


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param(5_000, 5_000, id="mixed", marks=pytest.mark.slow),
        pytest.param(1_000, 0, id="all right"),
        pytest.param(0, 1_000, id="all wrong"),
        pytest.param(1, 999, id="one right"),
    ],
)
async def test_at_most_five_checks_are_judged_and_one_approves(integrator, network, numbers, right, wrong):
    made = await integrator.create(next(numbers))
    code = await network.code(made["to"])
    codes = [code] * right + [wrong_for(code)] * wrong
    random.shuffle(codes)
    answers = await check_all(integrator, made["id"], codes)
    assert {status for status, _ in answers} <= {200, 409}
    judged = [answer for status, answer in answers if status == 200]
    valid = sum(answer["valid"] for answer in judged)
    refused = {answer["code"] for status, answer in answers if status == 409}
    assert refused <= {"verification_finished"}
    assert len(judged) <= 5
    assert valid <= 1
    shown = await integrator.show(made["id"])
    assert shown["status"] == ("approved" if valid else "max_attempts_reached")
    assert shown["checks_left"] == 5 - (len(judged) - valid)
    types = Counter(event["type"] for event in await integrator.events(made["id"]))
    assert types["code.checked"] == len(judged)
    assert sum(types[f"verification.{ending}"] for ending in ENDINGS) == 1


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
async def test_whoever_ends_it_ends_it_once(integrator, network, numbers, order):
    enrollment = await integrator.enroll(f"{'-'.join(order)}@example.com")
    made = await integrator.create(next(numbers), enrollment_id=enrollment["id"])
    code = await network.code(made["to"])
    await integrator.resend(made["id"], channel="call")
    sid = await network.answered(made["to"])
    [call] = [order for order in await network.orders() if order.get("To") == made["to"] and "Url" in order]
    inputs = {
        "check": lambda: integrator.check(made["id"], code),
        "cancel": lambda: integrator.cancel(made["id"]),
        "pound": lambda: network.press(sid, "#", made["to"]),
        "busy": lambda: network.report(call["StatusCallback"], CallSid=sid, CallStatus="busy"),
    }
    await asyncio.gather(*(inputs[name]() for name in order))
    ended = await integrator.finished(made["id"])
    await network.call_over(made["to"])
    types = [event["type"] for event in await integrator.events(made["id"])]
    assert [kind for kind in types if kind.removeprefix("verification.") in ENDINGS] == [
        f"verification.{ended['status']}"
    ]
    outcome = (await integrator.enrollment(enrollment["id"]))["last_outcome"]
    assert (outcome["status"], outcome["assurance"]) == (ended["status"], ended["assurance"])
    assert (await integrator.show(made["id"]))["status"] == ended["status"]


async def test_a_hundred_creations_for_one_number_are_five_sends(world, integrator, network, numbers):
    number = next(numbers)
    wish = {"to": number, "channel": "sms"}
    clients = (integrator, world.other)
    answers = await asyncio.gather(*(clients[n % 2].ask("POST", "/v1/verifications", wish) for n in range(100)))
    assert Counter(answer.status for answer in answers) == {201: 5, 429: 95}
    await network.code(number, texts=5)
    assert len(await network.texts(number)) == 5
