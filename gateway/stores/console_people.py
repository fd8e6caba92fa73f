"""The records of people as an import changes them: many in one transaction."""

from gateway.domain.enrollment import Enrollment, EnrollmentChange
from gateway.domain.phone_number import PhoneNumber
from gateway.person_ports import PersonStep
from gateway.ports import Application
from gateway.security.vault import Vault
from gateway.stores import statements as sql
from gateway.stores.engine import Transaction
from gateway.stores.people_operations import PeopleOperations


class ConsolePeople:
    """The records inside one transaction: what is read here, no one else changes meanwhile."""

    def __init__(self, transaction: Transaction, vault: Vault) -> None:
        self._transaction = transaction
        self._operations = PeopleOperations(vault)

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
        return self._operations.sharers(self._transaction, enrollment, number)

    def enroll(self, enrollment: Enrollment) -> None:
        """Keep the new record of a user who has none; its phones come by a change."""
        self._operations.enroll(self._transaction, enrollment)

    def change(self, enrollment_id: str, step: PersonStep, now: int) -> EnrollmentChange:
        """Change a record at `now` (ms since the epoch); raises what the step raises."""
        return self._operations.change(self._transaction, enrollment_id, step, now)
