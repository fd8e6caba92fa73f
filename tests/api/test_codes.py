"""Codes: as people type them they count, of another shape they are refused and burn nothing."""

import json

import msgspec
import pytest
from support.integrator import PHONE, wrong_for
from support.problems import assert_problem, fields_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

MALFORMED_CODES = [
    "", " ", "12345", "1234567", "12345a", "１２３４５６", "١٢٣٤٥٦", "12³456", "123456\n",
    "123.456", "+12345", "12 345", "0x1234",
    "123456\0", "\u200e123456",
]  # fmt: skip


async def test_codes_of_the_wrong_shape_burn_nothing(integrator, network, numbers):
    made = await integrator.create(next(numbers))
    code = await network.code(made["to"])
    for malformed in MALFORMED_CODES:
        body = json.dumps({"code": malformed}).encode()
        answer = await integrator.ask("POST", f"/v1/verifications/{made['id']}/check", raw=body)
        assert fields_of(assert_problem(answer, 422, "code_malformed")) == {"code"}
    for body in ({}, {"code": int(code)}, {"code": None}, {"code": code, "again": 1}, {"code": code * 20}):
        answer = await integrator.ask("POST", f"/v1/verifications/{made['id']}/check", body)
        assert_problem(answer, 422, "fields_invalid")
    shown = await integrator.show(made["id"])
    assert (shown["status"], shown["checks_left"]) == ("pending", 5)


@pytest.mark.parametrize("typed", ["{0} {1}", "{0}-{1}", " {0}{1} ", "{0}\u00a0{1}", "{0}--{1}"])
async def test_codes_as_people_type_them_are_accepted(integrator, network, numbers, typed):
    made = await integrator.create(next(numbers))
    code = await network.code(made["to"])
    assert (await integrator.check(made["id"], typed.format(code[:3], code[3:]))).body["valid"] is True


async def test_a_resend_is_empty_or_names_a_channel(integrator, network, numbers):
    made = await integrator.create(next(numbers))
    path = f"/v1/verifications/{made['id']}/resend"
    for body in ({"channel": "pigeon"}, {"channel": 5}, {"to": PHONE}):
        assert_problem(await integrator.ask("POST", path, body), 422, "fields_invalid")
    assert_problem(await integrator.ask("POST", path, {"channel": "sms", "mode": "confirm"}), 422, "mode_not_offered")
    assert_problem(await integrator.ask("POST", path, {"mode": "match"}), 422, "mode_not_offered")
    assert_problem(await integrator.ask("POST", path, raw=b"[]"), 400, "json_invalid")
    assert len((await integrator.show(made["id"]))["attempts"]) == 1
    assert (await integrator.ask("POST", path)).status == 200
    assert (await integrator.ask("POST", path, {"channel": "sms"})).status == 200
    await network.code(made["to"], texts=3)


async def test_the_body_of_a_problem_repeats_no_number_and_no_code(integrator, numbers, network):
    made = await integrator.create(next(numbers))
    code = await network.code(made["to"])
    answers = [
        await integrator.ask("POST", "/v1/verifications", {"to": f"{made['to']}x", "channel": "sms"}),
        await integrator.ask("POST", "/v1/verifications", {"to": made["to"], "channel": made["to"]}),
        await integrator.ask("POST", f"/v1/verifications/{made['id']}/check", {"code": f"{code}9"}),
        await integrator.ask("POST", f"/v1/verifications/{made['id']}/check", {"code": [code]}),
        await integrator.ask("POST", f"/v1/verifications/{code}/check", {"code": wrong_for(code)}),
    ]
    for answer in answers:
        assert answer.status in {404, 422}
        text = msgspec.json.encode(answer.body).decode()
        assert made["to"][1:] not in text
        assert code not in text
