"""What single pages show: the words people know, what is denied, and what to do after each failure."""

from pathlib import Path

import pytest
from pages_look.anatomy import Element, parsed
from pages_look.specimens import BY_GROUP, METHODS, NUMBER, call, call_in, frame, specimens, verify
from support.tables import for_each

from gateway.domain.enrollment import PhoneKind
from gateway.domain.ivr.call_phase import CallPhase
from gateway.domain.portal import PortalPage
from gateway.domain.verification import Channel, FailureCode, Mode, Status
from gateway.pages.components import (
    Field,
    FormError,
    FormErrorCode,
    FormUse,
    Frame,
    MethodChoice,
    ResendOption,
)
from gateway.pages.messages import FAILURES
from gateway.pages.models import DonePage, PhoneForm, SignInPage
from gateway.pages.rendering import Pages

LOCALES = sorted(path.parent.name for path in (Path(__file__).parents[2] / "config" / "locales").glob("*/pages.po"))


@pytest.fixture
def around() -> Frame:
    return frame()


def words(element: Element) -> str:
    return " ".join(element.text.split())


def shown(pages: Pages, model) -> Element:
    return parsed(pages.render(model))


def by_id(page: Element, wanted: str) -> Element:
    (found,) = [element for element in page.all() if element["id"] == wanted]
    return found


@for_each(
    ("name", "known"),
    [
        ("phone", ["Additional security verification", "Step 1: How should we contact you?", "Authentication phone"]),
        ("phone", ["Country or region", "Send me a code by text message", "Call me", "Next"]),
        ("text sent", ["Step 2: We've sent a text message to your phone", "Verify", NUMBER]),
        ("call ringing confirm", ["Step 2: We're calling your phone. Answer it and press #"]),
        ("finish", ["Step 3: Keep using your existing applications", "Done"]),
        ("settings", ["Restore multi-factor authentication on previously trusted devices"]),
    ],
)
def test_the_words_that_people_know_are_there(pages, name, known):
    text = words(shown(pages, specimens()[name]))
    assert [phrase for phrase in known if phrase not in text] == []


def test_the_code_field_suits_phones_and_password_managers(pages, around):
    field = by_id(shown(pages, verify(around)), "code")
    assert (field["inputmode"], field["autocomplete"], field["dir"]) == ("numeric", "one-time-code", "ltr")
    assert int(field["maxlength"]) >= len("1 2 3 4 5 6 7 8 9 0")


def test_only_a_call_that_told_no_code_has_no_code_field(pages, around):
    asked = {model.code_length: shown(pages, model) for model in (call(around), call(around, code_length=6))}
    assert "code" not in [element["id"] for element in asked[None].all()]
    assert by_id(asked[6], "code")


@for_each("locale", LOCALES)
@for_each(("key", "other"), [("5", "#"), ("#", "5")])
def test_a_page_speaks_of_the_key_that_the_call_asks_for_in_every_language(pages, locale, key, other):
    around = frame(locale)
    waiting = call(around, call_phase=CallPhase.ASKING, key=key)
    page = shown(pages, waiting)
    (drawn,) = [element for element in page.all("kbd") if element["class"] == "pound"]
    heading = next(element for element in page.all("h2") if element["class"] == "task")
    failed = words(parsed(pages.render_state(call(around, failure=FailureCode.HUNG_UP, key=key))))
    for text in (words(drawn), words(heading), words(parsed(pages.render_state(waiting))), failed):
        assert key in text
        assert other not in text


def test_a_denied_method_cannot_be_chosen_and_says_why_who_and_what_next(pages, around):
    methods = (MethodChoice(Channel.SMS, BY_GROUP), MethodChoice(Channel.CALL))
    page = shown(pages, PhoneForm(around, FormUse.ENROLL, PhoneKind.AUTHENTICATION, "US", methods=methods))
    assert by_id(page, "channel-sms").has("disabled")
    assert not by_id(page, "channel-sms").has("checked")
    assert words(by_id(page, "reason-sms")) == (
        "Text messages to this country or region are not allowed. "
        "Decided by Example Bank for the group contractors. Choose a call, or use another number."
    )
    assert not by_id(page, "channel-call").has("disabled")


def test_the_extension_belongs_to_office_phones(pages, around):
    one = shown(pages, PhoneForm(around, FormUse.ENROLL, PhoneKind.AUTHENTICATION, "US"))
    assert "extension" not in [field["name"] for field in one.all("input")]
    every = shown(pages, PhoneForm(around, FormUse.ENROLL, PhoneKind.OFFICE, "US", tuple(PhoneKind), extension="12"))
    assert by_id(every, "extension")["value"] == "12"


