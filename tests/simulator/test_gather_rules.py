"""The rules of Gather by themselves: every row of the provider's scenario table, and what holds for all keys."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from simulator.calls.gather import Gathered, GatherRules, KeyCollector, read_rules

KEYS = "0123456789*#"


def gather(rules: GatherRules, keys: str, **quirks: bool) -> tuple[Gathered, str]:
    """Presses the keys, then waits for the time-out; returns the result and the keys that were left over."""
    collector = KeyCollector(rules, **quirks)
    for position, key in enumerate(keys):
        if result := collector.press(key):
            return result, keys[position + 1 :]
    return collector.time_out(), ""


@for_each(
    ("rules", "keys", "digits", "finished_on_key", "left_over"),
    [
        (GatherRules(), "#", "", "#", ""),
        (GatherRules(), "1234#", "1234", "#", ""),
        (GatherRules(num_digits=4), "1234", "1234", "", ""),
        (GatherRules(num_digits=4), "1234#", "1234", "", "#"),
        (GatherRules(), "12", "12", "", ""),
        (GatherRules(), "0#", "0", "#", ""),
        (GatherRules(finish_on_key="", num_digits=1), "#", "#", "", ""),
        (GatherRules(finish_on_key="", num_digits=1), "5#", "5", "", "#"),
        (GatherRules(finish_on_key=""), "#", "#", "", ""),
        (GatherRules(finish_on_key="", num_digits=2), "0#", "0#", "", ""),
        (GatherRules(finish_on_key="", num_digits=2), "#", "#", "", ""),
        (GatherRules(finish_on_key="*"), "#*", "#", "*", ""),
        (GatherRules(), "", "", "", ""),
    ],
)
def test_provider_table(rules, keys, digits, finished_on_key, left_over):
    assert gather(rules, keys) == (Gathered(digits, finished_on_key), left_over)


def test_lone_finish_key_may_wait_for_the_time_out():
    assert gather(GatherRules(), "#", lone_finish_key_waits=True) == (Gathered("", ""), "")
    assert gather(GatherRules(), "#12#", lone_finish_key_waits=True) == (Gathered("12", "#"), "")


@given(
    st.builds(
        GatherRules,
        finish_on_key=st.sampled_from(["", *KEYS]),
        num_digits=st.none() | st.integers(1, 6),
    ),
    st.text(KEYS, max_size=12),
)
def test_for_all_keys(rules, keys):
    result, left_over = gather(rules, keys)
    assert keys.startswith(result.digits + result.finished_on_key)
    assert result.digits + result.finished_on_key + left_over == keys
    assert not rules.finish_on_key or rules.finish_on_key not in result.digits
    assert rules.num_digits is None or len(result.digits) <= rules.num_digits
    assert result.finished_on_key in {"", rules.finish_on_key}


def rules_of(attributes: str) -> tuple[GatherRules, list[str]]:
    warnings: list[str] = []
    element = ET.fromstring(f"<Gather {attributes}/>")  # noqa: S314  written above
    return read_rules(element, warnings.append), warnings


@pytest.mark.parametrize(
    ("attributes", "rules"),
    [
        ("", GatherRules()),
        ('finishOnKey="" numDigits="1"', GatherRules(finish_on_key="", num_digits=1)),
        ('timeout="0"', GatherRules(timeout=0)),
        ('actionOnEmptyResult="true"', GatherRules(action_on_empty_result=True)),
        ('input="dtmf speech"', GatherRules()),
        ('input="speech"', GatherRules(takes_keys=False)),
        ('finishonkey="" numdigits="1"', GatherRules()),
    ],
)
def test_attributes(attributes, rules):
    assert rules_of(attributes) == (rules, [])


@pytest.mark.parametrize(
    ("attributes", "warning"),
    [
        ('finishOnKey="##"', 13310),
        ('finishOnKey="x"', 13310),
        ('timeout="soon"', 13313),
        ('timeout="-1"', 13313),
        ('timeout="99999999999"', 13313),
        ('numDigits="one"', 12200),
        ('numDigits="٣"', 12200),
    ],
)
def test_bad_attributes_are_warned_of_and_replaced_by_defaults(attributes, warning):
    rules, warnings = rules_of(attributes)
    assert rules == GatherRules()
    assert [text.split()[0] for text in warnings] == [str(warning)]
