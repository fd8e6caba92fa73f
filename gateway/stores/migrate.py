"""Brings a database to head, in a process of its own, so that a serving gateway carries no SQLAlchemy in memory."""

import asyncio
import fcntl
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.domain.errors import StoreUnavailable
from gateway.stores import sql
from gateway.stores.head import HEAD
from gateway.stores.places import is_postgres, shown, sqlite_path

if TYPE_CHECKING:
    from sqlalchemy import Connection

_URL = "POUNDKEY_MIGRATE_URL"
"""The environment variable that hands over the URL: a command line is there for everyone to read."""
_LOCK = 7_686_523_468  # any number that nobody else locks


async def bring_to_head(url: str) -> None:
    """Migrate a database unless it is at head; raises StoreUnavailable with what the migration printed."""
    if not is_postgres(url) and _revision(sqlite_path(url)) == HEAD:
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.stores.migrate", stderr=asyncio.subprocess.PIPE, env={**os.environ, _URL: url}
    )
    _, errors = await process.communicate()
    if process.returncode:
        reason = errors.decode().strip().rpartition("\n")[2]
        raise StoreUnavailable(f"{shown(url)} could not be brought to head: {reason}")


def migrate(url: str) -> None:
    """Migrate a database; a second migration at the same time waits, and then finds nothing to do."""
    upgrade = _upgrade()
    if is_postgres(url):
        asyncio.run(_migrate_postgres(url, upgrade))
    else:
        _migrate_sqlite(sqlite_path(url), upgrade)


def _migrate_sqlite(path: Path, upgrade: "Callable[[Connection], None]") -> None:
    from sqlalchemy import create_engine  # noqa: PLC0415 - 30 MiB that only a migration needs

    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # SQLite gives its log the same mode
    with path.with_name(f"{path.name}.migration").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            upgrade(connection)
            connection.commit()
        engine.dispose()


async def _migrate_postgres(url: str, upgrade: "Callable[[Connection], None]") -> None:
    import asyncpg  # noqa: PLC0415 - likewise
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - likewise

    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url))
    async with engine.connect() as connection:
        # For the session, not the transaction: each migration commits one of its own.
        await connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
        await connection.commit()
        await connection.run_sync(upgrade)
        await connection.commit()
        await connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_LOCK})")
    await engine.dispose()


def _upgrade() -> "Callable[[Connection], None]":
    from alembic import command  # noqa: PLC0415 - likewise
    from alembic.config import Config  # noqa: PLC0415 - likewise

    def upgrade(connection: "Connection") -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    return upgrade


def _revision(path: Path) -> str | None:
    if not path.exists():
        return None
    connection = sqlite3.connect(path)
    try:
        row = connection.execute(sql.SELECT_REVISION.text).fetchone()
    except sqlite3.OperationalError:  # a database without tables
        return None
    except sqlite3.DatabaseError as error:
        raise StoreUnavailable(f"{path} cannot be read: {error}") from error
    finally:
        connection.close()
    return row[0] if row else None


def _reason(error: Exception) -> str:
    """Return in a line what went wrong; of SQLAlchemy's errors, which go on for several, what is behind them."""
    behind = getattr(error, "orig", None) or error
    return f"{type(behind).__name__}: {str(behind).partition(chr(10))[0]}"


if __name__ == "__main__":
    try:
        migrate(os.environ[_URL])
    except Exception as error:  # noqa: BLE001 - whatever it is, the operator is told
        sys.exit(_reason(error))
