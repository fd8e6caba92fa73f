"""What the outcome of a verification does to the record of its person."""

from collections.abc import Mapping

import msgspec

from gateway.domain.attempts import find_attempt
from gateway.domain.blocks import report_fraud
from gateway.domain.enrollment import (
    Enrollment,
    EnrollmentChange,
    Phone,
    PhoneProof,
    reject_if_blocked,
    update_enrollment,
)
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.limits import without_times
from gateway.domain.phones import verify_phone
from gateway.domain.pins import without_choice
from gateway.domain.verification import Channel, FailureCode, Mode, Outcome, Purpose, Status, Verification


def reject_stale_approval(enrollment: Enrollment | None, verification: Verification, outcome: Outcome) -> None:
    """Let no approval through that the person's record does not bear any more.

    Raises Refused: `not_found` if the record is gone, `enrollment_blocked`, `no_method` if the phone was taken from it,
    or was to be the person's first and cannot be any more: who signs in by a phone that was only named proves it, too.
    """
    if outcome.status is not Status.APPROVED or verification.basis is not None:
        return
    if enrollment is None:
        raise Rejected(ErrorCode.NOT_FOUND, "This person's record was removed.")
    reject_if_blocked(enrollment, outcome.at)
    phone = enrollment.phone_at(verification.number, verification.extension)
    signing_in = verification.purpose in {Purpose.SIGN_IN, Purpose.MANAGE} and phone not in enrollment.proven_phones
    first = verification.first_phone or signing_in
    if first and any(proven != phone for proven in enrollment.proven_phones):
        raise Rejected(ErrorCode.NO_METHOD, "Another phone was proven meanwhile: a further one needs a proof first.")
    if phone is None:
        raise Rejected(
            ErrorCode.NO_METHOD, "This phone was taken from the person's record while it was being verified."
        )


def record_outcome(enrollment: Enrollment, verification: Verification, outcome: Outcome) -> EnrollmentChange:
    """Write an outcome, whatever it is: an approval by a phone proves it, a report of fraud locks the person out.

    An approval proves nothing anew if no phone gave it (`basis`), if the phone is not the person's any more, or while
    the person is locked out. A block stays a block. What an approval has cost is given back to the person's limit.
    """
    enrollment = without_choice(enrollment, [attempt.id for attempt in verification.attempts])
    if not _is_overtaken(enrollment.last_outcome, verification, outcome):
        enrollment = msgspec.structs.replace(enrollment, last_outcome=outcome)
    sends = without_times(enrollment.sends, proven_sends(verification))
    enrollment = msgspec.structs.replace(enrollment, sends=sends)
    if outcome.failure is not None and outcome.failure.code is FailureCode.REPORTED_FRAUD:
        return report_fraud(enrollment, verification.fraud_block_days, outcome.at)
    if outcome.status is not Status.APPROVED or verification.basis is not None or outcome.assurance is None:
        return update_enrollment(enrollment, outcome.at)
    phone = enrollment.phone_at(verification.number, verification.extension)
    if phone is None or enrollment.blocked(outcome.at):
        return update_enrollment(enrollment, outcome.at)
    proof, keys = PhoneProof(outcome.assurance, outcome.at), _confirm_keys(enrollment, phone, verification)
    enrollment = msgspec.structs.replace(enrollment, last_proof=proof, confirm_keys=keys)
    return verify_phone(enrollment, phone, verification.channel, outcome.at)


def proven_sends(verification: Verification) -> tuple[int, ...]:
    """Return the times (ms) of the sends of an approved verification, which no longer count against a limit."""
    if verification.status is not Status.APPROVED or verification.basis is not None:
        return ()
    return tuple(attempt.created_at for attempt in verification.attempts)


def _is_overtaken(last: Outcome | None, verification: Verification, outcome: Outcome) -> bool:
    """Tell whether the person was approved by another verification after this one began, which now ends unproven.

    A refusal by the person is always news.
    """
    if last is None or last.status is not Status.APPROVED or last.verification_id == verification.id:
        return False
    return outcome.status not in {Status.APPROVED, Status.DENIED} and last.at >= verification.created_at


def _confirm_keys(enrollment: Enrollment, phone: Phone, verification: Verification) -> Mapping[str, str]:
    """Return the keys of the person's phones with the one that confirmed on this phone's call, if one did."""
    proof = find_attempt(verification, verification.proved_by or "")
    if proof is None or proof.channel is not Channel.CALL or proof.mode is not Mode.CONFIRM:
        return enrollment.confirm_keys
    others = {phone_id: key for phone_id, key in enrollment.confirm_keys.items() if phone_id != phone.id}
    return others | ({phone.id: proof.confirm_key} if proof.confirm_key else {})