def test_the_countries_offered_are_those_allowed_and_the_chosen_one_is_selected(pages, around):
    form = PhoneForm(around, FormUse.ADD, PhoneKind.ALTERNATE, "DE", countries=("FR", "DE"))
    options = by_id(shown(pages, form), "country").all("option")
    assert [option["value"] for option in options] == ["FR", "DE"]
    assert [option["value"] for option in options if option.has("selected")] == ["DE"]


@for_each("code", FailureCode)
def test_every_failure_has_its_own_words_live_and_after_the_end(pages, around, code):
    live = words(parsed(pages.render_state(verify(around, failure=code))))
    ended = words(shown(pages, verify(around, status=Status.FAILED, failure=code)))
    for sentence in (FAILURES[code].text % {"key": "#"}, FAILURES[code].next_step % {"key": "#"}):
        assert sentence in live
        assert sentence in ended


def test_digits_to_key_in_are_told_to_eyes_and_ears(pages, around):
    page = shown(pages, call_in(around, Mode.MATCH, call_phase=CallPhase.ASKING))
    assert [key.text for key in page.all("kbd")] == ["4", "2", "#"]
    assert words(by_id(page, "state")) == "Key in 42 on your phone, then press #."


def test_a_pin_is_asked_for_and_never_shown(pages, around):
    page = shown(pages, call_in(around, Mode.PIN, call_phase=CallPhase.ASKING))
    assert [key.text for key in page.all("kbd")] == [*"••••", "#"]
    assert words(by_id(page, "state")) == "Key in your PIN on your phone, then press #."
    assert "Then the call lets you choose a PIN of your own." in words(page)
    locked = words(shown(pages, call(around, mode=Mode.PIN, status=Status.FAILED, failure=FailureCode.RATE_LIMITED)))
    assert "Too many wrong PINs were keyed in, so your PIN is locked for now." in locked


def test_a_wrong_code_says_how_many_tries_are_left(pages, around):
    wrong = (FormError(FormErrorCode.CODE_WRONG, Field.CODE),)
    told = {left: words(shown(pages, verify(around, errors=wrong, checks_left=left))) for left in (1, 3)}
    assert "That is not the code we sent. You have one try left." in told[1]
    assert "That is not the code we sent. You have 3 tries left." in told[3]


@for_each(
    ("seconds", "shown_time"),
    [(600, "10 minutes"), (599, "9 minutes"), (95, "1 minute"), (59, "59 seconds"), (0, "0 seconds")],
)
def test_a_code_is_not_said_to_be_good_for_longer_than_it_is(pages, around, seconds, shown_time):
    page = shown(pages, verify(around, expires_in=seconds))
    assert f"Good for {shown_time}." in words(by_id(page, "code-hint"))
    (place,) = [element for element in page.all() if element.has("data-expires")]
    assert (place["data-expires"], place.text) == (str(seconds), shown_time)


def test_resending_waits_as_long_as_it_has_to(pages, around):
    ways = (ResendOption(Channel.SMS, 25), ResendOption(Channel.CALL, denial=BY_GROUP))
    page = shown(pages, verify(around, resend_options=ways))
    assert [(button["value"], button["data-wait"]) for button in page.all("button") if button.has("data-wait")] == [
        ("sms", "25")
    ]
    (state,) = [element for element in page.all() if element.has("data-ways")]
    assert state["data-ways"].split() == ["sms:25"]


def test_an_ended_verification_asks_for_no_code_and_moves_nowhere_by_itself(pages, around):
    page = shown(pages, verify(around, status=Status.EXPIRED))
    assert [form["action"] for form in page.all("form") if form["action"] != "/portal/language"] == [
        "/portal/resend",
        "/portal/resend",
        "/portal/cancel",
    ]
    assert "progress.js" not in str([script["src"] for script in page.all("script")])


def test_remembering_goes_with_whatever_ends_the_sign_in(pages, around):
    signing_in = {"purpose": PortalPage.SIGN_IN, "remember_days": 30}
    for model, form in ((verify(around, **signing_in), "verify"), (call(around, **signing_in), "finish")):
        box = by_id(shown(pages, model), "remember")
        assert (box["name"], box["form"]) == ("remember", form)


def test_a_method_is_one_button_and_says_which_phone(pages, around):
    page = shown(pages, SignInPage(around, METHODS))
    buttons = {button["value"]: button for button in page.all("button") if button["name"] == "method"}
    assert list(buttons) == ["phn_1:sms", "phn_2:call", "phn_3:sms"]
    assert "Call •••• 4711, ext. 12" in words(buttons["phn_2:call"])
    assert buttons["phn_3:sms"].has("disabled")


def test_only_a_page_that_leaves_follows_its_link(pages, around):
    for leaving in (True, False):
        page = shown(pages, DonePage(around, PortalPage.ENROLL, "https://example.com/", leaving=leaving))
        assert any("leave.js" in script["src"] for script in page.all("script")) is leaving
