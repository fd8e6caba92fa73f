"""The records of people as the console changes them, many in one transaction, beside a gateway that serves them."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from gateway.domain.enrollment import Enrollment, PersonChange
from gateway.domain.phone import PhoneNumber
from gateway.person_ports import PersonStep
from gateway.ports import Application, StoreUnavailable
from gateway.stores import statements as sql
from gateway.stores.console import BUSY_PATIENCE, existing, refuse_unless_head
from gateway.stores.group_commit import Transaction
from gateway.stores.people_operations import PeopleOperations
from gateway.vault import Unreadable, Vault


@contextlib.contextmanager
def open_people(path: Path, vault: Vault) -> Iterator["ConsolePeople"]:
    """Open the records in a database that is there and at head; raises StoreUnavailable, in words for the operator."""
    try:
        with contextlib.closing(
            sqlite3.connect(existing(path), uri=True, timeout=BUSY_PATIENCE, isolation_level=None)
        ) as connection:
            refuse_unless_head(_revisions(connection), path)
            yield ConsolePeople(connection, vault)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path}: {error}") from error
    except Unreadable as error:
        raise StoreUnavailable(f"{path} holds numbers that keys.sealing does not open: {error}") from None


class ConsolePeople:
    """What `open_people` opens. Changes belong inside `writing`; what is read there, no one else changes meanwhile."""

    def __init__(self, connection: sqlite3.Connection, vault: Vault) -> None:
        self._connection = connection
        self._transaction = Transaction(connection)
        self._operations = PeopleOperations(vault)
        self._vault = vault

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the write lock, and commit at the end; an exception leaves nothing behind."""
        with self._connection:  # commits, or rolls back
            self._connection.execute("BEGIN IMMEDIATE")
            yield

    def application(self, name: str) -> Application | None:
        """Return the application of this name."""
        row = self._transaction.read(sql.SELECT_APPLICATION, (name,))
        return Application(*row) if row else None

    def enrollment_of(self, application_id: str, user: str) -> Enrollment | None:
        """Return the record of an application's user."""
        row = self._transaction.read(sql.SELECT_ENROLLMENT_OF, (application_id, user))
        return self._operations.load(self._transaction, row[0]) if row else None

    def sharers(self, enrollment: Enrollment, number: PhoneNumber) -> int:
        """Count the application's other people who have a number."""
        values = (self._vault.fingerprint(number), enrollment.id, enrollment.application_id)
        [count] = self._transaction.read(sql.COUNT_SHARERS, values) or (0,)
        return int(count)

    def enroll(self, enrollment: Enrollment) -> None:
        """Keep the new record of a user who has none; its phones come by a change."""
        self._operations.enroll(self._transaction, enrollment)

    def change(self, enrollment_id: str, step: PersonStep, now: int) -> PersonChange:
        """Change a record at `now` (ms since the epoch); raises what the step raises."""
        return self._operations.change(self._transaction, enrollment_id, step, now)


def _revisions(connection: sqlite3.Connection) -> list[object]:
    try:
        return connection.execute(sql.SELECT_REVISION).fetchall()
    except sqlite3.OperationalError:
        return []
