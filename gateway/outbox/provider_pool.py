"""The providers: where a send goes, where next, and whose circuit is open because it keeps failing."""

import logging
from collections.abc import Collection, Sequence

import msgspec

from gateway.clock import Clock
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.provider_health import (
    CLOSED,
    Circuit,
    CircuitRule,
    may_send,
    send_begun,
    send_failed,
    send_succeeded,
)
from gateway.domain.routing import RejectionScope, Routes, choose_provider
from gateway.domain.senders import Senders
from gateway.domain.verification import Channel
from gateway.providers.base import Provider
from webhooks.urls import Addresses

logger = logging.getLogger(__name__)


class ProviderAccount(msgspec.Struct, frozen=True):
    """Our account at a provider: where its texts and calls come from, and where it calls back."""

    provider: Provider
    text_senders: Senders
    callers: Senders
    addresses: Addresses

    @property
    def name(self) -> str:
        """Return the provider's name."""
        return self.provider.name


class ProviderPool:
    """Every account by its provider's name. The circuits are this process's own observation.

    Args:
        accounts: All that may have a send of ours, those that no route names included.
        routes: Who is sent to first, and who next.
        rule: When a circuit opens.
        patience: For how long (ms) the answer to a probe is waited for.
        clock: The time.
    """

    def __init__(
        self, accounts: Sequence[ProviderAccount], routes: Routes, rule: CircuitRule, patience: int, clock: Clock
    ) -> None:
        self._accounts = {account.name: account for account in accounts}
        self._routes = routes
        self._rule = rule
        self._patience = patience
        self._clock = clock
        self._circuits: dict[str, Circuit] = {}

    @property
    def accounts(self) -> tuple[ProviderAccount, ...]:
        """Return every account."""
        return tuple(self._accounts.values())

    def account(self, name: str) -> ProviderAccount | None:
        """Return the account at a provider; None if the settings name it no more."""
        return self._accounts.get(name)

    def route(self, channel: Channel, number: PhoneNumber) -> str:
        """Return the provider of a new send."""
        order = self._routes.order(channel, number)
        return choose_provider(order, (), self._fit(order)) or order[0]

    def next_provider(self, channel: Channel, number: PhoneNumber, refused_by: Collection[str]) -> str | None:
        """Return where a send goes that these providers have refused; None if no other is left."""
        order = self._routes.order(channel, number)
        return choose_provider(order, refused_by, self._fit(order))

    def account_for(
        self, channel: Channel, number: PhoneNumber, provider: str, refused_by: Collection[str]
    ) -> ProviderAccount | None:
        """Return where a send goes that no provider has: to its own, unless only another one may be sent to.

        None if its provider is not known any more, and no other is left.
        """
        own = self._accounts.get(provider)
        other = self.next_provider(channel, number, (*refused_by, provider))
        if own is not None and (self._may_send(own.name) or other is None or not self._may_send(other)):
            return own
        return None if other is None else self._accounts[other]

    def record_send(self, name: str) -> None:
        """Learn that a send goes to a provider; an open circuit whose time is over is probed by it."""
        before = self._circuits.get(name, CLOSED)
        if before.is_open:
            self._circuits[name] = after = send_begun(before, self._clock(), self._patience)
            if after is not before:
                logger.info("the provider %s is probed with one send: its circuit has been open for its time", name)

    def record_success(self, name: str) -> None:
        """Learn that a provider did its part."""
        before = self._circuits.get(name)
        if before is not None and before is not CLOSED:
            self._circuits[name] = send_succeeded(before)
            if before.is_open:
                logger.warning("the provider %s works again: its circuit is closed", name)

    def record_refusal(self, name: str, fault: RejectionScope) -> None:
        """Learn that a provider refused for good; what it lacks to reach one number says nothing of how it works."""
        if fault is RejectionScope.ACCOUNT:
            self.record_failure(name)
        elif fault is RejectionScope.NUMBER:
            self.record_success(name)

    def record_failure(self, name: str) -> None:
        """Learn that a provider failed for its own sake, or left a send in doubt; an only one's circuit never opens."""
        if len(self._accounts) == 1:
            return
        before = self._circuits.get(name, CLOSED)
        self._circuits[name] = after = send_failed(before, self._clock(), self._rule)
        if after.openings > before.openings:
            seconds = self._rule.length(after.openings) // 1000
            logger.warning(
                "the circuit of the provider %s is open for %d s: %d sends in a row failed",
                name,
                seconds,
                after.failures,
            )

    def open_circuits(self) -> dict[str, bool]:
        """Tell of each provider whether its circuit is open, which it is until a probe succeeds."""
        return {name: self._circuits.get(name, CLOSED).is_open for name in self._accounts}

    def _fit(self, names: Sequence[str]) -> frozenset[str]:
        return frozenset(filter(self._may_send, names))

    def _may_send(self, name: str) -> bool:
        return may_send(self._circuits.get(name, CLOSED), self._clock())
