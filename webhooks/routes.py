"""The callback routes: verify the request, parse it, call the listener, answer the provider.

Whatever is sent here, the answer is one of: 204 or TwiML; 403, 413, 408 or 400 for what is not proven or not readable;
503 for a report that the listener could not store. On a call the callee hears our apology instead, because after a 503
the provider would speak of an "application error" (Twilio: error 11200).
"""

import asyncio
import functools
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Protocol, TypeVar

import msgspec
from aiohttp import StreamReader, web

from webhooks import forms, urls
from webhooks.events import (
    CallAnswered,
    CallStatusChanged,
    DigitsGathered,
    MachineDetected,
    MessageReceived,
    MessageStatusChanged,
)
from webhooks.forms import Form, Malformed
from webhooks.signatures import SignatureVerifier

LARGEST_BODY = 64 * 1024
"""Bytes; the longest callbacks have about 4 kB."""
BODY_SECONDS = 10.0
"""How long a body may take to arrive. Twilio gives a callback 15 s in all, so a slower one is lost to it as well."""

_TWIML_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "Cache-Control": "no-store"}
_PROBLEM_HEADERS = {"Content-Type": "application/problem+json"}

_log = logging.getLogger(__name__)

Event = TypeVar("Event")
Result = TypeVar("Result")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class CallbackResult(StrEnum):
    """What became of a request."""

    ACCEPTED = "accepted"
    FORGED = "forged"
    MALFORMED = "malformed"
    FAILED = "failed"


RequestCounter = Callable[[str, str, CallbackResult], None]
"""Counts a request by the provider, the kind of callback, and its result."""


class ProviderListener(Protocol):
    """Takes in what the provider reports. A fact may come twice, late, out of order, or for an unknown attempt."""

    async def call_answered(self, event: CallAnswered) -> str:
        """Take in that a callee took the call, and return the TwiML to say."""
        ...

    async def digits_gathered(self, event: DigitsGathered) -> str:
        """Take in what keys a Gather got, and return the TwiML to say next."""
        ...

    async def call_status_changed(self, event: CallStatusChanged) -> None:
        """Take in the status of a call."""
        ...

    async def machine_detected(self, event: MachineDetected) -> None:
        """Take in who the provider thinks took the call."""
        ...

    async def message_status_changed(self, event: MessageStatusChanged) -> None:
        """Take in the status of a text."""
        ...

    async def message_received(self, event: MessageReceived) -> str:
        """Take in a text of a person, and return the TwiML of the reply."""
        ...


class _Refused(Exception):
    """The request is turned away before it is parsed."""

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail

    @property
    def result(self) -> CallbackResult:
        """Return what this is counted as."""
        return CallbackResult.FORGED if self.status is HTTPStatus.FORBIDDEN else CallbackResult.MALFORMED


def routes(
    *,
    provider: str,
    verifier: SignatureVerifier,
    listener: ProviderListener,
    apology: str,
    count: RequestCounter,
) -> list[web.RouteDef]:
    """Make the callback routes of one provider. All are POST only, the method we ask the provider for.

    Args:
        provider: The provider's name in the paths, as in `Addresses.provider`.
        verifier: What proves that the provider speaks.
        listener: What takes in the events.
        apology: The TwiML that ends a call kindly when the listener fails.
        count: Counts the requests.
    """

    def post(
        kind: str,
        path: str,
        read: Callable[[Mapping[str, str], Form], Event],
        tell: Callable[[Event], Awaitable[Result]],
        answer: Callable[[Result], web.Response],
        fail: Callable[[], web.Response],
    ) -> web.RouteDef:
        note = functools.partial(count, provider, kind)
        return web.post(urls.route(path, provider), _handler(verifier, read, tell, answer, fail, note))

    def apologise() -> web.Response:
        return _twiml(apology)

    # aiohttp tries routes of one prefix in turn: the most frequent callbacks stand first.
    return [
        post(
            "call_status",
            urls.CALL_STATUS,
            forms.call_status_changed,
            listener.call_status_changed,
            _no_content,
            _unavailable,
        ),
        post("gather", urls.GATHER, forms.digits_gathered, listener.digits_gathered, _twiml, apologise),
        post("answer", urls.ANSWER, forms.call_answered, listener.call_answered, _twiml, apologise),
        post(
            "message_status",
            urls.MESSAGE_STATUS,
            forms.message_status_changed,
            listener.message_status_changed,
            _no_content,
            _unavailable,
        ),
        post("machine", urls.MACHINE, forms.machine_detected, listener.machine_detected, _no_content, _unavailable),
        post(
            "message",
            urls.INBOUND_MESSAGE,
            forms.message_received,
            listener.message_received,
            _twiml,
            _unavailable,
        ),
    ]


