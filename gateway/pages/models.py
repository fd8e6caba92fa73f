"""The model of each page: filled by its routes, read by its template.

Times are in ms since the epoch, waits in seconds. Phone numbers are masked, as in `•••• 0123`, except typed ones.
"""

import msgspec

from gateway.domain.enrollment import PhoneKind
from gateway.domain.ivr.call_phase import CallPhase
from gateway.domain.ivr.keypad import POUND
from gateway.domain.portal import PortalPage
from gateway.domain.verification import Channel, FailureCode, Mode, Status
from gateway.pages.components import (
    DeliveryState,
    FormError,
    FormUse,
    Frame,
    MethodChoice,
    NewAppPassword,
    PageProblem,
    ResendOption,
    SignInMethod,
    Stage,
)


class HomePage(msgspec.Struct, frozen=True, gc=False):
    """The page at `/`: what this service is, and where to go."""

    frame: Frame


class OpenPage(msgspec.Struct, frozen=True, gc=False):
    """The page of a link: one button that opens it, because the GET of a mail scanner must not use it up."""

    frame: Frame
    purpose: PortalPage


class PhoneForm(msgspec.Struct, frozen=True, gc=False):
    """Step 1, and the same form in the settings.

    `countries` are ISO codes; empty means all regions. `channel` is the chosen method. With CHANGE, `replaces` is the
    id of the replaced phone and `old_number` its masked number. `steps` is 2 if no app password follows.
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

    `channel`, `delivery`, `mode` and `call_phase` are those of the latest attempt; so is `failure`, unless the
    verification has one itself. `code_length` is None if no text or call had a code; `code_was_texted` tells whether a
    text had it. A call asks for `match_digits` and then #, for the PIN and then # (`asks_new_pin` if the person must
    then choose their own), or else for `key`. `resend_options` send again, or start a new verification once this one
    has ended. `expires_in` is in seconds; `remember_days` offers to trust this browser for so long. `previous_failure`
    is why the phone called before this one was not reached. `refused_with` is the key by which a callee said no.
    """

    frame: Frame
    purpose: PortalPage
    status: Status
    revision: int
    channel: Channel
    masked_number: str
    delivery: DeliveryState
    mode: Mode | None = None
    call_phase: CallPhase | None = None
    failure: FailureCode | None = None
    checks_left: int = 5
    code_length: int | None = None
    code_was_texted: bool = True
    match_digits: str | None = None
    asks_new_pin: bool = False
    key: str = POUND
    resend_options: tuple[ResendOption, ...] = ()
    expires_in: int = 600
    errors: tuple[FormError, ...] = ()
    remember_days: int | None = None
    remember: bool = False
    other_methods: bool = False
    steps: int = 3
    previous_failure: FailureCode | None = None
    refused_with: str | None = None

    @property
    def asks_pin(self) -> bool:
        """Tell whether the call asks for the PIN."""
        return self.mode is Mode.PIN

    @property
    def stage(self) -> Stage:
        """Return what may be claimed of the latest text or call."""
        is_over, tells_code = self.call_phase is CallPhase.OVER, self.mode is Mode.CODE
        if self.failure or self.delivery is DeliveryState.UNDELIVERED or (is_over and not tells_code):
            return Stage.FAILED
        if is_over or self.call_phase is CallPhase.TELLING_CODE:
            return Stage.CODE_TOLD
        return Stage.UNCERTAIN if self.delivery is DeliveryState.UNKNOWN else Stage.UNDER_WAY

    @property
    def primary_channel(self) -> Channel | None:
        """Return the channel of the main button, which repeats nothing that has just failed if there is another way."""
        channels = [option.channel for option in self.resend_options if option.denial is None]
        others = [channel for channel in channels if channel is not self.channel]
        has_failed = self.status is Status.FAILED or (self.status is Status.PENDING and self.stage is Stage.FAILED)
        return next(iter(others if has_failed and others else channels), None)

    @property
    def shape(self) -> str:
        """Return what the page asks for and claims, as words; when they change, the script loads the page again."""
        keys = "digits" if self.match_digits else "pin" if self.asks_pin else self.key
        stage = "" if self.stage is Stage.UNDER_WAY else self.stage.value
        return " ".join(filter(None, (self.channel.value, "code" if self.code_length else "", keys, stage)))


