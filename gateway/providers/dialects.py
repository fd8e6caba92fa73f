"""The dialects of providers: in what their APIs and callbacks differ, as one table.

Their status words are the same: `gateway.providers.twilio.statuses`.
"""

from collections.abc import Mapping
from enum import StrEnum

import aiohttp
import msgspec
from yarl import URL


class Authorization(StrEnum):
    """How requests prove who asks: account and token (RFC 7617), or the token alone (RFC 6750)."""

    BASIC = "basic"
    BEARER = "bearer"


class Signature(StrEnum):
    """How callbacks prove who calls: a secret that we share, or a private key of the provider's."""

    HMAC = "hmac"
    ED25519 = "ed25519"


class Dialect(msgspec.Struct, frozen=True):
    """What one provider does in its own way.

    Attributes:
        name: The word in the settings.
        base_url: Where its API is; empty where that differs by account.
        root: The path between the base URL and the account.
        suffix: What stands behind the name of a resource.
        authorization: How requests prove who asks.
        signature: How callbacks prove who calls.
        signature_headers: The headers with the proof; the first that is there counts.
        signs_repeats: Whether a pair that a form holds twice is signed twice.
        texts: Whether we send texts by it.
    """

    name: str
    base_url: str
    root: tuple[str, ...]
    suffix: str
    authorization: Authorization
    signature: Signature
    signature_headers: tuple[str, ...]
    signs_repeats: bool = False
    texts: bool = True

    def account(self, base_url: str, account_sid: str) -> URL:
        """Return the URL under which an account's texts and calls are."""
        return URL(base_url.rstrip("/")).joinpath(*self.root, "Accounts", account_sid)

    def resource(self, account: URL, *names: str) -> URL:
        """Return the URL of a resource of the account, as in `Calls` or `Calls`, `CA…`."""
        *folders, last = names
        return account.joinpath(*folders, last + self.suffix)

    def credentials(self, account_sid: str, token: str) -> str:
        """Return the header Authorization."""
        if self.authorization is Authorization.BEARER:
            return f"Bearer {token}"
        return aiohttp.encode_basic_auth(account_sid, token)


TWILIO = Dialect(
    name="twilio",
    base_url="https://api.twilio.com",
    root=("2010-04-01",),
    suffix=".json",
    authorization=Authorization.BASIC,
    signature=Signature.HMAC,
    signature_headers=("X-Twilio-Signature",),
)
# SignalWire: Compatibility API. The same requests, answers and words; sids are UUIDs, and counts may be numbers.
SIGNALWIRE = Dialect(
    name="signalwire",
    base_url="",
    root=("2010-04-01",),
    suffix=".json",
    authorization=Authorization.BASIC,
    signature=Signature.HMAC,
    signature_headers=("X-SignalWire-Signature", "X-Twilio-Signature"),
    signs_repeats=True,
)
# Telnyx: TeXML REST commands. Its texts are another API, with callbacks of another form.
TELNYX = Dialect(
    name="telnyx",
    base_url="https://api.telnyx.com/v2",
    root=("texml",),
    suffix="",
    authorization=Authorization.BEARER,
    signature=Signature.ED25519,
    signature_headers=("telnyx-signature-ed25519",),
    texts=False,
)

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (TWILIO, SIGNALWIRE, TELNYX)}
