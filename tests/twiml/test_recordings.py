"""What can be recorded is what calls say, sentence by sentence, and what is recorded is played in its place."""

import io
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
from babel.messages.pofile import read_po
from support.phrasebooks import EVERY_BOOK
from support.tables import for_each

from gateway.domain.verification import FailureCode
from twiml import pin_scripts, scripts
from twiml.phrases import Phrasebook, placeholders
from twiml.recordings import DIGITS, SENTENCES, recordable
from twiml.scripts import OfferedKeys

ACTION = "https://verify.example.com/gather"
NAMES_OF_KEYS = {"pound key", "{digit} key"}
REQUESTS = [scripts.press_pound, scripts.match_digits, pin_scripts.enter_pin, scripts.offer_code]


def recorded(book: Phrasebook) -> Phrasebook:
    urls = {sentence: f"https://verify.example.com/{name}" for name, sentence in recordable(book).items()}
    return msgspec.structs.replace(book, recordings=urls)


def heard(document: str) -> list[str]:
    """List what a document says, in order: words, and recordings by their names."""
    spoken = [verb for verb in ET.fromstring(document).iter() if verb.tag in {"Say", "Play"}]  # noqa: S314 - ours
    return [verb.text.rpartition("/")[2] if verb.tag == "Play" else verb.text for verb in spoken]


def test_every_sentence_without_a_name_in_it_can_be_recorded(locales_folder: Path):
    catalog = read_po(io.BytesIO((locales_folder / "en" / "voice.po").read_bytes()))
    said = {entry.id for entry in catalog if entry.id}
    named = {sentence for sentence in said if "application" in placeholders(sentence)}
    assert set(SENTENCES.values()) == said - named - NAMES_OF_KEYS, "give it a name in twiml/recordings.py"


@for_each("book", EVERY_BOOK)
def test_no_two_recordings_say_the_same(book: Phrasebook):
    said = recordable(book)
    assert len(set(said.values())) == len(said)


@for_each("book", EVERY_BOOK)
@for_each("confirm", ["#", "5"])
@for_each("again", [None, FailureCode.WRONG_KEY, FailureCode.NO_KEY_PRESSED])
@for_each("ask", REQUESTS)
def test_with_everything_recorded_only_sentences_with_a_name_are_spoken(book: Phrasebook, ask, again, confirm: str):
    keys = OfferedKeys(confirm, "9", "2", recorded(book), "8")
    document = ask(recorded(book), application="Contoso", action=ACTION, again=again, keys=keys)
    spoken = [words for words in heard(document) if words not in recordable(book)]
    assert spoken
    assert all("Contoso" in words for words in spoken)


@for_each("book", EVERY_BOOK)
def test_questions_endings_and_digits_are_played(book: Phrasebook):
    keys = OfferedKeys("#", "9")
    documents = {
        scripts.report_fraud(recorded(book), action=ACTION, keys=keys): ["report_fraud_pound"],
        scripts.no_more_calls(recorded(book), action=ACTION, keys=OfferedKeys("5")): ["stop_calls_5"],
        scripts.fraud_reported(recorded(book), action=ACTION): ["offer_block"],
        scripts.confirmed(recorded(book)): ["confirmed"],
        scripts.apology(recorded(book)): ["apology"],
        pin_scripts.choose_pin(recorded(book), action=ACTION, again=None): ["pin_given", "new_pin_now"],
        pin_scripts.repeat_pin(recorded(book), action=ACTION, again=FailureCode.NO_KEY_PRESSED): [
            "no_digits",
            "repeat_pin",
        ],
        pin_scripts.pin_locked(recorded(book)): ["end_pin_locked"],
    }
    assert {document: heard(document) for document in documents} == documents
    told = heard(scripts.speak_code(recorded(book), application="Contoso", code="0117"))
    code = ["digit_0", "digit_1", "digit_1", "digit_7"]
    assert told[1:] == [*code, "code_again", *code, "enter_code"]


@for_each("book", EVERY_BOOK)
def test_what_is_not_recorded_is_spoken_in_one_piece_between_the_recordings(book: Phrasebook):
    said = recordable(book)
    one = msgspec.structs.replace(book, recordings={said["never_call_9"]: "https://x/never_call_9"})
    document = scripts.press_pound(one, application="Contoso", action=ACTION, again=None, keys=OfferedKeys("#", "9"))
    before, played, after = heard(document)
    assert (before.endswith(said["not_asked"]), played, after) == (True, "never_call_9", said["press_now_pound"])


@for_each("book", EVERY_BOOK)
def test_slowly_everything_is_spoken(book: Phrasebook):
    slow = recorded(book).slower
    assert "<Play>" not in scripts.speak_code(slow, application="Contoso", code=DIGITS)
    assert "<Play>" not in scripts.confirmed(slow)
