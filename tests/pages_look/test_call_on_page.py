"""The page says what the call says: one sentence for each state, in every mode and language, with the right key."""

import itertools
import re

import msgspec
import pytest
from pages_look.anatomy import Element, parsed
from pages_look.specimens import call_in, frame, verify
from support.attempts import calling, on, sending
from support.tables import for_each

from gateway.domain.delivery import CALL_ENDED, TEXT_ENDED, DeliveryStatus
from gateway.domain.ivr.call_phase import CallPhase, call_phase
from gateway.domain.ivr.dtmf import Dtmf, classify
from gateway.domain.ivr.flow import FLOW
from gateway.domain.ivr.keypad import Keypad
from gateway.domain.ivr.replies import unchanged
from gateway.domain.ivr.states import CallState, Script
from gateway.domain.portal import PortalPage
from gateway.domain.verification import Attempt, Channel, Failure, FailureCode, Mode, Status, Verification
from gateway.pages.components import DeliveryState, ResendOption
from gateway.pages.messages import CALL_PHASES, REFUSALS
from gateway.pages.models import VerifyPage
from gateway.pages.rendering import Pages
from gateway.pages.views import delivery_state, key_to_press, refusing_key

KEYPAD = Keypad()
BY_DIGIT = Keypad(confirm="5")
FAILURE = Failure(FailureCode.NUMBER_UNREACHABLE, "out of reach")
STATES = list(itertools.product(CallPhase, Mode))
SAID = {
    Script.PRESS_POUND: "Listen to the call, then press # on your phone.",
    Script.MATCH_DIGITS: "Key in 42 on your phone, then press #.",
    Script.ENTER_PIN: "Key in your PIN on your phone, then press #.",
    Script.OFFER_CODE: "Listen to the call, then press # to hear your code.",
    Script.SPEAK_CODE: "Listen: the call is telling you your code. Enter it here.",
    Script.REPORT_FRAUD: "The call asks whether you want to report that you did not ask for it."
    " To go on, press the 1 key.",
    Script.NO_MORE_CALLS: "The call asks whether you never want a call or text from us again."
    " To go on, press the 1 key.",
    Script.CHOOSE_PIN: "Now choose a PIN of your own: key it in on your phone, then press #.",
    Script.REPEAT_PIN: "Now choose a PIN of your own: key it in on your phone, then press #.",
}
"""What a page shows while a call plays a script, as long as the verification is pending."""
AFTER_THE_END = {CallState.OFFER_STOP, CallState.REPORTED, CallState.STOPPED}
OF_CALLS = [status for status in DeliveryStatus if status not in {DeliveryStatus.DELIVERED, DeliveryStatus.UNDELIVERED}]
OF_TEXTS = [
    DeliveryStatus.QUEUED,
    DeliveryStatus.SENDING,
    DeliveryStatus.UNKNOWN,
    DeliveryStatus.SENT,
    *sorted(TEXT_ENDED),
]
NOT_SENT = {DeliveryStatus.UNKNOWN, DeliveryStatus.UNDELIVERED, DeliveryStatus.FAILED, DeliveryStatus.CANCELED}


def words(element: Element) -> str:
    return " ".join(element.text.split())


def state_of(pages: Pages, page: VerifyPage) -> str:
    return words(parsed(pages.render_state(page)))


def heading_of(pages: Pages, page: VerifyPage) -> str:
    (heading,) = [element for element in parsed(pages.render(page)).all("h2") if element["class"] == "task"]
    return words(heading)


def main_buttons(pages: Pages, page: VerifyPage) -> list[Element]:
    buttons = [button for button in parsed(pages.render(page)).all("button") if button["class"] == "main"]
    return [button for button in buttons if (form := button.inside("form")) and not form.has("hidden")]


def page_of(verification: Verification, keypad: Keypad = KEYPAD, **fields: object) -> VerifyPage:
    """Return the page of a verification with one text or call."""
    attempt: Attempt = verification.attempts[0]
    about = {
        "status": verification.status,
        "delivery": delivery_state(attempt),
        "failure": attempt.failure and attempt.failure.code,
        "refused_with": refusing_key(verification, keypad),
        "key": key_to_press(attempt, keypad),
    }
    if attempt.channel is Channel.SMS:
        return verify(frame(), **about, **fields)
    return call_in(frame(), attempt.mode or Mode.CONFIRM, call_phase=call_phase(verification), **about, **fields)


