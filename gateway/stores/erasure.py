"""Erases a number from all that is stored, except for its fingerprints in the suppression list and the opt-outs."""

from functools import partial

import msgspec

from gateway.clock import Clock
from gateway.domain.enrollment import Enrollment, EnrollmentChange
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import erase_phone
from gateway.domain.verification import Change, Ending, Verification, end_verification
from gateway.security.vault import Vault
from gateway.stores import rows, sql
from gateway.stores.engine import Engine, Transaction
from gateway.stores.enrollments import EnrollmentStore
from gateway.stores.statement import Statement
from gateway.stores.verifications import VerificationStore

_BATCH = 100
_PAGE = 1_000


class Erased(msgspec.Struct, frozen=True):
    """How many rows held the number."""

    verifications: int
    phones: int
    counts: int
    notifications: int


class Eraser:
    """Erases a number for the command line, a batch a transaction; a repeated run finds only what is left."""

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        clock: Clock,
        verifications: VerificationStore,
        enrollments: EnrollmentStore,
    ) -> None:
        self._writer = engine.writer
        self._reads = engine.reads
        self._vault = vault
        self._clock = clock
        self._verifications = verifications
        self._enrollments = enrollments

    async def erase(self, number: PhoneNumber, reason: str) -> Erased:
        """Erase a number wherever a fingerprint of any key finds it; what is under way for it is canceled.

        Its suppression and its opt-outs stay: they are fingerprints only, and protect the holder of the number.
        """
        phones = verifications = counts = 0
        for fingerprint in self._vault.fingerprints(number):
            phones += await self._remove_phones(fingerprint, reason)
            verifications += await self._erase_verifications(fingerprint)
            counts += await self._delete(sql.DELETE_COUNTERS, fingerprint)
        return Erased(verifications, phones, counts, await self._delete_notifications(number))

    async def _remove_phones(self, fingerprint: bytes, reason: str) -> int:
        phone_rows = await self._reads.many(sql.SELECT_PHONES_AT, (fingerprint,))
        for enrollment_id, phone_id in phone_rows:
            await self._enrollments.change(enrollment_id, partial(_phone_erased, phone_id=phone_id, reason=reason))
        return len(phone_rows)

    async def _erase_verifications(self, fingerprint: bytes) -> int:
        erased = 0
        while page := await self._reads.many(sql.RECENT_OF_NUMBER, (fingerprint, _BATCH)):
            ids = [verification_id for (verification_id,) in page]
            await self._writer.run(partial(self._erase_in, ids=ids))
            erased += len(ids)
        return erased

    async def _erase_in(self, transaction: Transaction, ids: list[str]) -> None:
        for verification_id in ids:
            change = await self._verifications.apply_in(transaction, verification_id, _canceled, self._clock())
            await transaction.execute(sql.ERASE_NUMBER, (b"", b"", verification_id))
            erased = msgspec.structs.replace(change.verification, number=rows.NO_NUMBER, extension=None)
            transaction.verifications[verification_id] = erased

    async def _delete_notifications(self, number: PhoneNumber) -> int:
        deleted, last = 0, ""
        while page := await self._reads.many(sql.PAGE_NOTIFICATIONS, (last, _PAGE)):
            last = page[-1][0]
            plain = number.e164.encode()
            ids = [entry_id for entry_id, sealed in page if self._vault.unseal(sealed, entry_id) == plain]
            deleted += await self._writer.run(partial(_delete_entries_in, ids=ids))
        return deleted

    async def _delete(self, statement: Statement, key: str | bytes) -> int:
        return await self._writer.run(lambda transaction: transaction.write(statement, (key,)))


async def _delete_entries_in(transaction: Transaction, ids: list[str]) -> int:
    return sum([await transaction.write(sql.DELETE_OUTBOX_ENTRY, (entry_id, None)) for entry_id in ids])


def _canceled(verification: Verification, now: int) -> Change:
    return end_verification(verification, Ending.CANCEL_REQUESTED, now)


def _phone_erased(enrollment: Enrollment, now: int, phone_id: str, reason: str) -> EnrollmentChange:
    return erase_phone(enrollment, phone_id, reason, now)
