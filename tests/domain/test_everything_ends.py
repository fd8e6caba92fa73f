"""Whatever comes, in any order, lost or twice: nothing stays pending or unsettled, and there is one outcome at most."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.verifications import RIGHT, WRONG, a_new_attempt, a_request, created

from gateway.domain import commands, fallback, send_results, status_reports
from gateway.domain.attempts import find_attempt, is_call_in_progress, must_wait
from gateway.domain.delivery import CALL_ENDED, TEXT_ENDED, DeliveryStatus
from gateway.domain.errors import Rejected
from gateway.domain.ivr import call_events
from gateway.domain.ivr.states import CallState
from gateway.domain.limits import SECOND, Limits, RateCounters
from gateway.domain.verification import Channel, Failure, FailureCode, FallbackStep, Mode, Status

LIMITS = Limits(sends_per_number=4, resend_wait=1)
LOST = Failure(FailureCode.DELIVERY_FAILED, "lost")
REFUSED = Failure(FailureCode.PROVIDER_REFUSED, "no")
CALL_MODES = (Mode.CONFIRM, Mode.MATCH, Mode.CODE)
CALL_WORDS = sorted({DeliveryStatus.INITIATED, DeliveryStatus.RINGING, DeliveryStatus.IN_PROGRESS} | CALL_ENDED)
TEXT_WORDS = sorted({DeliveryStatus.SENT} | TEXT_ENDED)

MODES = st.sampled_from(CALL_MODES)
STEPS = st.builds(FallbackStep, st.just(Channel.SMS), st.none(), st.integers(5, 120)) | st.builds(
    FallbackStep, st.just(Channel.CALL), MODES, st.integers(5, 120)
)
PLACES = st.integers(0, 9)


class Everything(RuleBasedStateMachine):
    """One verification, with an outbox as the store keeps it and a provider that forgets to call back.

    `rows` is the outbox: the stage of each send. `fates` is what the provider says of a send when it is asked; None: it
    does not know it. `granted` is how long what each end has overtaken may still arrive.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000_000
        self.rate_counters = RateCounters()
        self.rows: dict[str, str] = {}
        self.fates: dict[str, DeliveryStatus | None] = {}
        self.granted: dict[str, int] = {}
        self.outcomes = []
        self.judged = 0
        self.needless = set()
        self.hung_up = set()
        self.drawn = 0

    @initialize(first=STEPS, more=st.lists(STEPS, max_size=4))
    def begins(self, first, more):
        plan = fallback.plan_steps((first, *more), lambda _step: None) if more else commands.NO_PLAN
        request = a_request(channel=first.channel, mode=first.mode, enrollment_id="enr_1", plan=plan)
        new = self.draw(first.channel, first.mode)
        change = created(request, new, rate_counters=self.rate_counters, now=self.now, limits=LIMITS)
        self.verification, self.rate_counters = change.verification, change.rate_counters
        self.rows[change.send.id] = "queued"

    def draw(self, channel, mode, _number=None):
        self.drawn += 1
        digits = "42" if mode is Mode.MATCH else None
        return a_new_attempt(self.drawn, channel, mode, match_digits=digits)

    def applies(self, change):
        """Keep a change as the store does."""
        before, self.verification = self.verification, change.verification
        if self.verification.status is Status.FAILED is not before.status:
            assert self.now >= max(self.granted.values(), default=0), "a grace was cut short"
        if before.status is Status.PENDING and self.verification.status is not Status.PENDING:
            self.needless = {call.id for call in self.verification.attempts if self.must_hang_up(call)}
        loose = send_results.outbox_effects(before, change.verification)
        for attempt_id in (*loose.settled, *loose.needless):
            if self.rows.get(attempt_id) == "settling":
                del self.rows[attempt_id]
                if attempt_id in loose.needless:
                    self.rows[attempt_id] = "hanging_up"
        self.rate_counters = change.rate_counters or self.rate_counters
        self.outcomes += [change.outcome] if change.outcome else []
        if change.send:
            self.rows[change.send.id] = "queued"

    def must_hang_up(self, call):
        own_end = call.id == self.verification.proved_by or call.call_state is CallState.CODE_SPOKEN
        return is_call_in_progress(call) and self.rows.get(call.id) == "settling" and not own_end

    def attempt(self, place):
        return self.verification.attempts[place % len(self.verification.attempts)]

    def sid(self, attempt):
        return f"{'CA' if attempt.channel is Channel.CALL else 'SM'}{attempt.id}"

    @rule(
        place=PLACES,
        taken=st.sampled_from(["sent", "refused", "moved on", "lost answer", "never left"]),
        data=st.data(),
    )
    def the_dispatcher_works(self, place, taken, data):
        attempt = self.attempt(place)
        if self.rows.get(attempt.id) != "queued":
            return
        if self.verification.status is not Status.PENDING:
            del self.rows[attempt.id]
            self.applies(send_results.withdraw(self.verification, attempt.id, self.now))
        elif taken == "moved on":
            self.applies(send_results.reroute(self.verification, attempt.id, "spare", REFUSED, self.now))
        elif taken == "refused":
            del self.rows[attempt.id]
            self.applies(send_results.record_rejected(self.verification, attempt.id, REFUSED, self.now))
        elif taken == "sent":
            self.fates[attempt.id] = data.draw(self.words_of(attempt))
            self.rows[attempt.id] = "settling"
            self.applies(send_results.record_sent(self.verification, attempt.id, self.sid(attempt), self.now))
        else:
            self.fates[attempt.id] = None if taken == "never left" else data.draw(self.words_of(attempt))
            self.rows[attempt.id] = "unknown"
            self.applies(send_results.record_unknown(self.verification, attempt.id, self.now))

    def words_of(self, attempt):
        return st.sampled_from(CALL_WORDS if attempt.channel is Channel.CALL else TEXT_WORDS)

    @rule(place=PLACES)
    def the_reconciler_asks(self, place):
        attempt = self.attempt(place)
        stage, fate = self.rows.get(attempt.id), self.fates.get(attempt.id)
        if stage not in {"unknown", "settling", "hanging_up"}:
            return
        if send_results.is_unneeded(self.verification, attempt):
            del self.rows[attempt.id]
            self.hung_up.add(attempt.id)
            self.applies(send_results.record_hang_up(self.verification, attempt.id, self.now))
        elif self.verification.status is not Status.PENDING or send_results.is_final(attempt):
            del self.rows[attempt.id]
        elif stage == "unknown" and attempt.provider_sid is None:
            self.finds(attempt, fate)
        elif fate in CALL_ENDED | TEXT_ENDED:
            del self.rows[attempt.id]
            self.reports(attempt, fate, None)
        else:
            self.rows[attempt.id] = "settling"

    def finds(self, attempt, fate):
        if fate is None:
            if self.now >= attempt.created_at + 300 * SECOND:
                del self.rows[attempt.id]
                self.applies(send_results.record_not_received(self.verification, attempt.id, self.now))
            return
        self.rows[attempt.id] = "settling"
        self.applies(send_results.record_sent(self.verification, attempt.id, self.sid(attempt), self.now))

    def reports(self, attempt, status, sequence):
        sid, token = self.sid(attempt), attempt.token
        if attempt.channel is Channel.CALL:
            call = status_reports.CallReport(sid, status, status.value, sequence, None, None)
            self.applies(status_reports.apply_call_report(self.verification, token, call, self.now, LIMITS))
        else:
            text = status_reports.MessageReport(sid, status, status.value, LOST)
            self.applies(status_reports.apply_message_report(self.verification, token, text, self.now, LIMITS))
        after = find_attempt(self.verification, attempt.id)
        if after.failure is None:
            self.granted.pop(attempt.id, None)
        elif attempt.failure is None:
            grace = LIMITS.call_grace if attempt.channel is Channel.CALL else LIMITS.text_grace
            self.granted[attempt.id] = self.now + int(grace * SECOND)

    @rule(place=PLACES, data=st.data(), times=st.integers(1, 2))
    def a_callback_comes(self, place, data, times):
        attempt = self.attempt(place)
        if self.fates.get(attempt.id) is not None:
            status = data.draw(self.words_of(attempt))
            for _ in range(times):
                self.reports(attempt, status, 1)

    @rule(
        place=PLACES, machine=st.booleans(), keys=st.lists(st.sampled_from(["", "7", "*", "0", "42", "#"]), max_size=3)
    )
    def a_call_is_answered(self, place, machine, keys):
        attempt = self.attempt(place)
        if attempt.channel is not Channel.CALL or self.fates.get(attempt.id) is None:
            return
        token, sid = attempt.token, self.sid(attempt)
        self.applies(call_events.answer_call(self.verification, token, sid, "machine" if machine else None, self.now))
        for key in keys:
            turn = find_attempt(self.verification, attempt.id).gather_number
            self.applies(
                call_events.gather_digits(
                    self.verification, token, sid, turn, key, self.rate_counters, self.now, LIMITS
                )
            )

    @precondition(lambda self: self.drawn > 2)
    @rule(guess=st.sampled_from([RIGHT, WRONG, WRONG]))
    def a_code_is_checked(self, guess):
        try:
            change = commands.check_code(self.verification, guess, self.rate_counters, self.now, LIMITS)
        except Rejected:
            return
        self.judged += any(entry.type == "code.checked" for entry in change.entries)
        self.applies(change)

    @rule(channel=st.sampled_from(Channel), mode=MODES)
    def it_is_resent(self, channel, mode):
        new = self.draw(channel, mode if channel is Channel.CALL else None)
        try:
            self.applies(commands.resend(self.verification, new, self.rate_counters, self.now, LIMITS))
        except Rejected:
            return

    @precondition(lambda self: self.drawn > 2)
    @rule()
    def it_is_canceled(self):
        try:
            self.applies(commands.cancel(self.verification, self.now))
        except Rejected:
            return

    @rule(seconds=st.integers(1, 90))
    def time_passes(self, seconds):
        self.now += seconds * SECOND
        while (due_at := self.verification.due_at) is not None and due_at <= self.now:
            before = self.verification
            try:
                self.applies(
                    fallback.take_next_step(self.verification, self.draw, self.rate_counters, self.now, LIMITS)
                )
            except Rejected as refusal:
                self.applies(fallback.skip_step(self.verification, refusal.code, self.now))
            assert self.verification is not before, "a deadline that nothing comes of is looked at for ever"

    @invariant()
    def whatever_is_pending_has_an_end_in_sight(self):
        verification = self.verification
        if verification.status is not Status.PENDING:
            assert verification.due_at is None
            return
        assert verification.due_at is not None
        if verification.steps:
            assert verification.ends_at is None
            assert (verification.next_at is not None) or must_wait(verification, verification.attempts)
        elif all(attempt.failure for attempt in verification.attempts):
            assert verification.ends_at is not None

    @invariant()
    def what_is_counted_stays_within_its_limits(self):
        assert len(self.outcomes) == (self.verification.status is not Status.PENDING)
        assert self.judged <= LIMITS.checks_per_verification
        assert sum(is_call_in_progress(attempt) for attempt in self.verification.attempts) <= 1
        assert len(self.verification.attempts) <= LIMITS.sends_per_number
        codes = (self.verification.code_digest, self.verification.match_digits)
        assert self.verification.status is Status.PENDING or codes == (None, None)

    def teardown(self):
        if not hasattr(self, "verification"):
            return
        for _ in range(LIMITS.lifetime // 60 + 1):
            self.time_passes(60)
            for place in range(len(self.verification.attempts)):
                if self.rows.get(self.attempt(place).id) == "queued":
                    self.fates[self.attempt(place).id] = DeliveryStatus.SENT
                    self.rows[self.attempt(place).id] = "unknown"
                    self.applies(send_results.record_unknown(self.verification, self.attempt(place).id, self.now))
                self.the_reconciler_asks(place)
            self.whatever_is_pending_has_an_end_in_sight()
        assert self.verification.status is not Status.PENDING
        assert self.rows == {}
        over = {attempt.id for attempt in self.verification.attempts if send_results.is_final(attempt)}
        assert self.needless <= self.hung_up | over
        assert len(self.outcomes) == 1


TestEverything = Everything.TestCase
TestEverything.settings = settings(stateful_step_count=30)
