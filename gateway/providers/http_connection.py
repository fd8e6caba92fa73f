"""One connection to a provider: a request goes out in one write, and its answer is parsed within bounds."""

import asyncio
import zlib
from typing import cast

import httptools
import msgspec

from gateway.ports import ProviderUncertain

# Bytes, counted after decompression. The largest answer we ask for is a page of 100 calls, some 200 kB.
MAX_BODY = 1024 * 1024

# Bytes of an answer that are not body: interim answers, head, chunk framing, trailers.
MAX_OVERHEAD = 64 * 1024

_FIRST_FINAL_STATUS = 200
_COMPRESSED = (b"gzip", b"x-gzip", b"deflate")
_EITHER_WRAPPER = zlib.MAX_WBITS | 32  # zlib: 32 detects whether it is gzip or deflate


class Answer(msgspec.Struct, frozen=True):
    """A complete HTTP response. `retry_after` is the header as it came, None if there was none."""

    status: int
    retry_after: str | None
    body: bytes


class HttpConnection(asyncio.Protocol):
    """The client's end of HTTP/1.1 (RFC 9112), one exchange at a time.

    Bytes that nobody asked for end the connection, so an answer can never be taken for that of a later request.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._new_future = loop.create_future
        self.lost: asyncio.Future[None] = loop.create_future()
        """Done once the socket is let go."""
        self.idle_since = 0.0
        """Loop time at which the pool last got the connection back."""
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[Answer] | None = None

    @property
    def is_reusable(self) -> bool:
        """Whether another request may go out: the last answer is complete, and both ends want to go on."""
        return self._waiter is None and not self._transport.is_closing()

    def send(self, request: bytes) -> asyncio.Future[Answer]:
        """Write a request; the future becomes its answer, or ProviderUncertain if that never completes.

        Args:
            request: head and body. The connection must be reusable.
        """
        self._overhead = 0
        self._begin()
        self._waiter = waiter = self._new_future()
        self._transport.write(request)
        return waiter

    def fail(self, reason: str) -> None:
        """Drop the connection; an exchange in flight ends as uncertain.

        Args:
            reason: words of ours. The parser's quote the answer, which quotes numbers.
        """
        self._transport.abort()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ProviderUncertain(f"The provider gave no complete answer ({reason})."))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are, in all but name

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._waiter is None:
            self.fail("unasked bytes")
            return
        self._overhead += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.fail("not HTTP")
        else:
            if self._overhead > MAX_OVERHEAD:
                self.fail("head too large")

    def eof_received(self) -> None:
        """See `asyncio.Protocol`. An answer without a length is complete when the provider closes (RFC 9112 §6.3)."""
        if self._waiter is not None and self._head_is_complete and not self._has_length:
            self._complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self.fail(type(exc).__name__ if exc else "connection closed")
        self.lost.set_result(None)

    def on_message_begin(self) -> None:
        """See `httptools.HttpResponseParser`, as all that follow."""
        if self._waiter is None:
            self.fail("unasked bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the first header of a name; a trailer is none."""
        if not self._head_is_complete:
            self._headers.setdefault(name.lower(), value)

    def on_headers_complete(self) -> None:
        """Note how the body will end."""
        self._head_is_complete = True
        self._has_length = b"content-length" in self._headers or b"transfer-encoding" in self._headers

    def on_body(self, body: bytes) -> None:
        """Take in a piece."""
        self._overhead -= len(body)
        self._body += body
        if len(self._body) > MAX_BODY:
            self.fail("body too large")

    def on_message_complete(self) -> None:
        """Answer, unless it was an interim response, after which another comes (RFC 9110 §15.2)."""
        if self._parser.get_status_code() < _FIRST_FINAL_STATUS:
            self._begin()
        else:
            self._complete()

    def _begin(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._head_is_complete = self._has_length = False
        self._body = bytearray()

    def _complete(self) -> None:
        """Hand over the answer. A waiter that gave up stays, and with it the connection unusable."""
        if self._waiter is None or self._waiter.done():
            return
        # A head and its body may come in one piece, so this is the first look at the size of the head alone.
        if self._overhead > MAX_OVERHEAD:
            self.fail("head too large")
            return
        body = _unpacked(bytes(self._body), self._headers.get(b"content-encoding", b""))
        if body is None:
            self.fail("body badly packed or too large")
            return
        if not self._parser.should_keep_alive():
            self._transport.close()
        retry_after = self._headers.get(b"retry-after")
        self._waiter.set_result(
            Answer(
                self._parser.get_status_code(),
                None if retry_after is None else retry_after.strip().decode("latin-1"),
                body,
            )
        )
        self._waiter = None


def _unpacked(body: bytes, coding: bytes) -> bytes | None:
    """The body as it was before a coding that we never accept and some proxies apply; None if broken or too large."""
    if not body or coding.strip().lower() not in _COMPRESSED:
        return body
    unpacker = zlib.decompressobj(_EITHER_WRAPPER)
    try:
        plain = unpacker.decompress(body, MAX_BODY + 1)
    except zlib.error:
        return None
    return plain if unpacker.eof and len(plain) <= MAX_BODY else None
