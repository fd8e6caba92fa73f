"""The dialects of providers: their API paths, credentials, signatures and fields."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import time
import uuid
from collections.abc import Callable, Mapping

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from twilio.request_validator import RequestValidator

from simulator.records import API_VERSION, new_sid

Form = Mapping[str, str]
Sign = Callable[[str, Form, bytes], dict[str, str]]
"""Takes the address that is signed, the form in the body and the body itself; returns the headers that prove it."""

_COUNTS = ("duration", "num_segments", "num_media", "price", "queue_time")


class Dialect(msgspec.Struct, frozen=True):
    """What one provider does in its own way.

    Attributes:
        root: The path of the API.
        account: What an account's sid looks like.
        bearer: Whether requests bear the token alone (RFC 6750), instead of account and token (RFC 7617).
        new_sid: Makes a sid, from the two letters of Twilio's.
        signer: Makes the signer of callbacks from the network's signing key.
        lacks: Fields of callbacks that this provider does not have.
        omits_empty_digits: Whether a request without a key has no `Digits`, instead of empty ones.
        counts_are_numbers: Whether counts and prices in its records are numbers, instead of strings.
        errors_are_listed: Whether a refusal is a list of errors, instead of one (JSON:API).
    """

    root: str
    account: re.Pattern[str]
    bearer: bool
    new_sid: Callable[[str], str]
    signer: Callable[[str], Sign]
    lacks: frozenset[str] = frozenset()
    omits_empty_digits: bool = False
    counts_are_numbers: bool = False
    errors_are_listed: bool = False

    def form(self, form: Form) -> Form:
        """Return a callback's form with the fields that this provider has."""
        return {
            name: value
            for name, value in form.items()
            if name not in self.lacks and (value or name != "Digits" or not self.omits_empty_digits)
        }

    def answer(self, content: object, status: int) -> object:
        """Return the JSON of an answer as this provider writes it."""
        if status >= 400 and self.errors_are_listed and isinstance(content, dict):  # noqa: PLR2004  the error classes
            return {"errors": [{"code": str(content.get("code")), "title": content.get("message")}]}
        return _counted(content) if self.counts_are_numbers else content


def new_signing_key() -> str:
    """Return a key that every dialect can sign with: base64 of 32 random bytes."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def public_key(signing_key: str) -> str:
    """Return the public half of a signing key, base64."""
    return base64.b64encode(_private(signing_key).public_key().public_bytes_raw()).decode()


def _counted(content: object) -> object:
    if isinstance(content, list):
        return [_counted(part) for part in content]
    if not isinstance(content, dict):
        return content
    return {
        name: float(value) if name in _COUNTS and isinstance(value, str) else _counted(value)
        for name, value in content.items()
    }


def _twilio(key: str) -> Sign:
    validator = RequestValidator(key)
    return lambda url, form, _body: {"X-Twilio-Signature": validator.compute_signature(url, form)}


def _signalwire(key: str) -> Sign:
    def sign(url: str, form: Form, _body: bytes) -> dict[str, str]:
        signed = url + "".join(name + value for name, value in sorted(form.items()))
        digest = hmac.digest(key.encode(), signed.encode(), "sha1")
        return {"X-SignalWire-Signature": base64.b64encode(digest).decode()}

    return sign


def _telnyx(key: str) -> Sign:
    private = _private(key)

    def sign(_url: str, _form: Form, body: bytes) -> dict[str, str]:
        moment = str(int(time.time()))
        signature = private.sign(moment.encode() + b"|" + body)
        return {"telnyx-timestamp": moment, "telnyx-signature-ed25519": base64.b64encode(signature).decode()}

    return sign


def _private(key: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(key))


DIALECTS: Mapping[str, Dialect] = {
    "twilio": Dialect(
        root=f"/{API_VERSION}",
        account=re.compile(r"AC[0-9a-fA-F]{32}"),
        bearer=False,
        new_sid=new_sid,
        signer=_twilio,
    ),
    "signalwire": Dialect(
        root=f"/api/laml/{API_VERSION}",
        account=re.compile(r"[0-9a-f-]{36}"),
        bearer=False,
        new_sid=lambda _letters: str(uuid.uuid4()),
        signer=_signalwire,
        lacks=frozenset({"SequenceNumber", "msg"}),
        counts_are_numbers=True,
    ),
    "telnyx": Dialect(
        root="/v2/texml",
        account=re.compile(r"[0-9a-f-]{36}"),
        bearer=True,
        new_sid=lambda _letters: f"v3:{secrets.token_urlsafe(40)}",
        signer=_telnyx,
        lacks=frozenset({"FinishedOnKey", "msg", "ApiVersion", "SipResponseCode"}),
        omits_empty_digits=True,
        errors_are_listed=True,
    ),
}
