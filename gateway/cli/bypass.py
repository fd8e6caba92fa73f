"""`poundkey bypass`: grants a code for one sign-in without a phone, also while a gateway serves the same database."""

import argparse
import sys

from gateway.app import new_code, vault_of
from gateway.cli.config import load_settings
from gateway.cli.failure import CommandFailed
from gateway.cli.loop import run as run_loop
from gateway.cli.records import application_called, opened_store, shown, utc
from gateway.domain.enrollment import EnrollmentChange
from gateway.domain.errors import Rejected
from gateway.domain.recognition import BYPASS_DIGITS, bypass_granted
from gateway.ports import Replay
from gateway.settings.settings import Settings


def run(arguments: argparse.Namespace) -> int:
    """Grant a code, and print it alone on stdout; raises CommandFailed for unknown and blocked people."""
    code = new_code(BYPASS_DIGITS)
    change = run_loop(_grant(load_settings(arguments.config), arguments, code))
    _tell(change, code, arguments.user)
    return 0


async def _grant(settings: Settings, arguments: argparse.Namespace, code: str) -> EnrollmentChange:
    async with opened_store(settings) as store:
        application = await application_called(store, arguments.application)
        enrollment = await store.people.enrollment_of(application.id, arguments.user)
        if enrollment is None:
            raise CommandFailed(f"{application.name} has no user {shown(arguments.user)}")
        digest = vault_of(settings).code_digest(enrollment.id, code)
        try:
            change = await store.people.change(
                enrollment.id,
                lambda kept, at: bypass_granted(kept, digest, arguments.seconds, arguments.reason, at),
            )
        except Rejected as refused:
            raise CommandFailed(refused.detail) from None
    if isinstance(change, Replay):
        raise TypeError("a replay without a receipt")
    return change


def _tell(change: EnrollmentChange, code: str, user: str) -> None:
    if change.enrollment.bypass is None:
        raise TypeError("a bypass was granted, and its person does not have it")
    end = utc(change.enrollment.bypass.expires_at)
    print(f"For one sign-in of {shown(user)}, until {end}. This is shown once:", file=sys.stderr)
    print(code)
