"""Rows and domain structs: how one becomes the other. Numbers are sealed for the row they stand in."""

from typing import Any

import msgspec

from gateway.domain.api_keys import ApiKey, Application
from gateway.domain.enrollment import Enrollment, Phone, PhoneKind
from gateway.domain.journal import JournalEntry, StoredEntry
from gateway.domain.limits import RateCounters
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.portal import PortalLink, PortalPage, PortalSession
from gateway.domain.verification import Verification
from gateway.security.password_hashing import pin_key_id
from gateway.security.vault import Vault, fingerprinted_by

Row = tuple[Any, ...]

_encoder = msgspec.json.Encoder()
_verification = msgspec.json.Decoder(Verification)
_enrollment = msgspec.json.Decoder(Enrollment)
_entries = msgspec.json.Decoder(tuple[JournalEntry, ...])
_session = msgspec.json.Decoder(PortalSession)
_rate_counters = msgspec.json.Decoder(RateCounters)

_EXTENSION = ";ext="  # RFC 3966
NO_NUMBER = PhoneNumber("")
NO_RATE_COUNTERS = RateCounters()


def verification_state(verification: Verification) -> bytes:
    """Encode a verification without its number and extension, which stand sealed in their own column."""
    return _encoder.encode(msgspec.structs.replace(verification, number=NO_NUMBER, extension=None))


def verification_of(verification_id: str, state: bytes, sealed_number: bytes, vault: Vault) -> Verification:
    """Decode a verification and put its number and extension back, unless they were wiped."""
    if not sealed_number:
        return _verification.decode(state)
    number, extension = _parted(vault.unseal(sealed_number, verification_id))
    return msgspec.structs.replace(_verification.decode(state), number=number, extension=extension)


def without_callbacks(state: bytes) -> bytes:
    """Leave out of a verification's state what is only there for callbacks: tokens and the reports seen."""
    verification = _verification.decode(state)
    attempts = tuple(msgspec.structs.replace(attempt, token="", seen_reports=()) for attempt in verification.attempts)
    return _encoder.encode(msgspec.structs.replace(verification, attempts=attempts))


def beginning_of(state: bytes) -> tuple[int, str]:
    """Return when (ms since the epoch) a verification began, and by which channel it went."""
    verification = _verification.decode(state)
    return verification.created_at, verification.channel.value


def sealed_code_of(state: bytes) -> bytes | None:
    """Return the code of a verification, while it lives."""
    return _verification.decode(state).sealed_code


def number_of(unsealed: bytes) -> PhoneNumber:
    """Read a number as it was sealed."""
    return _parted(unsealed)[0]


def rate_counters_state(rate_counters: RateCounters) -> bytes:
    """Encode rate counters without what the suppression list says of its number."""
    return _encoder.encode(
        msgspec.structs.replace(rate_counters, stopped=False) if rate_counters.stopped else rate_counters
    )


def rate_counters_of(row: Row | None) -> RateCounters:
    """Decode rate counters; a number without a row has none."""
    return _rate_counters.decode(row[0]) if row else NO_RATE_COUNTERS


def rate_counters_of_number(row: Row | None) -> RateCounters:
    """Decode a row of SELECT_COUNTERS_OF_NUMBER."""
    state, stopped = row or (None, 0)
    rate_counters = NO_RATE_COUNTERS if state is None else _rate_counters.decode(state)
    return msgspec.structs.replace(rate_counters, stopped=True) if stopped else rate_counters


def entries_state(entries: tuple[JournalEntry, ...]) -> bytes:
    """Encode the entries of one change."""
    return _encoder.encode(entries)


def entries_of(row: Row) -> list[StoredEntry]:
    """Decode the entries of one change; the row's sequence is its first entry's."""
    first, at, entries = row
    return [
        StoredEntry(first + offset, at, entry.type, entry.facts)
        for offset, entry in enumerate(_entries.decode(entries))
    ]


def api_key_of(row: Row) -> ApiKey:
    """Read a row of SELECT_KEYS."""
    key_id, application_id, application, name, digest, created_at, revoked_at = row
    return ApiKey(key_id, Application(application_id, application), name, digest, created_at, revoked_at)


def enrollment_state(enrollment: Enrollment) -> bytes:
    """Encode an enrollment without its phones, which have rows of their own."""
    return _encoder.encode(msgspec.structs.replace(enrollment, phones=()))


def enrollment_of(state: bytes, phones: list[Row], vault: Vault) -> Enrollment:
    """Decode an enrollment with its phones, which are rows of SELECT_PHONES."""
    return msgspec.structs.replace(_enrollment.decode(state), phones=tuple(_phone_of(row, vault) for row in phones))


def password_keys_of(state: bytes) -> list[int]:
    """Return the id of the key without which each of a person's app passwords is not found."""
    return [fingerprinted_by(app_password.selector) for app_password in _enrollment.decode(state).app_passwords]


def pin_keys_of(state: bytes) -> tuple[int, ...]:
    """Return the id of the key without which a person's PIN is not known, if there is one."""
    pin = _enrollment.decode(state).pin
    return () if pin is None else (pin_key_id(pin.hash),)


def sealed_password_of(state: bytes) -> bytes:
    """Return the app password that a visit to the hosted pages still shows, if it does."""
    return _session.decode(state).sealed_password


def dialled(number: PhoneNumber, extension: str | None) -> str:
    """Write a number with its extension, as it is sealed."""
    return f"{number.e164}{_EXTENSION}{extension}" if extension else number.e164


def _parted(unsealed: bytes) -> tuple[PhoneNumber, str | None]:
    number, _, extension = unsealed.decode().partition(_EXTENSION)
    return PhoneNumber(number), extension or None


def _phone_of(row: Row, vault: Vault) -> Phone:
    phone_id, kind, sealed, verified_at, replaces = row
    number, extension = _parted(vault.unseal(sealed, phone_id))
    return Phone(phone_id, PhoneKind(kind), number, verified_at, extension, replaces)


def locale_of(state: bytes) -> str | None:
    """Return the language that a person is addressed in."""
    return _enrollment.decode(state).locale


def portal_link_of(digest: bytes, row: Row) -> PortalLink:
    """Read a row of SELECT_LINK."""
    enrollment_id, page, return_url, expires_at = row
    return PortalLink(digest, enrollment_id, PortalPage(page), return_url, expires_at)


def portal_session_state(session: PortalSession) -> bytes:
    """Encode a session without its digest, which is the row's key."""
    return _encoder.encode(msgspec.structs.replace(session, digest=b""))


def portal_session_of(digest: bytes, row: Row) -> PortalSession:
    """Read a row of SELECT_SESSION."""
    return msgspec.structs.replace(_session.decode(row[0]), digest=digest)
