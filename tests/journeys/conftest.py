"""A fresh world for each journey."""

import pytest
from support.world import world_at


@pytest.fixture
async def world(tmp_path):
    async with world_at(tmp_path) as world:
        yield world