class FinishPage(msgspec.Struct, frozen=True, gc=False):
    """Step 3: whether the person needs an app password, and then the first one (`new`)."""

    frame: Frame
    new: NewAppPassword | None
    user: str
    steps: int = 3
    can_manage: bool = True


class DonePage(msgspec.Struct, frozen=True, gc=False):
    """The next steps. With `return_url` it links back to the application; with `leaving` it follows the link at once.

    `can_manage` links to the settings, `can_add` is a kind of phone that may be added, `app_passwords` links to these.
    """

    frame: Frame
    purpose: PortalPage
    return_url: str | None = None
    leaving: bool = False
    can_manage: bool = False
    can_add: PhoneKind | None = None
    app_passwords: bool = False


class PhoneRow(msgspec.Struct, frozen=True, gc=False):
    """A phone of the person; `verified_at` is None while it is not proven."""

    id: str
    kind: PhoneKind
    masked_number: str
    verified_at: int | None = None
    extension: str | None = None
    removable: bool = True


class PinState(msgspec.Struct, frozen=True, gc=False):
    """Whether the person has a PIN, must change it because somebody else set it, and whether it is locked."""

    is_set: bool = False
    must_change: bool = False
    locked: bool = False


class SettingsPage(msgspec.Struct, frozen=True, gc=False):
    """The person's phones, default method, trusted browsers and PIN, with a link to the app passwords.

    `pin` is None if no call asks for one; `addable` are the kinds of phone that may be added now; `app_passwords` is
    the number of app passwords, or None if there is no page for them.
    """

    frame: Frame
    phones: tuple[PhoneRow, ...]
    methods: tuple[SignInMethod, ...]
    addable: tuple[PhoneKind, ...] = ()
    trusted_devices: int = 0
    app_passwords: int | None = None
    pin: PinState | None = None
    errors: tuple[FormError, ...] = ()
    can_leave: bool = True


class AppPasswordRow(msgspec.Struct, frozen=True, gc=False):
    """A row of the list of app passwords."""

    id: str
    name: str
    created_at: int
    last_used_at: int | None = None
    expires_at: int | None = None
    scope: str | None = None


class AppPasswordsPage(msgspec.Struct, frozen=True, gc=False):
    """The app passwords. If policy switches them off (`enabled` is false), they can only be deleted.

    `name` and `expires_in_days` (None: never) are the values of the form.
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
    """The methods of signing in. `bypass` shows the field for a bypass code from the help desk."""

    frame: Frame
    methods: tuple[SignInMethod, ...]
    bypass: bool = True
    errors: tuple[FormError, ...] = ()


class LastAttempt(msgspec.Struct, frozen=True, gc=False):
    """The last text or call to this person and its outcome; a call asked for `key`, or `match_digits` and then #."""

    channel: Channel
    masked_number: str
    at: int
    delivery: DeliveryState
    status: Status
    failure: FailureCode | None = None
    key: str = POUND
    call_phase: CallPhase | None = None
    mode: Mode | None = None
    match_digits: str | None = None


class AppPasswordSummary(msgspec.Struct, frozen=True, gc=False):
    """The state of the person's app passwords; `count` excludes the `expired` ones."""

    enabled: bool
    count: int = 0
    last_used_at: int | None = None
    expired: int = 0


class HelpPage(msgspec.Struct, frozen=True, gc=False):
    """Answers that use the state of the person's record and last attempt.

    `recognized_until` is the end of the trust in this browser. `recent_proof_at` is the time of a proof that still
    counts (`proof_cache`). A block without `blocked_until` lasts until an operator ends it. `proven_phones` is a count.
    """

    frame: Frame
    purpose: PortalPage
    last: LastAttempt | None = None
    proven_phones: int = 0
    blocked: bool = False
    blocked_until: int | None = None
    recognized_until: int | None = None
    recent_proof_at: int | None = None
    app_passwords: AppPasswordSummary | None = None


class ProblemPage(msgspec.Struct, frozen=True, gc=False):
    """A page that says what went wrong and what to do next.

    `minutes` is how long to wait, where that is known. `blocked_until` belongs to BLOCKED. `again` is the path of the
    link that tries again or goes back; with SESSION_OVER, the URL that leads back to the application.
    """

    frame: Frame
    problem: PageProblem
    minutes: int | None = None
    blocked_until: int | None = None
    again: str | None = None


Page = (
    HomePage
    | OpenPage
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
