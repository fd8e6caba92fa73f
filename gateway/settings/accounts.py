"""The settings of providers' accounts and of the routes to them, and what cannot work about them."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
import phonenumbers

from gateway.domain.limits import Count
from gateway.domain.provider_health import CircuitRule, OpenTime
from gateway.domain.routing import Routes
from gateway.providers.dialects import DIALECTS, TELNYX, TWILIO, Dialect, Signature
from gateway.settings.channels import Sender
from webhooks.signatures import public_key

SECTION = "providers"
"""The table that holds a table for each further provider."""

FIRST = "twilio"
"""The name of the provider whose account stands in a section of its own."""

_Timeout = Annotated[float, msgspec.Meta(gt=0, le=60)]
_Connections = Annotated[int, msgspec.Meta(ge=1, le=1_000)]
_Hash = Literal["sha1", "sha256"]
_NAME = re.compile(r"[a-z][a-z0-9]{0,31}", re.ASCII)


class Twilio(msgspec.Struct, frozen=True):
    """The provider's account, and what proves its callbacks."""

    base_url: str = TWILIO.base_url
    account_sid: str = ""
    auth_token: str = ""
    signing_tokens: tuple[str, ...] = ()
    signature_algorithm: _Hash = "sha1"
    connect_timeout: _Timeout = 5.0
    total_timeout: _Timeout = 15.0
    connections: _Connections = 64

    def __repr__(self) -> str:
        return f"Twilio({self.account_sid}, …)"


class AccountSettings(msgspec.Struct, frozen=True):
    """A further provider's account; an empty `sender` or `caller` is that of `[text]` or `[voice]`."""

    dialect: Literal["twilio", "signalwire", "telnyx"] = "twilio"
    base_url: str = ""
    account_sid: str = ""
    application_sid: str = ""
    auth_token: str = ""
    signing_tokens: tuple[str, ...] = ()
    public_keys: tuple[str, ...] = ()
    signature_algorithm: _Hash = "sha1"
    connect_timeout: _Timeout = 5.0
    total_timeout: _Timeout = 15.0
    connections: _Connections = 64
    sender: Sender = ""
    caller: Sender = ""

    def __repr__(self) -> str:
        return f"AccountSettings({self.dialect}, {self.account_sid}, …)"

    @property
    def spoken(self) -> Dialect:
        """Return what is particular to the provider."""
        return DIALECTS[self.dialect]

    @property
    def api(self) -> str:
        """Return the base URL."""
        return self.base_url or self.spoken.base_url


class RouteSettings(msgspec.Struct, frozen=True):
    """Which provider is asked first, and which next; and when one is rested. Times are in seconds."""

    text: tuple[str, ...] = (FIRST,)
    call: tuple[str, ...] = (FIRST,)
    text_to: Mapping[str, tuple[str, ...]] = {}
    call_to: Mapping[str, tuple[str, ...]] = {}
    failures: Count = 5
    rest: OpenTime = 30
    longest_rest: OpenTime = 900

    @property
    def lists(self) -> Routes:
        """Return the lists alone."""
        return Routes(self.text, self.call, self.text_to, self.call_to)

    @property
    def health(self) -> CircuitRule:
        """Return when a circuit opens, and for how long."""
        return CircuitRule(self.failures, self.rest, self.longest_rest)


def all_accounts(twilio: Twilio, providers: Mapping[str, AccountSettings]) -> dict[str, AccountSettings]:
    """Return every provider's account by its name."""
    shared = {field: getattr(twilio, field) for field in Twilio.__struct_fields__}
    return {FIRST: AccountSettings(**shared), **providers}


def mistakes(
    twilio: Twilio, providers: Mapping[str, AccountSettings], routes: RouteSettings, lease: float
) -> list[str]:
    """Name what is missing, or cannot work; `lease` is that of sends, in seconds."""
    accounts = all_accounts(twilio, providers)
    problems = [
        f"{SECTION}.{name}: a provider's name is a letter and up to 31 letters and digits, all small"
        for name in providers
        if name == FIRST or not _NAME.fullmatch(name)
    ]
    for name, account in accounts.items():
        place = name if name == FIRST else f"{SECTION}.{name}"
        if name != FIRST or FIRST in routes.lists.named:
            problems += _missing(place, account)
        problems += _unusable(place, account, lease)
    return problems + _unusable_routes(routes, accounts)


def _missing(place: str, account: AccountSettings) -> list[str]:
    needed = {"base_url": account.api, "account_sid": account.account_sid, "auth_token": account.auth_token}
    if account.spoken is TELNYX:
        needed["application_sid"] = account.application_sid
    if account.spoken.signature is Signature.ED25519:
        needed["public_keys"] = " ".join(account.public_keys)
    elif account.spoken is not TWILIO:
        needed["signing_tokens"] = " ".join(account.signing_tokens)
    return [f"{place}.{name}: is missing" for name, value in needed.items() if not value]


def _unusable(place: str, account: AccountSettings, lease: float) -> list[str]:
    problems = []
    if account.connect_timeout >= account.total_timeout:
        problems.append(f"{place}.connect_timeout: must be shorter than {place}.total_timeout")
    if lease <= account.total_timeout:
        problems.append(f"outbox.lease: must be longer than {place}.total_timeout, or a send under way counts as left")
    if account.api and not account.api.startswith(("https://", "http://")):
        problems.append(f"{place}.base_url: must start with https:// (or http://, for the simulator)")
    if not all(account.signing_tokens):
        problems.append(f"{place}.signing_tokens: one of them is empty, and would let anybody sign")
    for key in account.public_keys:
        try:
            public_key(key)
        except ValueError as error:
            problems.append(f"{place}.public_keys: {error}")
    return problems


def _unusable_routes(routes: RouteSettings, accounts: Mapping[str, AccountSettings]) -> list[str]:
    """Name what leads nowhere."""
    problems = []
    for place, names, texts in _lists(routes):
        if not names:
            problems.append(f"{place}: names no provider")
        if len(set(names)) < len(names):
            problems.append(f"{place}: names a provider twice")
        problems += [f"{place}: there is no provider {name!r}" for name in names if name not in accounts]
        mute = [name for name in names if texts and name in accounts and not accounts[name].spoken.texts]
        problems += [f"{place}: {name!r} only calls" for name in mute]
    problems += [
        f"{place}: {country!r} is not a country: two capital letters, as in US"
        for place, countries in (("routes.text_to", routes.text_to), ("routes.call_to", routes.call_to))
        for country in countries
        if country not in phonenumbers.SUPPORTED_REGIONS
    ]
    if routes.longest_rest < routes.rest:
        problems.append("routes.longest_rest: must not be shorter than routes.rest")
    return problems


def _lists(routes: RouteSettings) -> list[tuple[str, tuple[str, ...], bool]]:
    """Return every list of providers with its place, and whether it is of texts."""
    return [
        ("routes.text", routes.text, True),
        ("routes.call", routes.call, False),
        *((f"routes.text_to.{country}", names, True) for country, names in routes.text_to.items()),
        *((f"routes.call_to.{country}", names, False) for country, names in routes.call_to.items()),
    ]
