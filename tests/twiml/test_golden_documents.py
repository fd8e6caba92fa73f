"""What callees hear and read, word for word, per locale. WRITE_GOLDEN=1 writes the files anew."""

import os
from pathlib import Path

from gateway.catalogs import Phrasebooks
from twiml import scripts
from twiml.messages import code_text
from twiml.phrases import Phrasebook
from twiml.scripts import Again

GOLDEN = Path(__file__).parent / "golden"
ACTION = "https://verify.example.com/twilio/gather?turn=1&of=3"
TEXT = {"application": "Contoso", "code": "012345", "minutes": 10}


def documents(book: Phrasebook):
    asked = {"application": "Contoso", "action": ACTION}
    return {
        "press_pound.xml": scripts.press_pound(book, **asked, again=None),
        "press_pound_wrong_key.xml": scripts.press_pound(book, **asked, again=Again.WRONG_KEY),
        "press_pound_no_key.xml": scripts.press_pound(book, **asked, again=Again.NO_KEY),
        "match_digits.xml": scripts.match_digits(book, **asked, again=None),
        "match_digits_wrong_key.xml": scripts.match_digits(book, **asked, again=Again.WRONG_KEY),
        "match_digits_no_key.xml": scripts.match_digits(book, **asked, again=Again.NO_KEY),
        "confirmed.xml": scripts.confirmed(book),
        "no_key.xml": scripts.no_key(book),
        "no_digits.xml": scripts.no_digits(book),
        "wrong_keys.xml": scripts.wrong_keys(book),
        "wrong_digits.xml": scripts.wrong_digits(book),
        "too_many_wrong.xml": scripts.too_many_wrong(book),
        "not_needed.xml": scripts.not_needed(book),
        "apology.xml": scripts.apology(book),
        "code_text.txt": code_text(book, **TEXT, origin="https://login.example.com"),
        "code_text_unbound.txt": code_text(book, **TEXT, origin=None),
    }


def test_documents_are_the_golden_ones(book: Phrasebook):
    spoken = documents(book)
    folder = GOLDEN / book.locale
    if os.environ.get("WRITE_GOLDEN") == "1":
        folder.mkdir(parents=True, exist_ok=True)
        for name, document in spoken.items():
            (folder / name).write_text(document, encoding="utf-8")
    golden = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert spoken == golden


def test_no_golden_document_is_left_behind(books: Phrasebooks):
    assert [path.name for path in GOLDEN.iterdir() if books.for_locale(path.name).locale != path.name] == []
