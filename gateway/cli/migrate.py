"""`poundkey migrate`: brings the database to head."""

import argparse

from gateway.cli.config import load_settings
from gateway.cli.failure import CommandFailed
from gateway.cli.loop import run as run_loop
from gateway.ports import StoreUnavailable
from gateway.stores.head import HEAD
from gateway.stores.migrate import bring_to_head


def run(arguments: argparse.Namespace) -> int:
    """Migrate; raises CommandFailed if the database cannot be migrated."""
    path = load_settings(arguments.config).database.path
    try:
        run_loop(bring_to_head(path))
    except StoreUnavailable as unavailable:
        raise CommandFailed(str(unavailable)) from None
    print(f"{path} is at {HEAD}")
    return 0
