"""The one builder of verifications, their attempts and the people they belong to: a test names what it is about."""

from gateway.domain import commands
from gateway.domain.enrollment import Enrollment
from gateway.domain.limits import Limits, Tally
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Attempt, Change, Channel, Mode, Verification
from gateway.ports import Store
from gateway.security.vault import Vault

NUMBER = PhoneNumber("+14255550123")
NOW = 1_000_000
"""When a verification begins that is built without a time, in ms."""
CODE = "123456"
RIGHT, WRONG = b"right", b"wrong"
"""The digest of the code of what is built without a vault, and that of another code."""
LIMITS = Limits()
NO_SENDS = Tally()


def a_request(
    verification_id: str = "ver_1",
    channel: Channel = Channel.SMS,
    *,
    vault: Vault | None = None,
    code: str = CODE,
    **fields: object,
) -> commands.Start:
    """Return what a service asks for; with a vault, its code is digested and sealed as in production."""
    digest = vault.code_digest(verification_id, code) if vault else RIGHT
    sealed = vault.seal(code, verification_id) if vault else b"sealed"
    usual = {
        "application_id": "app_1",
        "application_name": "Bank",
        "number": NUMBER,
        "mode": None,
        "locale": "en",
        "enrollment_id": None,
        "metadata": {},
        "code_digest": digest,
        "sealed_code": sealed,
    }
    return commands.Start(**{"id": verification_id, "channel": channel, **usual, **fields})


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
    request: commands.Start,
    new: commands.NewAttempt | None = None,
    *,
    now: int = NOW,
    tally: Tally = NO_SENDS,
    limits: Limits = LIMITS,
) -> Change:
    """Return the change that begins a verification; without an attempt, with one as the request says."""
    new = new or a_new_attempt(request.id, request.channel, request.mode)
    return commands.created(request, new, tally, now, limits)


async def create_in(
    store: Store,
    request: commands.Start,
    new: commands.NewAttempt | None = None,
    *,
    limits: Limits = LIMITS,
    **others: object,
):
    """Begin a verification in a store; `others` are the store's own arguments."""
    return await store.create(
        request.id,
        request.number,
        lambda tally, now: created(request, new, now=now, tally=tally, limits=limits),
        **{"receipt": None, "joining": None, **others},
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
