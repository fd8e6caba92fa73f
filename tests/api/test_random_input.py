"""Whatever JSON and whatever path is sent, the answer is never a failure of ours."""

import json
from urllib.parse import quote

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Half characters (category Cs) are legal in JSON texts, so they belong to what comes in.
TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
NUMBER = st.from_regex(r"\+[1-9][0-9]{0,15}", fullmatch=True) | st.just("+14255559999")
FIELDS = {
    "to": NUMBER | st.fixed_dictionaries({"country": st.sampled_from(["US", "DE", "XX"]), "number": TEXT | NUMBER}),
    "channel": st.sampled_from(["sms", "call", "fax"]),
    "mode": st.sampled_from(["confirm", "match", None]),
    "locale": st.sampled_from(["en", "de-AT", "xx", "zh-Hans"]) | TEXT,
    "enrollment_id": TEXT,
    "metadata": st.dictionaries(TEXT, TEXT, max_size=3),
    "code": st.from_regex(r"[0-9 -]{0,12}", fullmatch=True),
    "user": TEXT,
    "display_name": TEXT,
}
BODY = VALUE | st.fixed_dictionaries({}, optional={name: field | VALUE for name, field in FIELDS.items()})
POSTED = ["/v1/verifications", "/v1/enrollments", "/v1/verifications/{id}/check", "/v1/verifications/{id}/resend"]
SHOWN = ["/v1/verifications/{}", "/v1/verifications/{}/events", "/v1/enrollments/{}", "/v1/{}", "/docs/{}"]
ASKED = [
    "/v1/verifications?to={}",
    "/v1/verifications?status={}",
    "/v1/verifications?starting_after={}",
    "/v1/enrollments?user={}",
]
BOUNDED = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(integrator):
    return (await integrator.create("+14255550100"))["id"]


def expect_no_failure(answer) -> None:
    assert answer.status < 500, answer
    assert answer.headers["Request-Id"]
    assert answer.status < 400 or answer.content_type == "application/problem+json"


@BOUNDED
@given(path=st.sampled_from(POSTED), body=BODY)
async def test_no_json_makes_us_fail(integrator, made, path, body):
    expect_no_failure(await integrator.ask("POST", path.format(id=made), raw=json.dumps(body).encode()))


@BOUNDED
@given(path=st.sampled_from(POSTED), body=st.binary(max_size=60))
async def test_no_bytes_make_us_fail(integrator, made, path, body):
    answer = await integrator.ask("POST", path.format(id=made), raw=body)
    expect_no_failure(answer)


@BOUNDED
@given(path=st.sampled_from(SHOWN + ASKED), name=st.binary(max_size=20))
async def test_no_name_makes_us_fail(integrator, path, name):
    expect_no_failure(await integrator.ask("GET", path.format(quote(name, safe=""))))
