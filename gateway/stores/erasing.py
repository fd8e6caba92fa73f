"""Erases a number: nothing that is kept tells it any more, but that it wants no calls or texts."""

from functools import partial

import msgspec

from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import phone_erased
from gateway.domain.verification import Change, Ending, Verification, ended
from gateway.ports import Clock
from gateway.security.vault import Vault
from gateway.stores import rows
from gateway.stores import statements as sql
from gateway.stores.engine import Reads, Transaction, Writer
from gateway.stores.operations import Operations
from gateway.stores.people_operations import PeopleOperations

_BATCH = 100
_PAGE = 1_000


class Erased(msgspec.Struct, frozen=True):
    """How many rows told the number."""

    verifications: int
    phones: int
    counts: int
    notices: int


class Erasing:
    """For the console. Each batch is a transaction of its own, and what is done is not found again."""

    def __init__(
        self,
        writer: Writer,
        reads: Reads,
        operations: Operations,
        people: PeopleOperations,
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._writer = writer
        self._reads = reads
        self._operations = operations
        self._people = people
        self._vault = vault
        self._clock = clock

    async def erase(self, number: PhoneNumber, reason: str) -> Erased:
        """Wipe a number wherever a fingerprint of any key finds it; what is under way for it is canceled.

        Its stop and its opt-outs stay: they are fingerprints only, and protect whoever has it.
        """
        phones = verifications = counts = 0
        for fingerprint in self._vault.fingerprints(number):
            phones += await self._phones(fingerprint, reason)
            verifications += await self._verifications(fingerprint)
            counts += await self._writer.run(partial(_removed, statement=sql.DELETE_TALLY, key=fingerprint))
        return Erased(verifications, phones, counts, await self._notices(number))

    async def _phones(self, fingerprint: bytes, reason: str) -> int:
        found = await self._reads.many(sql.SELECT_PHONES_AT, (fingerprint,))
        for enrollment_id, phone_id in found:
            await self._writer.run(partial(self._take, enrollment_id=enrollment_id, phone_id=phone_id, reason=reason))
        return len(found)

    def _take(self, transaction: Transaction, enrollment_id: str, phone_id: str, reason: str) -> None:
        self._people.change(
            transaction,
            enrollment_id,
            lambda person, now: phone_erased(person, phone_id, reason, now),
            self._clock(),
        )

    async def _verifications(self, fingerprint: bytes) -> int:
        wiped = 0
        while found := await self._reads.many(sql.RECENT_OF_NUMBER, (fingerprint, _BATCH)):
            ids = [verification_id for (verification_id,) in found]
            await self._writer.run(partial(self._wipe, ids=ids))
            wiped += len(ids)
        return wiped

    def _wipe(self, transaction: Transaction, ids: list[str]) -> None:
        for verification_id in ids:
            change = self._operations.apply(transaction, self._clock(), verification_id, _canceled, None)
            transaction.put(sql.WIPE_NUMBER, (b"", b"", verification_id))
            wiped = msgspec.structs.replace(change.verification, number=rows.NO_NUMBER, extension=None)
            transaction.verifications[verification_id] = wiped

    async def _notices(self, number: PhoneNumber) -> int:
        dropped, last = 0, ""
        while page := await self._reads.many(sql.PAGE_NOTICES, (last, _PAGE)):
            last = page[-1][0]
            plain = number.e164.encode()
            ids = [notice_id for notice_id, sealed in page if self._vault.unseal(sealed, notice_id) == plain]
            for notice_id in ids:
                dropped += await self._writer.run(partial(_removed, statement=sql.DELETE_NOTICE, key=notice_id))
        return dropped


def _canceled(verification: Verification, now: int) -> Change:
    return ended(verification, Ending.CANCEL_REQUESTED, now)


def _removed(transaction: Transaction, statement: str, key: str | bytes) -> int:
    return transaction.write(statement, (key,))
