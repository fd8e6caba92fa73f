"""Fills a database with verifications that ended long ago: what a gateway carries along after months of work."""

import time
from collections.abc import Iterable, Iterator, Mapping

import msgspec
import uuid_utils

from benchmarks.databases import Database
from gateway.app import vault_of
from gateway.domain import send_results
from gateway.domain.commands import NewAttempt, Start, code_checked, created
from gateway.domain.limits import DAY, Limits, Tally
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Change, Channel, Verification
from gateway.settings.settings import Settings
from gateway.stores import rows

SPREAD = 30 * DAY
"""Milliseconds over which the verifications are spread, evenly, until now."""

_NS = 1_000_000
_NUMBER = 2_000_000
_AT_ONCE = 100_000
_VERIFICATION = ("id", "application_id", "number_fingerprint", "sealed_number", "status", "due_at", "state")
_ENTRIES = ("subject_id", "sequence", "at", "entries")
_TALLIES = """
INSERT INTO tallies (number_fingerprint, state, updated_at)
SELECT number_fingerprint, ?, ? FROM verifications WHERE id > ? ORDER BY number_fingerprint
"""


async def fill(database: Database, settings: Settings, count: int) -> None:
    """Store so many approved verifications with their journals, and the last day's tallies, as 30 days leave them.

    The rows are those of one verification that the domain's own functions led to its end, under ids, fingerprints and
    seals of their own. The database must be at head and no gateway may have it open.
    """
    now = time.time_ns() // _NS
    ((application_id,),) = await database.ask("SELECT id FROM applications")
    life = _life(application_id, now - SPREAD)
    async with database.filling():
        for first in range(0, count, _AT_ONCE):
            places = range(first, min(first + _AT_ONCE, count))
            ids = {place: _id(now - SPREAD + SPREAD * place // count) for place in places}
            await database.insert("verifications", _VERIFICATION, _verifications(settings, life[-1].verification, ids))
            await database.insert("journal", _ENTRIES, _entries(life, ids.values()))
        tally = rows.tally_state(life[0].tally or rows.NO_TALLY)
        await database.ask(_TALLIES, tally, now, _id(now - DAY))


def _life(application_id: str, at: int) -> list[Change]:
    """Lead a verification by text from its start to its approval."""
    start = Start(
        id=_id(at),
        application_id=application_id,
        application_name="Example Bank",
        number=_number(0),
        channel=Channel.SMS,
        mode=None,
        locale="en",
        enrollment_id=None,
        metadata={},
        code_digest=b"digest",
        sealed_code=b"sealed",
    )
    attempt = NewAttempt(f"att_{uuid_utils.uuid7().hex}", "t" * 22, Channel.SMS, None, "twilio")
    begun = created(start, attempt, Tally(), at, Limits())
    sent = send_results.sent(begun.verification, attempt.id, f"SM{0:032x}", at + 300)
    approved = code_checked(sent.verification, b"digest", Tally(), at + 9_000, Limits())
    return [begun, sent, approved]


def _verifications(settings: Settings, ended: Verification, ids: Mapping[int, str]) -> Iterator[rows.Row]:
    vault = vault_of(settings)
    for place, verification_id in ids.items():
        number = _number(place)
        state = rows.verification_state(msgspec.structs.replace(ended, id=verification_id))
        sealed = vault.seal(number.e164, verification_id)
        fingerprint = vault.fingerprint(number)
        yield verification_id, ended.application_id, fingerprint, sealed, ended.status.value, ended.due_at, state


def _entries(life: list[Change], ids: Iterable[str]) -> Iterator[rows.Row]:
    pages = [
        (change.verification.entries - len(change.entries) + 1, change.verification.updated_at, change.entries)
        for change in life
    ]
    states = [(first, at, rows.entries_state(entries)) for first, at, entries in pages]
    for verification_id in ids:
        for first, at, state in states:
            yield verification_id, first, at, state


def _number(place: int) -> PhoneNumber:
    # An area code that no path starts verifications in.
    return PhoneNumber(f"+1801{_NUMBER + place}")


def _id(at: int) -> str:
    return f"ver_{uuid_utils.uuid7(nanoseconds=at * _NS).hex}"
