"""The program as people start it: real processes, on ports of their own."""

import asyncio
import base64
import http.client
import itertools
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from support.world import World, world_at

from gateway.__main__ import main
from gateway.stores.migrate import migrate

_PROGRAM = (sys.executable, "-W", "error", "-m", "gateway")


class Program:
    """One run of the program, through pipes, or on the inside of a pseudo-terminal."""

    def __init__(self, *words: str, folder: Path, inside: int = subprocess.PIPE, **environment: str) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [*_PROGRAM, *words],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            encoding="utf-8",
        )
        self.out = ""
        self.err = ""

    @property
    def last_line(self) -> str:
        return self.out.splitlines()[-1]

    def read_until(self, text: str) -> None:
        """Read what it prints up to a line with this text."""
        for line in self.process.stdout:
            self.out += line
            if text in line:
                return
        raise AssertionError(f"it ended without {text!r}: {self.out}{self.process.stderr.read()}")

    def log_until(self, text: str) -> None:
        """Read what it logs up to a line with this text."""
        for line in self.process.stderr:
            self.err += line
            if text in line:
                return
        raise AssertionError(f"it ended without {text!r}: {self.err}")

    def type(self, line: str) -> None:
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def ended(self) -> int:
        """Close its stdin, read all it still prints, and return its exit code."""
        with self.process:  # waits, and closes the pipes
            self.process.stdin.close()
            self.out += self.process.stdout.read()
            self.err += self.process.stderr.read()
        return self.process.returncode

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.ended()

    def abandon(self) -> None:
        """End it at once if a test left it running."""
        if self.process.returncode is None:
            self.process.kill()
            self.ended()


class Asker:
    """Sends one request, and receives its answer when it is asked for."""

    def __init__(self, port: int, key: str = "", accept: str = "*/*") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}", "Accept": accept}

    def send(self, method: str, path: str, body: object = None) -> None:
        self._connection.request(method, path, None if body is None else json.dumps(body), self._headers)

    def receive(self) -> tuple[int, object]:
        """Return the status and the JSON that came back, or the text if it is none."""
        response = self._connection.getresponse()
        text = response.read().decode()
        self._connection.close()
        return response.status, json.loads(text) if "json" in response.headers["Content-Type"] else text

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, object]:
        self.send(method, path, body)
        return self.receive()


class Dev(Program):
    """`poundkey dev` in a folder of its own, with a phone network that takes no time."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port, self.simulator_port = _pick_port(), _pick_port()
        self.url = f"http://127.0.0.1:{self.port}"
        ports = ("--port", str(self.port), "--simulator-port", str(self.simulator_port))
        super().__init__("dev", *ports, "--speed", "0", folder=folder, **environment)
        self.read_until("verify +")

    @property
    def key(self) -> str:
        return (self.folder / "var" / "api-key").read_text().strip()

    def ask(self, method: str, path: str, body: object = None, *, key: str | None = None) -> tuple[int, object]:
        return Asker(self.port, self.key if key is None else key).ask(method, path, body)

    def give_persona(self, phone: str, persona: str) -> None:
        status, _ = Asker(self.simulator_port).ask("PUT", f"/v1/handsets/{phone}", {"persona": persona})
        assert status == 200

    def answer(self, phone: str) -> None:
        self._on_call(phone, "answer")

    def press(self, phone: str, digits: str) -> None:
        """Press keys on the call under way, once it asks for some."""
        while not self._call(phone)["gathering"]:
            pass
        self._on_call(phone, "digits", {"digits": digits})

    def _call(self, phone: str) -> dict:
        _, handset = Asker(self.simulator_port).ask("GET", f"/v1/handsets/{phone}")
        return handset["calls"][-1]

    def _on_call(self, phone: str, act: str, body: object = None) -> None:
        path = f"/v1/handsets/{phone}/calls/{self._call(phone)['sid']}/{act}"
        status, _ = Asker(self.simulator_port).ask("POST", path, body)
        assert status == 200

    def code_on(self, phone: str) -> str:
        _, handset = Asker(self.simulator_port).ask("GET", f"/v1/handsets/{phone}")
        return handset["messages"][-1]["body"].split()[0]

    def poundkey(self, *words: str, inside: int = subprocess.PIPE) -> Program:
        """Start another command from the same folder."""
        return Program(*words, folder=self.folder, inside=inside)

    def verify(self, *words: str, inside: int = subprocess.PIPE) -> Program:
        return self.poundkey("verify", *words, "--url", self.url, inside=inside)


def _pick_port() -> int:
    """Return a free port below those that connections take by themselves, so that nobody else gets it meanwhile."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database at head, to copy: to migrate takes a second."""
    path = tmp_path_factory.mktemp("empty") / "poundkey.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One `poundkey dev` for all tests that only use it."""
    started = Dev(tmp_path_factory.mktemp("dev"), POUNDKEY_LIMITS__CALL_GRACE="0.1")
    yield started
    assert started.stop() == 0, started.err


