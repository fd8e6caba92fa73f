"""A number's rows under its fingerprint: what an older key's fingerprint still holds is brought under the newest's."""

from collections.abc import Sequence

import msgspec

from gateway.domain.limits import Tally
from gateway.domain.phone_number import PhoneNumber
from gateway.security.vault import Vault
from gateway.stores import rows
from gateway.stores import statements as sql
from gateway.stores.engine import Transaction


def brought_together(transaction: Transaction, vault: Vault, number: PhoneNumber) -> bytes:
    """Return a number's fingerprint, after all that is kept under older ones was moved there; nothing is forgotten."""
    newest, *older = vault.fingerprints(number)
    for fingerprint in older:
        if transaction.read(sql.IS_KEPT, (fingerprint, fingerprint, fingerprint)):
            bring_tally(transaction, fingerprint, newest)
            bring_wishes(transaction, fingerprint, newest)
    return newest


def bring_tally(transaction: Transaction, old: bytes, new: bytes) -> None:
    """Add what is counted under one key to what is counted under another."""
    before = transaction.read(sql.SELECT_TALLY, (old,))
    if before is None:
        return
    state, updated_at = before
    there = transaction.read(sql.SELECT_TALLY, (new,))
    transaction.put(sql.DELETE_TALLY, (old,))
    if there is None:
        transaction.put(sql.INSERT_TALLY, (state, updated_at, new))
    else:
        both = _added(rows.tally_of(before), rows.tally_of(there))
        transaction.put(sql.UPDATE_TALLY, (rows.tally_state(both), max(updated_at, there[1]), new))


def bring_wishes(transaction: Transaction, old: bytes, new: bytes) -> None:
    """Move what a number wants no more: calls and texts of anyone, texts of some senders; with its journal."""
    for sender, reason, added_at in transaction.read_all(sql.SELECT_OPT_OUTS, (old,)):
        transaction.put(sql.INSERT_OPT_OUT, (new, sender, reason, added_at))
        transaction.put(sql.DELETE_OPT_OUT, (old, sender))
    stopped = transaction.read(sql.SELECT_STOP, (old,))
    if stopped is not None:
        transaction.put(sql.INSERT_STOPPED, (new, *stopped))
        transaction.put(sql.DELETE_STOPPED, (old,))
    transaction.put(sql.MOVE_ENTRIES, (stop_subject(new), stop_subject(old)))


def newest_tally(transaction: Transaction, keys: Sequence[bytes]) -> bytes:
    """Return the first key, after what is counted under the others was brought there."""
    newest, *older = keys
    for key in older:
        bring_tally(transaction, key, newest)
    return newest


def stop_subject(fingerprint: bytes) -> str:
    """Return the subject of the journal of a number on the stop list."""
    return f"stp_{fingerprint.hex()}"


def _added(one: Tally, other: Tally) -> Tally:
    return msgspec.structs.replace(
        one,
        sends=tuple(sorted(one.sends + other.sends)),
        failed_checks=tuple(sorted(one.failed_checks + other.failed_checks)),
    )
