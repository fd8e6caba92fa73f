"""`poundkey doctor`: checks settings, database, files, public URL and providers, and says what to change."""

import argparse
import functools
from collections.abc import Awaitable, Callable

from gateway.app import CONFIG, now, vault_of
from gateway.cli.command import CommandFailed, run_loop
from gateway.cli.config import load_applications_file, load_settings, text_warnings
from gateway.cli.doctor_probes import DoctorProbes, ProbeFailed
from gateway.cli.key_rotation import describe_keys
from gateway.domain.errors import StoreUnavailable
from gateway.services.phrasebooks import load_phrasebooks
from gateway.services.recordings import RecordingsInvalid, load_recordings
from gateway.settings.settings import Settings, fingerprint_keys
from gateway.stores.opening import inspect, store_beside
from gateway.stores.places import shown

Probe = Callable[[], Awaitable[str]]
"""Returns a sentence on what works; raises ProbeFailed."""

_PROBE_FAILED = 1
_SKIPPED = "–"  # noqa: RUF001 - a dash, as wide as the other marks


def run(arguments: argparse.Namespace) -> int:
    """Run all probes; returns 0 if none failed, else 1."""
    try:
        settings = load_settings(arguments.config)
    except CommandFailed as failed:
        for line in failed.lines:
            _print_finding("✗", "settings", line)
        return _PROBE_FAILED
    _print_finding("✓", "settings", "complete, and the keys can be decoded")
    return 0 if run_loop(_run_probes(settings)) else _PROBE_FAILED


async def _run_probes(settings: Settings) -> bool:
    async with DoctorProbes(settings) as network:
        # Each with the probe that it depends on.
        probes: list[tuple[str, Probe, str | None]] = [
            ("database", lambda: _database(settings), None),
            ("keys", lambda: _keys(settings), "database"),
            ("policies", lambda: _policies(settings), None),
            ("recordings", lambda: _recordings(settings), None),
            ("public URL", network.public_url, None),
            *_provider_probes(network),
        ]
        failed: set[str] = set()
        for name, probe, dependency in probes:
            if dependency in failed:
                failed.add(name)
                _print_finding(_SKIPPED, name, f"cannot be checked while this fails: {dependency}")
                continue
            try:
                _print_finding("✓", name, await probe())
            except ProbeFailed as failure:
                failed.add(name)
                _print_finding("✗", name, str(failure))
    return not failed


def _provider_probes(network: DoctorProbes) -> list[tuple[str, Probe, str | None]]:
    """Return the probes of each provider in the routes, and of the clock, which is compared with the last answer's."""
    probes: list[tuple[str, Probe, str | None]] = []
    for name in network.providers:
        suffix = "" if name == network.providers[0] else f" {name}"
        probes += [
            (f"signatures{suffix}", functools.partial(network.signatures, name), "public URL"),
            (f"provider{suffix}", functools.partial(network.provider, name), None),
        ]
    return [*probes, ("clock", network.clock, "provider")]


async def _database(settings: Settings) -> str:
    try:
        await inspect(settings.database.url, vault_of(settings), now)
    except StoreUnavailable as unavailable:
        raise ProbeFailed(str(unavailable)) from None
    return f"{shown(settings.database.url)} is at head, writable, and opens with our keys"


async def _keys(settings: Settings) -> str:
    """Say which keys are in use; skipped with a single key of each kind."""
    if len(settings.keys.sealing) == 1 and len(fingerprint_keys(settings.keys.fingerprint)) == 1:
        return "one of each kind"
    try:
        async with store_beside(settings.database.url, vault_of(settings), now) as store:
            return "; ".join(describe_keys(settings, await store.key_rotation.uses()))
    except StoreUnavailable as unavailable:
        raise ProbeFailed(str(unavailable)) from None


async def _policies(settings: Settings) -> str:
    file = settings.portal.applications_file
    try:
        applications = load_applications_file(file, settings)
    except CommandFailed as failed:
        raise ProbeFailed("; ".join(failed.lines)) from None
    for warning in text_warnings(applications, settings):
        _print_finding("!", "texts", warning)
    names = applications.names()
    return (
        f"{file} is valid, and names {', '.join(names) or 'no application'}" if file else "the defaults, for everyone"
    )


async def _recordings(settings: Settings) -> str:
    folder = settings.voice.recordings_folder
    try:
        recordings = load_recordings(folder, load_phrasebooks(CONFIG / "locales").all())
    except RecordingsInvalid as invalid:
        raise ProbeFailed("; ".join(invalid.problems)) from None
    count = sum(map(len, recordings.by_locale.values()))
    return f"{folder} has {count} that calls can play" if folder else "none: a synthetic voice says everything"


def _print_finding(mark: str, name: str, finding: str) -> None:
    print(f"{mark} {name:<10}  {finding}", flush=True)
