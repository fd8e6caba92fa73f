"""Brings a database to head, in a process of its own, so that a serving gateway carries no SQLAlchemy in memory."""

import asyncio
import fcntl
import sqlite3
import sys
from pathlib import Path

from gateway.ports import StoreUnavailable
from gateway.stores import statements as sql
from gateway.stores.head import HEAD


async def bring_to_head(path: Path) -> None:
    """Migrate a SQLite database unless it is at head; raises StoreUnavailable with what the migration printed."""
    if _revision(path) == HEAD:
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.stores.migrate", str(path), stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    if process.returncode:
        reason = errors.decode().strip().rpartition("\n")[2]
        raise StoreUnavailable(f"{path} could not be brought to head: {reason}")


def migrate(path: Path) -> None:
    """Migrate a SQLite database; a second migration at the same time waits, and then finds nothing to do."""
    from alembic import command  # noqa: PLC0415 - 30 MiB that only a migration needs
    from alembic.config import Config  # noqa: PLC0415 - likewise
    from sqlalchemy import create_engine  # noqa: PLC0415 - likewise

    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # SQLite gives its log the same mode
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with path.with_name(f"{path.name}.migration").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
        engine.dispose()


def _revision(path: Path) -> str | None:
    if not path.exists():
        return None
    connection = sqlite3.connect(path)
    try:
        row = connection.execute(sql.SELECT_REVISION).fetchone()
    except sqlite3.OperationalError:  # a database without tables
        return None
    except sqlite3.DatabaseError as error:
        raise StoreUnavailable(f"{path} cannot be read: {error}") from error
    finally:
        connection.close()
    return row[0] if row else None


if __name__ == "__main__":
    migrate(Path(sys.argv[1]))
