"""`poundkey migrate`: brings the database to the newest schema."""

import argparse

from gateway.cli.command import CommandFailed, run_loop
from gateway.cli.config import load_settings
from gateway.domain.errors import StoreUnavailable
from gateway.stores.head import HEAD
from gateway.stores.migrate import bring_to_head
from gateway.stores.places import shown


def run(arguments: argparse.Namespace) -> int:
    """Migrate; raises CommandFailed if the database cannot be migrated."""
    url = load_settings(arguments.config).database.url
    try:
        run_loop(bring_to_head(url))
    except StoreUnavailable as unavailable:
        raise CommandFailed(str(unavailable)) from None
    print(f"{shown(url)} is at {HEAD}")
    return 0
