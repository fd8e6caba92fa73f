"""What the journeys of people's texts, and the sends that heed them, ask of the store."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Change, Verification
from gateway.ports import CountedStep


class OptOutReason(StrEnum):
    """How we learned that a number wants no texts of a sender."""

    KEYWORD = "keyword"
    PROVIDER = "provider"


Choice = Callable[[Sequence[Verification]], Verification | None]
"""Picks one of a number's latest verifications, newest first."""


class OptOuts(Protocol):
    """Which numbers want no texts of which sender: an E.164 number, a name, or a messaging service.

    One on the stop list wants none of any sender.
    """

    async def opted_out(self, number: PhoneNumber, sender: str) -> bool:
        """Tell what is committed; one look by primary keys, which waits for no writer. Raises StoreUnavailable."""
        ...

    async def stopped(self, number: PhoneNumber) -> bool:
        """Tell whether a number is on the stop list, as `opted_out` does."""
        ...

    async def opt_out(self, number: PhoneNumber, senders: Sequence[str], reason: OptOutReason) -> None:
        """Keep that a number wants no texts of these senders; the first reason stays."""
        ...

    async def opt_in(self, number: PhoneNumber, senders: Sequence[str]) -> None:
        """Forget that a number wanted no texts of these senders."""
        ...


class ReplyStore(OptOuts, Protocol):
    """Durable state behind people's texts, with the rules of `gateway.ports.Store`."""

    async def reply(self, number: PhoneNumber, choose: Choice, step: CountedStep) -> Change | None:
        """Choose among a number's latest verifications and change that one as `apply_counted` does, in one transaction.

        None if none is chosen.
        """
        ...

    async def locale_of(self, number: PhoneNumber) -> str | None:
        """Return the language of the number's latest verification."""
        ...
