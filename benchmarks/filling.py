"""Fills a database with ended verifications, as after months of operation."""

import time
from collections.abc import Iterable, Iterator, Mapping

import msgspec
import uuid_utils

from benchmarks.databases import Database
from gateway.app import vault_of
from gateway.domain import send_results
from gateway.domain.commands import NewAttempt, NewVerification, VerificationRequest, check_code, create
from gateway.domain.limits import DAY, Limits, RateCounters
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Change, Channel, Verification
from gateway.settings.settings import Settings
from gateway.stores import rows

SPREAD = 30 * DAY
"""Milliseconds before now over which the verifications are spread evenly."""

_NS = 1_000_000
_NUMBER = 2_000_000
_BATCH = 100_000
_VERIFICATION = ("id", "application_id", "number_fingerprint", "sealed_number", "status", "due_at", "state")
_ENTRIES = ("subject_id", "sequence", "at", "entries")
_TALLIES = """
INSERT INTO tallies (number_fingerprint, state, updated_at)
SELECT number_fingerprint, ?, ? FROM verifications WHERE id > ? ORDER BY number_fingerprint
"""


async def fill(database: Database, settings: Settings, count: int) -> None:
    """Store `count` approved verifications of 30 days with their journals, and the last day's rate counters.

    The rows are copies of one verification that the domain's functions approved, each with its own id, fingerprint and
    sealed number. The database must have the newest schema, and no gateway may use it.
    """
    now = time.time_ns() // _NS
    ((application_id,),) = await database.query("SELECT id FROM applications")
    changes = _changes(application_id, now - SPREAD)
    async with database.filling():
        for first in range(0, count, _BATCH):
            places = range(first, min(first + _BATCH, count))
            ids = {place: _id(now - SPREAD + SPREAD * place // count) for place in places}
            await database.insert(
                "verifications", _VERIFICATION, _verifications(settings, changes[-1].verification, ids)
            )
            await database.insert("journal", _ENTRIES, _entries(changes, ids.values()))
        rate_counters = rows.rate_counters_state(changes[0].rate_counters or rows.NO_RATE_COUNTERS)
        await database.query(_TALLIES, rate_counters, now, _id(now - DAY))


def _changes(application_id: str, at: int) -> list[Change]:
    """Return the changes of a verification by text, from its creation to its approval."""
    request = VerificationRequest(number=_number(0), channel=Channel.SMS, locale="en")
    new = NewVerification(_id(at), application_id, "Example Bank", b"digest", b"sealed")
    attempt = NewAttempt(f"att_{uuid_utils.uuid7().hex}", "t" * 22, Channel.SMS, None, "twilio")
    pending = create(request, new, attempt, RateCounters(), at, Limits())
    sent = send_results.record_sent(pending.verification, attempt.id, f"SM{0:032x}", at + 300)
    approved = check_code(sent.verification, b"digest", RateCounters(), at + 9_000, Limits())
    return [pending, sent, approved]


def _verifications(settings: Settings, ended: Verification, ids: Mapping[int, str]) -> Iterator[rows.Row]:
    vault = vault_of(settings)
    for place, verification_id in ids.items():
        number = _number(place)
        state = rows.verification_state(msgspec.structs.replace(ended, id=verification_id))
        sealed = vault.seal(number.e164, verification_id)
        fingerprint = vault.fingerprint(number)
        yield verification_id, ended.application_id, fingerprint, sealed, ended.status.value, ended.due_at, state


def _entries(changes: list[Change], ids: Iterable[str]) -> Iterator[rows.Row]:
    pages = [
        (change.verification.entries - len(change.entries) + 1, change.verification.updated_at, change.entries)
        for change in changes
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
