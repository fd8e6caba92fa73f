"""A wire between a store and its PostgreSQL server that can be cut in the middle of a COMMIT."""

import asyncio
import contextlib
import tempfile
from enum import Enum
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

_SOCKET = ".s.PGSQL.5432"


class Cut(Enum):
    """What is lost when the wire is cut: the COMMIT, or the answer to it."""

    COMMIT = "commit"
    ANSWER = "answer"


class Wire:
    """Listens on a socket of its own, and hands everything on until it is told to cut."""

    def __init__(self, url: str) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="poundkey-wire-"))
        parts = urlsplit(url)
        [server] = parse_qs(parts.query)["host"]
        self._server = f"{server}/{_SOCKET}"
        self.url = parts._replace(query=f"host={self._directory}").geturl()
        self._next_cut: Cut | None = None
        self.cuts = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._listening = await asyncio.start_unix_server(self._serve, self._directory / _SOCKET)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listening is not None
        self._listening.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        (self._directory / _SOCKET).unlink(missing_ok=True)
        self._directory.rmdir()

    def cut(self, lost: Cut) -> None:
        """Cut at the next COMMIT."""
        self._next_cut = lost

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(OSError, asyncio.CancelledError):  # also a server that is not there
            server_reader, server_writer = await asyncio.open_unix_connection(self._server)
            try:
                up = asyncio.create_task(self._up(reader, writer, server_writer))
                await asyncio.gather(up, self._down(server_reader, writer), return_exceptions=True)
            finally:
                server_writer.close()
        writer.close()

    async def _up(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server_writer: asyncio.StreamWriter,
    ) -> None:
        while sent := await reader.read(1 << 16):
            if self._next_cut is not None and b"COMMIT" in sent:
                lost, self._next_cut = self._next_cut, None
                self.cuts += 1
                writer.close()
                if lost is Cut.ANSWER:
                    server_writer.write(sent)
                    await server_writer.drain()
                server_writer.write_eof()
                return
            server_writer.write(sent)
            await server_writer.drain()
        server_writer.write_eof()

    async def _down(self, server_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while told := await server_reader.read(1 << 16):
                if not writer.is_closing():
                    writer.write(told)
                    await writer.drain()
        finally:
            writer.close()
