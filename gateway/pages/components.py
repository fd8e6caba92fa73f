"""Enums and structs that several pages share. The templates choose the texts by these enums (`messages.py`)."""

from enum import StrEnum

import msgspec

from gateway.domain.enrollment import PhoneKind
from gateway.domain.verification import Channel


class DenialReason(StrEnum):
    """Why a person cannot be texted or called. Codes of the policy have the same values here."""

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
    """Which level of the policy decided a denial."""

    APPLICATION = "application"
    GROUP = "group"
    GATEWAY = "gateway"


class MethodDenial(msgspec.Struct, frozen=True, gc=False):
    """Why a person cannot be texted or called.

    `decided_by` is None where nobody decided it: the phone itself cannot, or a limit is reached. `group` is the name of
    the group that decided, with GROUP. `is_last` says that the other channel is denied, too, so that none is advised.
    """

    reason: DenialReason
    decided_by: DecidedBy | None = None
    group: str | None = None
    is_last: bool = False


class Field(StrEnum):
    """The names of the fields of the forms."""

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
    """What is wrong with a form that was sent."""

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
    """An error of a field, or of the whole form without one.

    `denial` belongs to DENIED; `wait` is how many seconds to wait before trying again.
    """

    code: FormErrorCode
    field: Field | None = None
    denial: MethodDenial | None = None
    wait: int | None = None


class Banner(StrEnum):
    """The message about the last change, shown once at the top of the next page."""

    PHONE_ADDED = "phone_added"
    PHONE_CHANGED = "phone_changed"
    PHONE_REMOVED = "phone_removed"
    PHONE_LOST = "phone_lost"
    DEFAULT_SAVED = "default_saved"
    DEVICES_FORGOTTEN = "devices_forgotten"
    PIN_SET = "pin_set"
    APP_PASSWORD_DELETED = "app_password_deleted"  # noqa: S105 - the name of a message
    CODE_SENT_AGAIN = "code_sent_again"
    CALLING_AGAIN = "calling_again"


class Support(msgspec.Struct, frozen=True, gc=False):
    """How to reach the support: an e-mail address, an https URL, a phone number; any of them may be absent."""

    email: str | None = None
    url: str | None = None
    phone: str | None = None

    @property
    def is_known(self) -> bool:
        """Tell whether any of them is present."""
        return bool(self.email or self.url or self.phone)


class Frame(msgspec.Struct, frozen=True, gc=False):
    """What every page shows around its content.

    `locale` is one of the locales of `Translations`. `path` is where the language menu returns to; the menu is left
    out if it is None, or if `csrf` is empty (no session). `now` (ms since the epoch) is what "2 minutes ago" refers to.
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
    banner: Banner | None = None


class FormUse(StrEnum):
    """What the phone form is used for; it decides the heading and where the form is sent."""

    ENROLL = "enroll"
    ADD = "add"
    CHANGE = "change"


class MethodChoice(msgspec.Struct, frozen=True, gc=False):
    """A channel, and the denial if this person may not use it."""

    channel: Channel
    denial: MethodDenial | None = None


class DeliveryState(StrEnum):
    """The delivery state of a text, or of a call that does not ring yet."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    UNKNOWN = "unknown"


class Stage(StrEnum):
    """What the heading of Step 2 may claim of the latest text or call, and what the person can do then."""

    UNDER_WAY = "under_way"
    UNCERTAIN = "uncertain"
    CODE_TOLD = "code_told"
    FAILED = "failed"


class ResendOption(msgspec.Struct, frozen=True, gc=False):
    """Another text or call to the same phone: possible after `wait` seconds, or denied."""

    channel: Channel
    wait: int = 0
    denial: MethodDenial | None = None


class SignInMethod(msgspec.Struct, frozen=True, gc=False):
    """A text or a call to one phone of the person. Its form value is `<phone_id>:<channel>`."""

    phone_id: str
    channel: Channel
    kind: PhoneKind
    masked_number: str
    extension: str | None = None
    chosen: bool = False
    denial: MethodDenial | None = None

    @property
    def value(self) -> str:
        """Return its form value."""
        return f"{self.phone_id}:{self.channel}"


class PageProblem(StrEnum):
    """Why a page cannot be shown."""

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
    """A new app password, shown once, in groups for reading; it is typed without the spaces."""

    name: str
    password: str

    def __repr__(self) -> str:
        return f"NewAppPassword(name={self.name!r}, password=***)"


class NumberCheck(msgspec.Struct, frozen=True, gc=False):
    """The JSON answer to the live check of a number; the texts are in the language of the page."""

    ok: bool
    formatted: str | None
    message: str | None
    methods: dict[str, "MethodCheck"]


class MethodCheck(msgspec.Struct, frozen=True, gc=False):
    """Whether one channel can reach the number; if not, why, who decided, and what to do."""

    allowed: bool
    reason: str | None
