"""One model of every state that a page can be in."""

import itertools

from gateway.domain.enrollment import PhoneKind
from gateway.domain.ivr.call_phase import CallPhase
from gateway.domain.portal import PortalPage
from gateway.domain.verification import Channel, FailureCode, Mode, Status
from gateway.pages.components import (
    Banner,
    DecidedBy,
    DeliveryState,
    DenialReason,
    Field,
    FormError,
    FormErrorCode,
    FormUse,
    Frame,
    MethodChoice,
    MethodDenial,
    NewAppPassword,
    PageProblem,
    ResendOption,
    SignInMethod,
    Support,
)
from gateway.pages.models import (
    AppPasswordRow,
    AppPasswordsPage,
    AppPasswordSummary,
    DonePage,
    FinishPage,
    HelpPage,
    HomePage,
    LastAttempt,
    OpenPage,
    Page,
    PhoneForm,
    PhoneRow,
    PinState,
    ProblemPage,
    SettingsPage,
    SignInPage,
    VerifyPage,
)

NOW = 1_790_000_000_000
DAY = 86_400_000
NUMBER = "•••• 0123"
PASSWORD = "kdmw rtzp hxvq bnfs ycgj"
CSRF = "3ec8a1"
BY_APPLICATION = MethodDenial(DenialReason.METHOD_FORBIDDEN, DecidedBy.APPLICATION)
BY_GROUP = MethodDenial(DenialReason.COUNTRY_FORBIDDEN, DecidedBy.GROUP, "contractors")
SUPPORT = Support("help@example.com", "https://example.com/help", "+1 425 555 0100")
NEW = NewAppPassword("Mail on my tablet", PASSWORD)
METHODS = (
    SignInMethod("phn_1", Channel.SMS, PhoneKind.AUTHENTICATION, NUMBER, chosen=True),
    SignInMethod("phn_2", Channel.CALL, PhoneKind.OFFICE, "•••• 4711", extension="12"),
    SignInMethod("phn_3", Channel.SMS, PhoneKind.ALTERNATE, "•••• 99", denial=BY_GROUP),
)


def frame(locale: str = "en", **fields: object) -> Frame:
    given = {"csrf": CSRF, "path": "/portal/enroll", "person": "alice@example.com", "support": SUPPORT, **fields}
    return Frame(locale=locale, application="Example Bank", now=NOW, **given)


def verify(around: Frame, **fields: object) -> VerifyPage:
    given = {
        "purpose": PortalPage.ENROLL,
        "status": Status.PENDING,
        "revision": 3,
        "channel": Channel.SMS,
        "masked_number": NUMBER,
        "delivery": DeliveryState.SENT,
        "code_length": 6,
        "resend_options": (ResendOption(Channel.SMS, 25), ResendOption(Channel.CALL, 0)),
    }
    return VerifyPage(frame=around, **(given | fields))


def call(around: Frame, **fields: object) -> VerifyPage:
    given = {
        "channel": Channel.CALL,
        "mode": Mode.CONFIRM,
        "delivery": DeliveryState.SENT,
        "call_phase": CallPhase.RINGING,
        "code_length": None,
        "code_was_texted": False,
    }
    return verify(around, **(given | fields))


def call_in(around: Frame, mode: Mode, **fields: object) -> VerifyPage:
    """Return the page of a call in this mode."""
    given = {
        Mode.MATCH: {"match_digits": "42"},
        Mode.PIN: {"asks_new_pin": True},
        Mode.CODE: {"code_length": 6},
    }
    return call(around, **{"mode": mode, **given.get(mode, {}), **fields})


def specimens(locale: str = "en") -> dict[str, Page]:
    around = frame(locale)
    return {
        **_beginnings(around),
        **_challenges(around),
        **_endings(around),
        **_settings(around),
        **{f"problem {problem}": _problem(locale, problem) for problem in PageProblem},
    }


