"""What Twilio knows of our sends: its lists of texts and calls, read by its SDK over our HTTP client."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any

from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api import Api
from yarl import URL

from gateway.providers.base import FoundSend, ProviderBusy, ProviderRefused
from gateway.providers.http_client import HttpClient
from gateway.providers.twilio.errors import failure_of

_MOST_RECORDS = 100
_LOOK_AGAIN_AFTER = 5.0
_OK = 200

# The SDK logs each URL at INFO, and the URLs of lists carry numbers.
for _name in ("twilio.http_client", "twilio.async_http_client"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class SendHistory:
    """The texts and calls of one account.

    Args:
        http_client: carries the credentials.
        account_sid: the account, AC….
        base_url: scheme, host and path before `/2010-04-01`.
        timeout: seconds for one search, all its pages together.
    """

    def __init__(self, http_client: HttpClient, *, account_sid: str, base_url: str, timeout: float) -> None:
        self._timeout = timeout
        # The secret stays with the HTTP client, but without one the SDK would look for its own in the environment.
        client = Client(account_sid, "with the HTTP client", http_client=_SdkHttpClient(http_client))
        # TWILIO_EDGE and TWILIO_REGION would rewrite the host, and our settings say where to go.
        client.edge = client.region = None
        api = Api(client)
        api.base_url = base_url
        self._account = api.v2010.account

    async def find_sms(self, to: str, since: int) -> list[FoundSend]:
        """See `TwilioProvider.find_sms` (Twilio: read multiple Messages, DateSent>)."""
        after = _second(since)
        page = self._account.messages.list_async(to=to, date_sent_after=after, limit=_MOST_RECORDS)
        return await self._read(page, _found_sms, after)

    async def find_calls(self, to: str, since: int) -> list[FoundSend]:
        """See `TwilioProvider.find_calls` (Twilio: read multiple Calls, StartTime>)."""
        after = _second(since)
        page = self._account.calls.list_async(to=to, start_time_after=after, limit=_MOST_RECORDS)
        return await self._read(page, _found_call, after)

    async def _read(
        self, listing: Coroutine[Any, Any, list[Any]], read: Callable[[Any], FoundSend], after: datetime
    ) -> list[FoundSend]:
        try:
            # The SDK bounds the records and not the pages, so a provider with endless empty ones needs a clock.
            async with asyncio.timeout(self._timeout):
                records = await listing
            # Filtered again, for the dialects that do not know the filter.
            return [read(record) for record in records if record.date_created >= after]
        except (ProviderRefused, ProviderBusy):
            raise
        except Exception as fault:  # noqa: BLE001 - the SDK answers a malformed list with whatever it trips over
            detail = f"The provider gave no usable list ({type(fault).__name__})."
            raise ProviderBusy(_LOOK_AGAIN_AFTER, detail) from None


class _SdkHttpClient(AsyncHttpClient):  # type: ignore[misc]  # the SDK ships no types
    """Lends our HTTP client to the SDK, and judges unhappy answers before the SDK words them with numbers."""

    def __init__(self, http_client: HttpClient) -> None:
        super().__init__(logging.getLogger("twilio.async_http_client"), is_async=True)
        self._http_client = http_client

    async def request(
        self, method: str, uri: str, params: Mapping[str, str | int] | None = None, **_: object
    ) -> Response:
        """Send a request without a body. Headers and credentials are our HTTP client's, not the SDK's."""
        answer = await self._http_client.exchange(method, URL(uri).update_query(params or {}))
        if answer.status != _OK:
            raise failure_of(answer)
        return Response(answer.status, answer.body.decode())


def _found_sms(text: Any) -> FoundSend:  # noqa: ANN401 - the SDK ships no types
    # A messaging service is the sender we named; which of its numbers it took is of no use to the one who looks.
    sender = text.messaging_service_sid or text.from_ or ""
    return FoundSend(text.sid, sender, text.body or "", _ms(text.date_created))


def _found_call(call: Any) -> FoundSend:  # noqa: ANN401 - the SDK ships no types
    caller = call._from or ""  # noqa: SLF001 - the SDK gives a call's From no public name
    return FoundSend(call.sid, caller, "", _ms(call.date_created))


def _second(since: int) -> datetime:
    """The second of `since`, as the provider's times have no fractions."""
    return datetime.fromtimestamp(since // 1000, UTC)


def _ms(time: datetime) -> int:
    return int(time.timestamp()) * 1000
