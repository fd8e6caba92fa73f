"""The provider's progress reports: how far a text or a call got. They never approve anything."""

import msgspec

from gateway.domain.attempts import add_report, find_attempt_by_token, update_attempt
from gateway.domain.delivery import CALL_ENDED, NOT_DELIVERED, AnsweredBy, DeliveryStatus, merge
from gateway.domain.ivr.replies import MACHINE_FAILURE
from gateway.domain.ivr.states import CallState
from gateway.domain.journal import JournalEntry
from gateway.domain.limits import Limits
from gateway.domain.verification import Attempt, Change, Failure, FailureCode, Verification

_CALL_FAILURES = {
    DeliveryStatus.BUSY: Failure(FailureCode.LINE_BUSY, "The line was busy."),
    DeliveryStatus.NO_ANSWER: Failure(FailureCode.NO_ANSWER, "Nobody answered."),
    DeliveryStatus.FAILED: Failure(FailureCode.NUMBER_UNREACHABLE, "The number could not be reached."),
    DeliveryStatus.CANCELED: Failure(FailureCode.HUNG_UP, "The call was ended before it was answered."),
    DeliveryStatus.COMPLETED: Failure(FailureCode.HUNG_UP, "The call ended before it was confirmed."),
}
_REJECTED = Failure(FailureCode.CALL_REJECTED, "The call was declined.")
_SIP_DECLINED = 603


class CallReport(msgspec.Struct, frozen=True, gc=False):
    """A call moved on. `status` is None for a word we do not know; `word` and `sequence` name the report itself."""

    sid: str
    status: DeliveryStatus | None
    word: str
    sequence: int | None
    answered_by: str | None
    sip_response_code: int | None


class MessageReport(msgspec.Struct, frozen=True, gc=False):
    """A text moved on. `status` is None for a word we do not know; `failure` says why it will not arrive."""

    sid: str
    status: DeliveryStatus | None
    word: str
    failure: Failure | None


def apply_call_report(verification: Verification, token: str, report: CallReport, now: int, limits: Limits) -> Change:
    """Note how far a call got. Its end does not fail the verification: it shortens the deadline.

    A report that a machine answered stays: no later report makes a person of it.
    """
    attempt = find_attempt_by_token(verification, token, report.sid)
    known = attempt and add_report(attempt, f"{report.word}:{report.sequence}")
    if attempt is None or known is None:
        return Change(verification)
    status = merge(attempt.status, report.status) if report.status else attempt.status
    machine = AnsweredBy.MACHINE in {attempt.answered_by, report.answered_by}
    return update_attempt(
        verification,
        attempt,
        now,
        (_call_entry(attempt, report),),
        grace=0.0 if machine else limits.call_grace,
        status=status,
        provider_sid=report.sid,
        answered_by=AnsweredBy.MACHINE if machine else report.answered_by or attempt.answered_by,
        seen_reports=known,
        failure=attempt.failure or _call_failure(verification, attempt, status, report),
    )


def apply_message_report(
    verification: Verification, token: str, report: MessageReport, now: int, limits: Limits
) -> Change:
    """Note how far a text got. A text that is reported lost may still arrive: the code stays good for a grace."""
    attempt = find_attempt_by_token(verification, token, report.sid)
    known = attempt and add_report(attempt, report.word)
    if attempt is None or known is None:
        return Change(verification)
    status = merge(attempt.status, report.status) if report.status else attempt.status
    failure = None
    if status in NOT_DELIVERED:
        failure = report.failure if status is report.status else attempt.failure
    code = report.failure.provider_code if report.failure else None
    entry = JournalEntry("message.status", {"attempt_id": attempt.id, "word": report.word, "provider_code": code})
    return update_attempt(
        verification,
        attempt,
        now,
        (entry,),
        grace=limits.text_grace,
        status=status,
        provider_sid=report.sid,
        seen_reports=known,
        failure=failure,
    )


def _call_entry(attempt: Attempt, report: CallReport) -> JournalEntry:
    return JournalEntry(
        "call.status",
        {
            "attempt_id": attempt.id,
            "word": report.word,
            "sequence": report.sequence,
            "sip_response_code": report.sip_response_code,
        },
    )


def _call_failure(
    verification: Verification, attempt: Attempt, status: DeliveryStatus, report: CallReport
) -> Failure | None:
    if verification.proved_by == attempt.id:
        return None
    if report.answered_by == AnsweredBy.MACHINE:
        return MACHINE_FAILURE
    if status not in CALL_ENDED or attempt.call_state is CallState.CODE_SPOKEN:
        return None
    return _REJECTED if report.sip_response_code == _SIP_DECLINED else _CALL_FAILURES[status]
