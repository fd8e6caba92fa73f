"""What the outcome of a verification does to the record of its person."""

import msgspec

from gateway.domain.blocks import fraud_reported
from gateway.domain.enrollment import Enrollment, PersonChange, Proof, person_changed, refuse_if_blocked
from gateway.domain.phones import phone_proven
from gateway.domain.refusals import RefusalCode, Refused
from gateway.domain.verification import FailureCode, Outcome, Status, Verification


def refuse_stale_approval(enrollment: Enrollment | None, verification: Verification, outcome: Outcome) -> None:
    """Let no approval through that the person's record does not bear any more.

    Raises Refused: `not_found` if the record is gone, `enrollment_blocked`, `no_method` if the phone was taken from it,
    or was to be the person's first and cannot be any more.
    """
    if outcome.status is not Status.APPROVED or verification.basis is not None:
        return
    if enrollment is None:
        raise Refused(RefusalCode.NOT_FOUND, "This person's record was removed.")
    refuse_if_blocked(enrollment, outcome.at)
    phone = enrollment.phone_at(verification.number, verification.extension)
    if verification.first_phone and any(proven != phone for proven in enrollment.proven_phones):
        raise Refused(RefusalCode.NO_METHOD, "Another phone was proven meanwhile: a further one needs a proof first.")
    if phone is None:
        raise Refused(
            RefusalCode.NO_METHOD, "This phone was taken from the person's record while it was being verified."
        )


def outcome_recorded(enrollment: Enrollment, verification: Verification, outcome: Outcome) -> PersonChange:
    """Write an outcome, whatever it is: an approval by a phone proves it, a report of fraud locks the person out.

    An approval proves nothing anew if no phone gave it (`basis`), if the phone is not the person's any more, or while
    the person is locked out. A block stays a block.
    """
    enrollment = msgspec.structs.replace(enrollment, last_outcome=outcome)
    if outcome.failure is not None and outcome.failure.code is FailureCode.REPORTED_FRAUD:
        return fraud_reported(enrollment, verification.fraud_block_days, outcome.at)
    if outcome.status is not Status.APPROVED or verification.basis is not None or outcome.assurance is None:
        return person_changed(enrollment, outcome.at)
    phone = enrollment.phone_at(verification.number, verification.extension)
    if phone is None or enrollment.blocked(outcome.at):
        return person_changed(enrollment, outcome.at)
    enrollment = msgspec.structs.replace(enrollment, last_proof=Proof(outcome.assurance, outcome.at))
    return phone_proven(enrollment, phone, verification.channel, outcome.at)
