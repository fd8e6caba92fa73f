"""A relay between provider and gateway, which times the answers as the wire sees them. Prints its port.

    python benchmarks/relay.py PORT

What the provider posts is passed on to PORT. `GET /answers` answers `[[status, seconds], …]`, one for each answer so
far, from the last byte of the request to the first of the answer; status 0 if the gateway hung up instead.
"""

import asyncio
import sys
import time
from typing import cast

import msgspec
import uvloop

_answers: list[tuple[int, float]] = []


class _Wire(asyncio.Protocol):
    """One end; what comes before the other end is there is kept for it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._kept = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are, in all but name
        self.write(self._kept)

    def write(self, data: bytes) -> None:
        if self._transport is None:
            self._kept += data
        elif data:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Provider(_Wire):
    """A connection of the provider, or of whoever asks for the answers."""

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
        self._gateway.asked_at = time.perf_counter()
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
        self.asked_at: float | None = None

    def data_received(self, data: bytes) -> None:
        self._note(int(data[9:12]))
        self._provider.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._note(0)
        self._provider.close()

    def _note(self, status: int) -> None:
        """Note an answer; what is no first byte of one is not."""
        if self.asked_at is not None:
            _answers.append((status, time.perf_counter() - self.asked_at))
            self.asked_at = None


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Provider(port), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
