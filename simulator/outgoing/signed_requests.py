"""The provider's own HTTP requests to the application: signed, timed out, tried again and logged."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from urllib.parse import urlencode, urljoin

import aiohttp
import msgspec
from yarl import URL

from simulator.dialects import Dialect, Sign
from simulator.exchanges import Exchanges
from simulator.outgoing.addresses import ConnectionOverrides, signed_form, split_overrides

_HEADERS = {
    "User-Agent": "TwilioProxy/1.1",
    "Accept": "*/*",
    "Accept-Encoding": "gzip",
    "Cache-Control": "max-age=259200",
}
_FORM_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10
_MOST_BYTES = 64 * 1024


class Answer(msgspec.Struct, frozen=True):
    """What the application answered; `url` is where it came from, after redirects."""

    url: str
    status: int
    content_type: str
    body: bytes


class NoAnswer(Exception):
    """The application gave no usable answer; `code` is the provider's (Twilio: Error and Warning Dictionary, 11xxx)."""

    def __init__(self, code: int, reason: str, *, retry_reason: str = "") -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason
        self.retry_reason = retry_reason


class SignedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request to the application.

    Attributes:
        kind: `fetch` or `callback`, for the log.
        method: `POST` with the form in the body, or `GET` with it in the query.
        url: Absolute address with its connection overrides in the fragment.
        form: Fields to send; blank values are sent too.
        sid: The message or call it is about.
        voice: Whether it is about a call, which decides how the port is signed.
        token: Value of I-Twilio-Idempotency-Token, the same in every copy and try.
    """

    kind: str
    method: str
    url: str
    form: Mapping[str, str]
    sid: str
    voice: bool
    token: str = msgspec.field(default_factory=lambda: str(uuid.uuid4()))


class SignedRequests:
    """Sends requests as the provider does (Twilio: Webhooks Security; Connection Overrides)."""

    def __init__(self, session: aiohttp.ClientSession, dialect: Dialect, sign: Sign, exchanges: Exchanges) -> None:
        self._session = session
        self._dialect = dialect
        self._sign = sign
        self._exchanges = exchanges

    async def send(self, request: SignedRequest) -> Answer:
        """Send a request, again if the address's overrides say so: by default once, when no connection came about.

        Raises:
            NoAnswer: There was none in time, or too long a one, or one redirect too many.
        """
        try:
            address, overrides = split_overrides(request.url)
            async with asyncio.timeout(overrides.total_seconds):
                return await self._try(msgspec.structs.replace(request, url=address), overrides)
        except TimeoutError as error:
            raise self._failed(request, 11200, "no answer in time") from error
        except ValueError as error:
            raise self._failed(request, 11100, f"invalid address: {error}") from error

    async def _try(self, request: SignedRequest, overrides: ConnectionOverrides) -> Answer:
        for _ in range(overrides.retries):
            try:
                answer = await self._follow(request, overrides)
            except NoAnswer as failure:
                if failure.retry_reason not in overrides.retry_on:
                    raise
            else:
                if f"{answer.status // 100}xx" not in overrides.retry_on:
                    return answer
        return await self._follow(request, overrides)

    async def _follow(self, request: SignedRequest, overrides: ConnectionOverrides) -> Answer:
        """Ask once and follow redirects, by GET and without the fields (Twilio: a redirected Gather loses Digits)."""
        for _ in range(_MOST_REDIRECTS + 1):
            answer, location = await self._ask(request, overrides)
            if location is None:
                return answer
            request = msgspec.structs.replace(request, method="GET", url=urljoin(request.url, location), form={})
        raise NoAnswer(11215, "too many redirects")

    async def _ask(self, request: SignedRequest, overrides: ConnectionOverrides) -> tuple[Answer, str | None]:
        """Make one HTTP request and log it; return the answer and where it redirects to, if it does."""
        try:
            answer, location = await self._exchange(request, overrides)
        except NoAnswer as failure:
            self._log(request, error=str(failure))
            raise
        self._log(request, status=answer.status, body=answer.body)
        return answer, location

    async def _exchange(self, request: SignedRequest, overrides: ConnectionOverrides) -> tuple[Answer, str | None]:
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=overrides.connect_seconds, sock_read=overrides.read_seconds
        )
        url, body, headers = self._written(request)
        try:
            async with self._session.request(
                request.method,
                URL(url, encoded=True),
                data=body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                answer = Answer(request.url, response.status, response.content_type, await _read(response))
                return answer, response.headers.get("Location") if response.status in _REDIRECTS else None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NoAnswer(11205, "no connection", retry_reason="ct") from error
        except TimeoutError as error:
            raise NoAnswer(11200, "no answer in time", retry_reason="rt") from error
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswer(11200, f"broken answer: {error}") from error

    def _written(self, request: SignedRequest) -> tuple[str, bytes | None, dict[str, str]]:
        """Return the address, body and headers as they go over the wire, signed to the character."""
        form = self._dialect.form(request.form)
        fields = urlencode(form)
        url, body = request.url, None
        signed: Mapping[str, str] = {}
        headers = {**_HEADERS, "I-Twilio-Idempotency-Token": request.token}
        if request.method == "POST":
            body, signed = fields.encode(), form
            headers["Content-Type"] = _FORM_TYPE
        elif fields:
            url += ("&" if "?" in url else "?") + fields
        headers |= self._sign(signed_form(url, voice=request.voice), signed, body or b"")
        return url, body, headers

    def _failed(self, request: SignedRequest, code: int, reason: str) -> NoAnswer:
        failure = NoAnswer(code, reason)
        self._log(request, error=str(failure))
        return failure

    def _log(
        self, request: SignedRequest, *, status: int | None = None, body: bytes = b"", error: str | None = None
    ) -> None:
        self._exchanges.log(
            request.kind,
            request.method,
            request.url,
            sid=request.sid,
            form=request.form,
            status=status,
            body=body,
            error=error,
        )


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read a body of at most 64 kB (Twilio: error 11750)."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise NoAnswer(11750, "the answer is longer than 64 kB")
    return bytes(body)
