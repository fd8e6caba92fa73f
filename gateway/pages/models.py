"""What each page shows: one struct a page, filled by the routes and read by its template.

Times are in ms since the epoch, waits in whole seconds. Numbers of phones come masked, as in `•••• 0123`, except what
the person types in the form.
"""

import msgspec

from gateway.domain.enrollment import PhoneKind
from gateway.domain.ivr.keypad import POUND
from gateway.domain.portal import PortalPage
from gateway.domain.verification import Channel, FailureCode, Status
from gateway.pages.components import (
    DeliveryState,
    ErrorPage,
    FormError,
    FormUse,
    Frame,
    MethodChoice,
    NewAppPassword,
    ResendOption,
    SignInMethod,
)


class OpenPage(msgspec.Struct, frozen=True, gc=False):
    """The page behind a link: one button that opens it, so that a mail scanner's GET spends nothing."""

    frame: Frame
    purpose: PortalPage


class PhoneForm(msgspec.Struct, frozen=True, gc=False):
    """Step 1, and the same form in the settings.

    `countries` are the ISO codes offered; empty means every region there is. `channel` is the chosen method. With
    CHANGE, `replaces` is the id of the phone that goes and `old_number` its masked number. `steps` is 2 where no app
    password follows.
    """

    frame: Frame
    use: FormUse
    kind: PhoneKind
    country: str
    kinds: tuple[PhoneKind, ...] = (PhoneKind.AUTHENTICATION,)
    countries: tuple[str, ...] = ()
    number: str = ""
    extension: str = ""
    channel: Channel | None = Channel.SMS
    methods: tuple[MethodChoice, ...] = (MethodChoice(Channel.SMS), MethodChoice(Channel.CALL))
    errors: tuple[FormError, ...] = ()
    replaces: str | None = None
    old_number: str | None = None
    steps: int = 3


class VerifyPage(msgspec.Struct, frozen=True, gc=False):
    """Step 2, and the challenge at sign-in.

    `channel`, `delivery` and `failure` are the latest attempt's; once `status` is no longer pending, `failure` is the
    verification's. `code_length` is set when the person was told a code, and None when there is only a key to press.
    `match_digits` are keyed in on the phone before #, or the `pin` is, which is a `new_pin` to be chosen there if
    somebody else set it; without them, a call asks for `key`. `ways` are offered as
    "send again" and "call me"; after the end they begin anew. `expires_in` is in seconds; `remember_days` offers to
    trust this browser for so long. `called_before` says why the phone that was called before this one was not reached.
    """

    frame: Frame
    purpose: PortalPage
    status: Status
    revision: int
    channel: Channel
    masked_number: str
    delivery: DeliveryState
    failure: FailureCode | None = None
    checks_left: int = 5
    code_length: int | None = None
    match_digits: str | None = None
    pin: bool = False
    new_pin: bool = False
    key: str = POUND
    ways: tuple[ResendOption, ...] = ()
    expires_in: int = 600
    errors: tuple[FormError, ...] = ()
    remember_days: int | None = None
    remember: bool = False
    other_ways: bool = False
    steps: int = 3
    called_before: FailureCode | None = None

    @property
    def shape(self) -> str:
        """Return what the page asks of the person; when that changes, the page has to be shown anew."""
        keyed_in = "digits" if self.match_digits else "pin" if self.pin else self.key
        asked = (self.channel.value, "code" if self.code_length else "", keyed_in)
        return " ".join(word for word in asked if word)


class FinishPage(msgspec.Struct, frozen=True, gc=False):
    """Step 3: the first app password."""

    frame: Frame
    new: NewAppPassword
    user: str
    steps: int = 3


class DonePage(msgspec.Struct, frozen=True, gc=False):
    """The last page. With `return_url` it links back, and at once follows the link itself if `leaving`."""

    frame: Frame
    purpose: PortalPage
    return_url: str | None = None
    leaving: bool = False


