"""`poundkey import`: takes in the phones that people had at Microsoft Entra, also while a gateway serves the database.

It says what becomes of each row. Unless asked to, it writes nothing; done again, it finds nothing left to do.
"""

import argparse
import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import phonenumbers

from gateway.app import new_id, now, vault_of
from gateway.cli.config import load_policies, load_settings
from gateway.cli.failure import CommandFailed
from gateway.cli.loop import run as run_loop
from gateway.cli.records import application_called, opened_store, shown
from gateway.domain.applications import Applications
from gateway.domain.enrollment import Enrollment
from gateway.domain.entra_export import (
    ENTRA_NAMES,
    LONGEST_LINE,
    ExportRow,
    ExportUnreadable,
    csv_rows,
    each_user_once,
    json_rows,
)
from gateway.domain.phone_import import (
    ImportPlan,
    ImportResult,
    ImportTerms,
    PhoneImport,
    WantedPhone,
    import_planned,
    wanted_phones,
)
from gateway.domain.phone_number import PhoneNumber
from gateway.ports import Application
from gateway.security.vault import Vault
from gateway.settings.settings import Settings
from gateway.stores.console_people import ConsolePeople
from gateway.stores.engine import Transaction
from gateway.stores.store import SqlStore

_REFUSED = 1
"""The exit code if a row, or a phone in one, was refused."""
_BATCH = 500
"""People in one transaction."""
_TURN = 0.02
"""Seconds between transactions: a gateway that waits for the write lock asks for it each 5 ms."""
_LARGEST_JSON = 256 * 1024 * 1024
"""Bytes; JSON is read whole, CSV a line at a time."""
_MARK = b"\xef\xbb\xbf"

ReadRow = tuple[ExportRow, tuple[WantedPhone, ...]]


def run(arguments: argparse.Namespace) -> int:
    """Import; raises CommandFailed for a file, settings or a database that cannot be used, with nothing written."""
    if arguments.country is not None and arguments.country not in phonenumbers.SUPPORTED_REGIONS:
        raise CommandFailed("--country: must be two letters of ISO 3166, as in US")
    settings = load_settings(arguments.config)
    applications = load_policies(settings.portal.applications_file, settings)
    with _export(arguments.file) as rows:
        wanted = ((row, wanted_phones(row, arguments.country)) for row in rows())
        importing = run_loop(_imported(settings, applications, arguments, wanted))
    importing.tell_totals()
    return _REFUSED if importing.refused else 0


async def _imported(
    settings: Settings, applications: Applications, arguments: argparse.Namespace, rows: Iterator[ReadRow]
) -> "_Import":
    async with opened_store(settings) as store:
        application = await application_called(store, arguments.application)
        importing = _Import(
            store, vault_of(settings), application, applications, proven=arguments.proven, apply=arguments.apply
        )
        for batch in _batches(rows):
            await importing.take_in(batch)
    return importing


