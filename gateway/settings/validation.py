"""Renders mistakes in the operator's TOML files: a line each, with the place as it is written there."""

import json
import re
from collections.abc import Sequence

from gateway.domain.validation import Mistake, Sentences

SENTENCES = Sentences(unknown="there is no such setting", missing="is missing", not_a_table="must be a table")

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def line(mistake: Mistake) -> str:
    """Return `place: sentence`; an entry of a list is counted from 1."""
    depth = next((at for at, name in enumerate(mistake.place) if isinstance(name, int)), len(mistake.place))
    inner = "".join(f"entry {name + 1}: " if isinstance(name, int) else f"{name}: " for name in mistake.place[depth:])
    return f"{dotted(mistake.place[:depth])}: {inner}{mistake.sentence}"


def dotted(names: Sequence[str | int]) -> str:
    """Return the place of a setting as TOML writes it."""
    return ".".join(_key(str(name)) for name in names)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False)
