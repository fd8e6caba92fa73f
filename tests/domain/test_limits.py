"""Limits per number: they hold over all its verifications, open again in time, and no clock opens them early."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from gateway.domain import code
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.limits import DAY, SECOND, Limits, RateCounters, resend_wait

LIMITS = Limits()
TIMES = st.lists(st.integers(1, 3 * LIMITS.send_window * SECOND), min_size=1, max_size=60)


@given(TIMES)
def test_no_window_holds_more_sends_than_allowed(steps: list[int]):
    rate_counters, sent, now = RateCounters(), [], 0
    for step in steps:
        now += step
        try:
            rate_counters = rate_counters.with_send(now, LIMITS)
        except Rejected as refusal:
            assert refusal.code is ErrorCode.RATE_LIMITED
            assert refusal.retry_after
            assert rate_counters.with_send(now + refusal.retry_after * SECOND, LIMITS)
            continue
        sent.append(now)
        window = [at for at in sent if at > now - LIMITS.send_window * SECOND]
        assert len(window) <= LIMITS.sends_per_number
    assert len(rate_counters.sends) <= LIMITS.sends_per_number


def test_twenty_wrong_codes_close_the_day():
    rate_counters = RateCounters()
    for at in range(LIMITS.failed_checks_per_day):
        rate_counters.reject_check_over_limit(at, LIMITS)
        rate_counters = rate_counters.with_failed_check(at)
    with pytest.raises(Rejected) as refusal:
        rate_counters.reject_check_over_limit(100, LIMITS)
    assert refusal.value.retry_after == DAY // SECOND
    rate_counters.reject_check_over_limit(DAY, LIMITS)


def test_a_clock_set_back_opens_nothing():
    rate_counters = RateCounters()
    for _ in range(LIMITS.sends_per_number):
        rate_counters = rate_counters.with_send(DAY, LIMITS)
    with pytest.raises(Rejected):
        rate_counters.with_send(0, LIMITS)


def test_waits_grow():
    assert [resend_wait(attempts, LIMITS) // SECOND for attempts in (1, 2, 3, 4)] == [30, 60, 120, 240]


@pytest.mark.parametrize("typed", ["123456", "123 456", "123-456", " 12 34-56 ", "123\u00a0456"])
def test_codes_as_people_type_them(typed: str):
    assert code.normalize(typed, 6) == "123456"


@for_each("typed", ["", "12345", "1234567", "１２３４５６", "١٢٣٤٥٦", "12³456", "12345a", "123456\n", "1.2.3456"])
def test_what_is_no_code(typed: str):
    assert code.normalize(typed, 6) is None


@given(st.from_regex(r"[0-9]{6}", fullmatch=True), st.from_regex(r"[0-9]{6}", fullmatch=True))
def test_a_code_is_bound_to_its_verification(one: str, other: str):
    kept = code.digest(b"k" * 32, "ver_1", one)
    assert code.matches(kept, code.digest(b"k" * 32, "ver_1", other)) == (one == other)
    assert not code.matches(kept, code.digest(b"k" * 32, "ver_2", one))
    assert not code.matches(kept, code.digest(b"j" * 32, "ver_1", one))
