"""What the commands on people's records have in common."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

from gateway.app import vault_of
from gateway.cli.failure import CommandFailed
from gateway.ports import Application, StoreUnavailable
from gateway.settings import Settings
from gateway.stores.console_import import ConsolePeople, open_people


@contextlib.contextmanager
def opened_people(settings: Settings) -> Iterator[ConsolePeople]:
    """Open the records; raises CommandFailed where the database cannot be used."""
    try:
        with open_people(settings.database.path, vault_of(settings)) as people:
            yield people
    except StoreUnavailable as unavailable:
        raise CommandFailed(str(unavailable)) from None


def application_called(people: ConsolePeople, name: str) -> Application:
    """Return the application of this name; raises CommandFailed."""
    application = people.application(name)
    if application is None:
        raise CommandFailed(f"there is no application {name}; see poundkey keys list")
    return application


def shown(text: str) -> str:
    """Return a text as it is, or escaped if it could do something to the terminal."""
    return text if text.isprintable() else ascii(text)


def utc(at: int) -> str:
    """Write a time (ms since the epoch) for people."""
    return datetime.fromtimestamp(at / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
