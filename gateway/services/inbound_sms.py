"""Handles a person's text: a code approves, a fraud word denies, a keyword stops texts. Its body is not stored."""

import logging
from collections.abc import Collection

import msgspec

from gateway.domain.errors import Rejected
from gateway.domain.inbound_sms import FRAUD, TEXT_REPLIED, Keyword, keyword, receive_sms, select_verification, word
from gateway.domain.limits import Limits
from gateway.domain.phone_number import PhoneNumber, parse_e164
from gateway.domain.senders import Senders
from gateway.security.vault import Vault
from gateway.services.counters import Counters
from gateway.services.phrasebooks import Phrasebooks
from gateway.stores.inbound_sms import InboundSmsStore
from gateway.stores.suppressions import OptOutReason, SuppressionStore
from twiml.sms import NO_REPLY, fraud_word, keyword_reply
from webhooks.events import MessageReceived

logger = logging.getLogger(__name__)


class InboundSmsOptions(msgspec.Struct, frozen=True):
    """The fraud words beside each language's own, and whether we answer keywords (or the provider does)."""

    fraud_words: Collection[str]
    answer_keywords: bool


class InboundSms:
    """Implements `gateway.services.callbacks.TextListener`.

    A text that is a keyword is only that. An opt-out holds for the number that was texted and for its messaging
    service, because texts may be sent from either.
    """

    def __init__(
        self,
        store: InboundSmsStore,
        suppressions: SuppressionStore,
        phrasebooks: Phrasebooks,
        vault: Vault,
        limits: Limits,
        counters: Counters,
        senders: Senders,
        options: InboundSmsOptions,
    ) -> None:
        self._store = store
        self._suppressions = suppressions
        self._phrasebooks = phrasebooks
        self._vault = vault
        self._limits = limits
        self._counters = counters
        self._senders = senders
        self._fraud_words = frozenset(map(word, (*options.fraud_words, *map(fraud_word, phrasebooks.all()))))
        self._answer_keywords = options.answer_keywords

    async def received(self, event: MessageReceived) -> str:
        """Handle a text and return the TwiML of the answer; a text from a sender that is no phone number is ignored."""
        try:
            number = parse_e164(event.sender)
        except Rejected:
            return NO_REPLY
        keyword_sent = event.opt_out or keyword(event.body)
        if keyword_sent is None:
            await self._reply(number, event)
            return NO_REPLY
        senders = [sender for sender in (event.recipient, event.service) if sender]
        if keyword_sent is Keyword.STOP:
            await self._suppressions.opt_out(number, senders, OptOutReason.KEYWORD)
        elif keyword_sent is Keyword.START:
            await self._suppressions.opt_in(number, senders)
        return await self._answer(number, keyword_sent)

    async def opted_out(self, number: PhoneNumber) -> None:
        """Learn from the provider that a number wants no texts of ours."""
        await self._suppressions.opt_out(number, (self._senders.to(number),), OptOutReason.PROVIDER)

    async def _reply(self, number: PhoneNumber, event: MessageReceived) -> None:
        try:
            change = await self._store.answer(
                number,
                lambda recent: select_verification(recent, event.sid),
                lambda verification, rate_counters, now: receive_sms(
                    verification,
                    event.sid,
                    event.body,
                    self._fraud_words,
                    self._vault.code_digest,
                    rate_counters,
                    now,
                    self._limits,
                ),
            )
        except Rejected as refusal:
            logger.info("a code that was texted back was not judged: %s", refusal.code.value)
        else:
            if change is not None:
                self._counters.change_committed(change)
                if any(entry.type == TEXT_REPLIED and entry.facts["said"] == FRAUD for entry in change.entries):
                    logger.warning("a person reported fraud by text: %s", change.verification.id)

    async def _answer(self, number: PhoneNumber, keyword_sent: Keyword) -> str:
        if not self._answer_keywords:
            return NO_REPLY
        return keyword_reply(self._phrasebooks.for_locale(await self._store.locale_of(number)), keyword_sent.value)
