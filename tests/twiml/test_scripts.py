from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from twilio.twiml.voice_response import VoiceResponse

from gateway.catalogs import Phrasebooks
from twiml import scripts
from twiml.phrases import Phrasebook
from twiml.scripts import Again, match_digits, press_pound

ACTION = "https://verify.example.com/gather?turn=1&of=3"
ENGLISH = Phrasebook("en", "en-US", None, {})
ENDINGS = [
    scripts.confirmed,
    scripts.no_key,
    scripts.no_digits,
    scripts.wrong_keys,
    scripts.wrong_digits,
    scripts.too_many_wrong,
    scripts.not_needed,
    scripts.apology,
]
AGAIN = [None, *Again]
ONE_KEY = {"finishOnKey": "", "numDigits": "1"}
UNTIL_POUND: dict[str, str] = {}  # the default finish key is #
REQUESTS = [press_pound, match_digits]

Ask = Callable[..., str]

urls = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
hostile_names = st.text() | st.text(st.sampled_from("\x00\x1b\r\n\t\u2028\u202e\ud800\ufffe\ue000&<>]\"'{}"))


def parse(document: str) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314 - we wrote the document ourselves


@pytest.mark.parametrize(("ask", "ends"), [(press_pound, ONE_KEY), (match_digits, UNTIL_POUND)])
@pytest.mark.parametrize("again", AGAIN)
def test_gather_ends_at_its_one_key_or_at_pound_and_tells_silence(
    book: Phrasebook, ask: Ask, ends: dict[str, str], again: Again | None
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


@pytest.mark.parametrize("ask", REQUESTS)
def test_first_words_name_the_caller_or_the_purpose(book: Phrasebook, ask: Ask):
    response = parse(ask(book, application="Contoso", action=ACTION, again=None))
    assert "Contoso" in response.findtext("Say")[:30]


def test_a_machine_hears_nothing(book: Phrasebook):
    assert [child.tag for child in parse(scripts.hang_up(book))] == ["Hangup"]


@pytest.mark.parametrize("script", ENDINGS)
def test_endings_speak_once_and_hang_up(book: Phrasebook, script: Callable[[Phrasebook], str]):
    say, hangup = parse(script(book))
    assert (say.tag, hangup.tag, hangup.attrib) == ("Say", "Hangup", {})
    assert say.attrib == {"language": book.say_language} | ({"voice": book.voice} if book.voice else {})


@given(ask=st.sampled_from(REQUESTS), application=hostile_names, action=urls, again=st.sampled_from(AGAIN))
@example(ask=press_pound, application="\ue000", action="https://x/?a=1&b=\"'<>", again=None)
def test_document_is_well_formed_and_keeps_the_url_whatever_the_names(
    ask: Ask, application: str, action: str, again: Again | None
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
    assert len(documents) == 36
