"""`poundkey policy`: shows what a person may do, and whom another applications file would affect."""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from enum import StrEnum

from gateway.app import now
from gateway.cli.command import CommandFailed, run_loop
from gateway.cli.config import load_applications_file, load_settings, text_warnings
from gateway.cli.database import opened_store
from gateway.cli.terminal import format_utc, print_table, printable
from gateway.domain.applications import Applications
from gateway.domain.enrollment import Enrollment, Phone
from gateway.domain.errors import StoreUnavailable
from gateway.domain.limits import Limits
from gateway.domain.policy import Denial, Feature, Permission, Policy, explain, feature_denial, rules
from gateway.domain.verification import Channel, Purpose
from gateway.settings.settings import Settings

_CHANNEL_WORDS = {Channel.SMS: "a text", Channel.CALL: "a call"}
_ANY_IF_EMPTY = {"text_countries", "call_countries", "line_types"}


class Effect(StrEnum):
    """What another policy does to a person; each is a column of the table of counts."""

    LOSES = "LOSE A METHOD"
    GAINS = "GAIN A METHOD"
    DEFAULT_GONE = "DEFAULT GONE"
    PHONE_UNUSABLE = "PHONE UNUSABLE"
    NO_METHOD_LEFT = "NO METHOD LEFT"
    FEATURE_OFF = "FEATURE OFF"


def run(arguments: argparse.Namespace) -> int:
    """Run the action; raises CommandFailed for mistakes in a file, an unavailable database and unknown users."""
    settings = load_settings(arguments.config)
    applications = load_applications_file(settings.portal.applications_file, settings)
    try:
        if arguments.action == "explain":
            _print_warnings(settings, applications)
            run_loop(_explain(settings, applications, arguments.application, arguments.user))
        else:
            proposed = load_applications_file(arguments.file, settings)
            _print_warnings(settings, proposed)
            run_loop(_dry_run(settings, applications, proposed))
    except StoreUnavailable as unavailable:
        raise CommandFailed(str(unavailable)) from None
    return 0


def _print_warnings(settings: Settings, applications: Applications) -> None:
    for warning in text_warnings(applications, settings):
        print(f"warning: {warning}", file=sys.stderr)


def effects(enrollment: Enrollment, before: Policy, after: Policy) -> Iterator[tuple[Effect, str]]:
    """Yield what another policy does to a person, each effect with a line to print.

    People with a verified phone are compared by their methods at sign-in, others by those to verify a phone.
    """
    names = {phone.id: _describe_phone(phone) for phone in enrollment.phones}
    pairs = list(zip(_methods(enrollment, before), _methods(enrollment, after), strict=True))
    for old, new in pairs:
        if new.denial is not None and old.denial is None:
            yield Effect.LOSES, f"loses {_describe_method(new, names)}: {_reason(new.denial)}"
        elif new.denial is None and old.denial is not None:
            yield Effect.GAINS, f"gains {_describe_method(new, names)}"
    yield from _further_losses(enrollment, pairs, names)
    yield from _features_lost(enrollment, before, after)


def _methods(enrollment: Enrollment, policy: Policy) -> list[Permission]:
    proven = enrollment.proven_phones
    if proven:
        return [row for row in explain(policy, proven) if row.purpose is Purpose.SIGN_IN and row.phone_id]
    offered = enrollment.phones
    return [row for row in explain(policy, offered) if row.purpose is Purpose.ENROLL and (row.phone_id or not offered)]


def _further_losses(
    enrollment: Enrollment, pairs: list[tuple[Permission, Permission]], names: dict[str, str]
) -> Iterator[tuple[Effect, str]]:
    """Yield what is lost with the methods: the default, whole phones, everything."""
    default = enrollment.default_method
    for old, new in pairs:
        is_default = default is not None and (new.phone_id, new.channel) == (default.phone_id, default.channel)
        if is_default and new.denial is not None and old.denial is None:
            yield Effect.DEFAULT_GONE, f"the default, {_describe_method(new, names)}, is no longer allowed"
    for phone in enrollment.phones:
        if _all_lost([pair for pair in pairs if pair[0].phone_id == phone.id]):
            yield Effect.PHONE_UNUSABLE, f"{_describe_phone(phone)} can no longer be used"
    if _all_lost(pairs):
        yield Effect.NO_METHOD_LEFT, "no method is left"


def _all_lost(pairs: list[tuple[Permission, Permission]]) -> bool:
    """Tell whether some method was allowed before, and none is afterwards."""
    return any(old.denial is None for old, _ in pairs) and all(new.denial is not None for _, new in pairs)


