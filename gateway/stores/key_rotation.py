"""Replaces keys: seals and fingerprints anew what older ones did, and tells what still needs those.

It works beside the gateways. A run that was broken off is simply begun again: what the newest keys did is passed by.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from enum import StrEnum
from functools import partial
from typing import Protocol

import msgspec

from gateway.security.vault import Vault, fingerprinted_by, sealed_by
from gateway.stores import rows, sql
from gateway.stores.engine import Engine, Row, Transaction
from gateway.stores.numbers import newest_fingerprint
from gateway.stores.statement import Statement

_PAGE = 1_000
_BATCH = 100


class KeyKind(StrEnum):
    """What a key is for, as the settings call it."""

    SEALING = "sealing"
    FINGERPRINT = "fingerprint"


class KeyUse(msgspec.Struct, frozen=True):
    """What one key is needed for: how many of each kind of things."""

    kind: KeyKind
    key_id: int
    needed_for: Mapping[str, int]


class _Act(Protocol):
    async def __call__(self, transaction: Transaction, statement: Statement, batch: list[Row]) -> None: ...


Progress = Callable[[str, int], None]
"""Called with a kind of rows, and how many of them were read so far."""


class KeyRotation:
    """Replaces keys for the command line."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._writer = engine.writer
        self._reads = engine.reads
        self._vault = vault

    async def rotate(self, progress: Progress) -> None:
        """Seal and fingerprint every row with the newest keys; raises Unreadable for what no key opens."""
        numbered = (("verifications", sql.PAGE_VERIFICATIONS, sql.RENEW_VERIFICATION), ("phones", *_PHONES))
        sealed = (("notifications", sql.PAGE_NOTIFICATIONS, sql.RESEAL_NOTIFICATION), ("stored responses", *_RESPONSES))
        for name, page, renew in numbered:
            async for page_rows, seen in self._pages(page, ""):
                await self._in_batches(self._outdated(page_rows), renew, self._renew)
                progress(name, seen)
        for name, page, renew in sealed:
            async for page_rows, seen in self._pages(page, b"" if renew is sql.RESEAL_RESPONSE else ""):
                await self._in_batches(self._outdated(page_rows), renew, self._reseal)
                progress(name, seen)

    async def uses(self) -> list[KeyUse]:
        """Tell what each key is needed for; one that nothing needs is left out."""
        needs: dict[tuple[KeyKind, int], Counter[str]] = {}
        for what, kind, page, first, keys_of in _PLACES:
            async for page_rows, _ in self._pages(page, first):
                for row in page_rows:
                    for key_id in keys_of(row):
                        needs.setdefault((kind, key_id), Counter())[what] += 1
        return [KeyUse(kind, key_id, counts) for (kind, key_id), counts in sorted(needs.items())]

    async def _pages(self, page: Statement, first: str | bytes) -> AsyncIterator[tuple[list[Row], int]]:
        """Yield pages of rows that begin with their key, and how many there were so far."""
        last, seen = first, 0
        while page_rows := await self._reads.many(page, (last, _PAGE)):
            last, seen = page_rows[-1][0], seen + len(page_rows)
            yield page_rows, seen

    def _outdated(self, page_rows: list[Row]) -> list[Row]:
        """Return the rows that hold something which the newest keys have not made; what was wiped holds nothing."""
        vault = self._vault
        return [
            row
            for row in page_rows
            if row[1] and not (vault.is_newest_seal(row[1]) and all(map(vault.is_newest_fingerprint, row[2:])))
        ]

    async def _in_batches(self, outdated: list[Row], statement: Statement, act: _Act) -> None:
        for start in range(0, len(outdated), _BATCH):
            batch = outdated[start : start + _BATCH]
            await self._writer.run(partial(act, statement=statement, batch=batch))

    async def _renew(self, transaction: Transaction, statement: Statement, batch: list[Row]) -> None:
        for row_id, sealed, _ in batch:
            plain = self._vault.unseal(sealed, row_id)
            fingerprint = await newest_fingerprint(transaction, self._vault, rows.number_of(plain))
            await transaction.execute(statement, (self._vault.seal(plain, row_id), fingerprint, row_id, sealed))

    async def _reseal(self, transaction: Transaction, statement: Statement, batch: list[Row]) -> None:
        for row_id, sealed in batch:
            place = row_id if isinstance(row_id, str) else row_id.hex()
            plain = self._vault.unseal(sealed, place)
            await transaction.execute(statement, (self._vault.seal(plain, place), row_id, sealed))


_PHONES = (sql.PAGE_PHONES, sql.RENEW_PHONE)
_RESPONSES = (sql.PAGE_RESPONSES, sql.RESEAL_RESPONSE)


def _seal(sealed: bytes | None) -> tuple[int, ...]:
    return (sealed_by(sealed),) if sealed else ()


def _fingerprint(fingerprint: bytes) -> tuple[int, ...]:
    return (fingerprinted_by(fingerprint),) if fingerprint else ()


_Place = tuple[str, KeyKind, Statement, str | bytes, Callable[[Row], Iterable[int]]]
"""What is stored, by which kind of key, the pages of its rows, what stands before the first, and the keys of a row."""
_PLACES: tuple[_Place, ...] = (
    ("verifications", KeyKind.SEALING, sql.PAGE_VERIFICATIONS, "", lambda row: _seal(row[1])),
    ("phones", KeyKind.SEALING, sql.PAGE_PHONES, "", lambda row: _seal(row[1])),
    ("notifications", KeyKind.SEALING, sql.PAGE_NOTIFICATIONS, "", lambda row: _seal(row[1])),
    ("stored responses", KeyKind.SEALING, sql.PAGE_RESPONSES, b"", lambda row: _seal(row[1])),
    ("codes under way", KeyKind.SEALING, sql.PAGE_PENDING, "", lambda row: _seal(rows.sealed_code_of(row[1]))),
    ("visits", KeyKind.SEALING, sql.PAGE_SESSIONS, b"", lambda row: _seal(rows.sealed_password_of(row[1]))),
    ("verifications", KeyKind.FINGERPRINT, sql.PAGE_VERIFICATIONS, "", lambda row: _fingerprint(row[2])),
    ("phones", KeyKind.FINGERPRINT, sql.PAGE_PHONES, "", lambda row: _fingerprint(row[2])),
    ("limits", KeyKind.FINGERPRINT, sql.PAGE_COUNTERS, b"", lambda row: _fingerprint(row[0])),
    ("stopped numbers", KeyKind.FINGERPRINT, sql.PAGE_SUPPRESSIONS, b"", lambda row: _fingerprint(row[0])),
    ("opt-outs", KeyKind.FINGERPRINT, sql.PAGE_OPT_OUTS, b"", lambda row: _fingerprint(row[0])),
    ("app passwords", KeyKind.FINGERPRINT, sql.PAGE_ENROLLMENTS, "", lambda row: rows.password_keys_of(row[1])),
    ("PINs", KeyKind.FINGERPRINT, sql.PAGE_ENROLLMENTS, "", lambda row: rows.pin_keys_of(row[1])),
)