@pytest.fixture
def start_dev(tmp_path: Path, empty_database: Path) -> Iterator[Callable[..., Dev]]:
    """Starts a `poundkey dev` of the test's own."""
    (tmp_path / "var").mkdir()
    shutil.copy(empty_database, tmp_path / "var")
    started: list[Dev] = []

    def start(**environment: str) -> Dev:
        started.append(Dev(tmp_path, **environment))
        return started[-1]

    yield start
    for program in started:
        program.abandon()


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts a command in an empty folder, and ends it if the test does not."""
    started: list[Program] = []

    def start(*words: str, **environment: str) -> Program:
        started.append(Program(*words, folder=tmp_path, **environment))
        return started[-1]

    yield start
    for program in started:
        program.abandon()


@pytest.fixture
def poundkey(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Runs a short command in this process, from an empty folder; gives exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, **environment: str) -> tuple[int, str, str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        try:
            code = main(words)
        except SystemExit as usage:  # argparse's way to end
            code = usage.code
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="session")
def _phones() -> Iterator[str]:
    return (f"+1425555{line:04}" for line in itertools.count(124))


@pytest.fixture
def new_phone(_phones: Iterator[str]) -> Callable[[], str]:
    """Gives numbers that no other test uses."""
    return lambda: next(_phones)


@pytest.fixture
def two_ports() -> tuple[int, int]:
    return _pick_port(), _pick_port()


@pytest.fixture
def serve_environment(tmp_path: Path, two_ports: tuple[int, int]) -> dict[str, str]:
    """Settings for `poundkey serve`, with a provider that is not there."""
    port, provider_port = two_ports
    key = base64.b64encode(bytes(32)).decode()
    return {
        "POUNDKEY_SERVER__PORT": str(port),
        "POUNDKEY_SERVER__PUBLIC_URL": f"http://127.0.0.1:{port}",
        "POUNDKEY_DATABASE__URL": f"sqlite:///{tmp_path}/poundkey.db",
        "POUNDKEY_KEYS__SEALING": f"1:{key}",
        "POUNDKEY_KEYS__FINGERPRINT": key,
        "POUNDKEY_KEYS__CODE": key,
        "POUNDKEY_TEXT__SENDER": "+15005550006",
        "POUNDKEY_VOICE__CALLER": "+15005550006",
        "POUNDKEY_TWILIO__BASE_URL": f"http://127.0.0.1:{provider_port}",
        "POUNDKEY_TWILIO__ACCOUNT_SID": "AC" + "0" * 32,
        "POUNDKEY_TWILIO__AUTH_TOKEN": "token",
    }


@pytest.fixture
def serve(
    start_program: Callable[..., Program], serve_environment: dict[str, str], empty_database: Path, tmp_path: Path
) -> Program:
    """A gateway that listens, with nothing in its database."""
    shutil.copy(empty_database, tmp_path)
    program = start_program("serve", **serve_environment)
    program.log_until("listening")
    return program


@pytest.fixture
def asker() -> type[Asker]:
    return Asker


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[World]:
    async with world_at(tmp_path) as world:
        yield world


@pytest.fixture
def beside(world, poundkey):
    """Runs commands on the database that the world's gateway serves."""
    settings = world.settings
    environment = {
        "DATABASE__URL": settings.database.url,
        "KEYS__SEALING": settings.keys.sealing[0],
        "KEYS__FINGERPRINT": settings.keys.fingerprint,
        "KEYS__CODE": settings.keys.code,
        "TEXT__SENDER": settings.text.sender,
        "VOICE__CALLER": settings.voice.caller,
        "TWILIO__ACCOUNT_SID": settings.twilio.account_sid,
        "TWILIO__AUTH_TOKEN": settings.twilio.auth_token,
    }
    variables = {f"POUNDKEY_{name}": value for name, value in environment.items()}

    async def run(*words: str) -> tuple[int, str, str]:
        # In a thread, because the gateway serves in this loop while the command waits for the write lock.
        return await asyncio.to_thread(poundkey, *words, **variables)

    return run
