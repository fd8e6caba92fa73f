"""`poundkey doctor`: looks at everything that has to fit together, and says what to mend."""

import argparse
from collections.abc import Awaitable, Callable

from gateway.app import vault_of
from gateway.applications import ApplicationsInvalid, load_applications
from gateway.cli.config import load_settings
from gateway.cli.failure import CommandFailed
from gateway.cli.loop import run as run_loop
from gateway.cli.outside import Outside, Trouble
from gateway.cli.texts import doubts_of
from gateway.ports import StoreUnavailable
from gateway.settings import Settings
from gateway.stores.inspection import inspect

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
    async with Outside(settings) as outside:
        # Each with the one whose failure would only fail it again.
        examinations: list[tuple[str, Examination, str | None]] = [
            ("database", lambda: _database(settings), None),
            ("policies", lambda: _policies(settings), None),
            ("public URL", outside.public_url, None),
            ("signatures", outside.signatures, "public URL"),
            ("provider", outside.provider, None),
            ("clock", outside.clock, "provider"),
        ]
        failed: set[str] = set()
        for name, examination, needed in examinations:
            if needed in failed:
                failed.add(name)
                _tell(_SKIPPED, name, f"cannot be examined before this is mended: {needed}")
                continue
            try:
                _tell("✓", name, await examination())
            except Trouble as trouble:
                failed.add(name)
                _tell("✗", name, str(trouble))
    return not failed


async def _database(settings: Settings) -> str:
    path = settings.database.path
    try:
        await inspect(path, vault_of(settings))
    except StoreUnavailable as unavailable:
        raise Trouble(str(unavailable)) from None
    return f"{path} is at head, writable, and opens with our keys"


async def _policies(settings: Settings) -> str:
    file = settings.portal.applications_file
    try:
        applications = load_applications(file, settings.text.bound_origin)
    except ApplicationsInvalid as invalid:
        raise Trouble("; ".join(invalid.problems)) from None
    for doubt in doubts_of(applications, settings):
        _tell("!", "texts", doubt)
    names = applications.names()
    return (
        f"{file} is in order, and names {', '.join(names) or 'no application'}"
        if file
        else "the defaults, for everyone"
    )


def _tell(mark: str, name: str, finding: str) -> None:
    print(f"{mark} {name:<10}  {finding}", flush=True)
