"""A relay between provider and gateway, which times the gateway's answers. Prints its port.

    python benchmarks/relay.py PORT

Requests are forwarded to PORT. `GET /answers` returns `[[status, seconds], …]`, one for each answer so far, from the
last byte of the request to the first byte of the answer; status 0 if the gateway closed the connection instead.
"""

import asyncio
import sys
import time
from typing import cast

import msgspec
import uvloop

_answers: list[tuple[int, float]] = []


class _Wire(asyncio.Protocol):
    """One end of the relay, with a buffer for data that arrives before its connection is open."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._unsent = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are, in all but name
        self.write(self._unsent)

    def write(self, data: bytes) -> None:
        if self._transport is None:
            self._unsent += data
        elif data:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Provider(_Wire):
    """A connection of the provider, or of a client that gets the answers."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._gateway = _Gateway(self)
        self._connecting: asyncio.Task[object] | None = None
        self._port = port

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET /answers "):
            body = msgspec.json.encode(_answers)
            self.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            return
        self._gateway.requested_at = time.perf_counter()
        if self._connecting is None:
            loop = asyncio.get_running_loop()
            self._connecting = loop.create_task(loop.create_connection(lambda: self._gateway, "127.0.0.1", self._port))
        self._gateway.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._gateway.close()


class _Gateway(_Wire):
    """The connection to the gateway."""

    def __init__(self, provider: _Wire) -> None:
        super().__init__()
        self._provider = provider
        self.requested_at: float | None = None

    def data_received(self, data: bytes) -> None:
        self._record(int(data[9:12]))
        self._provider.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._record(0)
        self._provider.close()

    def _record(self, status: int) -> None:
        """Record the first byte of an answer; later bytes are ignored."""
        if self.requested_at is not None:
            _answers.append((status, time.perf_counter() - self.requested_at))
            self.requested_at = None


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Provider(port), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
