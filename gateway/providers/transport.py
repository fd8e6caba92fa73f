"""One HTTP exchange with a provider: pooled, bounded in time and size, and exact about whether the request left us."""

from collections.abc import Mapping

import aiohttp
import msgspec
from yarl import URL

from gateway.ports import ProviderBusy, ProviderUncertain

# A reachable provider comes back within seconds; a verification lives for minutes.
_RECONNECT_AFTER = 5.0

# Bytes, counted after decompression. The largest answer we ask for is a page of 100 calls, some 200 kB.
MAX_BODY = 1024 * 1024


class Answer(msgspec.Struct, frozen=True):
    """A complete HTTP response. `retry_after` is the header as it came, None if there was none."""

    status: int
    retry_after: str | None
    body: bytes


class Transport:
    """A pool of keep-alive connections to one provider.

    Redirects are answers, not followed: a POST must not wander. Cookies and the proxy variables of the environment
    are ignored, TLS certificates are always verified. Must be made inside a running event loop.

    Args:
        headers: sent with every request.
        max_connections: how many requests may be in flight; further ones wait, as part of their connect timeout.
        connect_timeout: seconds until a request holds a connection, TLS handshake included.
        total_timeout: seconds until the answer is complete; must be longer than `connect_timeout`, or a request that
            never left would count as uncertain.
    """

    def __init__(
        self, headers: Mapping[str, str], *, max_connections: int, connect_timeout: float, total_timeout: float
    ) -> None:
        if connect_timeout >= total_timeout:
            raise ValueError("the connect timeout must be shorter than the total timeout")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=max_connections),
            headers=headers,
            timeout=aiohttp.ClientTimeout(connect=connect_timeout, total=total_timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def exchange(self, method: str, url: URL, form: bytes | None = None) -> Answer:
        """Send one request and read its whole answer, whatever its status.

        A POST goes out at most once: aiohttp repeats only idempotent requests, and only when a pooled connection died.

        Args:
            method: GET or POST.
            url: where to.
            form: an encoded body.

        Raises:
            ProviderBusy: no connection came about, so not a byte of the request was written.
            ProviderUncertain: anything else that left us without a complete answer; a pooled connection that dies
                while we write belongs here, since the provider may have read the request.
        """
        try:
            async with self._session.request(method, url, data=form, allow_redirects=False) as response:
                body = await _read_bounded(response)
                return Answer(response.status, response.headers.get("Retry-After"), body)
        # The faults are cut off: their texts carry URLs, and those of lists carry numbers.
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as fault:
            detail = f"No connection to the provider came about ({type(fault).__name__})."
            raise ProviderBusy(_RECONNECT_AFTER, detail) from None
        except (aiohttp.ClientError, OSError) as fault:
            raise ProviderUncertain(f"The provider gave no complete answer ({type(fault).__name__}).") from None

    async def close(self) -> None:
        """Close all connections; requests in flight end as uncertain."""
        await self._session.close()


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise ProviderUncertain("The provider's answer was too large.")
    return bytes(body)
