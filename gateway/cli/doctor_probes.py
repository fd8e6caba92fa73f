"""The checks of `poundkey doctor` over the network: the public URL, signed callbacks, providers and the clock."""

import base64
import contextlib
import hmac
import ipaddress
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from gateway.app import now
from gateway.providers.dialects import Signature
from gateway.settings.accounts import FIRST, SECTION, AccountSettings
from gateway.settings.settings import Settings
from webhooks.events import AttemptRef
from webhooks.urls import Addresses

_TIMEOUT_SECONDS = 10.0
_MAX_CLOCK_SKEW = 30.0
"""Seconds. The reconciler looks a minute back for a send at the provider, and must not miss it."""

_UNKNOWN_ATTEMPT = AttemptRef("ver_doctor", "doctor")
_STATUS_REPORT = {"AccountSid": "AC" + "0" * 32, "CallSid": "CA" + "0" * 32, "CallStatus": "completed"}


class ProbeFailed(Exception):
    """A check failed; the message says what is wrong, and what to change."""


class DoctorProbes:
    """Each probe returns a sentence on what works, or raises ProbeFailed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._public_url = settings.server.public_url
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS))
        self._provider_date: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _frames: TracebackType | None
    ) -> None:
        await self._session.close()

    async def public_url(self) -> str:
        """Fetch /healthz at the public URL, as the provider would."""
        if _is_this_machine(self._public_url) and not all(
            _is_this_machine(self._account(name).api) for name in self.providers
        ):
            raise ProbeFailed(
                f"the provider cannot reach {self._public_url}: set server.public_url to what the world sees"
            )
        url = f"{self._public_url}/healthz"
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                body = await response.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            kind = type(error).__name__
            raise ProbeFailed(f"{url} does not answer ({kind}): start the gateway, or check proxy and DNS") from None
        if response.status != HTTPStatus.OK or "alive" not in body:
            raise ProbeFailed(f"{url} answers {response.status}, not as a gateway: let the proxy forward all paths")
        return f"{self._public_url} is answered by a gateway"

    async def signatures(self, name: str) -> str:
        """Post a status report on an unknown call, signed as the provider signs, where both share a secret."""
        account, url = self._account(name), Addresses(self._public_url, name).call_status_url(_UNKNOWN_ATTEMPT)
        shares_secret = account.spoken.signature is Signature.HMAC
        headers = {account.spoken.signature_headers[0]: _signature(account, url)} if shares_secret else {}
        try:
            async with self._session.post(url, data=_STATUS_REPORT, headers=headers, allow_redirects=False) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ProbeFailed(f"a callback got no answer ({type(error).__name__}): check the proxy") from None
        if status == HTTPStatus.FORBIDDEN and not shares_secret:
            return "a callback without a signature is refused; only the provider can sign one"
        if status == HTTPStatus.FORBIDDEN:
            raise ProbeFailed(
                f"a callback signed with our token is refused: the gateway runs with another {_place(name)}.auth_token "
                "or server.public_url, or the proxy changes the path"
            )
        if status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            raise ProbeFailed(f"a callback is answered {status}: let the proxy forward POST /callbacks/ unchanged")
        return "a callback signed with our token is accepted"

    async def provider(self, name: str) -> str:
        """List one text or call at the provider, which costs nothing and changes nothing."""
        account, place = self._account(name), _place(name)
        dialect = account.spoken
        url = dialect.resource(
            dialect.account(account.api, account.account_sid), "Messages" if dialect.texts else "Calls"
        )
        headers = {"Authorization": dialect.credentials(account.account_sid, account.auth_token)}
        try:
            async with self._session.get(
                url.with_query(PageSize=1), headers=headers, allow_redirects=False
            ) as response:
                self._provider_date = response.headers.get("Date")
        except (aiohttp.ClientError, TimeoutError) as error:
            kind = type(error).__name__
            raise ProbeFailed(
                f"{account.api} does not answer ({kind}): check {place}.base_url and outgoing connections"
            ) from None
        if response.status != HTTPStatus.OK:
            raise ProbeFailed(
                f"the provider answers {response.status}: check {place}.account_sid, {place}.auth_token, and the "
                "account's state in its console"
            )
        return f"{account.api} accepts our credentials"

    async def clock(self) -> str:
        """Compare our clock with the provider's (its last answer's Date)."""
        if self._provider_date is None:
            raise ProbeFailed("the provider's response has no Date to compare with")
        ahead = now() / 1_000 - parsedate_to_datetime(self._provider_date).timestamp()
        if abs(ahead) > _MAX_CLOCK_SKEW:
            raise ProbeFailed(
                f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the provider's: set it by NTP"
            )
        return "agrees with the provider's"

    @property
    def providers(self) -> tuple[str, ...]:
        """Return the names of the providers in the routes."""
        return self._settings.routes.lists.named

    def _account(self, name: str) -> AccountSettings:
        return self._settings.accounts[name]


def _signature(account: AccountSettings, url: str) -> str:
    """Return the provider's signature of the status report (Twilio: Webhooks security)."""
    token = (*account.signing_tokens, account.auth_token)[0]
    payload = url + "".join(name + value for name, value in sorted(_STATUS_REPORT.items()))
    return base64.b64encode(hmac.digest(token.encode(), payload.encode(), account.signature_algorithm)).decode()


def _place(name: str) -> str:
    """Return the settings section of a provider's account."""
    return name if name == FIRST else f"{SECTION}.{name}"


def _is_this_machine(url: str) -> bool:
    host = URL(url).host or ""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
