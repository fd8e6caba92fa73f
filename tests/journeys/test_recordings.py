"""An operator's own recordings: played on calls, fetched by the provider, and checked before the start."""

import contextlib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.network import OURS, said
from support.world import World, settings_for, world_at

from gateway.app import CONFIG
from gateway.cli.command import CommandFailed
from gateway.cli.serve import start
from gateway.services.phrasebooks import load_phrasebooks
from gateway.services.recordings import LARGEST, RecordingsInvalid, load_recordings
from gateway.settings.channels import Voice

WAVE = b"RIFF\x24\x00\x00\x00WAVEfmt "
MPEG = b"\xff\xfb\x90\x64"
BOOKS = load_phrasebooks(CONFIG / "locales").all()


def record(folder: Path, **files: bytes) -> Path:
    """Write recordings, such as `en__press_now_pound__wav`, into a folder."""
    for name, content in files.items():
        locale, prompt, suffix = name.rsplit("__", 2)
        place = folder / locale
        place.mkdir(exist_ok=True, parents=True)
        (place / f"{prompt}.{suffix}").write_bytes(content)
    return folder


@pytest.fixture
async def world(tmp_path):
    folder = record(
        tmp_path / "recordings",
        en__press_now_pound__wav=WAVE,
        en__confirmed__mp3=MPEG,
        de__digit_1__mp3=b"ID3\x04",
    )
    (folder / ".gitkeep").touch()
    async with world_at(tmp_path, voice=Voice(OURS, recordings=str(folder))) as world:
        yield world


async def fetched(world: World, path: str) -> tuple[int, bytes, str]:
    url = f"{world.settings.server.public_url}{path}"
    async with world.network.session.get(url) as response:
        return response.status, await response.read(), response.headers.get("Cache-Control", "")


async def test_a_call_plays_what_is_recorded_and_speaks_the_rest(world, integrator, network):
    await network.persona("presses_pound")
    made = await integrator.create(channel="call")
    assert (await integrator.finished(made["id"]))["status"] == "approved"
    call = await network.call_over()
    verbs = [heard["verb"] for heard in call["transcript"] if heard["verb"] != "Hangup"]
    assert verbs == ["Say", "Play", "Play"]
    assert "press the pound key" not in said(call)[0]
    played = [urlsplit(heard["text"]) for heard in call["transcript"] if heard["verb"] == "Play"]
    assert [url.path.rpartition("/")[2] for url in played] == ["press_now_pound.wav", "confirmed.mp3"]
    contents = [await fetched(world, url.path) for url in played]
    assert [(status, content) for status, content, _ in contents] == [(200, WAVE), (200, MPEG)]
    assert all("immutable" in kept for _, _, kept in contents)


@pytest.mark.parametrize(
    "path",
    [
        "/recordings",
        "/recordings/",
        "/recordings/00/en",
        "/recordings/00/en/",
        "/recordings/00/en/wrong_key_pound.wav",
        "/recordings/00/fr/confirmed.mp3",
        "/recordings/00/en/..%2f..%2fpoundkey.db",
        "/recordings/00/%2e%2e/poundkey.db",
        "/recordings/00/..%2f../poundkey.db",
        "/recordings/zz/en/confirmed.mp3",
    ],
)
async def test_nothing_else_is_served_and_nothing_is_listed(world, path):
    assert (await fetched(world, path))[0] == 404


async def test_an_address_of_an_older_version_gets_what_is_there_now(world):
    assert (await fetched(world, "/recordings/0123456789ab/en/confirmed.mp3"))[:2] == (200, MPEG)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("en__press_now__wav", WAVE, "is no prompt that can be recorded"),
        ("en__digit_10__wav", WAVE, "is no prompt that can be recorded"),
        ("en__confirmed__ogg", b"OggS", "is not of a type that calls can play"),
        ("en__confirmed__wav", MPEG, "holds no .wav sound"),
        ("en__confirmed__mp3", b"", "holds no .mp3 sound"),
        ("en__confirmed__wav", WAVE + bytes(LARGEST), "is larger than"),
        ("tlh__confirmed__wav", WAVE, "is no language of ours"),
    ],
)
def test_what_cannot_be_played_is_told_with_its_place(tmp_path, name, content, told):
    record(tmp_path, de__confirmed__wav=WAVE, **{name: content})
    with pytest.raises(RecordingsInvalid) as invalid:
        load_recordings(tmp_path, BOOKS)
    [problem] = invalid.value.problems
    assert problem.startswith(str(tmp_path / name.partition("__")[0]))
    assert told in problem


def test_every_mistake_is_told_at_once(tmp_path):
    record(tmp_path, en__confirmed__wav=WAVE, en__confirmed__mp3=MPEG, de__nothing__wav=WAVE, fr__confirmed__wav=b"")
    (tmp_path / "en" / "apology.wav").mkdir()
    with pytest.raises(RecordingsInvalid) as invalid:
        load_recordings(tmp_path, BOOKS)
    told = [problem.rpartition(": ")[2] for problem in invalid.value.problems]
    assert [words.split(";")[0] for words in told] == [
        "is no prompt that can be recorded",
        "is not a file",
        "is there twice",
        "holds no .wav sound",
    ]


async def test_a_gateway_does_not_start_without_its_recordings(tmp_path):
    missing = Voice(OURS, recordings=str(tmp_path / "nowhere"))
    async with contextlib.AsyncExitStack() as stack:
        with pytest.raises(CommandFailed) as failed:
            await start(stack, settings_for(tmp_path, "http://127.0.0.1:1", voice=missing))
    assert failed.value.lines == (f"{missing.recordings}: No such file or directory",)