class PhoneRow(msgspec.Struct, frozen=True, gc=False):
    """One of the person's phones; `verified_at` is None while it is not proven."""

    id: str
    kind: PhoneKind
    masked_number: str
    verified_at: int | None = None
    extension: str | None = None
    removable: bool = True


class PinFacts(msgspec.Struct, frozen=True, gc=False):
    """What a person is told of their PIN: whether there is one, somebody else set it, it is locked for now."""

    there: bool = False
    must_change: bool = False
    locked: bool = False


class SettingsPage(msgspec.Struct, frozen=True, gc=False):
    """The person's phones, how they are reached, trusted browsers, their PIN, and the way to the app passwords.

    `pin` is None where no call asks for one, `addable` are the kinds of phone that may be added now. `app_passwords` is
    their count, or None when there is no page for them.
    """

    frame: Frame
    phones: tuple[PhoneRow, ...]
    methods: tuple[SignInMethod, ...]
    addable: tuple[PhoneKind, ...] = ()
    trusted_devices: int = 0
    app_passwords: int | None = None
    pin: PinFacts | None = None
    errors: tuple[FormError, ...] = ()
    can_leave: bool = True


class AppPasswordRow(msgspec.Struct, frozen=True, gc=False):
    """An app password as it is listed."""

    id: str
    name: str
    created_at: int
    last_used_at: int | None = None
    expires_at: int | None = None
    scope: str | None = None


class AppPasswordsPage(msgspec.Struct, frozen=True, gc=False):
    """The app passwords. Where policy has switched them off (`enabled` false), they can only be deleted.

    `name` and `expires_in_days` (None: never) are what was typed into the form.
    """

    frame: Frame
    rows: tuple[AppPasswordRow, ...]
    user: str
    new: NewAppPassword | None = None
    enabled: bool = True
    limit: int = 40
    name: str = ""
    expires_in_days: int | None = None
    errors: tuple[FormError, ...] = ()


class SignInPage(msgspec.Struct, frozen=True, gc=False):
    """Sign in another way. `bypass` offers the field for a code from the help desk."""

    frame: Frame
    methods: tuple[SignInMethod, ...]
    bypass: bool = True
    errors: tuple[FormError, ...] = ()


class LastAttempt(msgspec.Struct, frozen=True, gc=False):
    """The last text or call to this person, and what became of it; `key` is the one that a call asked for."""

    channel: Channel
    masked_number: str
    at: int
    delivery: DeliveryState
    status: Status
    failure: FailureCode | None = None
    key: str = POUND


class AppPasswordFacts(msgspec.Struct, frozen=True, gc=False):
    """What is known about the person's app passwords."""

    enabled: bool
    count: int = 0
    last_used_at: int | None = None
    expired: int = 0


class HelpPage(msgspec.Struct, frozen=True, gc=False):
    """Answers that use what is known about this person's last attempts.

    `recognized_until`: this browser is trusted so long. `recent_proof_at`: when a proof spared the next prompt.
    `blocked` with `blocked_until` None lasts until somebody ends it. `proven_phones` counts the phones that work.
    """

    frame: Frame
    purpose: PortalPage
    last: LastAttempt | None = None
    proven_phones: int = 0
    blocked: bool = False
    blocked_until: int | None = None
    recognized_until: int | None = None
    recent_proof_at: int | None = None
    app_passwords: AppPasswordFacts | None = None


class ProblemPage(msgspec.Struct, frozen=True, gc=False):
    """A page that says what went wrong and what to do next.

    `minutes` is how long to wait, where that is known. `blocked_until` belongs to BLOCKED. `again` is the path of a
    link that tries again or goes back, if there is one.
    """

    frame: Frame
    problem: ErrorPage
    minutes: int | None = None
    blocked_until: int | None = None
    again: str | None = None


Page = (
    OpenPage
    | PhoneForm
    | VerifyPage
    | FinishPage
    | DonePage
    | SettingsPage
    | AppPasswordsPage
    | SignInPage
    | HelpPage
    | ProblemPage
)
