"""Says things to one person in their language: the words of the tables, and sentences put together from them."""

from gateway.domain.enrollment import PhoneKind
from gateway.domain.ivr.keypad import POUND
from gateway.domain.verification import Channel, FailureCode, Status
from gateway.pages.components import (
    Banner,
    DecidedBy,
    DeliveryState,
    DenialReason,
    FormError,
    FormErrorCode,
    Frame,
    MethodDenied,
)
from gateway.pages.messages import (
    ANY_BARRIERS,
    BARRIERS,
    DELIVERIES,
    FAILURES,
    FAULTS,
    KINDS,
    NOTICES,
    STATUSES,
    Messages,
    _,
)
from gateway.pages.translations import Region, Translations


class Localizer:
    """What is said within one frame. All texts are plain, not yet escaped for a page."""

    def __init__(self, texts: Translations, frame: Frame) -> None:
        """Take all the words, and the frame that says which language and whose application."""
        self._texts = texts
        self._frame = frame
        self._locale = frame.locale

    def say(self, message: str, **values: object) -> str:
        """Return the message in the person's language, its `%(name)s` filled in."""
        return self._texts.translated(self._locale, message) % values

    def count(self, one: str, many: str, num: int, **values: object) -> str:
        """Return the message that suits the number, which it may show as `%(num)s`."""
        return self._texts.counted(self._locale, one, many, num) % {"num": num, **values}

    def date(self, at: int) -> str:
        """Return the day of a time in ms since the epoch."""
        return self._texts.date(self._locale, at)

    def ago(self, at: int) -> str:
        """Return how far a time in ms since the epoch lies back or ahead of the frame's now."""
        return self._texts.ago(self._locale, at, self._frame.now)

    def duration(self, seconds: int) -> str:
        """Return a length of time in words."""
        return self._texts.duration(self._locale, seconds)

    def regions(self, codes: tuple[str, ...] = ()) -> tuple[Region, ...]:
        """Return the regions with these ISO codes, or all there are, in the order of their names."""
        regions = self._texts.regions(self._locale)
        return tuple(region for region in regions if region.code in codes) if codes else regions

    def kind(self, kind: PhoneKind) -> str:
        """Name a kind of phone."""
        return self.say(KINDS[kind])

    def notice(self, notice: Banner) -> str:
        """Say what was just done."""
        return self.say(NOTICES[notice])

    def delivery(self, channel: Channel, delivery: DeliveryState) -> str:
        """Say how far a text or a call got."""
        return self.say(DELIVERIES[channel][delivery])

    def key(self, key: str) -> str:
        """Name a key of a phone, as a sentence says to press it."""
        if key == POUND:
            # Translators: these two name a key where a sentence says to press it
            return self.say(_("#"))
        return self.say(_("the %(digit)s key"), digit=key)

    def failure(self, code: FailureCode, key: str, *, pin: bool = False) -> Messages:
        """Say what failed, and what to do next; `key` is the one that a call asks for, perhaps behind a PIN."""
        if pin and code is FailureCode.RATE_LIMITED:
            return self._both(ANY_BARRIERS[DenialReason.PIN_LOCKED])
        return self._both(FAILURES[code], key=self.key(key))

    def status(self, status: Status) -> Messages:
        """Say where a verification stands, and what to do next."""
        return self._both(STATUSES[status])

    def denied(self, denied: MethodDenied, channel: Channel | None = None) -> Messages:
        """Say why something cannot be had, and then who decided it and what to do next."""
        words = _barrier(denied.barrier, channel)
        return Messages(self.say(words.said), f"{self._decided_by(denied)} {self.say(words.next)}")

    def denied_in_full(self, denied: MethodDenied, channel: Channel | None = None) -> str:
        """Say the same in one piece."""
        words = self.denied(denied, channel)
        return f"{words.said} {words.next}"

    def fault(self, error: FormError, *, length: int | None = None, tries: int | None = None) -> str:
        """Say what is wrong with what was sent in; `length` is that of the code, `tries` how many are left."""
        if error.denied is not None:
            return self.denied_in_full(error.denied)
        said = self.say(FAULTS[error.fault], length=length)
        if error.fault is FormErrorCode.CODE_WRONG and tries is not None:
            said += " " + self.tries(tries)
        if error.wait is not None:
            # Translators: time is a length of time, as in "5 minutes"
            said += " " + self.say(_("Try again in %(time)s."), time=self.duration(error.wait))
        return said

    def tries(self, left: int) -> str:
        """Say how many tries are left."""
        return self.count("You have one try left.", "You have %(num)s tries left.", left)

    def _decided_by(self, denied: MethodDenied) -> str:
        names = {"application": self._frame.application, "group": denied.group}
        if denied.decided_by is DecidedBy.GATEWAY:
            return self.say(_("Decided by this verification service."))
        if denied.decided_by is DecidedBy.GROUP and denied.group:
            return self.say(_("Decided by %(application)s for the group %(group)s."), **names)
        return self.say(_("Decided by %(application)s."), **names)

    def _both(self, words: Messages, **values: str) -> Messages:
        return Messages(self.say(words.said, **values), self.say(words.next, **values) if words.next else "")


def _barrier(barrier: DenialReason, channel: Channel | None) -> Messages:
    if channel is not None and barrier in BARRIERS[channel]:
        return BARRIERS[channel][barrier]
    return ANY_BARRIERS[barrier]
