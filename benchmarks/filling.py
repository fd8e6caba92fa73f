"""Fills a database with verifications that ended long ago: what a gateway carries along after months of work."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import msgspec
import uuid_utils

from gateway.app import vault_of
from gateway.domain import sends
from gateway.domain.phone import PhoneNumber
from gateway.domain.policy import DAY, Limits, Tally
from gateway.domain.requests import NewAttempt, Start, code_checked, created
from gateway.domain.verification import Change, Channel, Verification
from gateway.settings import Settings
from gateway.stores import rows
from gateway.stores import statements as sql

_SPREAD = 30 * DAY
_NS = 1_000_000
_NUMBER = 2_000_000
_SPEED = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -256000")
_TALLIES = """
INSERT INTO tallies (number_fingerprint, state, updated_at)
SELECT number_fingerprint, ?, ? FROM verifications WHERE id > ? ORDER BY number_fingerprint
"""


def fill(settings: Settings, count: int) -> None:
    """Store so many approved verifications with their journals, and the last day's tallies, as 30 days leave them.

    The rows are those of one verification that the domain's own functions led to its end, under ids, fingerprints and
    seals of their own. The database must be at head and no gateway may have it open.
    """
    now = time.time_ns() // _NS
    with closing(sqlite3.connect(settings.database.path, isolation_level=None)) as connection:
        for pragma in _SPEED:
            connection.execute(f"PRAGMA {pragma}").fetchone()
        ((application_id,),) = connection.execute("SELECT id FROM applications").fetchall()
        life = _life(application_id, now - _SPREAD)
        ids = [_id(now - _SPREAD + _SPREAD * number // count) for number in range(count)]
        indexes = _dropped_indexes(connection)
        connection.execute("BEGIN")
        connection.executemany(sql.INSERT_VERIFICATION, _verifications(settings, life[-1].verification, ids))
        connection.executemany(sql.INSERT_ENTRIES, _entries(life, ids))
        for index in indexes:
            connection.execute(index)
        tally = rows.tally_state(life[0].tally or rows.NO_TALLY)
        connection.execute(_TALLIES, (tally, now, _id(now - DAY)))
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL").fetchone()


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
    sent = sends.sent(begun.verification, attempt.id, f"SM{0:032x}", at + 300)
    approved = code_checked(sent.verification, b"digest", Tally(), at + 9_000, Limits())
    return [begun, sent, approved]


def _verifications(settings: Settings, ended: Verification, ids: list[str]) -> Iterator[rows.Row]:
    vault = vault_of(settings)
    for place, verification_id in enumerate(ids):
        number = _number(place)
        state = rows.verification_state(msgspec.structs.replace(ended, id=verification_id))
        sealed = vault.seal(number.e164, verification_id)
        fingerprint = vault.fingerprint(number)
        yield verification_id, ended.application_id, fingerprint, sealed, ended.status.value, ended.due_at, state


def _entries(life: list[Change], ids: list[str]) -> Iterator[rows.Row]:
    pages = [
        (change.verification.entries - len(change.entries) + 1, change.verification.updated_at, change.entries)
        for change in life
    ]
    states = [(first, at, rows.entries_state(entries)) for first, at, entries in pages]
    for verification_id in ids:
        for first, at, state in states:
            yield verification_id, first, at, state


def _dropped_indexes(connection: sqlite3.Connection) -> list[str]:
    """Drop the indexes of the verifications, which are made faster afterwards, and return how to make them."""
    found = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'verifications' AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in found:
        connection.execute(f"DROP INDEX {name}")
    return [statement for _, statement in found]


def _number(place: int) -> PhoneNumber:
    # An area code that no path starts verifications in.
    return PhoneNumber(f"+1801{_NUMBER + place}")


def _id(at: int) -> str:
    return f"ver_{uuid_utils.uuid7(nanoseconds=at * _NS).hex}"