def _handler(
    verifier: SignatureVerifier,
    read: Callable[[Mapping[str, str], Form], Event],
    tell: Callable[[Event], Awaitable[Result]],
    answer: Callable[[Result], web.Response],
    fail: Callable[[], web.Response],
    note: Callable[[CallbackResult], None],
) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            form = await _proven_form(request, verifier)
            event = read(request.match_info, form)
        except _Refused as refused:
            note(refused.result)
            return _problem(refused.status, refused.code, refused.detail)
        except Malformed as malformed:
            note(CallbackResult.MALFORMED)
            return _problem(HTTPStatus.BAD_REQUEST, "malformed", str(malformed))
        try:
            answered = answer(await tell(event))
        except Exception as error:  # noqa: BLE001 - whatever fails in the listener, the provider must get its answer
            _log_failure(request, error)
            note(CallbackResult.FAILED)
            return fail()
        note(CallbackResult.ACCEPTED)
        return answered

    return handle


async def _proven_form(request: web.Request, verifier: SignatureVerifier) -> Form:
    """Read the form and prove it; a header that cannot be a signature costs neither reading nor hashing."""
    if verifier.has_signature(request.headers):
        body = await _read_body(request)
        form = forms.read_form(body)
        # aiohttp's parser in Python lets bytes through that are not UTF-8, as surrogates; this gives back what came.
        target = request.raw_path.encode("utf-8", "surrogateescape")
        if verifier.verify(request.headers, target, body, form):
            return form
    _log.warning(
        "a callback to %s was refused: its signature does not fit our public URL and keys; see `poundkey doctor`",
        _name(request),
    )
    raise _Refused(HTTPStatus.FORBIDDEN, "signature_invalid", "The request is not signed by the provider.")


async def _read_body(request: web.Request) -> bytes:
    content = request.content
    try:
        if content.is_eof():  # nearly always: the body came along with the head, and no timer is needed
            body = content.read_nowait()
        else:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read_stream(content)
    except TimeoutError:
        raise _Refused(HTTPStatus.REQUEST_TIMEOUT, "body_too_slow", "The body did not arrive in time.") from None
    except web.RequestPayloadError:
        raise Malformed("the body's transfer or content encoding is broken") from None
    if len(body) > LARGEST_BODY:
        raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", "The body is larger than 64 kB.")
    return body


async def _read_stream(content: StreamReader) -> bytes:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > LARGEST_BODY:
            break
    return bytes(body)


def _no_content(_result: None) -> web.Response:
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _twiml(twiml: str) -> web.Response:
    return web.Response(body=twiml.encode(), headers=_TWIML_HEADERS)


def _unavailable() -> web.Response:
    return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "The report could not be kept.")


def _problem(status: HTTPStatus, code: str, detail: str) -> web.Response:
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail, "code": code}
    return web.Response(status=status, body=msgspec.json.encode(problem), headers=_PROBLEM_HEADERS)


def _log_failure(request: web.Request, error: Exception) -> None:
    # Neither the message of an error nor the path may be logged: they can hold numbers, digits and the attempt's token.
    where = "".join(traceback.format_tb(error.__traceback__))
    _log.error("the listener failed at %s with %s\n%s", _name(request), type(error).__name__, where)


def _name(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else "an unknown route"
