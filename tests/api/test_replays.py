"""An answer that was kept for an Idempotency-Key is given again whatever has become of that which it was about."""

import itertools

import msgspec
import pytest
import pytest_asyncio
from support.integrator import Answer
from support.people import Person
from support.problems import assert_problem
from support.world import LIMITS, network_at, serving_at, settings_for

from gateway.settings.settings import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

USERS = (f"user-{number}@example.com" for number in itertools.count())


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgres"])
async def world(request, tmp_path_factory):
    sections = {"limits": msgspec.structs.replace(LIMITS, resend_wait=0, sends_per_number=10)}
    if request.param == "postgres":
        sections["database"] = Database(request.getfixturevalue("postgres").database())
    async with network_at() as network:
        settings = settings_for(tmp_path_factory.mktemp("world"), network.url, **sections)
        async with serving_at(settings, network) as world:
            yield world


async def once_operations(integrator) -> set[str]:
    """Return the paths of everything that takes an Idempotency-Key."""
    document = (await integrator.ask("GET", "/openapi.json")).body
    return {
        path
        for path, methods in document["paths"].items()
        for operation in methods.values()
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation["parameters"])
    }


async def asked_once(person: Person, number: str) -> dict[str, tuple[str, object]]:
    """Return a request of each kind that takes an Idempotency-Key, by its path as it is described."""
    wish = {"to": number, "channel": "sms", "enrollment_id": person.id}
    made = (await person.world.integrator.ask("POST", "/v1/verifications", wish)).body
    one = "/v1/enrollments/{id}"
    return {
        "/v1/verifications": ("/v1/verifications", wish),
        "/v1/verifications/{id}/resend": (f"/v1/verifications/{made['id']}/resend", {"channel": "sms"}),
        "/v1/enrollments": ("/v1/enrollments", {"user": next(USERS)}),
        f"{one}/verifications": (f"{person.path}/verifications", {"purpose": "sign_in"}),
        f"{one}/phones": (f"{person.path}/phones", {"kind": "alternate", "to": number, "channel": "sms"}),
        f"{one}/portal-links": (f"{person.path}/portal-links", {"page": "settings"}),
        f"{one}/bypass": (f"{person.path}/bypass", {"seconds": 60, "reason": "no phone today"}),
        f"{one}/app-passwords": (f"{person.path}/app-passwords", {"name": "Mail"}),
    }


async def with_key(person: Person, request: tuple[str, object]) -> Answer:
    return await person.world.integrator.ask("POST", *request, Idempotency_Key=person.id)


@pytest.mark.parametrize(
    ("method", "what", "why"),
    [("DELETE", "", None), ("DELETE", "/phones/{phone}", None), ("POST", "/block", {"reason": "stolen"})],
    ids=["record", "phone", "blocked"],
)
async def test_the_first_answer_outlives_what_it_was_about(world, integrator, numbers, method, what, why):
    person = Person(world, await integrator.enroll(next(USERS)))
    phone = await person.prove(next(numbers))
    requests = await asked_once(person, phone["number"])
    assert set(requests) == await once_operations(integrator)
    first = {path: await with_key(person, request) for path, request in requests.items()}
    assert {answer.status for answer in first.values()} == {200, 201}
    gone = await person.ask(method, what.format(phone=phone["id"]), why)
    assert gone.status < 300
    for path, request in requests.items():
        again = await with_key(person, request)
        assert (path, again.status, again.body) == (path, first[path].status, first[path].body)
        assert again.headers["Idempotency-Replayed"] == "true"


async def test_another_body_under_the_key_is_told_so_whatever_is_wrong_with_it(world, integrator, numbers):
    person = Person(world, await integrator.enroll(next(USERS)))
    phone = await person.prove(next(numbers))
    requests = await asked_once(person, phone["number"])
    for request in requests.values():
        await with_key(person, request)
    await person.ask("DELETE")
    for path, _ in requests.values():
        assert_problem(await with_key(person, (path, {"colour": "red"})), 422, "idempotency_key_reused")


async def test_where_nothing_was_kept_the_no_stays_a_no(world, integrator, numbers):
    person = Person(world, await integrator.enroll(next(USERS)))
    phone = await person.prove(next(numbers))
    requests = await asked_once(person, phone["number"])
    await person.ask("DELETE")
    del requests["/v1/enrollments"]
    for request in requests.values():
        for _ in range(2):
            assert_problem(await with_key(person, request), 404, "not_found")
