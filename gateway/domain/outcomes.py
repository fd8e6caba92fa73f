"""What the outcome of a verification does to the record of its person."""

import msgspec

from gateway.domain.blocks import fraud_reported
from gateway.domain.enrollment import Enrollment, PersonChange, Proof, person_changed
from gateway.domain.phones import phone_proven
from gateway.domain.verification import FailureCode, Outcome, Status, Verification


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
