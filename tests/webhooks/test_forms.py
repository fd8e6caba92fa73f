"""Forms become events with the provider's own words; what is missing is Malformed, and nothing else ever raises."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from gateway.domain.delivery import AnsweredBy, DeliveryStatus
from gateway.domain.inbound_sms import Keyword
from gateway.providers.twilio.statuses import STATUS_WORDS
from webhooks import forms
from webhooks.events import (
    AttemptRef,
    CallAnswered,
    CallStatusChanged,
    DigitsGathered,
    MachineDetected,
    MessageReceived,
    MessageStatusChanged,
)
from webhooks.forms import Form, Malformed, read_form

PATH = {"verification_id": "ver_01", "token": "tok_01", "gather_number": "2"}
ATTEMPT = AttemptRef("ver_01", "tok_01")
SID = "CA" + "0" * 32

Reader = Callable[[Mapping[str, str], Form], Any]
REQUIRED: dict[Reader, bytes] = {
    forms.call_answered: b"CallSid=CA1",
    forms.digits_gathered: b"CallSid=CA1",
    forms.call_status_changed: b"CallSid=CA1&CallStatus=ringing",
    forms.machine_detected: b"CallSid=CA1&AnsweredBy=machine_start",
    forms.message_status_changed: b"MessageSid=SM1&MessageStatus=sent",
    forms.message_received: b"MessageSid=SM1&From=%2B14255550123&To=%2B14255550199",
}

FORMS = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from([b"&", b"=", b"%", b"%2", b"%2B", b"%25", b"2B", b"%e9", b"+", b"\xff", b"\x00"])).map(
        b"".join
    ),
)


def test_an_answered_call():
    form = read_form(f"CallSid={SID}&CallStatus=in-progress&AnsweredBy=human".encode())

    assert forms.call_answered(PATH, form) == CallAnswered(ATTEMPT, SID, "human")


def test_gathered_digits():
    form = read_form(f"CallSid={SID}&Digits=%23&FinishedOnKey=&msg=Gather+End".encode())

    assert forms.digits_gathered(PATH, form) == DigitsGathered(ATTEMPT, SID, 2, "#", None, cut_off=True)


@pytest.mark.parametrize(
    ("finished", "cut_off"), [("&FinishedOnKey=%23", False), ("&FinishedOnKey=", True), ("", False)]
)
def test_digits_are_cut_off_only_if_the_provider_says_that_no_key_ended_them(finished: str, cut_off: bool):  # noqa: FBT001 - a parameter
    form = read_form(f"CallSid={SID}&Digits=0{finished}".encode())

    assert forms.digits_gathered(PATH, form).cut_off is cut_off


@pytest.mark.parametrize("digits", [b"", b"&Digits=", b"&Digits"])
def test_no_key_pressed(digits: bytes):
    assert forms.digits_gathered(PATH, read_form(b"CallSid=CA1" + digits)).digits == ""


def test_a_long_run_of_keys_is_cut():
    form = read_form(b"CallSid=CA1&Digits=" + b"1" * 1000)

    assert forms.digits_gathered(PATH, form).digits == "1" * forms.LONGEST_DIGITS


@pytest.mark.parametrize("digits", ["%EF%BC%91", "%D9%A1", "1+2", "1%0A", "x"])
def test_keys_that_no_keypad_has_are_malformed(digits: str):
    with pytest.raises(Malformed, match="Digits"):
        forms.digits_gathered(PATH, read_form(f"CallSid=CA1&Digits={digits}".encode()))


def test_a_call_report():
    body = f"CallSid={SID}&CallStatus=no-answer&SequenceNumber=3&SipResponseCode=487&CallDuration=0"

    assert forms.call_status_changed(PATH, read_form(body.encode())) == CallStatusChanged(
        ATTEMPT,
        SID,
        "no-answer",
        3,
        None,
        487,
    )


@for_each(
    ("word", "status"),
    [
        ("queued", DeliveryStatus.SENT),
        ("initiated", DeliveryStatus.INITIATED),
        ("ringing", DeliveryStatus.RINGING),
        ("in-progress", DeliveryStatus.IN_PROGRESS),
        ("completed", DeliveryStatus.COMPLETED),
        ("busy", DeliveryStatus.BUSY),
        ("failed", DeliveryStatus.FAILED),
        ("no-answer", DeliveryStatus.NO_ANSWER),
        ("canceled", DeliveryStatus.CANCELED),
        ("Completed", None),
        ("teleported", None),
    ],
)
def test_call_words(word: str, status: DeliveryStatus | None):
    event = forms.call_status_changed(PATH, read_form(f"CallSid=CA1&CallStatus={word}".encode()))

    assert (event.word, event.sequence) == (word, None)
    assert STATUS_WORDS.call_report("CA1", event.word, None).status == status


@for_each(
    ("word", "status"),
    [
        ("accepted", DeliveryStatus.SENT),
        ("scheduled", DeliveryStatus.SENT),
        ("queued", DeliveryStatus.SENT),
        ("sending", DeliveryStatus.SENT),
        ("sent", DeliveryStatus.SENT),
        ("delivered", DeliveryStatus.DELIVERED),
        ("read", DeliveryStatus.DELIVERED),
        ("undelivered", DeliveryStatus.UNDELIVERED),
        ("failed", DeliveryStatus.FAILED),
        ("canceled", DeliveryStatus.FAILED),
        ("partially_delivered", None),
    ],
)
def test_message_words(word: str, status: DeliveryStatus | None):
    event = forms.message_status_changed(PATH, read_form(f"MessageSid=SM1&MessageStatus={word}".encode()))

    assert event == MessageStatusChanged(ATTEMPT, "SM1", word, None)
    assert STATUS_WORDS.text_report("SM1", event.word, None).status == status


@for_each(
    ("word", "answered_by"),
    [
        ("", None),
        ("human", AnsweredBy.HUMAN),
        ("machine_start", AnsweredBy.MACHINE),
        ("machine_end_beep", AnsweredBy.MACHINE),
        ("machine_end_silence", AnsweredBy.MACHINE),
        ("machine_end_other", AnsweredBy.MACHINE),
        ("machine_yet_unheard_of", AnsweredBy.MACHINE),
        ("fax", AnsweredBy.MACHINE),
        ("unknown", AnsweredBy.UNKNOWN),
        ("dog", AnsweredBy.UNKNOWN),
    ],
)
def test_who_answered(word: str, answered_by: AnsweredBy | None):
    body = f"CallSid=CA1&CallStatus=completed&AnsweredBy={word}".encode()

    for read in forms.call_answered, forms.digits_gathered, forms.call_status_changed:
        event = read(PATH, read_form(body))

        assert event.answered_by == (word or None)
        assert STATUS_WORDS.answered_by(event.answered_by) == answered_by


def test_a_verdict_on_who_answered():
    form = read_form(b"CallSid=CA1&AccountSid=AC1&AnsweredBy=machine_start&MachineDetectionDuration=2500")

    assert forms.machine_detected(PATH, form) == MachineDetected(ATTEMPT, "CA1", "machine_start")


@pytest.mark.parametrize(("told", "kept"), [("30007", "30007"), ("", None), ("soon", None), ("9" * 10, None)])
def test_error_codes(told: str, kept: str | None):
    body = f"MessageSid=SM1&MessageStatus=failed&ErrorCode={told}".encode()

    assert forms.message_status_changed(PATH, read_form(body)).error_code == kept


@pytest.mark.parametrize(("told", "kept"), [("0", 0), ("12", 12), ("", None), ("-1", None), ("%D9%A3", None)])
def test_numbers(told: str, kept: int | None):
    body = f"CallSid=CA1&CallStatus=busy&SequenceNumber={told}&SipResponseCode={told}".encode()
    event = forms.call_status_changed(PATH, read_form(body))

    assert (event.sequence, event.sip_response_code) == (kept, kept)


def test_an_inbound_text():
    form = read_form(b"MessageSid=SM1&From=%2B14255550123&To=12345&Body=Caf%C3%A9+%E2%9C%93%0A%00&NumMedia=0")

    assert forms.message_received({}, form) == MessageReceived("SM1", "+14255550123", "12345", "Café ✓\n\0")


@pytest.mark.parametrize(
    ("fields", "service", "opt_out"),
    [
        (b"&MessagingServiceSid=MG1&OptOutType=STOP", "MG1", Keyword.STOP),
        (b"&MessagingServiceSid=MG1&OptOutType=start", "MG1", Keyword.START),
        (b"&OptOutType=HELP", None, Keyword.HELP),
        (b"&MessagingServiceSid=%00&OptOutType=LATER", None, None),
        (b"&MessagingServiceSid=&OptOutType=", None, None),
    ],
)
def test_what_the_provider_makes_of_an_inbound_text(fields: bytes, service: str | None, opt_out: Keyword | None):
    received = forms.message_received({}, read_form(REQUIRED[forms.message_received] + fields))

    assert (received.service, received.opt_out) == (service, opt_out)


def test_an_inbound_text_is_never_refused_for_its_words():
    empty = read_form(REQUIRED[forms.message_received])
    endless = read_form(REQUIRED[forms.message_received] + b"&Body=STOP+" + b"x" * 9000)
    broken = read_form(REQUIRED[forms.message_received] + b"&Body=STOP%FF")

    assert forms.message_received({}, empty).body == ""
    assert len(forms.message_received({}, endless).body) == forms.LONGEST_BODY
    assert forms.message_received({}, broken).body == "STOP\ufffd"


@pytest.mark.parametrize("read", REQUIRED, ids=lambda read: read.__name__)
def test_each_required_field_is_required(read: Reader):
    fields = REQUIRED[read].split(b"&")
    read(PATH, read_form(b"&".join(fields)))
    for field in fields:
        name = field.partition(b"=")[0]
        rest = b"&".join(other for other in fields if other is not field)
        for value in b"", b"q" * 65, b"%00", b"%0a", b"%FF", b"%ED%A0%80", b"%C3%A9":
            with pytest.raises(Malformed, match=name.decode()) as raised:
                read(PATH, read_form(rest + b"&" + name + b"=" + value))
            assert "qqq" not in str(raised.value)
        with pytest.raises(Malformed, match=name.decode()):
            read(PATH, read_form(rest))


@given(FORMS)
def test_a_form_is_split_as_the_standard_library_does(body: bytes):
    expected = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")

    assert read_form(body) == [(name.encode("latin-1"), value.encode("latin-1")) for name, value in expected]


def test_too_many_fields_are_refused_before_they_are_split():
    assert len(read_form(b"&".join([b"a"] * forms.MOST_FIELDS))) == forms.MOST_FIELDS
    with pytest.raises(Malformed, match="fields"):
        read_form(b"&" * 60_000)


@given(
    read=st.sampled_from([*REQUIRED]),
    required=st.booleans(),
    fields=st.lists(
        st.tuples(
            st.sampled_from(
                b"CallSid CallStatus Digits AnsweredBy SequenceNumber SipResponseCode "
                b"MessageSid MessageStatus ErrorCode From To Body".split(),
            ),
            st.binary(max_size=80),
        ),
    ),
)
def test_any_form_is_an_event_or_malformed(read: Reader, required: bool, fields: Form):  # noqa: FBT001 - Hypothesis draws it
    form = read_form(REQUIRED[read]) + fields if required else fields
    with contextlib.suppress(Malformed):
        event = read(PATH, form)
        assert 1 <= len(event.sid) <= 64
