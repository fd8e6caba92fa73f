"""`poundkey doctor`: looks at everything that has to fit together, and says what to mend."""

import argparse
import functools
from collections.abc import Awaitable, Callable

from gateway.app import CONFIG, now, vault_of
from gateway.cli.config import load_settings
from gateway.cli.doctor_probes import DoctorProbes, ProbeFailed
from gateway.cli.failure import CommandFailed
from gateway.cli.key_rotation import verdicts
from gateway.cli.loop import run as run_loop
from gateway.cli.text_warnings import warnings_of
from gateway.ports import StoreUnavailable
from gateway.services.phrasebooks import load_phrasebooks
from gateway.services.recordings import RecordingsInvalid, load_recordings
from gateway.settings.applications import ApplicationsInvalid, load_applications
from gateway.settings.settings import Settings, fingerprint_keys
from gateway.stores.opening import inspect, store_beside
from gateway.stores.places import shown

Examination = Callable[[], Awaitable[str]]
"""Returns what was found to be right; raises Trouble."""

_TROUBLE = 1
_SKIPPED = "–"  # noqa: RUF001 - a dash, as wide as the other marks


def run(arguments: argparse.Namespace) -> int:
    """Examine; returns 0 if all is well, else 1."""
    try:
        settings = load_settings(arguments.config)
    except CommandFailed as failed:
        for line in failed.lines:
            _tell("✗", "settings", line)
        return _TROUBLE
    _tell("✓", "settings", "complete, and the keys can be decoded")
    return 0 if run_loop(_examine(settings)) else _TROUBLE


async def _examine(settings: Settings) -> bool:
    async with DoctorProbes(settings) as outside:
        # Each with the one whose failure would only fail it again.
        examinations: list[tuple[str, Examination, str | None]] = [
            ("database", lambda: _database(settings), None),
            ("keys", lambda: _keys(settings), "database"),
            ("policies", lambda: _policies(settings), None),
            ("recordings", lambda: _recordings(settings), None),
            ("public URL", outside.public_url, None),
            *_of_providers(outside),
        ]
        failed: set[str] = set()
        for name, examination, needed in examinations:
            if needed in failed:
                failed.add(name)
                _tell(_SKIPPED, name, f"cannot be examined before this is mended: {needed}")
                continue
            try:
                _tell("✓", name, await examination())
            except ProbeFailed as trouble:
                failed.add(name)
                _tell("✗", name, str(trouble))
    return not failed


def _of_providers(outside: DoctorProbes) -> list[tuple[str, Examination, str | None]]:
    """Examine each provider that a route names; the clock is compared with that of the first one that answers."""
    examinations: list[tuple[str, Examination, str | None]] = []
    for name in outside.names:
        which = "" if name == outside.names[0] else f" {name}"
        examinations += [
            (f"signatures{which}", functools.partial(outside.signatures, name), "public URL"),
            (f"provider{which}", functools.partial(outside.provider, name), None),
        ]
    return [*examinations, ("clock", outside.clock, "provider")]


async def _database(settings: Settings) -> str:
    try:
        await inspect(settings.database.url, vault_of(settings), now)
    except StoreUnavailable as unavailable:
        raise ProbeFailed(str(unavailable)) from None
    return f"{shown(settings.database.url)} is at head, writable, and opens with our keys"


async def _keys(settings: Settings) -> str:
    """Say which keys are in use; of a single one of each kind there is nothing to find out."""
    if len(settings.keys.sealing) == 1 and len(fingerprint_keys(settings.keys.fingerprint)) == 1:
        return "one of each kind"
    try:
        async with store_beside(settings.database.url, vault_of(settings), now) as store:
            return "; ".join(verdicts(settings, await store.rotation.uses()))
    except StoreUnavailable as unavailable:
        raise ProbeFailed(str(unavailable)) from None


async def _policies(settings: Settings) -> str:
    file = settings.portal.applications_file
    try:
        applications = load_applications(file, settings.text.bound_origin)
    except ApplicationsInvalid as invalid:
        raise ProbeFailed("; ".join(invalid.problems)) from None
    for warning in warnings_of(applications, settings):
        _tell("!", "texts", warning)
    names = applications.names()
    return (
        f"{file} is in order, and names {', '.join(names) or 'no application'}"
        if file
        else "the defaults, for everyone"
    )


async def _recordings(settings: Settings) -> str:
    folder = settings.voice.recordings_folder
    try:
        recordings = load_recordings(folder, load_phrasebooks(CONFIG / "locales").all())
    except RecordingsInvalid as invalid:
        raise ProbeFailed("; ".join(invalid.problems)) from None
    count = sum(map(len, recordings.by_locale.values()))
    return f"{folder} has {count} that calls can play" if folder else "none: a voice says everything"


def _tell(mark: str, name: str, finding: str) -> None:
    print(f"{mark} {name:<10}  {finding}", flush=True)
