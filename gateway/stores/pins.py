"""PINs on calls: a verification and the record of its person, changed together."""

from gateway.domain.enrollment import Enrollment, EnrollmentChange
from gateway.domain.ivr.pin import PinDecision
from gateway.domain.verification import Change
from gateway.pin_ports import PinStep
from gateway.ports import Clock
from gateway.stores.engine import Transaction, Writer
from gateway.stores.operations import Operations
from gateway.stores.people_operations import PeopleOperations


class SqlPins:
    """Fills `gateway.pin_ports.PinStore`."""

    def __init__(self, writer: Writer, operations: Operations, people: PeopleOperations, clock: Clock) -> None:
        self._writer = writer
        self._operations = operations
        self._people = people
        self._clock = clock

    async def judge(self, verification_id: str, step: PinStep) -> Change:
        """See the port."""

        def operation(transaction: Transaction) -> Change:
            now = self._clock()
            before = self._operations.load(transaction, verification_id)
            judged: list[PinDecision] = []

            def count(enrollment: Enrollment, now: int) -> EnrollmentChange:
                judged.append(step(before, enrollment, now))
                return judged[-1].person

            self._people.change(transaction, str(before.enrollment_id), count, now)
            return self._operations.apply(
                transaction, now, verification_id, lambda _before, _now: judged[-1].change, None
            )

        return await self._writer.run(operation)