def _features_lost(enrollment: Enrollment, before: Policy, after: Policy) -> Iterator[tuple[Effect, str]]:
    for feature, word, owned in (
        (Feature.APP_PASSWORDS, "app password", enrollment.app_passwords),
        (Feature.TRUSTED_DEVICES, "trusted device", enrollment.devices),
    ):
        denial = feature_denial(after, feature)
        if owned and denial is not None and feature_denial(before, feature) is None:
            counted = f"{len(owned)} {word}{'' if len(owned) == 1 else 's'}"
            yield Effect.FEATURE_OFF, f"has {counted} that would no longer work: {_reason(denial)}"


async def _explain(settings: Settings, applications: Applications, application: str, user: str) -> None:
    async with opened_store(settings) as store:
        owner = await store.api_keys.application_named(application)
        if owner is None:
            raise CommandFailed(f"there is no application {printable(application)}; see poundkey keys list")
        enrollment = await store.enrollments.of_user(owner.id, user)
    if enrollment is None:
        raise CommandFailed(f"{printable(application)} has no user {printable(user)}")
    policy = applications.for_person(application, enrollment.groups)
    print(f"{printable(user)} of {printable(application)}: {_describe_status(enrollment)}\n")
    names = {phone.id: _describe_phone(phone) for phone in enrollment.phones}
    print_table(
        ("FOR", "BY", "PHONE", "ALLOWED"),
        [
            (row.purpose, row.channel, _subject(row, names), "yes" if row.denial is None else _reason(row.denial))
            for row in explain(policy, enrollment.phones)
        ],
    )
    print()
    print_table(("SETTING", "VALUE", "DECIDED BY"), _rule_rows(policy, settings.limits))


async def _dry_run(settings: Settings, current: Applications, proposed: Applications) -> None:
    people: Counter[str] = Counter()
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    async with opened_store(settings) as store:
        known = await store.api_keys.application_names()
        async for application, enrollment in store.enrollments.all():
            people[application] += 1
            changes = list(
                effects(
                    enrollment,
                    current.for_person(application, enrollment.groups),
                    proposed.for_person(application, enrollment.groups),
                )
            )
            if changes:
                counts[application].update({"AFFECTED", *(effect for effect, _ in changes)})
                print(f"{printable(enrollment.user)} of {printable(application)}")
                print("\n".join(f"  {line}" for _, line in changes) + "\n")
    columns = ("AFFECTED", *Effect)
    print_table(
        ("APPLICATION", "PEOPLE", *columns),
        [(printable(name), str(people[name]), *(str(counts[name][column]) for column in columns)) for name in known],
    )
    for name in proposed.names():
        if name not in known:
            print(f"\nThere is no application {printable(name)} yet: its policy in the file applies to nobody.")


def _describe_status(enrollment: Enrollment) -> str:
    at = now()
    status = enrollment.status(at).value
    block = enrollment.block
    if block is not None and enrollment.blocked(at):
        until = "somebody ends it" if block.until is None else format_utc(block.until)
        status += f" until {until} ({printable(block.reason)}); nothing below applies until then"
    groups = ", ".join(map(printable, enrollment.groups))
    return f"{status}; groups: {groups}" if groups else status


def _rule_rows(policy: Policy, limits: Limits) -> list[tuple[str, str, str]]:
    effective = policy.limits(limits)
    effective_values = {
        "code_length": effective.code_length,
        "code_lifetime": effective.lifetime,
        "checks": effective.checks_per_verification,
    }
    return [
        (rule.name, _value(rule.name, effective_values.get(rule.name, rule.value)), printable(str(rule.decided_by)))
        for rule in rules(policy)
    ]


def _value(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or ("any" if name in _ANY_IF_EMPTY else "none")
    return str(value)


def _describe_method(row: Permission, names: dict[str, str]) -> str:
    method = f"{_CHANNEL_WORDS[row.channel]} to {_subject(row, names)}"
    return f"{method} at sign-in" if row.purpose is Purpose.SIGN_IN else f"{method} to verify it"


def _subject(row: Permission, names: dict[str, str]) -> str:
    return f"any phone, {row.kind}" if row.phone_id is None else names[row.phone_id]


def _describe_phone(phone: Phone) -> str:
    """Return a phone's masked number, extension and kind."""
    extension = "" if phone.extension is None else f" x{phone.extension}"
    state = "" if phone.verified_at is not None else ", unverified"
    return f"{phone.number}{extension}, {phone.kind}{state}"


def _reason(denial: Denial) -> str:
    return f"{denial.code} - {printable(str(denial))}"
