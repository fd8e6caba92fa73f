"""`poundkey import`: imports phones from Microsoft Entra; also while a gateway serves the same database.

It prints a result for each row. Without `--apply` it writes nothing; a second import changes nothing.
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

from gateway.app import now, vault_of
from gateway.cli.command import CommandFailed, run_loop
from gateway.cli.config import load_applications_file, load_settings
from gateway.cli.database import application_named, opened_store
from gateway.cli.terminal import printable
from gateway.domain.api_keys import Application
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
    importable_phones,
    plan_import,
)
from gateway.domain.phone_number import PhoneNumber
from gateway.security.generators import new_id
from gateway.security.vault import Vault
from gateway.settings.settings import Settings
from gateway.stores.engine import Transaction
from gateway.stores.store import Store

_REFUSED = 1
"""Exit code if a row, or a phone in one, was refused."""
_BATCH = 500
"""Rows in one transaction."""
_PAUSE = 0.02
"""Seconds between transactions: a gateway that waits for the write lock polls it every 5 ms."""
_MAX_JSON = 256 * 1024 * 1024
"""Bytes; JSON is read whole, CSV a line at a time."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

ReadRow = tuple[ExportRow, tuple[WantedPhone, ...]]


def run(arguments: argparse.Namespace) -> int:
    """Import; raises CommandFailed for an unusable file, settings or database, with nothing written."""
    if arguments.country is not None and arguments.country not in phonenumbers.SUPPORTED_REGIONS:
        raise CommandFailed("--country: must be two letters of ISO 3166, as in US")
    settings = load_settings(arguments.config)
    applications = load_applications_file(settings.portal.applications_file, settings)
    with _export(arguments.file) as rows:
        wanted = ((row, importable_phones(row, arguments.country)) for row in rows())
        importer = run_loop(_import_rows(settings, applications, arguments, wanted))
    importer.print_totals()
    return _REFUSED if importer.any_refused else 0


async def _import_rows(
    settings: Settings, applications: Applications, arguments: argparse.Namespace, rows: Iterator[ReadRow]
) -> "_Importer":
    async with opened_store(settings) as store:
        application = await application_named(store, arguments.application)
        importer = _Importer(
            store, vault_of(settings), application, applications, proven=arguments.proven, apply=arguments.apply
        )
        for batch in _batches(rows):
            await importer.import_batch(batch)
    return importer


class _Importer:
    """Imports batch by batch. A result is printed after its row is committed, or at once in a dry run."""

    def __init__(
        self,
        store: Store,
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
        self._planned_numbers: Counter[PhoneNumber] = Counter()

    @property
    def any_refused(self) -> bool:
        """Tell whether a row, or a phone in one, was refused."""
        return bool(self._rows[ImportResult.REFUSED] or self._phones[ImportResult.REFUSED])

    async def import_batch(self, batch: Sequence[ReadRow]) -> None:
        """Import a batch in one transaction, then print its results."""
        at = now()
        before = self._planned_numbers.copy()

        async def operation(transaction: Transaction) -> list[tuple[ImportPlan, ImportResult] | None]:
            self._planned_numbers = before.copy()  # an operation may be run twice
            return [
                None if row.problems else await self._import_row(transaction, row, wanted, at) for row, wanted in batch
            ]

        plans = await self._store.run(operation)
        for (row, _), plan in zip(batch, plans, strict=True):
            self._print_result(row, plan)
        if self._apply:
            await asyncio.sleep(_PAUSE)

    def print_totals(self) -> None:
        """Print the counts."""
        print()
        print("rows:  ", ", ".join(f"{self._rows[result]} {result}" for result in ImportResult))
        print(
            "phones:",
            ", ".join(
                f"{self._phones[result]} {_phone_result(result)}"
                for result in ImportResult
                if result is not ImportResult.NEW
            ),
        )
        if not self._apply:
            print("This was a dry run, and nothing was written; --apply writes.")

    async def _import_row(
        self, transaction: Transaction, row: ExportRow, wanted: tuple[WantedPhone, ...], at: int
    ) -> tuple[ImportPlan, ImportResult]:
        """Plan the import of a row, and write it with `--apply`."""
        enrollments = self._store.enrollments
        existing = await enrollments.of_user_in(transaction, self._application.id, row.user)
        before = existing or Enrollment(new_id("enr"), self._application.id, row.user, created_at=at, updated_at=at)
        policy = self._applications.for_person(self._application.name, before.groups)
        numbers = {phone.number for phone in wanted if phone.number is not None} if policy.people_per_number else ()
        sharers = {
            number: await enrollments.sharers_in(transaction, before, number) + self._planned_numbers[number]
            for number in numbers
        }
        plan = plan_import(before, wanted, ImportTerms(policy, self._proven, self._ids, sharers.__getitem__), at)
        if self._apply and plan.change.enrollment is not before:
            if existing is None:
                await enrollments.enroll_in(transaction, before)
            # Planned in the same transaction.
            await enrollments.change_in(transaction, before.id, lambda _current, _at: plan.change, at)
        elif policy.people_per_number and self._proven:
            added = [phone.phone.number for phone in plan.phones if phone.result is ImportResult.PHONE_ADDED]
            self._planned_numbers.update(number for number in added if number is not None)
        return plan, plan.result(new=existing is None)

    def _print_result(self, row: ExportRow, planned: tuple[ImportPlan, ImportResult] | None) -> None:
        details: tuple[str, ...] = row.problems
        result = ImportResult.REFUSED
        if planned is not None:
            plan, result = planned
            self._phones.update(phone.result for phone in plan.phones)
            details = tuple(_describe_phone(phone) for phone in plan.phones) or ("no phone",)
        self._rows[result] += 1
        user = f" {printable(row.user)}" if row.user else ""
        print(f"{row.place}:{user}: {result}: {'; '.join(details)}")


@contextlib.contextmanager
def _export(path: Path) -> Iterator[Callable[[], Iterator[ExportRow]]]:
    """Open an export and yield a function that reads its rows; raises CommandFailed unless all of it is readable."""
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
    head = file.read(1024).removeprefix(_BYTE_ORDER_MARK).lstrip()
    file.seek(0)
    if head.startswith((b"{", b"[")):
        content = file.read(_MAX_JSON + 1)
        if len(content) > _MAX_JSON:
            raise CommandFailed(f"{path}: JSON has at most {_MAX_JSON >> 20} MiB; split it, or convert it to CSV")
        return lambda: json_rows(content)

    def rows() -> Iterator[ExportRow]:
        file.seek(0)
        return csv_rows(iter(lambda: file.readline(LONGEST_LINE + 1), b""))

    return rows


def _batches(rows: Iterator[ReadRow]) -> Iterator[list[ReadRow]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _describe_phone(phone: PhoneImport) -> str:
    wanted = phone.phone
    number = "" if wanted.number is None else f" {wanted.number}"
    extension = "" if wanted.extension is None else f" x{wanted.extension}"
    reason = f" ({printable(phone.reason)})" if phone.reason else ""
    return f"{ENTRA_NAMES[wanted.kind]}{number}{extension} {_phone_result(phone.result)}{reason}"


def _phone_result(result: ImportResult) -> str:
    """Return the word for the result of one phone."""
    return "added" if result is ImportResult.PHONE_ADDED else result
