"""When a provider's circuit opens, for how long, and how it closes: for every course of failures and successes."""

import hypothesis.strategies as st
from hypothesis import given

from gateway.domain.provider_health import (
    CLOSED,
    Circuit,
    CircuitRule,
    may_send,
    send_begun,
    send_failed,
    send_succeeded,
)

RULE = CircuitRule(failures=3, open_for=10, longest_open=60)
PATIENCE = 5_000


def after_failures(count: int, now: int = 0) -> Circuit:
    circuit = CLOSED
    for _ in range(count):
        circuit = send_failed(circuit, now, RULE)
    return circuit


def test_it_opens_after_so_many_failures_in_a_row():
    assert may_send(after_failures(2), 0)
    open_circuit = after_failures(3)
    assert not may_send(open_circuit, 9_999)
    assert may_send(open_circuit, 10_000)


def test_one_success_forgets_the_failures_before_it():
    assert after_failures(2) is not CLOSED
    assert send_failed(send_succeeded(after_failures(2)), 0, RULE).failures == 1


def test_after_its_time_one_send_probes_and_the_others_wait_for_its_answer():
    probed = send_begun(after_failures(3), 10_000, PATIENCE)
    assert not may_send(probed, 10_000)
    assert may_send(probed, 15_000)  # the probe gave no answer at all
    assert send_succeeded(probed) == CLOSED


def test_each_opening_that_a_probe_did_not_end_is_twice_as_long_up_to_the_longest():
    circuit, now, lengths = after_failures(3), 0, []
    for _ in range(5):
        lengths.append(circuit.open_until - now)
        now = circuit.open_until
        circuit = send_failed(send_begun(circuit, now, PATIENCE), now, RULE)
    assert lengths == [10_000, 20_000, 40_000, 60_000, 60_000]


def test_what_was_under_way_when_it_opened_makes_it_no_longer():
    open_circuit = after_failures(3)
    assert send_failed(open_circuit, 5_000, RULE).open_until == open_circuit.open_until


COURSES = st.lists(st.tuples(st.sampled_from(["ask", "fail", "work"]), st.integers(0, 30_000)), max_size=60)


@given(COURSES)
def test_it_always_comes_back_and_never_opens_without_the_failures_for_it(course):
    circuit, now, in_a_row = CLOSED, 0, 0
    for event, passed in course:
        now += passed
        if event == "ask":
            circuit = send_begun(circuit, now, PATIENCE)
        elif event == "fail":
            circuit, in_a_row = send_failed(circuit, now, RULE), in_a_row + 1
        else:
            circuit, in_a_row = send_succeeded(circuit), 0
        assert circuit.is_open <= (in_a_row >= RULE.failures)
        assert may_send(circuit, now + max(RULE.longest_open * 1_000, PATIENCE))


@given(st.integers(1, 10_000))
def test_openings_grow_and_stay_within_bounds(openings):
    assert RULE.open_for * 1_000 <= RULE.length(openings) <= RULE.length(openings + 1) <= RULE.longest_open * 1_000
