"""The migrations, the schema and the revision that the program asks for agree."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from gateway.stores import migrate
from gateway.stores.head import HEAD
from gateway.stores.schema import metadata

MIGRATIONS = Path(migrate.__file__).parent / "migrations"


@pytest.fixture
def connection(tmp_path) -> Iterator[Connection]:
    path = tmp_path / "poundkey.db"
    migrate.migrate(f"sqlite:///{path}")
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_there_is_one_head_and_the_program_asks_for_it():
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]


def test_a_migrated_database_is_the_schema(connection):
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    assert compare_metadata(context, metadata) == []
    assert context.get_current_revision() == HEAD


def test_every_migration_can_be_taken_back_and_done_again(connection):
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS))
    for revision in ScriptDirectory.from_config(config).walk_revisions():
        command.downgrade(config, revision.down_revision or "base")
        command.upgrade(config, revision.revision)
        command.downgrade(config, revision.down_revision or "base")
    command.upgrade(config, "head")
    assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_second_migration_finds_nothing_to_do(tmp_path):
    path = tmp_path / "poundkey.db"
    migrate.migrate(f"sqlite:///{path}")
    before = path.read_bytes()
    migrate.migrate(f"sqlite:///{path}")
    assert path.read_bytes() == before
