"""One HTTP exchange with a provider: pooled, bounded in time and size, and exact about whether the request left us."""

import asyncio
from collections.abc import Mapping
from functools import lru_cache

from yarl import URL

from gateway.providers.connection_pool import ConnectionPool, Origin, no_connection
from gateway.providers.http_connection import Answer

# Seconds. Shorter than servers wait, as who closes first cannot be surprised by a request.
_IDLE_TIMEOUT = 15.0

FORM = b"application/x-www-form-urlencoded"
JSON = b"application/json"
_BODY = b"Content-Type: %b\r\nContent-Length: %d\r\n\r\n%b"

# Texts, calls and some pages of their lists.
_REMEMBERED_TARGETS = 16


class Transport:
    """A pool of keep-alive connections to one provider.

    Redirects are answers, not followed: a POST must not wander. There are no cookies, the proxy variables of the
    environment are ignored, TLS certificates are always verified. Must be made inside a running event loop.

    Args:
        headers: sent with every request.
        max_connections: how many requests may be in flight to one origin; further ones wait, in the order they came,
            as part of their connect timeout.
        connect_timeout: seconds until a request holds a connection, TLS handshake included.
        total_timeout: seconds until the answer is complete; must be longer than `connect_timeout`, or a request that
            never left would count as uncertain.
    """

    def __init__(
        self, headers: Mapping[str, str], *, max_connections: int, connect_timeout: float, total_timeout: float
    ) -> None:
        if connect_timeout >= total_timeout:
            raise ValueError("the connect timeout must be shorter than the total timeout")
        self._loop = asyncio.get_running_loop()
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._max_connections = max_connections
        self._connect_timeout = connect_timeout
        self._total_timeout = total_timeout
        self._is_closed = False
        self._pools: dict[Origin, ConnectionPool] = {}
        self._target = lru_cache(_REMEMBERED_TARGETS)(self._find_target)

    async def exchange(self, method: str, url: URL, body: bytes | None = None, kind: bytes = FORM) -> Answer:
        """Send one request and read its whole answer, whatever its status. The request goes out at most once.

        Args:
            method: GET or POST.
            url: where to.
            body: what to send.
            kind: the body's content type.

        Raises:
            ProviderUnreachable: no connection came about, so not a byte of the request was written.
            ProviderUncertain: anything else that left us without a complete answer; a pooled connection that dies
                while we write belongs here, since the provider may have read the request.
        """
        if self._is_closed:
            raise no_connection("closed")
        deadline = self._loop.time() + self._total_timeout
        head, pool = self._target(method, url)
        request = head + (b"\r\n" if body is None else _BODY % (kind, len(body), body))
        connection = pool.take_idle() or await pool.connect()
        timer = self._loop.call_at(deadline, connection.fail, "timed out")
        try:
            return await connection.send(request)
        finally:
            timer.cancel()
            pool.give_back(connection)

    async def close(self) -> None:
        """Close all connections; requests in flight end as uncertain, those that wait for a connection as busy."""
        self._is_closed = True
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))

    def _find_target(self, method: str, url: URL) -> tuple[bytes, ConnectionPool]:
        """Prepare what requests to a URL have in common: the head (RFC 9112 §3) up to its body's type, and the pool."""
        head = f"{method} {url.raw_path_qs} HTTP/1.1\r\nHost: {url.host_port_subcomponent}\r\n{self._headers}"
        # Whatever is not plainly http is not sent in the clear.
        origin = Origin(url.raw_host or "", url.port or 0, tls=url.scheme != "http")
        if origin not in self._pools:
            self._pools[origin] = ConnectionPool(
                origin,
                size=self._max_connections,
                connect_timeout=self._connect_timeout,
                idle_timeout=_IDLE_TIMEOUT,
            )
        return head.encode("latin-1"), self._pools[origin]
