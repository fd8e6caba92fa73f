"""A disk that is full or broken under SQLite: said, not done, nothing acknowledged lost, and over by itself."""

import asyncio
import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.problems import assert_problem
from support.served import served_on
from support.world import settings_for

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0

full_disks = pytest.mark.skipif(not IS_ROOT or shutil.which("mount") is None, reason="only root can mount a small disk")
broken_disks = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=True)  # noqa: S603, S607 - Debian's
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607 - likewise


def fill(folder: Path) -> Path:
    """Leave no room on a disk, and return what to remove to make some."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    return ballast


def numbers(start):
    return (f"+1425555{number:04}" for number in range(start, 10_000))


async def keep_creating(integrator, start: int) -> tuple[list[dict], object]:
    """Create until one is refused; return what was created, and the refusal."""
    made = []
    for number in numbers(start):
        answer = await integrator.ask("POST", "/v1/verifications", {"to": number, "channel": "sms"})
        if answer.status != 201:
            return made, answer
        made.append(answer.body)
    raise AssertionError("the disk took everything")


@full_disks
async def test_a_full_disk_refuses_and_what_it_took_before_is_kept(small_disk, network):
    async with served_on(settings_for(small_disk, network.url)) as (process, integrator):
        first = await integrator.create()
        code = await network.code()
        await integrator.attempt_when(first["id"], "delivered")
        ballast = fill(small_disk)
        made, refusal = await keep_creating(integrator, 1000)
        assert_problem(refusal, 503, "store_unavailable")
        assert_problem(await integrator.check(first["id"], code), 503, "store_unavailable")
        assert (await integrator.show(first["id"]))["status"] == "pending"
        ballast.unlink()
        assert (await integrator.check(first["id"], code)).body["status"] == "approved"
        for one in made:
            kept = await integrator.attempt_when(one["id"], "delivered", "sent")
            assert kept["status"] in {"delivered", "sent"}
        assert (await integrator.create("+14255559999"))["status"] == "pending"
        assert process.returncode is None
    # What was refused was sent to nobody.
    texts = [await network.texts(one["to"]) for one in made]
    assert [len(sent) for sent in texts] == [1] * len(made)


@contextlib.asynccontextmanager
async def no_sync(pid: int):
    """Let every sync of a process fail, as on a disk that is broken, until the block ends."""
    tracer = await asyncio.create_subprocess_exec(
        *("strace", "-f", "-qq", "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:error=EIO"),
        *("-p", str(pid)),
        stderr=asyncio.subprocess.DEVNULL,
    )
    status = Path(f"/proc/{pid}/status")
    async with asyncio.timeout(20):
        while "TracerPid:\t0" in status.read_text():  # noqa: ASYNC240 - no disk
            await asyncio.sleep(0.01)
    yield
    tracer.terminate()
    await tracer.wait()


@broken_disks
async def test_a_disk_that_does_not_sync_acknowledges_nothing(tmp_path, network):
    async with served_on(settings_for(tmp_path, network.url)) as (process, integrator):
        made = await integrator.create()
        code = await network.code()
        await integrator.attempt_when(made["id"], "delivered")
        async with no_sync(process.pid):
            async with asyncio.timeout(20):
                while (answer := await integrator.check(made["id"], code)).status != 503:
                    assert answer.body.get("status") != "approved"
                    await asyncio.sleep(0.01)
            assert_problem(answer, 503, "store_unavailable")
        assert (await integrator.check(made["id"], code)).body["status"] == "approved"
        entries = [event["type"] for event in await integrator.events(made["id"])]
        assert entries.count("verification.approved") == 1
