"""The stop list: numbers that get no more calls and texts, whichever application asks. Each change is journalled."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from gateway.domain.journal import Entry
from gateway.domain.phone import PhoneNumber
from gateway.ports import StoreUnavailable
from gateway.stores import rows
from gateway.stores import statements as sql
from gateway.stores.console import BUSY_PATIENCE, existing, refuse_unless_head
from gateway.stores.group_commit import Transaction
from gateway.vault import Vault


class StoppedNumber(msgspec.Struct, frozen=True, gc=False):
    """A number on the list, by the subject of its journal. `added_at` is in ms since the epoch."""

    id: str
    reason: str
    added_at: int


def stop(transaction: Transaction, fingerprint: bytes, reason: str, now: int) -> bool:
    """Put a number on the list at `now` (ms since the epoch); False if it is there."""
    if transaction.write(sql.INSERT_STOPPED, (fingerprint, reason, now)) == 0:
        return False
    _note(transaction, fingerprint, Entry("stop_list.added", {"reason": reason}), now)
    return True


def lift(transaction: Transaction, fingerprint: bytes, reason: str, now: int) -> bool:
    """Take a number off the list at `now` (ms since the epoch); False if it is not there."""
    if transaction.write(sql.DELETE_STOPPED, (fingerprint,)) == 0:
        return False
    _note(transaction, fingerprint, Entry("stop_list.removed", {"reason": reason}), now)
    return True


class ConsoleStopList:
    """The list in a database opened by `open_stop_list`. Each change is durable when its method returns."""

    def __init__(self, connection: sqlite3.Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def add(self, number: PhoneNumber, reason: str, now: int) -> bool:
        """Put a number on the list; False if it is there."""
        with self._writing() as transaction:
            return stop(transaction, self._vault.fingerprint(number), reason, now)

    def remove(self, number: PhoneNumber, reason: str, now: int) -> bool:
        """Take a number off the list; False if it is not there."""
        with self._writing() as transaction:
            return lift(transaction, self._vault.fingerprint(number), reason, now)

    def all(self) -> list[StoppedNumber]:
        """List the numbers, the first one that was stopped first."""
        found = Transaction(self._connection).read_all(sql.SELECT_STOPPED)
        return [StoppedNumber(_subject(fingerprint), reason, added_at) for fingerprint, reason, added_at in found]

    def subject(self, number: PhoneNumber) -> str:
        """Return the subject of a number's journal, by which it is told in the list."""
        return _subject(self._vault.fingerprint(number))

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Transaction]:
        with self._connection:  # commits, or rolls back
            self._connection.execute("BEGIN IMMEDIATE")
            yield Transaction(self._connection)


@contextlib.contextmanager
def open_stop_list(path: Path, vault: Vault) -> Iterator[ConsoleStopList]:
    """Open the list in a database that is there and at head; raises StoreUnavailable, in words for the operator."""
    try:
        with contextlib.closing(
            sqlite3.connect(existing(path), uri=True, timeout=BUSY_PATIENCE, isolation_level=None)
        ) as connection:
            refuse_unless_head(_revisions(connection), path)
            yield ConsoleStopList(connection, vault)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path}: {error}") from error


def _note(transaction: Transaction, fingerprint: bytes, entry: Entry, now: int) -> None:
    subject = _subject(fingerprint)
    [last] = transaction.read(sql.LAST_ENTRY, (subject,)) or (0,)
    transaction.write(sql.INSERT_ENTRIES, (subject, last + 1, now, rows.entries_state((entry,))))


def _subject(fingerprint: bytes) -> str:
    return f"stp_{fingerprint.hex()}"


def _revisions(connection: sqlite3.Connection) -> list[Any]:
    try:
        return connection.execute(sql.SELECT_REVISION).fetchall()
    except sqlite3.OperationalError:
        return []
