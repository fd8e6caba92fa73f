"""Where a database is, from its URL."""

from pathlib import Path
from urllib.parse import urlsplit

SQLITE = "sqlite:///"
POSTGRES = "postgresql://"


def is_postgres(url: str) -> bool:
    """Tell whether a URL names a PostgreSQL database."""
    return url.startswith(POSTGRES)


def sqlite_path(url: str) -> Path:
    """Return the file of a SQLite URL."""
    return Path(url.removeprefix(SQLITE))


def shown(url: str) -> str:
    """Name a database without the credentials in its URL."""
    if not is_postgres(url):
        return str(sqlite_path(url))
    parts = urlsplit(url)
    return f"{POSTGRES}{parts.hostname or ''}{parts.path}"
