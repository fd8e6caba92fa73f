"""What the doctor can see of the gateway from outside: its public URL, the provider's view of it, and the provider."""

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
from gateway.settings.accounts import FIRST, SECTION, Account
from gateway.settings.settings import Settings
from webhooks.events import AttemptRef
from webhooks.urls import Addresses

_SECONDS = 10.0
_SKEW_LIMIT = 30.0
"""Seconds. A reconciler that looks a minute back for a send at the provider must not miss it."""

_UNKNOWN_ATTEMPT = AttemptRef("ver_doctor", "doctor")
_REPORT = {"AccountSid": "AC" + "0" * 32, "CallSid": "CA" + "0" * 32, "CallStatus": "completed"}


class ProbeFailed(Exception):
    """Something is wrong; the message says what, and what to mend."""


class DoctorProbes:
    """Each examination returns what it found to be right, and raises Trouble for what is not."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._public_url = settings.server.public_url
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS))
        self._provider_date: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _frames: TracebackType | None
    ) -> None:
        await self._session.close()

    async def public_url(self) -> str:
        """Fetch /healthz where the provider would come from outside."""
        if _is_this_machine(self._public_url) and not all(
            _is_this_machine(self._account(name).api) for name in self.names
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
            raise ProbeFailed(f"{url} does not answer ({kind}): start the gateway, or look at proxy and DNS") from None
        if response.status != HTTPStatus.OK or "alive" not in body:
            raise ProbeFailed(f"{url} answers {response.status}, not as a gateway: let the proxy pass all paths on")
        return f"{self._public_url} is answered by a gateway"

    async def signatures(self, name: str) -> str:
        """Report on a call that never was, signed as the provider would, if we share its secret."""
        account, url = self._account(name), Addresses(self._public_url, name).call_status_url(_UNKNOWN_ATTEMPT)
        ours = account.spoken.signature is Signature.HMAC
        headers = {account.spoken.signature_headers[0]: _signature(account, url)} if ours else {}
        try:
            async with self._session.post(url, data=_REPORT, headers=headers, allow_redirects=False) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ProbeFailed(f"a callback got no answer ({type(error).__name__}): look at the proxy") from None
        if status == HTTPStatus.FORBIDDEN and not ours:
            return "a callback without a signature is refused; those of the provider cannot be made here"
        if status == HTTPStatus.FORBIDDEN:
            raise ProbeFailed(
                f"a callback signed with our token is refused: the gateway runs with another {_place(name)}.auth_token "
                "or server.public_url, or the proxy changes the path"
            )
        if status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            raise ProbeFailed(f"a callback is answered {status}: let the proxy pass POST /callbacks/ on unchanged")
        return "a callback signed with our token is believed"

    async def provider(self, name: str) -> str:
        """List one text or call at the provider, which costs nothing and changes nothing."""
        account, place = self._account(name), _place(name)
        dialect = account.spoken
        listed = dialect.resource(
            dialect.account(account.api, account.account_sid), "Messages" if dialect.texts else "Calls"
        )
        headers = {"Authorization": dialect.credentials(account.account_sid, account.auth_token)}
        try:
            async with self._session.get(
                listed.with_query(PageSize=1), headers=headers, allow_redirects=False
            ) as response:
                self._provider_date = response.headers.get("Date")
        except (aiohttp.ClientError, TimeoutError) as error:
            kind = type(error).__name__
            raise ProbeFailed(
                f"{account.api} does not answer ({kind}): look at {place}.base_url and the way out"
            ) from None
        if response.status != HTTPStatus.OK:
            raise ProbeFailed(
                f"the provider answers {response.status}: look at {place}.account_sid, {place}.auth_token, and the "
                "account's state in its console"
            )
        return f"{account.api} knows our account"

    async def clock(self) -> str:
        """Compare our clock with the provider's (its last answer's Date)."""
        if self._provider_date is None:
            raise ProbeFailed("the provider tells no time to compare with")
        ahead = now() / 1_000 - parsedate_to_datetime(self._provider_date).timestamp()
        if abs(ahead) > _SKEW_LIMIT:
            raise ProbeFailed(
                f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the provider's: set it by NTP"
            )
        return "agrees with the provider's"

    @property
    def names(self) -> tuple[str, ...]:
        """Return the providers that a route names."""
        return self._settings.routes.lists.named

    def _account(self, name: str) -> Account:
        return self._settings.accounts[name]


def _signature(account: Account, url: str) -> str:
    """Sign as the provider does (Twilio: Webhooks security)."""
    token = (*account.signing_tokens, account.auth_token)[0]
    signed = url + "".join(name + value for name, value in sorted(_REPORT.items()))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), account.signature_algorithm)).decode()


def _place(name: str) -> str:
    """Return where the settings of a provider's account stand."""
    return name if name == FIRST else f"{SECTION}.{name}"


def _is_this_machine(url: str) -> bool:
    host = URL(url).host or ""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
