"""What the pages are made of: their words as enums, and the small structs that several of them share.

Words for people are not in here: the templates choose them by these enums, in the language of the frame.
"""

from enum import StrEnum

import msgspec

from gateway.domain.enrollment import PhoneKind
from gateway.domain.verification import Channel


class DenialReason(StrEnum):
    """Why a way of being reached cannot be had. The first ones are the refusal codes of the policy."""

    METHOD_FORBIDDEN = "method_forbidden"
    COUNTRY_FORBIDDEN = "country_forbidden"
    LINE_TYPE_FORBIDDEN = "line_type_forbidden"
    PHONE_KIND_FORBIDDEN = "phone_kind_forbidden"
    NUMBER_SHARED_TOO_OFTEN = "number_shared_too_often"
    NUMBER_STOPPED = "number_stopped"
    NO_TEXTS_TO_LINE = "no_texts_to_line"
    NO_TEXTS_TO_EXTENSION = "no_texts_to_extension"
    SENDS_USED_UP = "sends_used_up"
    PIN_NOT_SET = "pin_not_set"
    PIN_LOCKED = "pin_locked"


class DecidedBy(StrEnum):
    """Who decided that something cannot be had."""

    APPLICATION = "application"
    GROUP = "group"
    GATEWAY = "gateway"


class MethodDenied(msgspec.Struct, frozen=True, gc=False):
    """A no, and who said it; `group` names the group whose policy decided."""

    barrier: DenialReason
    decided_by: DecidedBy = DecidedBy.GATEWAY
    group: str | None = None


class Field(StrEnum):
    """The fields of the forms, by their names in the forms."""

    KIND = "kind"
    COUNTRY = "country"
    NUMBER = "number"
    EXTENSION = "extension"
    CHANNEL = "channel"
    CODE = "code"
    METHOD = "method"
    NAME = "name"
    PIN = "pin"
    PIN_AGAIN = "pin_again"


class FormErrorCode(StrEnum):
    """What is wrong with what was sent in."""

    NUMBER_MISSING = "number_missing"
    NUMBER_CHARACTERS = "number_characters"
    NUMBER_TOO_SHORT = "number_too_short"
    NUMBER_TOO_LONG = "number_too_long"
    NUMBER_INVALID = "number_invalid"
    NUMBER_BLOCKED = "number_blocked"
    NUMBER_KNOWN = "number_known"
    COUNTRY_MISSING = "country_missing"
    EXTENSION_MALFORMED = "extension_malformed"
    KIND_MISSING = "kind_missing"
    CHANNEL_MISSING = "channel_missing"
    METHOD_MISSING = "method_missing"
    DENIED = "denied"
    PHONES_FULL = "phones_full"
    SENDS_USED_UP = "sends_used_up"
    CODE_MISSING = "code_missing"
    CODE_MALFORMED = "code_malformed"
    CODE_WRONG = "code_wrong"
    BYPASS_WRONG = "bypass_wrong"
    NAME_MISSING = "name_missing"
    NAME_TOO_LONG = "name_too_long"
    APP_PASSWORDS_FULL = "app_passwords_full"
    PIN_MALFORMED = "pin_malformed"
    PIN_TOO_SIMPLE = "pin_too_simple"
    PIN_MISMATCH = "pin_mismatch"
    TRY_LATER = "try_later"


class FormError(msgspec.Struct, frozen=True, gc=False):
    """One thing that is wrong. Without a field it is the whole form's.

    `denied` comes with DENIED; `wait` is how many seconds to wait, where waiting helps.
    """

    fault: FormErrorCode
    field: Field | None = None
    denied: MethodDenied | None = None
    wait: int | None = None


class Banner(StrEnum):
    """What was just done, said once at the top of the next page."""

    PHONE_ADDED = "phone_added"
    PHONE_CHANGED = "phone_changed"
    PHONE_REMOVED = "phone_removed"
    PHONE_LOST = "phone_lost"
    DEFAULT_SAVED = "default_saved"
    DEVICES_FORGOTTEN = "devices_forgotten"
    PIN_SET = "pin_set"
    APP_PASSWORD_DELETED = "app_password_deleted"  # noqa: S105 - a word of ours
    CODE_SENT_AGAIN = "code_sent_again"
    CALLING_AGAIN = "calling_again"


class Support(msgspec.Struct, frozen=True, gc=False):
    """Where people get help from people: an e-mail address, an https URL, a phone number; any of them may be absent."""

    email: str | None = None
    url: str | None = None
    phone: str | None = None

    @property
    def known(self) -> bool:
        """Tell whether there is any."""
        return bool(self.email or self.url or self.phone)


class Frame(msgspec.Struct, frozen=True, gc=False):
    """What surrounds every page.

    `locale` is one of `Texts.locales`. `path` is where the language menu comes back to; None leaves the menu out, as
    does an empty `csrf` (there is no session). `now` is the time to which "2 minutes ago" is relative.
    """

    locale: str
    application: str
    now: int
    csrf: str = ""
    path: str | None = None
    person: str | None = None
    logo_url: str | None = None
    brand_css_url: str | None = None
    support: Support = Support()
    notice: Banner | None = None


class FormUse(StrEnum):
    """Which of the three uses the phone form is put to; it decides the heading and where it is sent."""

    ENROLL = "enroll"
    ADD = "add"
    CHANGE = "change"


class MethodChoice(msgspec.Struct, frozen=True, gc=False):
    """A text or a call, and whether this person may have it."""

    channel: Channel
    denied: MethodDenied | None = None


class DeliveryState(StrEnum):
    """How far the latest text or call got."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    DIALLING = "dialling"
    RINGING = "ringing"
    ANSWERED = "answered"
    WAITING_FOR_KEY = "waiting_for_key"
    ENDED = "ended"
    UNKNOWN = "unknown"


class ResendOption(msgspec.Struct, frozen=True, gc=False):
    """Another text or call to the same phone: possible after `wait` seconds, or denied."""

    channel: Channel
    wait: int = 0
    denied: MethodDenied | None = None


class SignInMethod(msgspec.Struct, frozen=True, gc=False):
    """A text or a call to one phone of the person. Its form value is `<phone_id>:<channel>`."""

    phone_id: str
    channel: Channel
    kind: PhoneKind
    masked_number: str
    extension: str | None = None
    chosen: bool = False
    denied: MethodDenied | None = None

    @property
    def value(self) -> str:
        """Return what the form sends for it."""
        return f"{self.phone_id}:{self.channel}"


class ErrorPage(StrEnum):
    """Why there is no page to show."""

    LINK_INVALID = "link_invalid"
    SESSION_OVER = "session_over"
    BLOCKED = "blocked"
    NOT_FOUND = "not_found"
    FOREIGN_FORM = "foreign_form"
    TOO_MANY_TRIES = "too_many_tries"
    NO_METHOD = "no_method"
    FEATURE_OFF = "feature_off"
    TRY_LATER = "try_later"


class NewAppPassword(msgspec.Struct, frozen=True, gc=False):
    """A password that is shown this once, in its groups as it is to be read (they are typed without the spaces)."""

    name: str
    password: str

    def __repr__(self) -> str:
        return f"NewAppPassword(name={self.name!r}, password=***)"


class NumberCheck(msgspec.Struct, frozen=True, gc=False):
    """The answer to the live check of a number, already in the page's language."""

    ok: bool
    formatted: str | None
    message: str | None
    methods: dict[str, "MethodCheck"]


class MethodCheck(msgspec.Struct, frozen=True, gc=False):
    """Whether this number can be reached in one way; if not, why, who decided, and what to do."""

    allowed: bool
    reason: str | None
