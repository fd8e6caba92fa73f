"""Lists and waits: pages follow one another, filters narrow, and odd questions are named."""

import pytest
from support.problems import assert_problem, fields_of
from support.tables import for_each

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def ids_of_all_pages(integrator, query: str, limit: int) -> list[str]:
    ids: list[str] = []
    after = ""
    while True:
        page = (await integrator.ask("GET", f"/v1/verifications?{query}&limit={limit}{after}")).body
        assert page["object"] == "list"
        assert len(page["data"]) <= limit
        ids += [verification["id"] for verification in page["data"]]
        if not page["has_more"]:
            return ids
        after = f"&starting_after={ids[-1]}"


async def test_pages_are_newest_first_and_without_gaps(integrator, numbers):
    made = [(await integrator.create(next(numbers)))["id"] for _ in range(7)]
    for limit in (1, 3, 7, 100):
        assert (await ids_of_all_pages(integrator, "", limit))[:7] == made[::-1]


async def test_filters_narrow(integrator, numbers):
    number = next(numbers)
    pending, canceled = await integrator.create(number), await integrator.create(number)
    await integrator.cancel(canceled["id"])
    quoted = number.replace("+", "%2B")
    assert await ids_of_all_pages(integrator, f"to={quoted}", 10) == [canceled["id"], pending["id"]]
    assert await ids_of_all_pages(integrator, f"to={quoted}&status=canceled", 10) == [canceled["id"]]
    assert await ids_of_all_pages(integrator, f"to={quoted}&status=approved", 10) == []
    assert pending["id"] in await ids_of_all_pages(integrator, "status=pending", 100)


async def test_another_application_sees_none_of_it(world, integrator, numbers):
    await integrator.create(next(numbers))
    other = world.other
    assert await ids_of_all_pages(other, "", 100) == []


async def test_a_page_shows_what_each_verification_shows(integrator, numbers):
    made = await integrator.create(next(numbers))
    await integrator.attempt_when(made["id"], "delivered")
    [newest] = (await integrator.ask("GET", "/v1/verifications?limit=1")).body["data"]
    assert newest == await integrator.show(made["id"])


@for_each(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("limit=-1", "limit"),
        ("limit=１", "limit"),
        ("status=done", "status"), ("to=425", "to"), ("to=%2B1425555%00", "to"), ("to=" + "1" * 300, "to"),
        ("starting_after=" + "x" * 300, "starting_after"),
    ],
)  # fmt: skip
async def test_odd_questions_for_the_list(integrator, query, field):
    answer = await integrator.ask("GET", f"/v1/verifications?{query}")
    assert answer.status == 422, answer
    assert fields_of(assert_problem(answer, 422, answer.body["code"])) == {field}


@pytest.mark.parametrize("query", ["wait=31", "wait=-1", "wait=x", "wait=1.5", "revision=x", "revision=-1", "wait="])
async def test_odd_waits(integrator, query):
    problem = assert_problem(await integrator.ask("GET", f"/v1/verifications/ver_1?{query}"), 422, "fields_invalid")
    assert fields_of(problem) == {query.partition("=")[0]}


async def cursor_errors(asker, path: str) -> list[tuple[str, str]]:
    problem = assert_problem(await asker.ask("GET", path), 422, "fields_invalid")
    return [(error["field"], error["code"]) for error in problem["errors"]]


@pytest.mark.parametrize("cursor", ["x", "0", "ver_", "ver_X", "enr_0", "ver_%00", "ver_" + "0" * 32])
async def test_a_cursor_that_names_nothing_is_refused(integrator, cursor):
    path = f"/v1/verifications?starting_after={cursor}"
    assert await cursor_errors(integrator, path) == [("starting_after", "cursor_invalid")]


async def test_a_cursor_of_another_application_is_refused(world, integrator, numbers):
    made = await integrator.create(next(numbers))
    path = f"/v1/verifications?starting_after={made['id']}"
    assert (await integrator.ask("GET", path)).status == 200
    assert await cursor_errors(world.other, path) == [("starting_after", "cursor_invalid")]


@pytest.mark.parametrize("cursor", ["x", "-1", "ver_0", "", "1" * 5_000])
async def test_a_cursor_of_a_journal_is_a_sequence(integrator, cursor):
    path = f"/v1/enrollments/enr_0/events?starting_after={cursor}"
    assert await cursor_errors(integrator, path) == [("starting_after", "cursor_invalid")]


async def test_an_empty_filter_is_none(integrator, numbers):
    made = await integrator.create(next(numbers))
    page = (await integrator.ask("GET", "/v1/verifications?to=&status=&starting_after=&limit=1")).body
    assert [verification["id"] for verification in page["data"]] == [made["id"]]


async def test_every_wrong_parameter_is_named_with_its_code(integrator):
    query = "staus=approved&staus=x&limit=0&status=done&starting_after=x"
    answer = await integrator.ask("GET", f"/v1/verifications?{query}")
    errors = {error["field"]: error["code"] for error in assert_problem(answer, 422, "fields_invalid")["errors"]}
    assert errors == {
        "staus": "field_unknown",
        "limit": "field_invalid",
        "status": "field_invalid",
        "starting_after": "cursor_invalid",
    }


async def test_a_parameter_that_is_needed_and_missing_is_named(integrator):
    problem = assert_problem(await integrator.ask("GET", "/v1/enrollments"), 422, "fields_invalid")
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [("user", "field_missing")]
