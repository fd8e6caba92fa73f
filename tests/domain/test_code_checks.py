"""Codes against a simple count, over checks, resends and time in any order."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from support.verifications import RIGHT, WRONG, a_new_attempt, a_request, created

from gateway.domain import commands, timeouts
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.limits import Limits
from gateway.domain.verification import Channel, Mode, Status

LIMITS = Limits()
START = 1_000_000


def started():
    return created(a_request(), a_new_attempt(0), now=START, limits=LIMITS)


class Checks(RuleBasedStateMachine):
    """Codes against a simple count: at most five are judged, resends and time do not add any."""

    def __init__(self) -> None:
        super().__init__()
        change = started()
        self.verification, self.rate_counters = change.verification, change.rate_counters
        self.now, self.judged, self.sends, self.approved = START, 0, 1, False

    def check(self, guess: bytes) -> None:
        pending = self.verification.status is Status.PENDING and self.now < self.verification.expires_at
        try:
            change = commands.check_code(self.verification, guess, self.rate_counters, self.now, LIMITS)
        except Rejected as refusal:
            assert refusal.code is ErrorCode.VERIFICATION_FINISHED
            assert not pending
            return
        self.verification, self.rate_counters = change.verification, change.rate_counters or self.rate_counters
        self.judged += change.refusal is None
        if change.refusal is None and guess == RIGHT:
            assert not self.approved
            self.approved = True

    @rule()
    def right(self) -> None:
        self.check(RIGHT)

    @rule()
    def wrong(self) -> None:
        self.check(WRONG)

    @rule(seconds=st.integers(1, 300))
    def wait(self, seconds: int) -> None:
        self.now += seconds * 1_000
        self.verification = timeouts.pass_deadline(self.verification, self.now).verification

    @rule(channel=st.sampled_from(Channel))
    def resend(self, channel: Channel) -> None:
        mode = Mode.CONFIRM if channel is Channel.CALL else None
        new = a_new_attempt(self.sends, channel, mode)
        try:
            change = commands.resend(self.verification, new, self.rate_counters, self.now, LIMITS)
        except Rejected:
            return
        if change.refusal is None:
            assert change.verification.checks_left == self.verification.checks_left
            self.sends += 1
        self.verification, self.rate_counters = change.verification, change.rate_counters or self.rate_counters

    @invariant()
    def at_most_five_judged(self) -> None:
        assert self.judged <= LIMITS.checks_per_verification
        assert self.sends <= LIMITS.sends_per_number

    @invariant()
    def approved_means_the_right_code(self) -> None:
        assert (self.verification.status is Status.APPROVED) == self.approved


TestChecks = Checks.TestCase
