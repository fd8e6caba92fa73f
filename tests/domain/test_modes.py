"""What a call asks for: it asks for less than one before it only where it is told to."""

from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from gateway.domain.ivr.modes import is_enough, mode_of
from gateway.domain.verification import Channel, Mode

CONFIRM, MATCH, PIN, CODE = Mode
BEFORE = st.lists(st.sampled_from(Mode) | st.none(), max_size=5)
PROOFS = st.sampled_from([CONFIRM, MATCH, PIN])


@for_each(
    ("proof", "before", "mode"),
    [
        (CONFIRM, [], CONFIRM),
        (CONFIRM, [None], CONFIRM),
        (CONFIRM, [CONFIRM], CONFIRM),
        (CONFIRM, [MATCH], MATCH),
        (CONFIRM, [CODE, None], CODE),
        (CONFIRM, [PIN, CONFIRM], PIN),
        (CONFIRM, [MATCH, CODE], CODE),
        (CONFIRM, [CODE, MATCH], MATCH),
        (CONFIRM, [PIN, MATCH], PIN),
        (MATCH, [CODE], MATCH),
        (MATCH, [PIN], PIN),
        (PIN, [MATCH], PIN),
    ],
)
def test_without_a_wish_it_is_what_was_asked_for_before_if_that_is_more(proof, before, mode):
    assert mode_of(Channel.CALL, None, proof, before) is mode


@given(PROOFS, BEFORE)
def test_without_a_wish_nothing_before_and_no_policy_asked_for_more(proof, before):
    mode = mode_of(Channel.CALL, None, proof, before)
    assert mode in {proof, *before}
    assert all(is_enough(mode, asked) for asked in (proof, *before) if asked)


@given(st.sampled_from(Mode), PROOFS, BEFORE)
def test_a_wish_is_taken_as_it_is_and_a_text_has_no_mode(wish, proof, before):
    assert mode_of(Channel.CALL, wish, proof, before) is wish
    assert mode_of(Channel.SMS, None, proof, before) is None


@given(st.sampled_from(Mode), st.sampled_from(Mode), st.sampled_from(Mode))
def test_modes_are_in_an_order(one, two, three):
    assert is_enough(one, one)
    assert is_enough(one, two) or is_enough(two, one)
    assert is_enough(one, three) or not (is_enough(one, two) and is_enough(two, three))
