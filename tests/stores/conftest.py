"""The stores under the contract: each fixture parameter is one engine."""

import os
from collections.abc import AsyncIterator

import pytest

from gateway.stores.migrate import migrate
from gateway.stores.sqlite import SqliteStore
from gateway.vault import Vault


class ManualClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def vault() -> Vault:
    return Vault({1: os.urandom(32)}, os.urandom(32), os.urandom(32))


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    path = tmp_path_factory.mktemp("empty") / "poundkey.db"
    migrate(path)
    return path.read_bytes()


@pytest.fixture
def database(tmp_path, empty_database):
    path = tmp_path / "poundkey.db"
    path.write_bytes(empty_database)
    return path


@pytest.fixture(params=["sqlite"])
async def store(database, vault, clock) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(database, vault, clock)
    yield store
    await store.close()
