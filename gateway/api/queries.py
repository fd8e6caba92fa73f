"""Query parameters: each is read and described by what is written here once; whatever is wrong with one is named."""

from enum import StrEnum
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import msgspec
from aiohttp import web

from gateway.api.problems import FieldError, Problem

_LONGEST = 256

Default = TypeVar("Default", bound=int | None)
Word = TypeVar("Word", bound=StrEnum)


class _Parameter(msgspec.Struct, frozen=True):
    """What all have in common."""

    name: str
    meaning: str

    @property
    def needed(self) -> bool:
        """Tell whether it may not be left out."""
        return False

    def invalid(self, detail: str) -> Problem:
        """Build the refusal of a value."""
        error = FieldError(self.name, "field_invalid", detail)
        message = f"The query parameter {self.name} is not as it should be."
        return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "fields_invalid", message, errors=(error,))


class Integer(_Parameter, Generic[Default], frozen=True):
    """A whole number within its bounds."""

    lowest: int
    highest: int
    default: Default

    def of(self, request: web.Request) -> int | Default:
        """Return the number; raises Problem 422."""
        given = request.query.get(self.name)
        if given is None:
            return self.default
        digits = given.isascii() and given.isdigit() and len(given) <= len(str(self.highest))
        if not (digits and self.lowest <= int(given) <= self.highest):
            raise self.invalid(f"A whole number from {self.lowest} to {self.highest}.")
        return int(given)

    def schema(self) -> dict[str, Any]:
        """Describe its values, as JSON Schema."""
        bounds = {"type": "integer", "minimum": self.lowest, "maximum": self.highest}
        return bounds if self.default is None else {**bounds, "default": self.default}


class Text(_Parameter, frozen=True):
    """A text of bounded length, without NUL."""

    def of(self, request: web.Request) -> str | None:
        """Return the text; raises Problem 422."""
        given = request.query.get(self.name)
        if given is not None and (len(given) > _LONGEST or "\0" in given):
            raise self.invalid(f"At most {_LONGEST} characters, none of them NUL.")
        return given

    def schema(self) -> dict[str, Any]:
        """Describe its values, as JSON Schema."""
        return {"type": "string", "maxLength": _LONGEST, "pattern": r"^[^\x00]*$"}


class NeededText(Text, frozen=True):
    """A text that has to be there."""

    @property
    def needed(self) -> bool:
        """Tell whether it may not be left out."""
        return True

    def of(self, request: web.Request) -> str:
        """Return the text; raises Problem 422."""
        given = super().of(request)
        if not given:
            raise self.invalid("This parameter is needed.")
        return given

    def schema(self) -> dict[str, Any]:
        """Describe its values, as JSON Schema."""
        return {"minLength": 1, **super().schema()}


class Choice(_Parameter, Generic[Word], frozen=True):
    """One of some words; an empty one is none."""

    words: type[Word]

    def of(self, request: web.Request) -> Word | None:
        """Return the word; raises Problem 422."""
        given = request.query.get(self.name)
        try:
            return self.words(given) if given else None
        except ValueError:
            raise self.invalid(f"One of {', '.join(self.words)}.") from None

    def schema(self) -> dict[str, Any]:
        """Describe its values, as JSON Schema."""
        return {"type": "string", "enum": [word.value for word in self.words]}


class Flag(_Parameter, frozen=True):
    """Whether something is so; left out, it is not."""

    def of(self, request: web.Request) -> bool:
        """Return whether it is `true`; raises Problem 422."""
        given = request.query.get(self.name, "false")
        if given not in {"true", "false"}:
            raise self.invalid("One of true, false.")
        return given == "true"

    def schema(self) -> dict[str, Any]:
        """Describe its values, as JSON Schema."""
        return {"type": "boolean", "default": False}


Query = Integer[Any] | Text | Choice[Any] | Flag
"""One parameter."""
