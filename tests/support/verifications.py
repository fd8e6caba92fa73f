"""The one builder of verifications, their attempts and the people they belong to: a test names what it is about."""

import msgspec

from gateway.domain import commands
from gateway.domain.assurance import Assurance, Basis
from gateway.domain.commands import Created
from gateway.domain.enrollment import Enrollment
from gateway.domain.idempotency import IdempotencyKey
from gateway.domain.limits import Limits, RateCounters
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Attempt, Change, Channel, Mode, Verification
from gateway.security.vault import Vault
from gateway.stores.store import Store
from gateway.stores.verifications import Joining

NUMBER = PhoneNumber("+14255550123")
NOW = 1_000_000
"""When a verification begins that is built without a time, in ms."""
CODE = "123456"
RIGHT, WRONG = b"right", b"wrong"
"""The digest of the code of what is built without a vault, and that of another code."""
LIMITS = Limits()
NO_SENDS = RateCounters()


class Requested(msgspec.Struct, frozen=True):
    """A request, what was drawn for it, and what follows by itself."""

    request: commands.VerificationRequest
    new: commands.NewVerification
    plan: commands.Plan

    @property
    def id(self) -> str:
        return self.new.id


def a_request(
    verification_id: str = "ver_1",
    channel: Channel = Channel.SMS,
    *,
    vault: Vault | None = None,
    code: str = CODE,
    code_digest: bytes | None = None,
    application_id: str = "app_1",
    application_name: str = "Bank",
    plan: commands.Plan = commands.NO_PLAN,
    **terms: object,
) -> Requested:
    """Return what a service asks for; with a vault, its code is digested and sealed as in production.

    `terms` are fields of the request.
    """
    digest = code_digest or (vault.code_digest(verification_id, code) if vault else RIGHT)
    sealed = vault.seal(code, verification_id) if vault else b"sealed"
    usual = {"number": NUMBER, "mode": None, "locale": "en", "enrollment_id": None, "metadata": {}}
    return Requested(
        commands.VerificationRequest(**{"channel": channel, **usual, **terms}),
        commands.NewVerification(verification_id, application_id, application_name, digest, sealed),
        plan,
    )


def a_new_attempt(
    name: str | int = 1,
    channel: Channel = Channel.SMS,
    mode: Mode | None = None,
    **fields: object,
) -> commands.NewAttempt:
    """Return a send that was drawn but not yet added; `name` ends its id and its token."""
    usual = {"id": f"att_{name}", "token": f"token-{name}", "provider": "twilio"}
    return commands.NewAttempt(**{"channel": channel, "mode": mode, **usual, **fields})


def created(
    requested: Requested,
    new: commands.NewAttempt | None = None,
    *,
    now: int = NOW,
    rate_counters: RateCounters = NO_SENDS,
    limits: Limits = LIMITS,
) -> Change:
    """Return the change that begins a verification; without an attempt, with one as the request says."""
    new = new or a_new_attempt(requested.id, requested.request.channel, requested.request.mode)
    return commands.create(requested.request, requested.new, new, rate_counters, now, limits, requested.plan)


def recognized(requested: Requested, basis: Basis, assurance: Assurance | None, now: int) -> Change:
    """Return the change that begins and approves a sign-in in one."""
    return commands.create_recognized(requested.request, requested.new, basis, assurance, now)


async def create_in(
    store: Store,
    requested: Requested,
    new: commands.NewAttempt | None = None,
    *,
    limits: Limits = LIMITS,
    idempotency_key: IdempotencyKey | None = None,
    joining: Joining | None = None,
) -> Created:
    """Begin a verification in a store."""
    return await store.verifications.create(
        requested.id,
        requested.request.number,
        lambda rate_counters, now: created(requested, new, now=now, rate_counters=rate_counters, limits=limits),
        idempotency_key=idempotency_key,
        joining=joining,
    )


def an_attempt(name: str | int = 1, channel: Channel = Channel.SMS, **fields: object) -> Attempt:
    """Return a send as it is stored."""
    usual = {"token": f"token-{name}", "provider": "twilio", "created_at": NOW, "updated_at": NOW}
    return Attempt(**{"id": f"att_{name}", "channel": channel, **usual, **fields})


def a_verification(**fields: object) -> Verification:
    """Return a pending verification as it is stored, without an attempt."""
    at = fields.get("created_at", NOW)
    usual = {
        "id": "ver_1",
        "application_id": "app_1",
        "application_name": "Bank",
        "number": NUMBER,
        "channel": Channel.SMS,
        "locale": "en",
        "checks_left": LIMITS.checks_per_verification,
        "created_at": at,
        "updated_at": at,
        "expires_at": at + 600_000,
    }
    return Verification(**{**usual, **fields})


def an_enrollment(enrollment_id: str = "enr_1", *, at: int = NOW, **fields: object) -> Enrollment:
    """Return a person's record, without a phone; `at` is when it was made."""
    usual = {"application_id": "app_1", "user": "alice", "created_at": at, "updated_at": at}
    return Enrollment(**{"id": enrollment_id, **usual, **fields})