def _beginnings(around: Frame) -> dict[str, Page]:
    errors = (
        FormError(FormErrorCode.NUMBER_INVALID, Field.NUMBER),
        FormError(FormErrorCode.EXTENSION_MALFORMED, Field.EXTENSION),
        FormError(FormErrorCode.CHANNEL_MISSING, Field.CHANNEL),
        FormError(FormErrorCode.SENDS_USED_UP, wait=300),
    )
    methods = (MethodChoice(Channel.SMS, BY_GROUP), MethodChoice(Channel.CALL))
    kind = PhoneKind.AUTHENTICATION
    return {
        "home": HomePage(frame(around.locale, csrf="", path=None, person=None, support=Support())),
        **{f"open {page}": OpenPage(around, page) for page in PortalPage},
        "phone": PhoneForm(around, FormUse.ENROLL, kind, "US"),
        "phone, two steps": PhoneForm(around, FormUse.ENROLL, kind, "US", steps=2),
        "phone, every kind": PhoneForm(
            around, FormUse.ENROLL, PhoneKind.OFFICE, "DE", tuple(PhoneKind), number="030 1", extension="12"
        ),
        "phone, wrong": PhoneForm(
            around, FormUse.ENROLL, kind, "GB", tuple(PhoneKind), errors=errors, methods=methods, channel=None
        ),
        "phone, added": PhoneForm(around, FormUse.ADD, PhoneKind.ALTERNATE, "FR", (PhoneKind.ALTERNATE,), ("FR", "DE")),
        "phone, changed": PhoneForm(around, FormUse.CHANGE, kind, "US", replaces="phn_1", old_number=NUMBER),
        "sign in another way": SignInPage(around, METHODS),
        "sign in, bypass wrong": SignInPage(around, (), errors=(FormError(FormErrorCode.BYPASS_WRONG, Field.CODE),)),
    }


def _challenges(around: Frame) -> dict[str, Page]:
    signing_in = {"purpose": PortalPage.SIGN_IN, "remember_days": 30, "other_methods": True}
    wrong = (FormError(FormErrorCode.CODE_WRONG, Field.CODE),)
    return {
        **{f"text {delivery}": verify(around, delivery=delivery) for delivery in DeliveryState},
        **{
            f"call {delivery} {mode}": call_in(around, mode, delivery=delivery, call_phase=None)
            for delivery, mode in itertools.product(DeliveryState, Mode)
        },
        **{
            f"call {phase} {mode}": call_in(around, mode, call_phase=phase)
            for phase, mode in itertools.product(CallPhase, Mode)
        },
        **{f"call {phase}, digit": call(around, call_phase=phase, key="5") for phase in CallPhase},
        "refused for good": call(
            around, status=Status.DENIED, failure=FailureCode.NUMBER_BLOCKED, refused_with="9", resend_options=()
        ),
        "refused, sign in": call(
            around,
            status=Status.DENIED,
            failure=FailureCode.REPORTED_FRAUD,
            refused_with="0",
            resend_options=(),
            **signing_in,
        ),
        "call, digit, failed": call(around, key="5", status=Status.FAILED, failure=FailureCode.HUNG_UP),
        **{f"failed {code}": verify(around, failure=code) for code in FailureCode},
        "text, wrong": verify(around, errors=wrong, checks_left=1),
        "text, denied": verify(around, resend_options=(ResendOption(Channel.CALL, denial=BY_APPLICATION),)),
        "text, settings": verify(around, purpose=PortalPage.SETTINGS),
        "text, sign in": verify(around, **signing_in),
        "call, sign in": call(around, **signing_in),
        "call, other phone": call(around, previous_failure=FailureCode.NO_ANSWER, **signing_in),
        "call, code": call(around, code_length=6, code_was_texted=True),
        "approved": verify(around, status=Status.APPROVED),
        "approved, sign in": verify(around, status=Status.APPROVED, **signing_in),
        **{f"ended {status}": verify(around, status=status) for status in Status if status is not Status.PENDING},
        "ended, failure": call(around, status=Status.FAILED, failure=FailureCode.NO_ANSWER, resend_options=()),
    }


