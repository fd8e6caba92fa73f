"""The backup: another phone is called once a sign-in's last call reached nobody and nothing else is left."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.verifications import a_new_attempt, a_request, an_enrollment, created

from gateway.domain import backup_phone, commands, fallback, recovery, send_results, status_reports, timeouts
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.enrollment import Enrollment, Phone, PhoneKind
from gateway.domain.errors import ErrorCode
from gateway.domain.ivr import call_events
from gateway.domain.limits import Limits, RateCounters
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Channel, Failure, FailureCode, FallbackStep, Mode, Purpose, Status

LIMITS = Limits()
START = 1_000_000
FIRST = PhoneNumber("+14255550123")
CALL, SMS = Channel.CALL, Channel.SMS
CALL_THEN_TEXT = (FallbackStep(CALL, Mode.MATCH, 60), FallbackStep(SMS))
NO_GRACE = Limits(call_grace=0.0)
UNREACHABLE = Failure(FailureCode.NUMBER_UNREACHABLE, "out of reach")
UNANSWERED = [DeliveryStatus.NO_ANSWER, DeliveryStatus.BUSY, DeliveryStatus.FAILED]


def drawn(count: int, channel: Channel = CALL) -> commands.NewAttempt:
    mode = Mode.MATCH if channel is CALL else None
    return a_new_attempt(count, channel, mode, match_digits="42")


def begun(steps=(), channel=CALL, *, backup=True, tried=()):
    request = a_request(
        channel=channel,
        number=FIRST,
        enrollment_id="enr_1",
        purpose=Purpose.SIGN_IN,
        call_backup=backup,
        tried=tried,
        plan=fallback.plan_steps(steps, lambda _step: None),
    )
    return created(request, drawn(1, channel), now=START, limits=LIMITS).verification


def reported(verification, status, number=1, sip=None, limits=LIMITS):
    report = status_reports.CallReport(f"CA{number}", status, status.value, 1, None, sip)
    return status_reports.apply_call_report(verification, f"token-{number}", report, START + 10, limits).verification


def lost(verification, number):
    report = status_reports.MessageReport(f"SM{number}", DeliveryStatus.UNDELIVERED, "undelivered", UNREACHABLE)
    return status_reports.apply_message_report(verification, f"token-{number}", report, START + 20, LIMITS).verification


def texted(verification):
    return fallback.take_next_step(
        verification, lambda channel, _mode, _number: drawn(2, channel), RateCounters(), verification.next_at, LIMITS
    ).verification


def unanswered():
    return reported(begun(), DeliveryStatus.NO_ANSWER)


@pytest.mark.parametrize("status", UNANSWERED)
def test_a_call_that_reached_nobody_is_followed(status):
    assert not backup_phone.is_due(begun())
    assert backup_phone.is_due(reported(begun(), status))


@pytest.mark.parametrize("status", [DeliveryStatus.COMPLETED, DeliveryStatus.CANCELED, DeliveryStatus.RINGING])
def test_a_call_that_was_answered_or_ended_by_us_or_rings_is_not(status):
    assert not backup_phone.is_due(reported(begun(), status))


def test_who_declined_a_call_is_called_nowhere_else():
    declined = reported(begun(), DeliveryStatus.BUSY, sip=603)
    assert declined.attempts[0].failure.code is FailureCode.CALL_REJECTED
    assert not backup_phone.is_due(declined)
    again = commands.next_attempt(declined, drawn(2), RateCounters(), START + 11, LIMITS).verification
    assert not backup_phone.is_due(reported(again, DeliveryStatus.NO_ANSWER, 2))


def test_a_voicemail_has_answered():
    taken = call_events.answer_call(begun(), "token-1", "CA1", "machine", START + 5).verification
    assert not backup_phone.is_due(reported(taken, DeliveryStatus.NO_ANSWER))


def test_without_the_policys_yes_nothing_follows():
    assert not backup_phone.is_due(reported(begun(backup=False), DeliveryStatus.NO_ANSWER))


def test_a_step_that_is_left_comes_first_and_a_text_that_may_arrive_is_waited_for():
    stepping = reported(begun(CALL_THEN_TEXT), DeliveryStatus.NO_ANSWER)
    assert not backup_phone.is_due(stepping)
    with_text = texted(stepping)
    assert not backup_phone.is_due(with_text)
    assert backup_phone.is_due(lost(with_text, 2))


def test_a_text_alone_is_not_followed():
    assert not backup_phone.is_due(lost(begun(channel=SMS), 1))


def test_without_a_grace_it_is_due_all_the_same():
    failed = reported(begun(), DeliveryStatus.NO_ANSWER, limits=NO_GRACE)
    assert (failed.status, failed.ends_at, backup_phone.is_due(failed)) == (Status.PENDING, START + 10, True)
    ended = timeouts.pass_deadline(
        backup_phone.continue_with_backup(failed, "ver_2", START + 11).verification, START + 12
    ).verification
    assert (ended.status, ended.failure.code, ended.continued_by) == (Status.FAILED, FailureCode.NO_ANSWER, "ver_2")


@pytest.mark.parametrize("first", [begun(backup=False), begun(backup=True)], ids=["not allowed", "declined"])
def test_without_a_grace_what_is_not_followed_fails_at_once(first):
    sip = 603 if first.call_backup else None
    assert reported(first, DeliveryStatus.BUSY, sip=sip, limits=NO_GRACE).status is Status.FAILED


def test_a_text_that_is_refused_behind_the_grace_of_a_call_leaves_it_due():
    with_text = texted(reported(begun(CALL_THEN_TEXT), DeliveryStatus.NO_ANSWER))
    refused = send_results.record_rejected(
        with_text, "att_2", UNREACHABLE, with_text.attempts[0].grace_ends_at + 1
    ).verification
    assert (refused.status, backup_phone.is_due(refused)) == (Status.PENDING, True)


def test_a_last_step_that_is_left_out_leaves_it_due():
    stepping = reported(begun(CALL_THEN_TEXT), DeliveryStatus.NO_ANSWER)
    left = fallback.skip_step(stepping, ErrorCode.RATE_LIMITED, stepping.next_at).verification
    assert (left.status, backup_phone.is_due(left)) == (Status.PENDING, True)


def test_after_a_restore_no_other_phone_is_called():
    restored = recovery.recover_verification(unanswered(), START + 20).verification
    assert not backup_phone.is_due(restored)
    over = recovery.recover_verification(unanswered(), START + 60_000).verification
    assert over.status is Status.FAILED


def test_at_the_end_of_the_last_grace_the_clock_finds_it_not_begun():
    first = unanswered()
    assert not backup_phone.is_overdue(first, first.ends_at - 1)
    assert backup_phone.is_overdue(first, first.ends_at)
    assert not backup_phone.is_overdue(first, first.expires_at)
    assert not backup_phone.is_overdue(begun(), START + 60_000)
    assert not backup_phone.is_overdue(
        backup_phone.continue_with_backup(first, "ver_2", START + 11).verification, first.ends_at
    )


def test_it_is_noted_once_and_the_first_still_fails_as_it_would():
    first = unanswered()
    change = backup_phone.continue_with_backup(first, "ver_2", START + 11)
    noted = change.verification
    assert (noted.continued_by, noted.ends_at, noted.revision) == ("ver_2", first.ends_at, first.revision + 1)
    assert [(entry.type, entry.facts) for entry in change.entries] == [
        ("verification.continued", {"verification_id": "ver_2"})
    ]
    assert backup_phone.continue_with_backup(noted, "ver_3", START + 12).verification is noted
    assert backup_phone.give_up_backup(noted, ErrorCode.RATE_LIMITED, START + 12).verification is noted
    ended = timeouts.pass_deadline(noted, noted.ends_at).verification
    assert (ended.status, ended.failure.code, ended.continued_by) == (Status.FAILED, FailureCode.NO_ANSWER, "ver_2")


def test_it_is_not_noted_on_what_is_over_or_goes_on_otherwise():
    first = unanswered()
    over = timeouts.pass_deadline(first, first.ends_at).verification
    canceled = commands.cancel(first, START + 11).verification
    again = commands.next_attempt(first, drawn(2), RateCounters(), START + 11, LIMITS).verification
    for gone in (over, canceled, again):
        assert backup_phone.continue_with_backup(gone, "ver_2", START + 12).verification is gone
    assert backup_phone.continue_with_backup(first, "ver_2", first.expires_at).verification is first


def test_a_no_is_noted_once_with_its_reason():
    change = backup_phone.give_up_backup(unanswered(), ErrorCode.NO_METHOD, START + 11)
    assert [(entry.type, entry.facts) for entry in change.entries] == [
        ("verification.not_continued", {"reason": "no_method"})
    ]
    assert not backup_phone.is_due(change.verification)
    assert backup_phone.give_up_backup(change.verification, ErrorCode.NO_METHOD, START + 12).entries == ()


def test_a_repeated_report_leaves_it_due_until_it_is_noted():
    first = unanswered()
    assert backup_phone.is_due(reported(first, DeliveryStatus.NO_ANSWER))
    move = send_results.record_sent(first, "att_1", "CA1", START + 11).verification
    assert backup_phone.is_due(move)


def person(*phones: Phone) -> Enrollment:
    return an_enrollment(at=START, phones=phones)


def phone(name: str, kind: PhoneKind, number: str, *, proven: bool = True, extension: str | None = None) -> Phone:
    return Phone(name, kind, PhoneNumber(number), START if proven else None, extension)


def test_the_alternate_then_the_office_then_the_authentication_phones():
    alice = person(
        phone("phn_1", PhoneKind.AUTHENTICATION, FIRST.e164),
        phone("phn_2", PhoneKind.AUTHENTICATION, "+14255550124"),
        phone("phn_3", PhoneKind.OFFICE, "+14255550190", extension="12"),
        phone("phn_4", PhoneKind.ALTERNATE, "+14255550125", proven=False),
        phone("phn_5", PhoneKind.ALTERNATE, "+14255550126"),
    )
    backup = backup_phone.next_backup(alice, unanswered())
    assert [other.id for other in backup.phones] == ["phn_5", "phn_3", "phn_2"]
    assert (backup.tried, backup.mode) == (("phn_1",), Mode.MATCH)


def test_what_was_tried_is_not_called_again_by_any_extension():
    alice = person(
        phone("phn_1", PhoneKind.OFFICE, FIRST.e164),
        phone("phn_2", PhoneKind.OFFICE, FIRST.e164, extension="12"),
        phone("phn_3", PhoneKind.OFFICE, "+14255550124"),
        phone("phn_4", PhoneKind.OFFICE, "+14255550124", extension="12"),
    )
    assert backup_phone.next_backup(
        alice, reported(begun(tried=("phn_3",)), DeliveryStatus.NO_ANSWER)
    ) == backup_phone.Backup(Mode.MATCH, ("phn_3", "phn_1"), ())


def test_a_phone_that_was_taken_away_meanwhile_is_still_not_called():
    left = phone("phn_2", PhoneKind.ALTERNATE, "+14255550124")
    assert backup_phone.next_backup(person(left), unanswered()) == backup_phone.Backup(Mode.MATCH, (), (left,))


KINDS = st.lists(st.tuples(st.sampled_from(PhoneKind), st.booleans()), min_size=1, max_size=10)


@given(KINDS, st.data())
def test_a_row_calls_every_proven_number_at_most_once_and_then_ends(kinds, data):
    phones = tuple(
        phone(f"phn_{place}", kind, f"+1425555{1000 + place}", proven=proven)
        for place, (kind, proven) in enumerate(kinds)
    )
    alice = person(*phones)
    current, tried, called = data.draw(st.sampled_from(phones)), (), []
    while True:
        called.append(current.id)
        first = msgspec.structs.replace(unanswered(), number=current.number, tried=tried)
        backup = backup_phone.next_backup(alice, first)
        if not backup.phones:
            break
        current, tried = backup.phones[0], backup.tried
    assert len(called) == len(set(called))
    assert set(called[1:]) == {kept.id for kept in alice.proven_phones} - {called[0]}
