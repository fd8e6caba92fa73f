"""The states of an outbox entry: nothing that a provider may have is ever queued again."""

import itertools

import pytest

from gateway.domain.outbox import TO_RECONCILE, TO_SEND, TRANSITIONS, OutboxState, OutboxUpdate

PAIRS = list(itertools.product(OutboxState, repeat=2))


def followers(state: OutboxState) -> set[OutboxState]:
    """Return every state that an entry can ever reach."""
    reached: set[OutboxState] = set()
    ahead = set(TRANSITIONS[state])
    while ahead:
        reached |= ahead
        ahead = {after for before in ahead for after in TRANSITIONS[before]} - reached
    return reached


def test_every_state_has_its_row_and_is_either_to_send_or_to_reconcile():
    assert set(TRANSITIONS) == {*TO_SEND, *TO_RECONCILE} == set(OutboxState)
    assert not set(TO_SEND) & set(TO_RECONCILE)


def test_what_a_provider_may_have_is_never_sent_again():
    for state in TO_RECONCILE:
        assert not followers(state) & set(TO_SEND), state


def test_nothing_is_handed_over_without_a_claim():
    assert [state for state, after in TRANSITIONS.items() if OutboxState.SENDING in after] == [OutboxState.QUEUED]
    assert OutboxState.SETTLING not in TRANSITIONS[OutboxState.QUEUED]


def test_an_update_that_names_its_origin_is_a_row_of_the_table():
    for before, after in PAIRS:
        if after in TRANSITIONS[before]:
            assert OutboxUpdate("att_1", after, only_from=before).state is after
        else:
            with pytest.raises(ValueError, match=f"from {before} to {after}"):
                OutboxUpdate("att_1", after, only_from=before)
        assert OutboxUpdate("att_1", only_from=before).state is None
