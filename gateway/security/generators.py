"""What is drawn anew for each object: ids, tokens, codes and passwords."""

import secrets
from collections.abc import Callable

import msgspec
import uuid_utils

from gateway.domain.app_passwords import ALPHABET, LENGTH

NewId = Callable[[str], str]
"""A new time-ordered id with the given prefix."""

NewToken = Callable[[], str]
"""A new secret for a callback path: unguessable, in characters that a URL carries unchanged."""

NewCode = Callable[[int], str]
"""A new uniform code of so many digits."""

NewPassword = Callable[[], str]
"""A new uniform password, with the alphabet and length of `gateway.domain.app_passwords`."""

_TOKEN_BYTES = 18  # a multiple of three needs no padding


def new_id(prefix: str) -> str:
    """Return a new time-ordered id."""
    return f"{prefix}_{uuid_utils.uuid7().hex}"


def new_token() -> str:
    """Return a new secret for a callback path."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def new_code(digits: int) -> str:
    """Return a new uniform code."""
    return f"{secrets.randbelow(10**digits):0{digits}}"


def new_password() -> str:
    """Return a new uniform app password."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


class Generators(msgspec.Struct, frozen=True):
    """The generators that services draw from."""

    new_id: NewId = new_id
    new_token: NewToken = new_token
    new_code: NewCode = new_code
    new_password: NewPassword = new_password