def refused(code: FailureCode) -> Verification:
    """Return a verification that a key on its call has ended."""
    failure = Failure(code, "no")
    denied = calling(Mode.CONFIRM, Status.DENIED, **on(CallState.STOPPED, failure=failure))
    return msgspec.structs.replace(denied, failure=failure)


@for_each(("phase", "mode"), STATES)
def test_every_language_has_a_sentence_of_its_own_for_every_state(pages, phase, mode):
    said = set()
    for language in pages.translations.languages:
        text = state_of(pages, call_in(frame(language.locale), mode, call_phase=phase, key="5"))
        plain = pages.translations.gettext(language.locale, CALL_PHASES[phase][mode])
        assert language.locale == "en" or plain != CALL_PHASES[phase][mode]
        said.add(text)
        if "%(key)s" in CALL_PHASES[phase][mode]:
            assert "5" in text
            assert not set("#＃") & set(text)
        if "%(digits)s" in CALL_PHASES[phase][mode]:
            assert "42" in text
        assert "%" not in text
    assert len(said) == len(pages.translations.languages)


@for_each(
    ("state", "mode"),
    [(state, mode) for state, mode in itertools.product(CallState, Mode) if state not in AFTER_THE_END],
)
def test_the_page_says_what_the_call_says(pages, state, mode):
    verification = calling(mode, **on(state))
    reply = unchanged(verification, verification.attempts[0]).reply
    text = state_of(pages, page_of(verification))
    if state.value == "holding":
        assert text == "We have your key. One moment, please…"
    else:
        assert text == SAID[reply.script]


@for_each("mode", [Mode.CONFIRM, Mode.CODE])
@for_each("state", [CallState.PROOF, CallState.CONFIRM_REPORT, CallState.CONFIRM_STOP])
def test_a_phone_that_takes_a_digit_is_never_told_to_press_pound(pages, state, mode):
    page = page_of(calling(mode, **on(state)), BY_DIGIT)
    digit = "5" if state is CallState.PROOF else "1"  # which leads back from a refusal
    for text in (state_of(pages, page), heading_of(pages, page)):
        assert f"the {digit} key" in text
        assert "#" not in text


@for_each(("status", "mode"), list(itertools.product(OF_CALLS, Mode)))
def test_nothing_is_over_before_its_end_and_nothing_goes_on_after_it(pages, status, mode):
    page = page_of(calling(mode, status=status))
    text, heading = state_of(pages, page), heading_of(pages, page)
    assert ("ended" in text) == (status in CALL_ENDED)
    if status in CALL_ENDED:
        assert "calling" not in heading
        assert "Answer" not in heading


@for_each("status", OF_TEXTS)
@for_each("failure", [None, FAILURE])
def test_a_heading_claims_no_text_that_was_not_sent(pages, status, failure):
    page = page_of(sending(Channel.SMS, None, status=status, failure=failure))
    claims = "sent" in heading_of(pages, page)
    assert claims == (failure is None and status not in NOT_SENT)
    if not claims:
        assert "It went to" not in words(parsed(pages.render(page)))


@for_each(("phase", "mode"), STATES)
@for_each("failure", [None, *FailureCode])
def test_a_call_that_failed_is_not_said_to_be_under_way(pages, phase, mode, failure):
    page = call_in(frame(), mode, call_phase=phase, failure=failure)
    failed = failure is not None or (phase is CallPhase.OVER and mode is not Mode.CODE)
    assert (heading_of(pages, page) == "Step 2: That did not work") == failed
    assert bool(parsed(pages.render(page)).all("kbd")) == (not failed and page.stage == "under_way")


@for_each("phase", CallPhase)
def test_a_call_that_tells_the_code_speaks_of_no_text_and_asks_for_no_key_once_it_is_told(pages, phase):
    page = call_in(frame(), Mode.CODE, call_phase=phase)
    html = parsed(pages.render(page))
    assert "text message" not in " ".join(words(label) for label in html.all("label"))
    told = phase in {CallPhase.TELLING_CODE, CallPhase.OVER}
    assert ("press" in (heading_of(pages, page) + state_of(pages, page)).lower()) == (not told)
    (field,) = [element for element in html.all("input") if element["id"] == "code"]
    assert field.has("autofocus") == told


