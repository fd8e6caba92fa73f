from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.phrasebooks import EVERY_BOOK
from support.tables import for_each
from twilio.twiml.voice_response import VoiceResponse

from gateway.domain.verification import FailureCode
from gateway.services.phrasebooks import Phrasebooks
from twiml import pin_scripts, scripts
from twiml.phrases import Phrasebook
from twiml.pin_scripts import enter_pin
from twiml.scripts import OfferedKeys, match_digits, offer_code, press_pound

ACTION = "https://verify.example.com/gather?turn=1&of=3"
ENGLISH = Phrasebook("en", "en-US", None, {})
ENDINGS = [
    scripts.confirmed,
    scripts.no_key,
    scripts.no_digits,
    scripts.wrong_keys,
    scripts.wrong_digits,
    scripts.too_many_wrong,
    scripts.fraud_noted,
    scripts.calls_stopped,
    scripts.not_needed,
    scripts.apology,
    pin_scripts.pin_changed,
    pin_scripts.pin_not_changed,
    pin_scripts.wrong_pin,
    pin_scripts.pin_locked,
]
AGAIN = [None, FailureCode.WRONG_KEY, FailureCode.NO_KEY_PRESSED]
ONE_KEY = {"finishOnKey": "", "numDigits": "1"}
UNTIL_POUND: dict[str, str] = {}  # the default finish key is #
REQUESTS = [press_pound, match_digits, enter_pin, offer_code]

Ask = Callable[..., str]

urls = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
hostile_names = st.text() | st.text(st.sampled_from("\x00\x1b\r\n\t\u2028\u202e\ud800\ufffe\ue000&<>]\"'{}"))


def parse(document: str) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314 - we wrote the document ourselves


@for_each("book", EVERY_BOOK)
@for_each(
    ("ask", "ends"),
    [(press_pound, ONE_KEY), (offer_code, ONE_KEY), (match_digits, UNTIL_POUND), (enter_pin, UNTIL_POUND)],
)
@for_each("again", AGAIN)
def test_gather_ends_at_its_one_key_or_at_pound_and_tells_silence(
    book: Phrasebook, ask: Ask, ends: dict[str, str], again: FailureCode | None
):
    response = parse(ask(book, application="Contoso", action=ACTION, again=again))
    say, gather, redirect = response
    assert (say.tag, gather.tag) == ("Say", "Gather")
    assert gather.attrib == {
        "input": "dtmf",
        **ends,
        "timeout": "8",
        "action": ACTION,
        "method": "POST",
        "actionOnEmptyResult": "true",
    }
    assert (redirect.tag, redirect.attrib, redirect.text) == ("Redirect", {"method": "POST"}, ACTION)
    assert len(gather) == 0, "a key pressed while the prompt is spoken would count"


@for_each("book", EVERY_BOOK)
@for_each("ask", REQUESTS)
def test_first_words_name_the_caller_or_the_purpose(book: Phrasebook, ask: Ask):
    response = parse(ask(book, application="Contoso", action=ACTION, again=None))
    assert "Contoso" in response.findtext("Say")[:30]


@for_each("book", EVERY_BOOK)
def test_a_machine_hears_nothing(book: Phrasebook):
    assert [child.tag for child in parse(scripts.hang_up(book))] == ["Hangup"]


@for_each("book", EVERY_BOOK)
@for_each("script", ENDINGS)
def test_endings_speak_once_and_hang_up(book: Phrasebook, script: Callable[[Phrasebook], str]):
    say, hangup = parse(script(book))
    assert (say.tag, hangup.tag, hangup.attrib) == ("Say", "Hangup", {})
    assert say.attrib == {"language": book.say_language} | ({"voice": book.voice} if book.voice else {})


@given(ask=st.sampled_from(REQUESTS), application=hostile_names, action=urls, again=st.sampled_from(AGAIN))
@example(ask=press_pound, application="\ue000", action="https://x/?a=1&b=\"'<>", again=None)
def test_document_is_well_formed_and_keeps_the_url_whatever_the_names(
    ask: Ask, application: str, action: str, again: FailureCode | None
):
    response = parse(ask(ENGLISH, application=application, action=action, again=again))
    assert [element.tag for element in response.iter()] == ["Response", "Say", "Gather", "Redirect"]
    assert response.find("Gather").get("action") == action
    assert (response.findtext("Redirect") or "") == action
    assert response.findtext("Say").isprintable()


@given(application=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1), action=urls)
def test_document_means_what_the_sdk_builder_means(application: str, action: str):
    document = press_pound(ENGLISH, application=application, action=action, again=None)
    oracle = VoiceResponse()
    oracle.say(parse(document).findtext("Say"), language="en-US")
    oracle.gather(
        input="dtmf",
        finish_on_key="",
        num_digits=1,
        timeout=8,
        action=action,
        method="POST",
        action_on_empty_result=True,
    )
    oracle.redirect(action, method="POST")
    assert ET.canonicalize(document) == ET.canonicalize(str(oracle))


@given(st.sampled_from(REQUESTS), st.text().filter(lambda text: not (text.isascii() and text.isprintable())))
def test_action_that_is_not_printable_ascii_is_refused(ask: Ask, action: str):
    with pytest.raises(ValueError, match="printable ASCII"):
        ask(ENGLISH, application="Contoso", action=action, again=None)


