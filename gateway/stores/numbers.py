"""A number's rows under its fingerprint: what an older key's fingerprint still holds moves to the newest's."""

from collections.abc import Sequence

import msgspec

from gateway.domain.limits import RateCounters
from gateway.domain.phone_number import PhoneNumber
from gateway.security.vault import Vault
from gateway.stores import rows, sql
from gateway.stores.engine import Transaction


async def newest_fingerprint(transaction: Transaction, vault: Vault, number: PhoneNumber) -> bytes:
    """Return a number's fingerprint, after all that is stored under older ones was moved there; nothing is lost."""
    newest, *older = vault.fingerprints(number)
    for fingerprint in older:
        if await transaction.read(sql.HAS_NUMBER, (fingerprint, fingerprint, fingerprint)):
            await _move_counters(transaction, fingerprint, newest)
            await _move_suppressions(transaction, fingerprint, newest)
    return newest


async def newest_key(transaction: Transaction, keys: Sequence[bytes]) -> bytes:
    """Return the first of the keys of rate counters, after what is counted under the others was moved there."""
    newest, *older = keys
    for key in older:
        await _move_counters(transaction, key, newest)
    return newest


def suppression_subject(fingerprint: bytes) -> str:
    """Return the subject of the journal of a number on the suppression list."""
    return f"stp_{fingerprint.hex()}"


async def _move_counters(transaction: Transaction, old: bytes, new: bytes) -> None:
    """Add what is counted under one key to what is counted under another."""
    before = await transaction.read(sql.SELECT_COUNTERS, (old,))
    if before is None:
        return
    state, updated_at = before
    there = await transaction.read(sql.SELECT_COUNTERS, (new,))
    await transaction.execute(sql.DELETE_COUNTERS, (old,))
    if there is None:
        await transaction.execute(sql.INSERT_COUNTERS, (state, updated_at, new))
    else:
        both = _added(rows.rate_counters_of(before), rows.rate_counters_of(there))
        await transaction.execute(sql.UPDATE_COUNTERS, (rows.rate_counters_state(both), max(updated_at, there[1]), new))


async def _move_suppressions(transaction: Transaction, old: bytes, new: bytes) -> None:
    """Move what a number wants no more: calls and texts of anyone, texts of some senders; with its journal."""
    for sender, reason, added_at in await transaction.read_all(sql.SELECT_OPT_OUTS, (old,)):
        await transaction.execute(sql.INSERT_OPT_OUT, (new, sender, reason, added_at))
        await transaction.execute(sql.DELETE_OPT_OUT, (old, sender))
    suppression = await transaction.read(sql.SELECT_SUPPRESSION, (old,))
    if suppression is not None:
        await transaction.execute(sql.INSERT_SUPPRESSION, (new, *suppression))
        await transaction.execute(sql.DELETE_SUPPRESSION, (old,))
    await transaction.execute(sql.MOVE_ENTRIES, (suppression_subject(new), suppression_subject(old)))


def _added(one: RateCounters, other: RateCounters) -> RateCounters:
    return msgspec.structs.replace(
        one,
        sends=tuple(sorted(one.sends + other.sends)),
        failed_checks=tuple(sorted(one.failed_checks + other.failed_checks)),
    )
