"""Names are the glossary's: retired words stay out of them, and no two classes share a name."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "twiml", "webhooks")

# Words that no part of a name may be (`_doorstep`, `new_roster`, `TallyStep`).
RETIRED_PARTS = {
    "crew",
    "doorstep",
    "elsewhere",
    "entropy",
    "fate",
    "guest",
    "loosened",
    "receipt",
    "roster",
    "scene",
    "tallies",
    "tally",
    "wave",
    "whence",
    "wish",
}
# Words that are no name by themselves: they do not say of what.
RETIRED_NAMES = {"asked", "found", "given", "heard", "kept", "made", "said", "taken", "told", "whom"}


def names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def trees() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "versions" not in path.parts:
                yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def parts(name: str) -> list[str]:
    return [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)]


def test_no_name_is_a_retired_word():
    retired = [
        f"{path}: {name}"
        for path, tree in trees()
        for name in names(tree)
        if name.strip("_").lower() in RETIRED_NAMES or RETIRED_PARTS.intersection(parts(name))
    ]
    assert sorted(set(retired)) == []


def test_no_two_classes_share_a_name():
    classes = Counter(node.name for _, tree in trees() for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    assert sorted(name for name, count in classes.items() if count > 1) == []


def test_modules_are_named_by_the_glossary_too():
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert [str(path) for path in modules if RETIRED_PARTS.intersection(parts(path.stem))] == []
