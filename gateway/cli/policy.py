"""`poundkey policy`: says what a person may do and why not, and who would be affected by another applications file."""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from enum import StrEnum

from gateway.app import now
from gateway.cli.config import load_policies, load_settings
from gateway.cli.failure import CommandFailed
from gateway.cli.loop import run as run_loop
from gateway.cli.records import opened_store, print_table, shown, utc
from gateway.cli.text_warnings import warnings_of
from gateway.domain.applications import Applications
from gateway.domain.enrollment import Enrollment, Phone
from gateway.domain.limits import Limits
from gateway.domain.policy import Denial, Feature, Permission, Policy, explain, feature_denial, rules
from gateway.domain.verification import Channel, Purpose
from gateway.ports import StoreUnavailable
from gateway.settings.settings import Settings
from gateway.stores.enrollments import Enrollments

_BY = {Channel.SMS: "a text", Channel.CALL: "a call"}
_ANY_IF_EMPTY = {"text_countries", "call_countries", "line_types"}


class Effect(StrEnum):
    """What another policy does to a person; each is a column of the counts."""

    LOSES = "LOSE A WAY"
    GAINS = "GAIN A WAY"
    DEFAULT_GONE = "DEFAULT GONE"
    PHONE_UNUSABLE = "PHONE UNUSABLE"
    NO_WAY_LEFT = "NO WAY LEFT"
    FEATURE_OFF = "FEATURE OFF"


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; raises CommandFailed for mistakes in a file, an unusable database and unknown people."""
    settings = load_settings(arguments.config)
    applications = load_policies(settings.portal.applications_file, settings)
    try:
        if arguments.action == "explain":
            _warn(settings, applications)
            run_loop(_explain(settings, applications, arguments.application, arguments.user))
        else:
            proposed = load_policies(arguments.file, settings)
            _warn(settings, proposed)
            run_loop(_dry_run(settings, applications, proposed))
    except StoreUnavailable as unavailable:
        raise CommandFailed(str(unavailable)) from None
    return 0


def _warn(settings: Settings, applications: Applications) -> None:
    for warning in warnings_of(applications, settings):
        print(f"warning: {warning}", file=sys.stderr)


def effects(enrollment: Enrollment, before: Policy, after: Policy) -> Iterator[tuple[Effect, str]]:
    """Yield what another policy does to a person, each effect with a line for people.

    Who is enrolled is asked for a proof at sign-in; who is not yet still has to prove a phone.
    """
    names = {phone.id: _called(phone) for phone in enrollment.phones}
    pairs = list(zip(_ways(enrollment, before), _ways(enrollment, after), strict=True))
    for old, new in pairs:
        if new.denial is not None and old.denial is None:
            yield Effect.LOSES, f"loses {_way(new, names)}: {_reason(new.denial)}"
        elif new.denial is None and old.denial is not None:
            yield Effect.GAINS, f"gains {_way(new, names)}"
    yield from _losses(enrollment, pairs, names)
    yield from _features_lost(enrollment, before, after)


def _ways(enrollment: Enrollment, policy: Policy) -> list[Permission]:
    proven = enrollment.proven_phones
    if proven:
        return [row for row in explain(policy, proven) if row.purpose is Purpose.SIGN_IN and row.phone_id]
    offered = enrollment.phones
    return [row for row in explain(policy, offered) if row.purpose is Purpose.ENROLL and (row.phone_id or not offered)]


def _losses(
    enrollment: Enrollment, pairs: list[tuple[Permission, Permission]], names: dict[str, str]
) -> Iterator[tuple[Effect, str]]:
    """Yield what is lost with the ways: the default, whole phones, everything."""
    default = enrollment.default_method
    for old, new in pairs:
        is_default = default is not None and (new.phone_id, new.channel) == (default.phone_id, default.channel)
        if is_default and new.denial is not None and old.denial is None:
            yield Effect.DEFAULT_GONE, f"the default, {_way(new, names)}, is no longer allowed"
    for phone in enrollment.phones:
        if _closed([pair for pair in pairs if pair[0].phone_id == phone.id]):
            yield Effect.PHONE_UNUSABLE, f"{_called(phone)} can no longer be used"
    if _closed(pairs):
        yield Effect.NO_WAY_LEFT, "no way is left at all"


def _closed(pairs: list[tuple[Permission, Permission]]) -> bool:
    """Tell whether something was allowed before, and nothing is any more."""
    return any(old.denial is None for old, _ in pairs) and all(new.denial is not None for _, new in pairs)


def _features_lost(enrollment: Enrollment, before: Policy, after: Policy) -> Iterator[tuple[Effect, str]]:
    for feature, word, kept in (
        (Feature.APP_PASSWORDS, "app password", enrollment.app_passwords),
        (Feature.TRUSTED_DEVICES, "trusted device", enrollment.devices),
    ):
        denial = feature_denial(after, feature)
        if kept and denial is not None and feature_denial(before, feature) is None:
            counted = f"{len(kept)} {word}{'' if len(kept) == 1 else 's'}"
            yield Effect.FEATURE_OFF, f"has {counted} that would count no longer: {_reason(denial)}"


async def _explain(settings: Settings, applications: Applications, application: str, user: str) -> None:
    async with _records(settings) as records:
        if application not in await records.applications():
            raise CommandFailed(f"there is no application {shown(application)}; see poundkey keys list")
        enrollment = await records.of_user(application, user)
    if enrollment is None:
        raise CommandFailed(f"{shown(application)} has no user {shown(user)}")
    policy = applications.for_person(application, enrollment.groups)
    print(f"{shown(user)} of {shown(application)}: {_standing(enrollment)}\n")
    names = {phone.id: _called(phone) for phone in enrollment.phones}
    print_table(
        ("FOR", "BY", "PHONE", "ALLOWED"),
        [
            (row.purpose, row.channel, _subject(row, names), "yes" if row.denial is None else _reason(row.denial))
            for row in explain(policy, enrollment.phones)
        ],
    )
    print()
    print_table(("SETTING", "VALUE", "DECIDED BY"), _rule_rows(policy, settings.limits))


async def _dry_run(settings: Settings, today: Applications, proposed: Applications) -> None:
    people: Counter[str] = Counter()
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    async with _records(settings) as records:
        known = await records.applications()
        async for application, enrollment in records.all():
            people[application] += 1
            found = list(
                effects(
                    enrollment,
                    today.for_person(application, enrollment.groups),
                    proposed.for_person(application, enrollment.groups),
                )
            )
            if found:
                counts[application].update({"AFFECTED", *(effect for effect, _ in found)})
                print(f"{shown(enrollment.user)} of {shown(application)}")
                print("\n".join(f"  {line}" for _, line in found) + "\n")
    columns = ("AFFECTED", *Effect)
    print_table(
        ("APPLICATION", "PEOPLE", *columns),
        [(shown(name), str(people[name]), *(str(counts[name][column]) for column in columns)) for name in known],
    )
    for name in proposed.names():
        if name not in known:
            print(f"\nThere is no application {shown(name)} yet: nobody has what the file says of it.")


@asynccontextmanager
async def _records(settings: Settings) -> AsyncIterator[Enrollments]:
    async with opened_store(settings) as store:
        yield store.enrollments


def _standing(enrollment: Enrollment) -> str:
    at = now()
    standing = enrollment.status(at).value
    block = enrollment.block
    if block is not None and enrollment.blocked(at):
        until = "somebody ends it" if block.until is None else utc(block.until)
        standing += f" until {until} ({shown(block.reason)}), so that nothing below holds before"
    groups = ", ".join(map(shown, enrollment.groups))
    return f"{standing}; groups: {groups}" if groups else standing


def _rule_rows(policy: Policy, limits: Limits) -> list[tuple[str, str, str]]:
    effective = policy.limits(limits)
    ours = {
        "code_length": effective.code_length,
        "code_lifetime": effective.lifetime,
        "checks": effective.checks_per_verification,
    }
    return [
        (rule.name, _value(rule.name, ours.get(rule.name, rule.value)), shown(str(rule.decided_by)))
        for rule in rules(policy)
    ]


def _value(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or ("any" if name in _ANY_IF_EMPTY else "none")
    return str(value)


def _way(row: Permission, names: dict[str, str]) -> str:
    way = f"{_BY[row.channel]} to {_subject(row, names)}"
    return f"{way} at sign-in" if row.purpose is Purpose.SIGN_IN else f"{way} to prove it"


def _subject(row: Permission, names: dict[str, str]) -> str:
    return f"any phone, {row.kind}" if row.phone_id is None else names[row.phone_id]


def _called(phone: Phone) -> str:
    """Name a phone by its masked number, its extension and its kind."""
    extension = "" if phone.extension is None else f" x{phone.extension}"
    state = "" if phone.verified_at is not None else ", unproven"
    return f"{phone.number}{extension}, {phone.kind}{state}"


def _reason(denial: Denial) -> str:
    return f"{denial.code} - {shown(str(denial))}"
