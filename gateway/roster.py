"""The roster of providers: which a send goes to, which one next, and which are resting because they keep failing."""

import logging
from collections.abc import Collection, Sequence

import msgspec

from gateway.clock import Clock
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.provider_health import WELL, Health, HealthRule, asked, failed, is_fit, worked
from gateway.domain.routing import RejectionScope, Routes, choose_provider
from gateway.domain.senders import Senders
from gateway.domain.verification import Attempt, Channel
from gateway.providers.base import Provider
from webhooks.urls import Addresses

logger = logging.getLogger(__name__)


class Account(msgspec.Struct, frozen=True):
    """Our account at a provider: where its texts and calls come from, and where it calls back."""

    provider: Provider
    text_senders: Senders
    callers: Senders
    addresses: Addresses

    @property
    def name(self) -> str:
        """Return the provider's name."""
        return self.provider.name


class Roster:
    """Every account by its provider's name. How the providers do is this process's own observation.

    Args:
        accounts: All that may have a send of ours, those that no route names included.
        routes: Who is asked first, and who next.
        rule: When a provider is rested.
        patience: For how long (ms) the answer to a probe is waited for.
        clock: The time.
    """

    def __init__(
        self, accounts: Sequence[Account], routes: Routes, rule: HealthRule, patience: int, clock: Clock
    ) -> None:
        self._accounts = {account.name: account for account in accounts}
        self._routes = routes
        self._rule = rule
        self._patience = patience
        self._clock = clock
        self._health: dict[str, Health] = {}

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Return every account."""
        return tuple(self._accounts.values())

    def account(self, name: str) -> Account | None:
        """Return the account at a provider; None if the settings name it no more."""
        return self._accounts.get(name)

    def route(self, channel: Channel, number: PhoneNumber) -> str:
        """Return the provider of a new attempt."""
        order = self._routes.order(channel, number)
        return choose_provider(order, (), self._fit(order)) or order[0]

    def next_for(self, attempt: Attempt, number: PhoneNumber) -> str | None:
        """Return whom an attempt goes to after a no of its provider's; None if everyone has said no."""
        return self._next(attempt.channel, number, (*attempt.refused_by, attempt.provider))

    def for_text(self, number: PhoneNumber, refused_by: Collection[str]) -> Account | None:
        """Return where a text goes that is no attempt; None if everyone has said no."""
        name = self._next(Channel.SMS, number, refused_by)
        return None if name is None else self._accounts[name]

    def now_for(self, attempt: Attempt, number: PhoneNumber) -> Account | None:
        """Return where an attempt goes that nobody has taken: to its provider, unless that rests and another is fit.

        None if its provider is not known any more, and no other is left.
        """
        own = self._accounts.get(attempt.provider)
        other = self.next_for(attempt, number)
        if own is not None and (self._is_fit(own.name) or other is None or not self._is_fit(other)):
            return own
        return None if other is None else self._accounts[other]

    def asked(self, name: str) -> None:
        """Learn that a send goes to a provider; one whose rest is over is probed by it."""
        before = self._health.get(name, WELL)
        if before.rests_now:
            self._health[name] = after = asked(before, self._clock(), self._patience)
            if after is not before:
                logger.info("the provider %s is tried again with one send, after its rest", name)

    def worked(self, name: str) -> None:
        """Learn that a provider did its part."""
        before = self._health.get(name)
        if before is not None and before is not WELL:
            self._health[name] = worked(before)
            if before.rests_now:
                logger.warning("the provider %s works again", name)

    def refused(self, name: str, fault: RejectionScope) -> None:
        """Learn that a provider said no for good; what it lacks to reach one number tells nothing of how it does."""
        if fault is RejectionScope.ACCOUNT:
            self.failed(name)
        elif fault is RejectionScope.NUMBER:
            self.worked(name)

    def failed(self, name: str) -> None:
        """Learn that a provider failed for its own sake, or left a send in doubt; an only one is never rested."""
        if len(self._accounts) == 1:
            return
        before = self._health.get(name, WELL)
        self._health[name] = after = failed(before, self._clock(), self._rule)
        if after.rests > before.rests:
            seconds = self._rule.length(after.rests) // 1000
            logger.warning("the provider %s rests for %d s, as %d sends in a row failed", name, seconds, after.failures)

    def resting(self) -> dict[str, bool]:
        """Tell of each provider whether it is rested, until a probe succeeds."""
        return {name: self._health.get(name, WELL).rests_now for name in self._accounts}

    def _next(self, channel: Channel, number: PhoneNumber, refused_by: Collection[str]) -> str | None:
        order = self._routes.order(channel, number)
        return choose_provider(order, refused_by, self._fit(order))

    def _fit(self, names: Sequence[str]) -> frozenset[str]:
        return frozenset(filter(self._is_fit, names))

    def _is_fit(self, name: str) -> bool:
        return is_fit(self._health.get(name, WELL), self._clock())
