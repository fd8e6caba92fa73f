"""Each key of a call has one meaning."""

import pytest
from support.tables import for_each

from gateway.domain.ivr.keypad import Keypad


@for_each(
    ("keypad", "named"),
    [
        (Keypad(confirm="0"), "0 reports fraud"),
        (Keypad(confirm="*"), "* repeats"),
        (Keypad(confirm="2", language="2"), "2 changes the language"),
        (Keypad(confirm="8"), "confirm_key: 8 slows the speech"),
        (Keypad(never_call="8"), "never_call_key: 8 slows the speech"),
        (Keypad(confirm="9"), "never_call_key: 9 confirms"),
        (Keypad(never_call="0"), "0 reports fraud"),
        (Keypad(confirm="5", never_call="#"), "# ends"),
    ],
)
def test_a_key_has_one_meaning(keypad: Keypad, named: str):
    assert named in (keypad.clash() or "")


@pytest.mark.parametrize(
    "keypad", [Keypad(), Keypad(language="2"), Keypad(confirm="2"), Keypad(confirm="9", never_call=""), Keypad("1")]
)
def test_keys_that_go_together(keypad: Keypad):
    assert keypad.clash() is None
