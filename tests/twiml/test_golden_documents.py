"""What callees hear and read, word for word, per locale. WRITE_GOLDEN=1 writes the files anew."""

import os
from pathlib import Path

from support.phrasebooks import EVERY_BOOK
from support.tables import for_each

from gateway.domain.ivr.states import PinFlaw
from gateway.domain.verification import FailureCode
from gateway.services.phrasebooks import Phrasebooks
from twiml import pin_scripts, scripts
from twiml.phrases import Phrasebook
from twiml.scripts import OfferedKeys
from twiml.sms import code_text

GOLDEN = Path(__file__).parent / "golden"
ACTION = "https://verify.example.com/twilio/gather?turn=1&of=3"
TEXT = {"application": "Contoso", "code": "012345", "minutes": 10}


def documents(book: Phrasebook, other: Phrasebook):
    asked = {"application": "Contoso", "action": ACTION, "keys": OfferedKeys(never_call="9", slower="8")}
    asks = {
        "press_pound": scripts.press_pound,
        "match_digits": scripts.match_digits,
        "enter_pin": pin_scripts.enter_pin,
        "offer_code": scripts.offer_code,
    }
    agains = {"": None, "_wrong_key": FailureCode.WRONG_KEY, "_no_key": FailureCode.NO_KEY_PRESSED}
    offering = OfferedKeys("5", "9", "2", other, "8")
    slow = {"keys": OfferedKeys("#", "9", "2", other.slower)}
    return {
        **{
            f"{name}{end}.xml": ask(book, **asked, again=again)
            for name, ask in asks.items()
            for end, again in agains.items()
        },
        **{f"{name}_offering.xml": ask(book, **asked | {"keys": offering}, again=None) for name, ask in asks.items()},
        **{f"{name}_slow.xml": ask(book.slower, **asked | slow, again=None) for name, ask in asks.items()},
        **{
            f"choose_pin{end}.xml": pin_scripts.choose_pin(book, action=ACTION, again=agains[end])
            for end in ("", "_no_key")
        },
        **{
            f"choose_pin_{flaw}.xml": pin_scripts.choose_pin(
                book, action=ACTION, again=FailureCode.WRONG_KEY, flaw=flaw
            )
            for flaw in PinFlaw
        },
        **{
            f"repeat_pin{end}.xml": pin_scripts.repeat_pin(book, action=ACTION, again=agains[end])
            for end in ("", "_no_key")
        },
        "choose_pin_slow.xml": pin_scripts.choose_pin(book.slower, action=ACTION, again=None),
        "pin_changed.xml": pin_scripts.pin_changed(book),
        "pin_not_changed.xml": pin_scripts.pin_not_changed(book),
        "wrong_pin.xml": pin_scripts.wrong_pin(book),
        "pin_locked.xml": pin_scripts.pin_locked(book),
        "press_pound_only.xml": scripts.press_pound(book, application="Contoso", action=ACTION, again=None),
        "speak_code.xml": scripts.speak_code(book, application="Contoso", code="012345"),
        "speak_code_slow.xml": scripts.speak_code(book.slower, application="Contoso", code="012345"),
        "report_fraud_slow.xml": scripts.report_fraud(book.slower, action=ACTION),
        "report_fraud.xml": scripts.report_fraud(book, action=ACTION),
        "no_more_calls.xml": scripts.no_more_calls(book, action=ACTION),
        "fraud_reported.xml": scripts.fraud_reported(book, action=ACTION),
        "fraud_noted.xml": scripts.fraud_noted(book),
        "calls_stopped.xml": scripts.calls_stopped(book),
        "confirmed_slow.xml": scripts.confirmed(book.slower),
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


@for_each("book", EVERY_BOOK)
def test_documents_are_the_golden_ones(book: Phrasebook, books: Phrasebooks):
    spoken = documents(book, books.for_locale("en" if book.locale == "es" else "es"))
    folder = GOLDEN / book.locale
    if os.environ.get("WRITE_GOLDEN") == "1":
        folder.mkdir(parents=True, exist_ok=True)
        for name, document in spoken.items():
            (folder / name).write_text(document, encoding="utf-8")
    golden = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert spoken == golden


def test_no_golden_document_is_left_behind(books: Phrasebooks):
    assert [path.name for path in GOLDEN.iterdir() if books.for_locale(path.name).locale != path.name] == []
