"""The provider's official Node client against the simulator; needs Node and `npm ci` in tests/clients/node."""

import asyncio
import shutil
from pathlib import Path

import pytest

from simulator.app import start
from simulator.config import SimulatorConfig

FOLDER = Path(__file__).parent / "node"
NODE = shutil.which("node")

needs_node = pytest.mark.skipif(
    NODE is None or not (FOLDER / "node_modules" / "twilio").is_dir(),
    reason="Node client: install Node and run `npm ci` in tests/clients/node",
)


@needs_node
async def test_node_client_sends_texts_and_places_calls():
    config = SimulatorConfig(auth_token="token", account_sid="AC" + "0" * 32, numbers=("+15005550006",), speed=0)
    simulator = await start(config)
    arguments = (simulator.url, config.account_sid, config.auth_token, *config.numbers)
    environment = {"NO_PROXY": "127.0.0.1", "PATH": str(Path(NODE or "").parent)}
    node = await asyncio.create_subprocess_exec(
        NODE or "node",
        "simulator.mjs",
        *arguments,
        cwd=FOLDER,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await node.communicate()
    await simulator.close()
    assert node.returncode == 0, output.decode()
