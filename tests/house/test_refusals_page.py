"""docs/refusals.md explains every code that we answer with, and none that we do not."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from gateway.api.problems import from_http_error
from gateway.domain.errors import ErrorCode
from gateway.domain.validation import MistakeCode
from gateway.domain.verification import FailureCode

ROOT = Path(__file__).parents[2]
SECTION = re.compile(r"^## (?P<title>.+?)$(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(?P<code>\w+)` \|", re.MULTILINE)
FROM_HTTP = (web.HTTPMethodNotAllowed("PUT", ["GET"]), web.HTTPRequestEntityTooLarge(1, 2))


def codes_of(title: str) -> set[str]:
    sections = {
        match["title"]: match["text"] for match in SECTION.finditer((ROOT / "docs" / "refusals.md").read_text())
    }
    codes = [row["code"] for row in ROW.finditer(sections[title])]
    assert len(codes) == len(set(codes))
    return set(codes)


def written_in(*files: Path, builders: set[str]) -> Iterator[str]:
    """Give the codes that these files build their answers with, read from the source."""
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in builders and len(node.args) > 1:
                code = node.args[1]
                if isinstance(code, ast.Constant) and isinstance(code.value, str):
                    yield code.value


API = sorted((ROOT / "gateway" / "api").glob("*.py"))
CALLBACKS = ROOT / "webhooks" / "routes.py"


@pytest.mark.parametrize(
    ("title", "codes"),
    [
        ("Refusals", set(ErrorCode)),
        (
            "Problems with the request itself",
            {*written_in(*API, builders={"Problem"}), *(from_http_error(error).code for error in FROM_HTTP)},
        ),
        ("Fields", {*written_in(*API, builders={"FieldError"}), *MistakeCode}),
        ("Failures", set(FailureCode)),
        ("Answers to the provider", set(written_in(CALLBACKS, builders={"_problem", "_Refused"}))),
    ],
)
def test_every_code_is_explained_and_no_other(title, codes):
    assert codes_of(title) == {str(code) for code in codes}