def test_books_applications_and_reasons_never_share_a_document(books: Phrasebooks):
    documents = {
        ask(books.for_locale(locale), application=application, action=ACTION, again=again)
        for ask in REQUESTS
        for locale in ("en", "en-GB", "ja")
        for application in ("Contoso", "Fabrikam")
        for again in AGAIN
    }
    assert len(documents) == 72


OFFERED = ["press 8", "press 0", "press 9", "press the"]


@pytest.mark.parametrize("ask", REQUESTS)
def test_the_way_to_go_on_is_said_last_because_keys_count_from_then_on(ask: Ask):
    keys = OfferedKeys("5", "9", "2", Phrasebook("es", "es-ES", None, {}), "8")
    response = parse(ask(ENGLISH, application="Contoso", action=ACTION, again=None, keys=keys))
    who, other, rest, gather, _ = response
    assert (who.text, gather.tag) == ("Contoso is calling to verify this phone.", "Gather")
    assert other.attrib == {"language": "es-ES"}
    places = [rest.text.rfind(words) for words in OFFERED]
    assert places == sorted(places)
    assert -1 not in places


@for_each("ask", [press_pound, offer_code])
@for_each(("key", "name"), [("#", "pound key"), ("7", "7 key")])
@for_each("again", [None, FailureCode.WRONG_KEY])
def test_the_key_that_is_asked_for_is_the_one_that_is_set(ask: Ask, key: str, name: str, again: FailureCode | None):
    document = ask(ENGLISH, application="Contoso", action=ACTION, again=again, keys=OfferedKeys(confirm=key))
    assert f"press the {name}" in document


def test_keyed_in_digits_end_with_pound_whatever_confirms_elsewhere():
    document = match_digits(ENGLISH, application="Contoso", action=ACTION, again=None, keys=OfferedKeys(confirm="7"))
    assert "then press the pound key" in document
    assert "7 key" not in document


def test_what_is_not_offered_is_not_said():
    for ask in REQUESTS:
        document = ask(ENGLISH, application="Contoso", action=ACTION, again=None)
        assert "never want" not in document
        assert "slower" not in document


@pytest.mark.parametrize("ask", REQUESTS)
def test_slowly_every_sentence_stands_alone_behind_a_pause_and_the_last_one_before_the_gather(ask: Ask):
    keys = OfferedKeys(never_call="9", language="2", other=Phrasebook("es", "es-ES", None, {}).slower)
    usual = parse(ask(ENGLISH, application="Contoso", action=ACTION, again=None, keys=keys))
    slow = parse(ask(ENGLISH.slower, application="Contoso", action=ACTION, again=None, keys=keys))
    spoken = [" ".join(say.text for say in response.iter("Say")) for response in (usual, slow)]
    assert spoken[0] == spoken[1]
    assert [child.tag for child in slow] == [*["Say", "Pause"] * 4, "Say", "Gather", "Redirect"]


@pytest.mark.parametrize(
    ("voice", "rates"),
    [
        (None, set()),
        ("alice", set()),
        ("Polly.Zeina", {"slow"}),
        ("Google.de-DE-Wavenet-A", {"slow"}),
        ("gcloud.de-DE", {"slow"}),
    ],
)
def test_only_voices_that_take_ssml_get_it(voice: str | None, rates: set[str]):
    book = Phrasebook("en", "en-US", voice, {})
    for document in (scripts.confirmed(book.slower), scripts.speak_code(book.slower, application="Bank", code="12")):
        assert {mark.get("rate") for mark in parse(document).iter("prosody")} == rates
    assert "prosody" not in scripts.confirmed(book)


def test_the_code_is_told_slower_still():
    document = parse(scripts.speak_code(ENGLISH.slower, application="Contoso", code="012345"))
    assert {pause.get("length") for pause in document.iter("Pause")} == {"2"}


@for_each("book", EVERY_BOOK)
@for_each("ask", [scripts.report_fraud, scripts.no_more_calls, scripts.fraud_reported])
def test_a_refusal_may_cut_into_its_prompt_and_takes_one_key(book: Phrasebook, ask: Ask):
    gather, redirect = parse(ask(book, action=ACTION))
    assert {name: gather.get(name) for name in ("finishOnKey", "numDigits", "action")} == {**ONE_KEY, "action": ACTION}
    assert [child.tag for child in gather] == ["Say"]
    assert redirect.text == ACTION


@given(code=st.text("0123456789", min_size=4, max_size=10), application=hostile_names)
def test_the_code_is_told_twice_digit_by_digit_with_pauses(code: str, application: str):
    response = parse(scripts.speak_code(ENGLISH, application=application, code=code))
    said = [child.text for child in response if child.tag == "Say"]
    digits = [text for text in said if len(text) == 1]
    assert "".join(digits) == code * 2
    assert [child.tag for child in response].count("Pause") == len(code) * 2
    assert response[-1].tag == "Hangup"
    assert not response.findall("Gather")


def test_a_script_with_a_code_is_kept_nowhere():
    assert not hasattr(scripts.speak_code, "cache_info")
