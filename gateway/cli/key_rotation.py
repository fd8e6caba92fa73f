"""`poundkey secrets rotate`: lets the newest keys hold what older ones held, and says which can be dropped."""

import argparse
import sys
from collections.abc import Callable, Sequence

from gateway.cli.config import load_settings
from gateway.cli.loop import run as run_loop
from gateway.cli.records import opened_store
from gateway.settings.settings import Settings, fingerprint_keys, sealing_keys
from gateway.stores.rotation import KeyKind, KeyUse

_WHEN = {
    "kept answers": "they go within a day",
    "codes under way": "they go within limits.lifetime",
    "visits": "they go within a day",
    "limits": "they go within a day",
    "stopped numbers": "each moves when its number is next seen",
    "opt-outs": "each moves when its number is next seen",
    "app passwords": "each moves when it is next used",
    "PINs": "each moves when it is next keyed in",
}
"""When that goes by itself which cannot be read, and so not be moved."""
_AGAIN = "run it again"


def run(arguments: argparse.Namespace) -> int:
    """Rotate; raises CommandFailed where the database cannot be used, or holds what no key opens."""
    settings = load_settings(arguments.config)
    for line in verdicts(settings, run_loop(_rotated(settings))):
        print(line)
    return 0


def verdicts(settings: Settings, uses: Sequence[KeyUse]) -> list[str]:
    """Say of each key but the newest ones whether it can be dropped."""
    needed = {(use.kind, use.key_id): use.needed_for for use in uses}
    held = {
        KeyKind.SEALING: sorted(sealing_keys(settings.keys.sealing)),
        KeyKind.FINGERPRINT: sorted(fingerprint_keys(settings.keys.fingerprint)),
    }
    lines = []
    for kind, key_ids in held.items():
        lines += [f"keys.{kind} {key_ids[-1]} is in use"]
        for key_id in key_ids[:-1]:
            for_what = needed.get((kind, key_id))
            if not for_what:
                lines.append(f"keys.{kind} {key_id} can now be dropped")
                continue
            reasons = [f"{count} {what} ({_WHEN.get(what, _AGAIN)})" for what, count in sorted(for_what.items())]
            lines.append(f"keys.{kind} {key_id} is still needed for {', '.join(reasons)}")
    return lines


async def _rotated(settings: Settings) -> list[KeyUse]:
    async with opened_store(settings) as store:
        await store.rotation.rotate(_progress())
        return await store.rotation.uses()


def _progress() -> Callable[[str, int], None]:
    """Show how far it is: on a terminal in one line for each kind, else not at all."""
    shown = ""

    def show(what: str, seen: int) -> None:
        nonlocal shown
        if sys.stderr.isatty():
            end_line = "\n" if shown not in {"", what} else ""
            print(f"{end_line}\r{what}: {seen} looked at", end="", file=sys.stderr, flush=True)
            shown = what

    return show
