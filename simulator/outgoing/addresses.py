"""Addresses of webhooks: which are possible, the options in their fragment, and the form of them that is signed."""

from __future__ import annotations

from urllib.parse import parse_qs, urldefrag, urljoin, urlsplit

import msgspec

from simulator.whole_numbers import read_whole_number

_RETRY_REASONS = frozenset({"4xx", "5xx", "ct", "rt"})


class ConnectionOverrides(msgspec.Struct, frozen=True, kw_only=True):
    """How requests to one address are sent (Twilio: Webhooks, Connection Overrides).

    Attributes:
        connect_seconds: `ct`, time for a connection.
        read_seconds: `rt`, time between two packets.
        total_seconds: `tt`, time for everything, retries included.
        retries: `rc`, how often to try again.
        retry_on: `rp`, the reasons to try again, of 4xx, 5xx, ct and rt.
    """

    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    total_seconds: float = 15.0
    retries: int = 1
    retry_on: frozenset[str] = frozenset({"ct"})


def split_overrides(url: str) -> tuple[str, ConnectionOverrides]:
    """Take the overrides off an address; what is out of range or not a number keeps its default.

    Args:
        url: The address as the application gave it, such as `https://example.com/voice#rc=2&rp=all`.

    Returns:
        The address without its fragment, and the overrides.
    """
    address, fragment = urldefrag(url)
    if not fragment:
        return address, ConnectionOverrides()
    options = {name: values[-1] for name, values in parse_qs(fragment).items()}
    reasons = (
        _RETRY_REASONS if options.get("rp") == "all" else frozenset(options.get("rp", "ct").split(",")) & _RETRY_REASONS
    )
    return address, ConnectionOverrides(
        connect_seconds=_bounded(options, "ct", 100, 10_000, 5_000) / 1000,
        read_seconds=_bounded(options, "rt", 100, 15_000, 15_000) / 1000,
        total_seconds=_bounded(options, "tt", 100, 15_000, 15_000) / 1000,
        retries=_bounded(options, "rc", 0, 5, 1),
        retry_on=reasons,
    )


def is_web_address(text: str) -> bool:
    """Tell whether the text is an absolute http or https address, written as it goes over the wire.

    It needs a host, a possible port if it has one, and nothing but printable ASCII without spaces, so that an address
    can not smuggle lines into the request.
    """
    if not (text.isascii() and text.isprintable()) or " " in text:
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def resolve(base: str, reference: str) -> str:
    """Return where a reference in a document leads.

    Args:
        base: Address of the document; empty when it has none, so that the reference must be absolute.
        reference: Absolute or relative address; an empty one is the document itself.

    Raises:
        ValueError: It does not lead to a web address.
    """
    address = urljoin(base, reference)
    if not is_web_address(address):
        raise ValueError(f"not a web address: {reference!r}")
    return address


def signed_form(address: str, *, voice: bool) -> str:
    """Return the address that is signed: without user and password, and for voice over HTTPS without port.

    Twilio: Webhooks Security, "how the signature is computed".
    """
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    if voice and parts.scheme == "https" and parts.port is not None:
        host = host.removesuffix(f":{parts.port}")
    return address if host == parts.netloc else address.replace(parts.netloc, host, 1)


def _bounded(options: dict[str, str], name: str, lowest: int, highest: int, default: int) -> int:
    number = read_whole_number(options.get(name), lowest=lowest, highest=highest)
    return default if number is None else number
