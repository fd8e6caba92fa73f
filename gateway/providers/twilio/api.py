"""The provider Twilio, and every carrier that speaks its REST dialect: texts, calls, and what became of them."""

import asyncio
import re
from typing import TYPE_CHECKING, Annotated

import msgspec
from yarl import URL

from gateway.domain.status_reports import CallReport, MessageReport
from gateway.providers.base import Call, FoundSend, ProviderUncertain, Sms
from gateway.providers.dialects import TWILIO, Dialect
from gateway.providers.http_client import DEFAULT_LIMITS, ConnectionLimits, HttpClient
from gateway.providers.twilio.errors import failure_of
from gateway.providers.twilio.statuses import fetched_call, fetched_text

if TYPE_CHECKING:
    from gateway.providers.twilio.history import SendHistory

_MESSAGING_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_CALL_EVENTS = ("initiated", "ringing", "answered", "completed")


class _CreatedResource(msgspec.Struct):
    # Twilio's sids have 34 characters; carriers of its dialect send UUIDs.
    sid: Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Za-z_-]{1,64}\Z")]


class TwilioProvider:
    """Sends by Twilio's REST API (2010-04-01), or by a carrier's that is like it. Implements `Provider`.

    Sends are built here and not by the SDK, which costs several times the CPU. Must be made inside a running event
    loop.

    Args:
        account_sid: the account that pays, AC….
        auth_token: its secret.
        base_url: scheme, host and path before `/2010-04-01`: a region, another carrier, the simulator.
        name: the provider's name in settings and callback paths.
        dialect: in what it differs from Twilio.
        validity_period: seconds (1-36000) after which a queued text is dropped; the provider's default if None.
        connections: how many, and the time-outs.

    Raises:
        ValueError: The connect timeout is not shorter than the total timeout.
    """

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        base_url: str = TWILIO.base_url,
        name: str = "twilio",
        dialect: Dialect = TWILIO,
        validity_period: int | None = None,
        connections: ConnectionLimits = DEFAULT_LIMITS,
    ) -> None:
        self.name = name
        self._account_sid = account_sid
        self._base_url = base_url.rstrip("/")
        self._dialect = dialect
        self._account = account = dialect.account(base_url, account_sid)
        self._messages, self._calls = dialect.resource(account, "Messages"), dialect.resource(account, "Calls")
        self._every_sms = () if validity_period is None else (("ValidityPeriod", str(validity_period)),)
        self._every_call = (
            ("Method", "POST"),
            *(("StatusCallbackEvent", event) for event in _CALL_EVENTS),
            ("StatusCallbackMethod", "POST"),
        )
        self._history_timeout = connections.total_timeout
        self._history: SendHistory | None = None
        self._http_client = HttpClient(
            {
                "Authorization": dialect.credentials(account_sid, auth_token),
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "poundkey",
            },
            max_connections=connections.max_connections,
            connect_timeout=connections.connect_timeout,
            total_timeout=connections.total_timeout,
        )

    async def send_sms(self, sms: Sms) -> str:
        """Send a text once and return its sid (Twilio: create a Message). A sender MG… is a messaging service.

        Raises:
            ProviderRefused: nothing was sent, for good.
            ProviderBusy: nothing was sent, try again later.
            ProviderUncertain: no telling whether it was sent.
        """
        sender = "MessagingServiceSid" if _MESSAGING_SERVICE.fullmatch(sms.sender) else "From"
        return await self._create(
            self._messages,
            ("To", sms.to),
            (sender, sms.sender),
            ("Body", sms.body),
            *(() if sms.status_callback is None else (("StatusCallback", sms.status_callback),)),
            *self._every_sms,
        )

    async def place_call(self, call: Call) -> str:
        """Place a call once and return its sid (Twilio: create a Call), with a callback at each step of its progress.

        Where keys are sent after the answer, Twilio does not look for machines (Twilio: Call, SendDigits).

        Raises:
            ProviderRefused: nobody was called, for good.
            ProviderBusy: nobody was called, try again later.
            ProviderUncertain: no telling whether the call was placed.
        """
        return await self._create(
            self._calls,
            ("To", call.to),
            ("From", call.caller),
            ("Url", call.answer_url),
            ("StatusCallback", call.status_callback),
            ("Timeout", str(call.ring_timeout)),
            *_machine_detection(call.machine_callback),
            *(() if call.send_digits is None else (("SendDigits", call.send_digits),)),
            *self._every_call,
        )

    async def find_sms(self, to: str, since: int) -> list[FoundSend]:
        """List the newest texts to a number, at most 100, made in the second of `since` (ms since the epoch) or later.

        Raises:
            ProviderRefused: the provider does not let us look.
            ProviderBusy: no usable answer; looking again harms nothing.
        """
        return await (await self._load_history()).find_sms(to, since)

    async def find_calls(self, to: str, since: int) -> list[FoundSend]:
        """List the newest calls to a number, at most 100, made in the second of `since` (ms since the epoch) or later.

        Raises:
            ProviderRefused: the provider does not let us look.
            ProviderBusy: no usable answer; looking again harms nothing.
        """
        return await (await self._load_history()).find_calls(to, since)

    async def fetch_sms(self, sid: str) -> MessageReport | None:
        """Return how far a text got (Twilio: fetch a Message); None if Twilio does not know it.

        Raises:
            ProviderRefused: the provider does not let us look.
            ProviderBusy, ProviderUncertain: no usable answer; looking again harms nothing.
        """
        return fetched_text(sid, await self._http_client.exchange("GET", self._one("Messages", sid)))

    async def fetch_call(self, sid: str) -> CallReport | None:
        """Return how far a call got (Twilio: fetch a Call); None if Twilio does not know it.

        Raises:
            ProviderRefused: the provider does not let us look.
            ProviderBusy, ProviderUncertain: no usable answer; looking again harms nothing.
        """
        return fetched_call(sid, await self._http_client.exchange("GET", self._one("Calls", sid)))

    async def hang_up(self, sid: str) -> None:
        """End a call that rings or was answered (Twilio: update a Call, Status=completed).

        Raises:
            ProviderRefused: it is over, or not known.
            ProviderBusy: not a byte of it left us.
            ProviderUncertain: no telling whether it was ended.
        """
        answer = await self._http_client.exchange("POST", self._one("Calls", sid), b"Status=completed")
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - the class of successes, RFC 9110 §15.3
            raise failure_of(answer)

    async def close(self) -> None:
        """Close all connections."""
        await self._http_client.close()

    def _one(self, kind: str, sid: str) -> URL:
        return self._dialect.resource(self._account, kind, sid)

    async def _create(self, url: URL, *fields: tuple[str, str]) -> str:
        # Quoted by yarl, in C: urllib's urlencode takes four times as long, a quarter of a send.
        form = URL.build(query=fields).raw_query_string.encode()
        answer = await self._http_client.exchange("POST", url, form)
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - the class of successes, RFC 9110 §15.3
            raise failure_of(answer)
        try:
            return msgspec.json.decode(answer.body, type=_CreatedResource).sid
        except (ValueError, RecursionError):
            raise ProviderUncertain("The provider accepted the request but named no sid.") from None

    async def _load_history(self) -> "SendHistory":
        if self._history is None:
            # Importing the SDK takes 0.2 s, which a thread keeps away from the event loop.
            send_history = await asyncio.to_thread(_import_history)
            self._history = send_history(
                self._http_client, account_sid=self._account_sid, base_url=self._base_url, timeout=self._history_timeout
            )
        return self._history


def _machine_detection(callback: str | None) -> tuple[tuple[str, str], ...]:
    """Ask for a verdict beside the call: without AsyncAmd the callee would hear 3-7 s of silence first."""
    if callback is None:
        return ()
    return (
        ("MachineDetection", "Enable"),
        ("AsyncAmd", "true"),
        ("AsyncAmdStatusCallback", callback),
        ("AsyncAmdStatusCallbackMethod", "POST"),
    )


def _import_history() -> "type[SendHistory]":
    from gateway.providers.twilio.history import SendHistory  # noqa: PLC0415 - the SDK costs 14 MiB that sends do not need

    return SendHistory
