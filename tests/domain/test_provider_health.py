"""When a provider is rested, for how long, and how it comes back: for every course of failures and successes."""

import hypothesis.strategies as st
from hypothesis import given

from gateway.domain.provider_health import WELL, Health, HealthRule, asked, failed, is_fit, worked

RULE = HealthRule(failures=3, rest=10, longest_rest=60)
PATIENCE = 5_000


def after_failures(count: int, now: int = 0) -> Health:
    health = WELL
    for _ in range(count):
        health = failed(health, now, RULE)
    return health


def test_it_is_rested_after_so_many_failures_in_a_row():
    assert is_fit(after_failures(2), 0)
    resting = after_failures(3)
    assert not is_fit(resting, 9_999)
    assert is_fit(resting, 10_000)


def test_one_success_forgets_the_failures_before_it():
    assert after_failures(2) is not WELL
    assert failed(worked(after_failures(2)), 0, RULE).failures == 1


def test_after_a_rest_one_send_probes_and_the_others_wait_for_its_answer():
    probed = asked(after_failures(3), 10_000, PATIENCE)
    assert not is_fit(probed, 10_000)
    assert is_fit(probed, 15_000)  # the probe gave no answer at all
    assert worked(probed) == WELL


def test_each_rest_that_a_probe_did_not_end_is_twice_as_long_up_to_the_longest():
    health, now, lengths = after_failures(3), 0, []
    for _ in range(5):
        lengths.append(health.rests_until - now)
        now = health.rests_until
        health = failed(asked(health, now, PATIENCE), now, RULE)
    assert lengths == [10_000, 20_000, 40_000, 60_000, 60_000]


def test_what_was_under_way_when_a_rest_began_makes_it_no_longer():
    resting = after_failures(3)
    assert failed(resting, 5_000, RULE).rests_until == resting.rests_until


COURSES = st.lists(st.tuples(st.sampled_from(["ask", "fail", "work"]), st.integers(0, 30_000)), max_size=60)


@given(COURSES)
def test_it_always_comes_back_and_never_rests_without_the_failures_for_it(course):
    health, now, in_a_row = WELL, 0, 0
    for event, passed in course:
        now += passed
        if event == "ask":
            health = asked(health, now, PATIENCE)
        elif event == "fail":
            health, in_a_row = failed(health, now, RULE), in_a_row + 1
        else:
            health, in_a_row = worked(health), 0
        assert health.rests_now <= (in_a_row >= RULE.failures)
        assert is_fit(health, now + max(RULE.longest_rest * 1_000, PATIENCE))


@given(st.integers(1, 10_000))
def test_rests_grow_and_stay_within_bounds(rests):
    assert RULE.rest * 1_000 <= RULE.length(rests) <= RULE.length(rests + 1) <= RULE.longest_rest * 1_000
