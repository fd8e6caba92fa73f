"""`poundkey bypass`: grants a code for one sign-in without a phone; also while a gateway serves the same database."""

import argparse
import sys

from gateway.app import vault_of
from gateway.cli.command import CommandFailed, run_loop
from gateway.cli.config import load_settings
from gateway.cli.database import application_named, opened_store
from gateway.cli.terminal import format_utc, printable
from gateway.domain.enrollment import EnrollmentChange
from gateway.domain.errors import Rejected
from gateway.domain.recognition import BYPASS_DIGITS, grant_bypass
from gateway.security.generators import new_code
from gateway.settings.settings import Settings


def run(arguments: argparse.Namespace) -> int:
    """Grant a bypass, and print only its code on stdout; raises CommandFailed for unknown and blocked users."""
    code = new_code(BYPASS_DIGITS)
    change = run_loop(_grant(load_settings(arguments.config), arguments, code))
    _print_code(change, code, arguments.user)
    return 0


async def _grant(settings: Settings, arguments: argparse.Namespace, code: str) -> EnrollmentChange:
    async with opened_store(settings) as store:
        application = await application_named(store, arguments.application)
        enrollment = await store.enrollments.of_user(application.id, arguments.user)
        if enrollment is None:
            raise CommandFailed(f"{application.name} has no user {printable(arguments.user)}")
        digest = vault_of(settings).code_digest(enrollment.id, code)
        try:
            return await store.enrollments.change(
                enrollment.id,
                lambda current, at: grant_bypass(current, digest, arguments.seconds, arguments.reason, at),
            )
        except Rejected as rejected:
            raise CommandFailed(rejected.detail) from None


def _print_code(change: EnrollmentChange, code: str, user: str) -> None:
    if change.enrollment.bypass is None:
        raise TypeError("the change of a granted bypass has no bypass")
    end = format_utc(change.enrollment.bypass.expires_at)
    print(f"For one sign-in of {printable(user)}, until {end}. This is shown once:", file=sys.stderr)
    print(code)
