"""`poundkey migrate`: brings the database to head."""

import argparse
import sqlite3

from sqlalchemy.exc import SQLAlchemyError

from gateway.cli.config import load_settings
from gateway.cli.failure import CommandFailed
from gateway.stores.head import HEAD
from gateway.stores.migrate import migrate


def run(arguments: argparse.Namespace) -> int:
    """Migrate; raises CommandFailed if the database cannot be migrated."""
    path = load_settings(arguments.config).database.path
    try:
        migrate(path)
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise CommandFailed(f"{path} could not be migrated: {error}") from None
    print(f"{path} is at {HEAD}")
    return 0
