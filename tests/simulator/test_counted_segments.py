"""Segments of texts: the limits of both alphabets, and no character cut in two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from simulator.texts.segments import count_segments


@for_each(
    ("body", "segments"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # the euro sign's two septets do not fit into the first segment
        ("@£$ÄÖÑÜ§¿\n", 1),
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),  # 33 pairs in each segment, as half a pair does not fit
        ("`", 1),
        ("`" * 71, 2),
    ],
)
def test_limits(body, segments):
    assert count_segments(body) == segments


@given(st.text(max_size=400))
def test_never_fewer_than_the_units_need_and_never_shrinking(body):
    units = len(body.encode("utf-16-le")) // 2
    assert 1 <= count_segments(body) <= max(1, -(-units // 66))
    assert count_segments(body + "a") >= count_segments(body)


@pytest.mark.parametrize("body", ["a" * 1000, "я" * 1000])
async def test_number_is_in_the_resource(lab, body):
    _, message = await lab.text(Body=body)
    assert message["num_segments"] == str(count_segments(body))
