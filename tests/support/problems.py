"""What every refusal of the API looks like (RFC 9457)."""

from support.integrator import Answer, Json

_ALWAYS = {"type", "title", "status", "detail", "code"}


def assert_problem(answer: Answer, status: int, code: str) -> Json:
    """Hold an answer against the form of a problem, and return it."""
    assert (answer.status, answer.content_type) == (status, "application/problem+json"), answer
    problem: Json = answer.body
    assert _ALWAYS <= set(problem) <= _ALWAYS | {"errors"}
    assert (problem["status"], problem["code"]) == (status, code), problem
    assert problem["type"].endswith(code)
    assert problem["detail"]
    assert answer.headers["Request-Id"].startswith("req_")
    return problem


def fields_of(problem: Json) -> set[str]:
    """Return the fields that a problem names."""
    for error in problem["errors"]:
        assert set(error) == {"field", "code", "detail"}
        assert all(error.values())
    return {error["field"] for error in problem["errors"]}