@for_each("channel", Channel)
@for_each("status", [Status.FAILED, Status.PENDING])
def test_the_main_button_does_not_repeat_what_has_just_failed(pages, channel, status):
    both = (ResendOption(Channel.SMS), ResendOption(Channel.CALL))
    verification = sending(channel, Mode.CONFIRM if channel is Channel.CALL else None, status, failure=FAILURE)
    page = page_of(verification, resend_options=both, code_length=None)
    assert [button["value"] for button in main_buttons(pages, page)] == [
        next(other.value for other in Channel if other is not channel)
    ]


@for_each(
    ("code", "digit", "does"),
    [
        (FailureCode.NUMBER_BLOCKED, "9", "it gets no more calls or texts"),
        (FailureCode.REPORTED_FRAUD, "0", "did not ask for this"),
    ],
)
def test_a_refusal_by_key_is_told_plainly_with_a_way_on(pages, code, digit, does):
    denied = refused(code)
    page = page_of(denied, resend_options=())
    text = words(parsed(pages.render(page)))
    assert f"Somebody pressed {digit} on this phone" in text
    assert does in text
    assert "Use another number." in text
    assert "You said no" not in text + state_of(pages, page)
    (button,) = main_buttons(pages, page)
    assert words(button) == "Use another number"
    (form,) = [button.inside("form")]
    assert form is not None
    assert form["action"] == "/portal/cancel"


def test_a_refusal_by_text_names_no_key():
    fraud = Failure(FailureCode.REPORTED_FRAUD, "no")
    for verification in (sending(Channel.SMS, None, Status.DENIED), calling(Mode.CONFIRM, Status.DENIED)):
        assert refusing_key(msgspec.structs.replace(verification, failure=fraud), KEYPAD) is None
    assert refusing_key(calling(Mode.CONFIRM, Status.FAILED, failure=FAILURE), KEYPAD) is None
    assert set(REFUSALS) == {FailureCode.REPORTED_FRAUD, FailureCode.NUMBER_BLOCKED}


def test_a_refusal_at_sign_in_offers_the_other_ways(pages):
    page = page_of(
        refused(FailureCode.NUMBER_BLOCKED), purpose=PortalPage.SIGN_IN, other_methods=True, resend_options=()
    )
    html = parsed(pages.render(page))
    assert "Use another phone." in words(html)
    assert "/portal/sign-in" in [link["href"] for link in html.all("a")]
    assert main_buttons(pages, page) == []


def test_whatever_changes_the_heading_has_the_page_loaded_again(pages):
    """The heading is not in the live region: a page with another heading has another shape."""
    headings: dict[str, set[str]] = {}
    every = [
        call_in(frame(), mode, call_phase=phase, failure=failure)
        for phase, mode in STATES
        for failure in (None, FailureCode.HUNG_UP)
    ]
    every += [
        verify(frame(), delivery=delivery, failure=failure)
        for delivery in DeliveryState
        for failure in (None, FailureCode.OPTED_OUT)
    ]
    for page in every:
        headings.setdefault(page.shape, set()).add(re.sub(r"\s+", " ", heading_of(pages, page)))
    assert [seen for seen in headings.values() if len(seen) > 1] == []


@pytest.mark.parametrize("keypad", [KEYPAD, BY_DIGIT, Keypad(confirm="1"), Keypad(confirm="3")], ids=str)
@pytest.mark.parametrize("state", [CallState.CONFIRM_REPORT, CallState.CONFIRM_STOP])
def test_the_key_that_the_page_names_never_confirms_a_refusal(state, keypad):
    for own_key in ("", "1", "3", "5"):
        attempt = calling(call_state=state, confirm_key=own_key).attempts[0]
        row = FLOW[state, classify(attempt, Dtmf(key_to_press(attempt, keypad), keypad))]
        assert (row.entry, row.state) == ("call.refusal_dropped", CallState.PROOF)
