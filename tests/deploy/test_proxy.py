"""The proxy, with the file that it is given."""

import asyncio
import shutil
import subprocess

import aiohttp
import pytest
from support.world import free_port

from gateway.api import problems
from gateway.domain.errors import ErrorCode, Rejected


@pytest.fixture(scope="module")
def haproxy() -> str:
    found = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    return found or pytest.skip("haproxy is not installed")


@pytest.fixture
async def proxy(haproxy, deploy, tmp_path):
    """A client of a running proxy whose gateways are nowhere."""
    port, watched = free_port(), free_port()
    text = (deploy / "haproxy" / "haproxy.cfg").read_text()
    for ours, here in (
        ("bind :8080", f"bind 127.0.0.1:{port}"),
        ("bind :8405", f"bind 127.0.0.1:{watched}"),
        ("maxconn 20000", "maxconn 100"),
    ):
        assert ours in text
        text = text.replace(ours, here)
    file = tmp_path / "haproxy.cfg"
    file.write_text(text)
    process = await asyncio.create_subprocess_exec(haproxy, "-q", "-f", file, stdout=subprocess.DEVNULL)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        while not await _listens(session, watched):
            assert process.returncode is None
        yield session
    process.kill()
    await process.wait()


def test_it_takes_its_file(haproxy, deploy):
    command = [haproxy, "-c", "-f", deploy / "haproxy" / "haproxy.cfg"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own file
    assert done.returncode == 0, done.stderr


async def test_while_no_gateway_is_ready_applications_are_told_in_the_words_of_one(proxy):
    detail = "No gateway is ready. Nothing was changed. Try again soon."
    ours = problems.problem_response(
        problems.from_rejection(Rejected(ErrorCode.STORE_UNAVAILABLE, detail, retry_after=1))
    )
    async with proxy.get("/v1/verifications") as told:
        assert (told.status, await told.read()) == (ours.status, ours.body)
        assert told.content_type == ours.content_type
        assert told.headers["Retry-After"] == ours.headers["Retry-After"]


@pytest.mark.parametrize("path", ["/portal", "/callbacks/twilio/calls/ver_1/token/status"])
async def test_pages_and_callbacks_get_none_of_that(proxy, path):
    async with proxy.get(path) as told:
        assert (told.status, told.content_type) == (503, "text/html")


async def _listens(session: aiohttp.ClientSession, watched: int) -> bool:
    try:
        async with session.get(f"http://127.0.0.1:{watched}/healthz") as answer:
            return answer.status == 200
    except aiohttp.ClientConnectionError:
        await asyncio.sleep(0.01)
        return False
