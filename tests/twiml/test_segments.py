from math import ceil

from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from twiml.segments import count_segments, is_gsm7

GSM7_PLAIN = st.sampled_from("aZ09 @£$¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤§¿¡äöñüà\n")
GSM7_ESCAPED = "^{}\\[~]|€\f"


@for_each(
    ("text", "segments"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 7, 2),  # 161 septets
        ("a" * 152 + "€" + "a" * 152, 3),  # 306 septets, but the escape may not end the first segment
        ("é" * 160, 1),
        ("á" * 70, 1),
        ("á" * 71, 2),
        ("a" * 70 + "ç", 2),
        ("字" * 134, 2),
        ("字" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),
        ("😀" * 67, 3),  # 134 code units, but no pair is cut
    ],
)
def test_known_counts(text: str, segments: int):
    assert count_segments(text) == segments


@for_each("char", "áíóúçãõâêîôûœ`’–…«»\t\u00a0ع字")
def test_one_character_outside_the_alphabet_makes_the_text_ucs2(char: str):
    assert not is_gsm7("Contoso" + char)


def test_the_alphabet_has_all_its_characters_but_the_escape():
    assert sum(is_gsm7(chr(code)) for code in range(0x10000)) == 127 + len(GSM7_ESCAPED)


@given(st.text(GSM7_PLAIN))
def test_plain_gsm7_is_counted_by_length(text: str):
    assert count_segments(text) == (1 if len(text) <= 160 else ceil(len(text) / 153))


@given(st.text(), st.text())
def test_more_text_never_takes_fewer_segments(text: str, more: str):
    assert count_segments(text + more) >= count_segments(text)
