"""The processes under measurement: bare aiohttp, and gateways as `poundkey serve` starts them, each with a provider."""

import asyncio
import base64
import contextlib
import http.client
import os
import secrets
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

from benchmarks.filling import fill
from benchmarks.wire import ACCOUNT, CALLER
from gateway.settings import PREFIX, Settings, load

ROOT = Path(__file__).parents[1]

_POUNDKEY = (sys.executable, "-m", "gateway")
_PATIENCE = 20.0
_POLL = 0.002


class Send(msgspec.Struct, frozen=True):
    """A text or call that reached the provider: what a carrier and a phone user know of it."""

    sid: str
    to: str
    body: str
    verification_id: str
    token: str

    @property
    def code(self) -> str:
        """Return the code that the text carries."""
        return self.body.rpartition("#")[2]


class Server(msgspec.Struct, frozen=True):
    """A process that listens on loopback."""

    port: int
    pid: int


class Gateway(msgspec.Struct, frozen=True):
    """A serving gateway: its process, an API key, the provider it talks to, and its database, to be read only."""

    settings: Settings
    pid: int
    key: str
    provider_port: int
    database: sqlite3.Connection

    @property
    def port(self) -> int:
        """Return where it listens."""
        return self.settings.server.port

    async def drained(self) -> None:
        """Return when every send is at the provider and noted as sent; it then waits for the provider's last word."""
        while self._has_sends():  # noqa: ASYNC110 - another process empties it, and sets no event of ours
            await asyncio.sleep(_POLL)

    def sends(self) -> list[Send]:
        """Return what the provider has taken since this was last asked."""
        connection = http.client.HTTPConnection("127.0.0.1", self.provider_port)
        connection.request("GET", "/sends")
        taken = msgspec.json.decode(connection.getresponse().read(), type=list[tuple[str, str]])
        connection.close()
        return [_send(sid, form) for sid, form in taken]

    def _has_sends(self) -> bool:
        return (
            self.database.execute("SELECT 1 FROM sends WHERE stage IN ('queued', 'sending') LIMIT 1").fetchone()
            is not None
        )


@contextlib.asynccontextmanager
async def serving(folder: Path, stored: int = 0) -> AsyncIterator[Gateway]:
    """Run a gateway and its provider until the block ends, on a new database in `folder` with verifications in it."""
    with spawned("stub.py") as provider:
        settings, environment = _settings(folder, f"http://127.0.0.1:{provider.port}")
        poundkey(environment, "migrate")
        key = poundkey(environment, "keys", "create", "--application", "Example Bank")
        fill(settings, stored)
        database = sqlite3.connect(settings.database.path, isolation_level=None)
        with contextlib.closing(database), served(settings, environment, folder / "gateway.log") as pid:
            yield Gateway(settings, pid, key, provider.port, database)


def poundkey(environment: Mapping[str, str], *words: str) -> str:
    """Run a command to its end, and return what it prints."""
    ended = subprocess.run([*_POUNDKEY, *words], env=environment, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if ended.returncode:
        raise RuntimeError(ended.stderr)
    return ended.stdout.strip()


def prepared(folder: Path) -> tuple[Settings, dict[str, str]]:
    """Return settings for a gateway in `folder` that needs no provider, and its environment."""
    return _settings(folder, "http://127.0.0.1:9")


@contextlib.contextmanager
def served(settings: Settings, environment: Mapping[str, str], log: Path) -> Iterator[int]:
    """Run `poundkey serve` from its first `/readyz` on until the block ends, and yield its pid."""
    with log.open("w") as output:
        process = subprocess.Popen([*_POUNDKEY, "serve"], env=environment, cwd=ROOT, stdout=output, stderr=output)  # noqa: S603 - ours
    try:
        _wait_until_ready(process, settings.server.port, log)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def spawned(script: str) -> Iterator[Server]:
    """Run a script beside this one, which prints its port first, until the block ends."""
    command = [sys.executable, str(Path(__file__).with_name(script))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        try:
            yield Server(int(process.stdout.readline()), process.pid)
        finally:
            process.terminate()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    give_up = time.monotonic() + _PATIENCE
    while not _is_ready(port):
        if process.poll() is not None or time.monotonic() > give_up:
            raise RuntimeError(f"the gateway did not start: {log.read_text()}")
        time.sleep(_POLL)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _settings(folder: Path, provider_url: str) -> tuple[Settings, dict[str, str]]:
    """Settings as an operator's environment has them: defaults, and what has none."""
    port = _free_port()
    ours = {
        "SERVER__PORT": str(port),
        "SERVER__PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DATABASE__URL": f"sqlite:///{folder}/poundkey.db",
        "KEYS__SEALING": f"1:{_random_key()}",
        "KEYS__FINGERPRINT": _random_key(),
        "KEYS__CODE": _random_key(),
        "TEXT__SENDER": CALLER,
        "TEXT__ORIGIN": "https://login.example.com",
        "VOICE__CALLER": CALLER,
        "TWILIO__BASE_URL": provider_url,
        "TWILIO__ACCOUNT_SID": ACCOUNT,
        "TWILIO__AUTH_TOKEN": secrets.token_hex(16),
    }
    named = {PREFIX + name: value for name, value in ours.items()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return load(None, named), inherited | named


def _send(sid: str, form: str) -> Send:
    fields = {name: values[0] for name, values in parse_qs(form).items()}
    verification_id, token = urlsplit(fields["StatusCallback"]).path.split("/")[-3:-1]
    return Send(sid, fields["To"], fields.get("Body", ""), verification_id, token)


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
