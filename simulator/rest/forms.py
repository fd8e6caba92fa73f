"""Reading the form of a REST request, and refusing what is wrong with single fields."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from aiohttp import web
from multidict import MultiDict, MultiMapping

from simulator.outgoing.addresses import is_web_address
from simulator.rest.errors import ApiError
from simulator.whole_numbers import read_whole_number


class Form:
    """The fields of one request; unknown ones are never looked at, as with the provider."""

    def __init__(self, fields: MultiMapping[str | bytes | bytearray | web.FileField]) -> None:
        self._fields = fields

    @classmethod
    async def of(cls, request: web.Request) -> Form:
        """Read the form in a request's body.

        Raises:
            ApiError: 20001, the body says that it is a form, or JSON, and is none.
        """
        try:
            if request.content_type == "application/json":
                return cls(MultiDict(_written(await request.json(loads=msgspec.json.decode))))
            return cls(await request.post())
        except (ValueError, LookupError, TypeError) as error:
            raise ApiError(20001, detail="the body is not a form") from error

    def text(self, name: str) -> str | None:
        """Return a field's text; None when it is missing, while a blank one is an empty text."""
        value = self._fields.get(name)
        return value if isinstance(value, str) else None

    def texts(self, name: str) -> list[str]:
        """Return the texts of a repeated field."""
        return [value for value in self._fields.getall(name, []) if isinstance(value, str)]

    def pairs(self) -> list[tuple[str, str]]:
        """Return all fields in their order."""
        return [(name, value) for name, value in self._fields.items() if isinstance(value, str)]

    def address(self, name: str, code: int) -> str | None:
        """Return an absolute http(s) address; None when it is missing or blank.

        Raises:
            ApiError: The given code, it is not such an address.
        """
        text = self.text(name)
        if not text:
            return None
        if not is_web_address(text):
            raise ApiError(code, detail=text)
        return text

    def method(self, name: str) -> str:
        """Return an HTTP method, `POST` by default.

        Raises:
            ApiError: 20001, it is neither GET nor POST.
        """
        return self.choice(name, ("GET", "POST")) or "POST"

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """Return a field that must be one of the choices; None when it is missing.

        Raises:
            ApiError: 20001, it is something else.
        """
        text = self.text(name)
        if text is not None and text not in choices:
            raise ApiError(20001, detail=name)
        return text

    def number(self, name: str, default: int, *, lowest: int, highest: int) -> int:
        """Return a whole number, or the default when it is missing.

        Raises:
            ApiError: 20001, it is not a number in the range.
        """
        text = self.text(name)
        if text is None:
            return default
        number = read_whole_number(text, lowest=lowest, highest=highest)
        if number is None:
            raise ApiError(20001, detail=name)
        return number


def _written(content: object) -> dict[str, str]:
    """Return the fields of a JSON object as a form has them; raises TypeError if it is none."""
    if not isinstance(content, dict):
        raise TypeError("not an object")
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in content.items()}
