"""A provider that misbehaves on demand, below the level where an HTTP server library would let it."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.providers.http_client import ConnectionLimits
from gateway.providers.twilio.api import TwilioProvider


def pytest_asyncio_loop_factories():
    """Loops differ where connections end; the product runs on uvloop where there is one, and on asyncio's elsewhere."""
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


Then = Literal["keep", "close", "hang", "reset"]


@dataclass(frozen=True)
class SeenRequest:
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> list[tuple[str, str]]:
        written = self.body.decode()
        return parse_qsl(written, keep_blank_values=True, strict_parsing=bool(written))


class Carrier:
    """A raw TCP server: after each request it writes the next bytes of its script and then does as told."""

    def __init__(self) -> None:
        self.seen: list[SeenRequest] = []
        self.heard = asyncio.Event()
        self.connections = 0
        self.base_url = ""
        self._script: deque[tuple[bytes, Then]] = deque()
        self._writers: set[asyncio.StreamWriter] = set()

    def plays(self, raw: bytes, then: Then = "keep") -> None:
        """Add an act; the last act of the script is repeated for ever."""
        self._script.append((raw, then))

    def answers(self, status: int, body: bytes = b"", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
        self.plays("\r\n".join(lines).encode() + body)

    def forgets(self) -> None:
        self.seen.clear()
        self._script.clear()

    async def start(self, tls: ssl.SSLContext | None = None) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        self.base_url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        return server

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._act(reader, writer):
                pass
        writer.close()
        self._writers.discard(writer)

    async def _act(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.seen.append(await self._read(reader))
        self.heard.set()
        raw, then = self._script.popleft() if len(self._script) > 1 else self._script[0]
        writer.write(raw)
        await writer.drain()
        if then == "hang":
            await reader.read()
        elif then == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        return then == "keep"

    async def _read(self, reader: asyncio.StreamReader) -> SeenRequest:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        url = urlsplit(target)
        return SeenRequest(
            method,
            url.path,
            parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)),
            headers,
            body,
        )


MakeCarrier = Callable[..., Awaitable[Carrier]]


@pytest.fixture
async def make_carrier() -> AsyncIterator[MakeCarrier]:
    async with contextlib.AsyncExitStack() as stack:

        async def make(tls: ssl.SSLContext | None = None) -> Carrier:
            carrier = Carrier()
            await stack.enter_async_context(await carrier.start(tls))
            stack.callback(carrier.hang_up)
            return carrier

        yield make


@pytest.fixture
async def carrier(make_carrier: MakeCarrier) -> Carrier:
    return await make_carrier()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "self-signed.pem"
    pem.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem


@pytest.fixture
async def carrier_with_tls(make_carrier: MakeCarrier, certificate: Path) -> Carrier:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    return await make_carrier(tls)


MakeProvider = Callable[..., TwilioProvider]


@pytest.fixture
async def make_provider() -> AsyncIterator[MakeProvider]:
    """Make providers that are closed after the test; the time-outs are ample unless the test is about them."""
    made: list[TwilioProvider] = []

    def make(base_url: str, **settings: object) -> TwilioProvider:
        ample = {"connect_timeout": 20.0, "total_timeout": 30.0}
        bounds = {name: settings.pop(name) for name in ConnectionLimits.__struct_fields__ if name in settings}
        connections = ConnectionLimits(**(ample | bounds))
        made.append(
            TwilioProvider(
                account_sid="AC" + "a" * 32, auth_token="s3cret", base_url=base_url, connections=connections, **settings
            )
        )
        return made[-1]

    yield make
    for provider in made:
        await provider.close()


@pytest.fixture
async def provider(carrier: Carrier, make_provider: MakeProvider) -> TwilioProvider:
    return make_provider(carrier.base_url)