class _Import:
    """One import, batch by batch: what is told was written before, unless it is a dry run."""

    def __init__(
        self,
        store: SqlStore,
        vault: Vault,
        application: Application,
        applications: Applications,
        *,
        proven: bool,
        apply: bool,
    ) -> None:
        self._store = store
        self._vault = vault
        self._application = application
        self._applications = applications
        self._proven = proven
        self._apply = apply
        self._ids = iter(lambda: new_id("phn"), "")
        self._rows: Counter[ImportResult] = Counter()
        self._phones: Counter[ImportResult] = Counter()
        self._promised: Counter[PhoneNumber] = Counter()

    @property
    def refused(self) -> bool:
        """Tell whether a row, or a phone in one, was refused."""
        return bool(self._rows[ImportResult.REFUSED] or self._phones[ImportResult.REFUSED])

    async def take_in(self, batch: Sequence[ReadRow]) -> None:
        """Import a batch in one transaction, then tell what became of it."""
        at = now()
        before = self._promised.copy()

        def operation(transaction: Transaction) -> list[tuple[ImportPlan, ImportResult] | None]:
            self._promised = before.copy()  # an operation may be run twice
            people = ConsolePeople(transaction, self._vault)
            return [None if row.problems else self._planned(people, row, wanted, at) for row, wanted in batch]

        plans = await self._store.run(operation)
        for (row, _), plan in zip(batch, plans, strict=True):
            self._tell(row, plan)
        if self._apply:
            await asyncio.sleep(_TURN)

    def tell_totals(self) -> None:
        """Print the counts."""
        print()
        print("rows:  ", ", ".join(f"{self._rows[fate]} {fate}" for fate in ImportResult))
        print(
            "phones:",
            ", ".join(f"{self._phones[fate]} {_word(fate)}" for fate in ImportResult if fate is not ImportResult.NEW),
        )
        if not self._apply:
            print("This was a dry run, and nothing was written; --apply writes.")

    def _planned(
        self, people: ConsolePeople, row: ExportRow, wanted: tuple[WantedPhone, ...], at: int
    ) -> tuple[ImportPlan, ImportResult]:
        """Work out what becomes of a row, and write it if asked to."""
        found = people.enrollment_of(self._application.id, row.user)
        before = found or Enrollment(new_id("enr"), self._application.id, row.user, created_at=at, updated_at=at)
        policy = self._applications.for_person(self._application.name, before.groups)
        sharers = lambda number: people.sharers(before, number) + self._promised[number]  # noqa: E731 - one use
        plan = import_planned(before, wanted, ImportTerms(policy, self._proven, self._ids, sharers), at)
        if self._apply and plan.change.enrollment is not before:
            if found is None:
                people.enroll(before)
            people.change(before.id, lambda _kept, _at: plan.change, at)  # worked out under the same lock
        elif policy.people_per_number and self._proven:
            added = [fate.phone.number for fate in plan.phones if fate.fate is ImportResult.PHONE_ADDED]
            self._promised.update(number for number in added if number is not None)
        return plan, plan.fate(new=found is None)

    def _tell(self, row: ExportRow, planned: tuple[ImportPlan, ImportResult] | None) -> None:
        told: tuple[str, ...] = row.problems
        fate = ImportResult.REFUSED
        if planned is not None:
            plan, fate = planned
            self._phones.update(phone.fate for phone in plan.phones)
            told = tuple(_told(phone) for phone in plan.phones) or ("no phone",)
        self._rows[fate] += 1
        user = f" {shown(row.user)}" if row.user else ""
        print(f"{row.place}:{user}: {fate}: {'; '.join(told)}")


@contextlib.contextmanager
def _export(path: Path) -> Iterator[Callable[[], Iterator[ExportRow]]]:
    """Open an export, and yield what reads its rows; raises CommandFailed unless it can be read to its end."""
    with contextlib.ExitStack() as stack:
        try:
            rows = _reader(path, stack.enter_context(path.open("rb")))
            for _ in rows():  # so that a file with a broken end is not imported halfway
                pass
        except OSError as error:
            raise CommandFailed(f"{path}: {error.strerror or error}") from None
        except ExportUnreadable as unreadable:
            raise CommandFailed(*(f"{path}: {problem}" for problem in unreadable.problems)) from None
        yield lambda: each_user_once(rows())


def _reader(path: Path, file: BinaryIO) -> Callable[[], Iterator[ExportRow]]:
    head = file.read(1024).removeprefix(_MARK).lstrip()
    file.seek(0)
    if head.startswith((b"{", b"[")):
        content = file.read(_LARGEST_JSON + 1)
        if len(content) > _LARGEST_JSON:
            raise CommandFailed(f"{path}: JSON may have {_LARGEST_JSON >> 20} MiB at most; split it, or make it CSV")
        return lambda: json_rows(content)

    def rows() -> Iterator[ExportRow]:
        file.seek(0)
        return csv_rows(iter(lambda: file.readline(LONGEST_LINE + 1), b""))

    return rows


def _batches(rows: Iterator[ReadRow]) -> Iterator[list[ReadRow]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _told(phone: PhoneImport) -> str:
    wanted = phone.phone
    number = "" if wanted.number is None else f" {wanted.number}"
    extension = "" if wanted.extension is None else f" x{wanted.extension}"
    reason = f" ({shown(phone.reason)})" if phone.reason else ""
    return f"{ENTRA_NAMES[wanted.kind]}{number}{extension} {_word(phone.fate)}{reason}"


def _word(fate: ImportResult) -> str:
    """Name a phone's own fate."""
    return "added" if fate is ImportResult.PHONE_ADDED else fate
