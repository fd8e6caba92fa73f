"""The provider Telnyx, by its TeXML commands: calls, and what became of them. Its texts are another API."""

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Annotated

import msgspec

from gateway.domain.routing import RejectionScope
from gateway.domain.status_reports import CallReport, MessageReport
from gateway.domain.verification import FailureCode
from gateway.providers.base import Call, FoundSend, ProviderBusy, ProviderRefused, ProviderUncertain, Sms
from gateway.providers.dialects import TELNYX
from gateway.providers.http_client import DEFAULT_LIMITS, JSON, ConnectionLimits, HttpClient
from gateway.providers.twilio.errors import Meaning, failure_of
from gateway.providers.twilio.statuses import fetched_call

_CALL_EVENTS = "initiated ringing answered completed"
_LONGEST_RING = 120
_MOST_RECORDS = "100"
_LOOK_AGAIN_AFTER = 5.0
_OK = 200

# Source: Telnyx, API errors. What is missing is refused with its code.
_MEANINGS = {
    10002: Meaning(FailureCode.NUMBER_INVALID, "it is not a phone number"),
    10016: Meaning(FailureCode.NUMBER_INVALID, "it is not a phone number in E.164"),
}

_Sid = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Za-z_:.-]{1,64}\Z")]


class _CreatedCall(msgspec.Struct):
    # The documented answer names no sid; where one comes, it is that of the callbacks.
    sid: _Sid | None = None
    call_sid: _Sid | None = None


class _Listed(msgspec.Struct):
    sid: _Sid
    date_created: str
    from_: str | None = msgspec.field(default=None, name="from")


class _Page(msgspec.Struct):
    calls: list[_Listed]


class TelnyxProvider:
    """Calls by Telnyx' TeXML commands. Implements `Provider`, but every text is refused.

    Must be made inside a running event loop.

    Args:
        account_sid: the account whose calls they are.
        application_sid: the TeXML application that calls are placed through.
        auth_token: the API key.
        name: the provider's name in settings and callback paths.
        base_url: scheme, host and path before `/texml`.
        connections: how many, and the time-outs.

    Raises:
        ValueError: The connect timeout is not shorter than the total timeout.
    """

    def __init__(
        self,
        *,
        account_sid: str,
        application_sid: str,
        auth_token: str,
        name: str = "telnyx",
        base_url: str = TELNYX.base_url,
        connections: ConnectionLimits = DEFAULT_LIMITS,
    ) -> None:
        self.name = name
        self._application_sid = application_sid
        self._account = TELNYX.account(base_url, account_sid)
        self._calls = TELNYX.resource(self._account, "Calls")
        self._http_client = HttpClient(
            {
                "Authorization": TELNYX.credentials(account_sid, auth_token),
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "poundkey",
            },
            max_connections=connections.max_connections,
            connect_timeout=connections.connect_timeout,
            total_timeout=connections.total_timeout,
        )

    async def send_sms(self, _sms: Sms) -> str:
        """Refuse: texts go by another provider. Raises ProviderRefused."""
        raise _cannot("takes no texts from us")

    async def place_call(self, call: Call) -> str | None:
        """Place a call once and return its sid, or None, since only callbacks may name it.

        Raises:
            ProviderRefused: nobody was called, for good; so is every call to an extension, which cannot be dialled.
            ProviderBusy: nobody was called, try again later.
            ProviderUncertain: no telling whether the call was placed.
        """
        if call.send_digits is not None:
            raise _cannot("dials no extensions")
        answer = await self._http_client.exchange("POST", self._calls, msgspec.json.encode(self._order(call)), JSON)
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - the class of successes, RFC 9110 §15.3
            raise failure_of(answer, _MEANINGS)
        try:
            created = msgspec.json.decode(answer.body, type=_CreatedCall)
        except (ValueError, RecursionError):
            raise ProviderUncertain("The provider accepted the request but its answer is none.") from None
        return created.sid or created.call_sid

    async def find_sms(self, _to: str, _since: int) -> list[FoundSend]:
        """Find nothing, since nothing was sent."""
        return []

    async def find_calls(self, to: str, since: int) -> list[FoundSend]:
        """List the newest calls to a number, at most 100, made in the second of `since` (ms since the epoch) or later.

        Raises:
            ProviderRefused: the provider does not let us look.
            ProviderBusy, ProviderUncertain: no usable answer; looking again harms nothing.
        """
        answer = await self._http_client.exchange("GET", self._calls.with_query(To=to, PageSize=_MOST_RECORDS))
        if answer.status != _OK:
            raise failure_of(answer, _MEANINGS)
        try:
            listed = msgspec.json.decode(answer.body, type=_Page).calls
            calls = [FoundSend(call.sid, call.from_ or "", "", _ms(call.date_created)) for call in listed]
        except (ValueError, RecursionError) as fault:
            detail = f"The provider gave no usable list ({type(fault).__name__})."
            raise ProviderBusy(_LOOK_AGAIN_AFTER, detail) from None
        return [call for call in calls if call.created_at >= since // 1000 * 1000]

    async def fetch_sms(self, _sid: str) -> MessageReport | None:
        """Know nothing, since nothing was sent."""
        return None

    async def fetch_call(self, sid: str) -> CallReport | None:
        """Return how far a call got; None if Telnyx does not know it.

        Raises:
            ProviderRefused: the provider does not let us look.
            ProviderBusy, ProviderUncertain: no usable answer; looking again harms nothing.
        """
        return fetched_call(sid, await self._http_client.exchange("GET", TELNYX.resource(self._account, "Calls", sid)))

    async def hang_up(self, sid: str) -> None:
        """End a call that rings or was answered.

        Raises:
            ProviderRefused: it is over, or not known.
            ProviderBusy: not a byte of it left us.
            ProviderUncertain: no telling whether it was ended.
        """
        url = TELNYX.resource(self._account, "Calls", sid)
        answer = await self._http_client.exchange("POST", url, b"Status=completed")
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - the class of successes, RFC 9110 §15.3
            raise failure_of(answer, _MEANINGS)

    async def close(self) -> None:
        """Close all connections."""
        await self._http_client.close()

    def _order(self, call: Call) -> dict[str, str | int | bool]:
        order: dict[str, str | int | bool] = {
            "ApplicationSid": self._application_sid,
            "To": call.to,
            "From": call.caller,
            "Url": call.answer_url,
            "UrlMethod": "POST",
            "StatusCallback": call.status_callback,
            "StatusCallbackMethod": "POST",
            "StatusCallbackEvent": _CALL_EVENTS,
            "Timeout": min(call.ring_timeout, _LONGEST_RING),
        }
        if call.machine_callback is not None:
            order |= {
                "MachineDetection": "Enable",
                "AsyncAmd": True,
                "AsyncAmdStatusCallback": call.machine_callback,
                "AsyncAmdStatusCallbackMethod": "POST",
            }
        return order


def _cannot(what: str) -> ProviderRefused:
    return ProviderRefused(FailureCode.PROVIDER_REFUSED, None, f"The provider {what}.", RejectionScope.ROUTE)


def _ms(written: str) -> int:
    """Read a date (RFC 2822) as ms since the epoch; raises ValueError."""
    moment = parsedate_to_datetime(written)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1000
