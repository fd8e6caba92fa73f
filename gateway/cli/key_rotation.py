"""`poundkey secrets rotate`: seals and fingerprints everything with the newest keys, and says which can be dropped."""

import argparse
import sys
from collections.abc import Callable, Sequence

from gateway.cli.command import run_loop
from gateway.cli.config import load_settings
from gateway.cli.database import opened_store
from gateway.settings.settings import Settings, fingerprint_keys, sealing_keys
from gateway.stores.key_rotation import KeyKind, KeyUse

_EXPIRY = {
    "stored responses": "they go within a day",
    "codes under way": "they go within limits.lifetime",
    "visits": "they go within a day",
    "limits": "they go within a day",
    "stopped numbers": "each moves when its number is next seen",
    "opt-outs": "each moves when its number is next seen",
    "app passwords": "each moves when it is next used",
    "PINs": "each moves when it is next keyed in",
}
"""When rows that rotation cannot move, because their plain text is unknown, stop needing their key."""
_RERUN = "run it again"


def run(arguments: argparse.Namespace) -> int:
    """Rotate; raises CommandFailed if the database is unavailable or has values that no key opens."""
    settings = load_settings(arguments.config)
    for line in describe_keys(settings, run_loop(_rotate(settings))):
        print(line)
    return 0


def describe_keys(settings: Settings, uses: Sequence[KeyUse]) -> list[str]:
    """Return a line for each key: in use, still needed, or droppable."""
    needed = {(use.kind, use.key_id): use.needed_for for use in uses}
    configured = {
        KeyKind.SEALING: sorted(sealing_keys(settings.keys.sealing)),
        KeyKind.FINGERPRINT: sorted(fingerprint_keys(settings.keys.fingerprint)),
    }
    lines = []
    for kind, key_ids in configured.items():
        lines += [f"keys.{kind} {key_ids[-1]} is in use"]
        for key_id in key_ids[:-1]:
            rows = needed.get((kind, key_id))
            if not rows:
                lines.append(f"keys.{kind} {key_id} can now be dropped")
                continue
            reasons = [f"{count} {what} ({_EXPIRY.get(what, _RERUN)})" for what, count in sorted(rows.items())]
            lines.append(f"keys.{kind} {key_id} is still needed for {', '.join(reasons)}")
    return lines


async def _rotate(settings: Settings) -> list[KeyUse]:
    async with opened_store(settings) as store:
        await store.key_rotation.rotate(_progress())
        return await store.key_rotation.uses()


def _progress() -> Callable[[str, int], None]:
    """Return what shows the progress on a terminal, in one line for each kind of rows; elsewhere it prints nothing."""
    current = ""

    def show(what: str, seen: int) -> None:
        nonlocal current
        if sys.stderr.isatty():
            end_line = "\n" if current not in {"", what} else ""
            print(f"{end_line}\r{what}: {seen} checked", end="", file=sys.stderr, flush=True)
            current = what

    return show