def _endings(around: Frame) -> dict[str, Page]:
    return {
        "finish": FinishPage(around, NEW, "alice@example.com"),
        "finish, choice": FinishPage(around, None, "alice@example.com"),
        **{f"done {page}": DonePage(around, page) for page in PortalPage},
        "done, next steps": DonePage(
            around, PortalPage.ENROLL, can_manage=True, can_add=PhoneKind.ALTERNATE, app_passwords=True
        ),
        "done, back": DonePage(around, PortalPage.ENROLL, "https://example.com/back?state=1&x=2"),
        "done, leaving": DonePage(around, PortalPage.ENROLL, "https://example.com/back", leaving=True),
    }


def _settings(around: Frame) -> dict[str, Page]:
    phones = (
        PhoneRow("phn_1", PhoneKind.AUTHENTICATION, NUMBER, NOW - 90 * DAY, removable=False),
        PhoneRow("phn_2", PhoneKind.OFFICE, "•••• 4711", NOW - 3 * DAY, extension="12"),
        PhoneRow("phn_3", PhoneKind.ALTERNATE, "•••• 99"),
    )
    rows = (
        AppPasswordRow("apw_1", "Mail", NOW - DAY, NOW, NOW + DAY, "mail"),
        AppPasswordRow("apw_2", "Calendar", NOW - 9 * DAY, expires_at=NOW - DAY),
    )
    last = LastAttempt(Channel.SMS, NUMBER, NOW - 120_000, DeliveryState.UNDELIVERED, Status.FAILED)
    unfinished = LastAttempt(Channel.CALL, NUMBER, NOW, DeliveryState.SENT, Status.PENDING, FailureCode.HUNG_UP)
    asking = LastAttempt(
        Channel.CALL, NUMBER, NOW, DeliveryState.SENT, Status.PENDING, call_phase=CallPhase.ASKING, mode=Mode.CONFIRM
    )
    wrong = (FormError(FormErrorCode.METHOD_MISSING, Field.METHOD),)
    summary = AppPasswordSummary(enabled=True, count=2, last_used_at=NOW - DAY, expired=1)
    user = "alice@example.com"
    return {
        "settings": SettingsPage(around, phones, METHODS, tuple(PhoneKind), 2, 3),
        "settings, bare": SettingsPage(around, (), ()),
        "settings, wrong": SettingsPage(around, phones, METHODS, errors=wrong),
        "settings, PIN": SettingsPage(around, phones, METHODS, pin=PinState(is_set=True, must_change=True)),
        "settings, no PIN": SettingsPage(around, phones, METHODS, pin=PinState()),
        "settings, PIN wrong": SettingsPage(
            around,
            phones,
            METHODS,
            pin=PinState(is_set=True, locked=True),
            errors=(FormError(FormErrorCode.PIN_MISMATCH, Field.PIN_AGAIN),),
        ),
        **{f"notice {banner}": SettingsPage(frame(around.locale, banner=banner), (), METHODS) for banner in Banner},
        "app passwords": AppPasswordsPage(around, rows, user),
        "app passwords, new": AppPasswordsPage(around, rows, user, NEW),
        "app passwords, full": AppPasswordsPage(around, rows, user, limit=2),
        "app passwords, off": AppPasswordsPage(around, rows, user, enabled=False),
        "app passwords, wrong": AppPasswordsPage(
            around, (), user, expires_in_days=90, errors=(FormError(FormErrorCode.NAME_MISSING, Field.NAME),)
        ),
        "help": HelpPage(around, PortalPage.SIGN_IN, last, 2, app_passwords=summary, recognized_until=NOW + DAY),
        "help, blocked": HelpPage(around, PortalPage.SETTINGS, unfinished, 1, blocked=True, blocked_until=NOW + DAY),
        "help, on the phone": HelpPage(around, PortalPage.ENROLL, asking),
        "help, off": HelpPage(around, PortalPage.SIGN_IN, last, 1, app_passwords=AppPasswordSummary(enabled=False)),
        "help, nothing": HelpPage(frame(around.locale, support=Support()), PortalPage.ENROLL, recent_proof_at=NOW),
    }


def _problem(locale: str, problem: PageProblem) -> ProblemPage:
    around = frame(locale, csrf="", path=None, person=None)
    until = NOW + DAY if problem is PageProblem.BLOCKED else None
    return ProblemPage(around, problem, minutes=12, blocked_until=until, again="/portal/enroll")
