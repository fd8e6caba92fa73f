"""Routes: which providers a send goes to, by its channel and the country of the number, and in what order."""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum

import msgspec

from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Channel

Route = Callable[[Channel, PhoneNumber], str]
"""Chooses the provider of a new attempt, by its name."""


class RejectionScope(StrEnum):
    """What a provider's no for good is about, which decides whether another one is worth asking.

    The NUMBER would be refused everywhere, or must not be asked for elsewhere. A ROUTE is what this account lacks to
    reach it. The ACCOUNT is at fault whatever the number.
    """

    NUMBER = "number"
    ROUTE = "route"
    ACCOUNT = "account"


class Routes(msgspec.Struct, frozen=True):
    """Names of providers, the one to ask first in front. A list for a country (ISO 3166) replaces the general one."""

    text: tuple[str, ...]
    call: tuple[str, ...]
    text_to: Mapping[str, tuple[str, ...]] = {}
    call_to: Mapping[str, tuple[str, ...]] = {}

    def order(self, channel: Channel, number: PhoneNumber) -> tuple[str, ...]:
        """Return the providers of a send."""
        general, lists = (self.text, self.text_to) if channel is Channel.SMS else (self.call, self.call_to)
        return lists.get(number.region, general) if lists else general

    @property
    def named(self) -> tuple[str, ...]:
        """Return every provider that a list names, each once."""
        lists = (self.text, self.call, *self.text_to.values(), *self.call_to.values())
        return tuple(dict.fromkeys(name for names in lists for name in names))


def choose_provider(order: Collection[str], refused_by: Collection[str], fit: Collection[str]) -> str | None:
    """Return the next provider: the first fit one that has not refused, or without a fit one the first.

    A provider whose circuit is open is better than none. None if all have refused.
    """
    candidates = [name for name in order if name not in refused_by]
    return next((name for name in candidates if name in fit), candidates[0] if candidates else None)
