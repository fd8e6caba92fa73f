"""The measured processes: bare aiohttp, and gateways started by `poundkey serve`, each with a provider."""

import asyncio
import base64
import contextlib
import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

from benchmarks.databases import Database, Engine
from benchmarks.filling import fill
from benchmarks.http_requests import ACCOUNT, CALLER, TOKEN
from benchmarks.usage import cpu_seconds
from gateway.settings.settings import PREFIX, Settings, load

ROOT = Path(__file__).parents[1]

_POUNDKEY = (sys.executable, "-m", "gateway")
_TIMEOUT = 20.0
_NEVER = 3_600
_POLL = 0.002
_CLOSED_PORT = 9
_LISTENS = "listening on "
_OPEN_SENDS = "SELECT 1 FROM outbox WHERE state IN ('queued', 'sending') LIMIT 1"


class Send(msgspec.Struct, frozen=True):
    """A text or call that reached the provider."""

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

    def cpu_seconds(self) -> tuple[float, float]:
        """Return the CPU time that it, and its database, have used so far."""
        return cpu_seconds(self.pid), 0.0


class Scale(msgspec.Struct, frozen=True):
    """Size of a gateway: its processes, and the ended verifications in its database."""

    processes: int = 1
    stored: int = 0

    def __str__(self) -> str:
        stored = f", {self.stored:,} stored" if self.stored else ""
        return ("one process" if self.processes == 1 else f"{self.processes} processes") + stored


class Gateway(msgspec.Struct, frozen=True):
    """A serving gateway: its process, an API key, its provider's port, and its database for queries.

    With several processes, `pid` is their parent's.
    """

    settings: Settings
    scale: Scale
    pid: int
    key: str
    provider_port: int
    database: Database

    @property
    def port(self) -> int:
        """Return the port on which it listens."""
        return self.settings.server.port

    def cpu_seconds(self) -> tuple[float, float]:
        """Return the CPU time that its processes, and those of its database, have used so far."""
        return cpu_seconds(self.pid), self.database.cpu_seconds()

    async def drained(self) -> None:
        """Wait until every send is at the provider and recorded as sent."""
        while await self.database.query(_OPEN_SENDS):  # noqa: ASYNC110 - another process sends
            await asyncio.sleep(_POLL)

    def sends(self) -> list[Send]:
        """Return the sends that the provider has accepted since the last call."""
        connection = http.client.HTTPConnection("127.0.0.1", self.provider_port)
        connection.request("GET", "/sends")
        accepted = msgspec.json.decode(connection.getresponse().read(), type=list[tuple[str, str]])
        connection.close()
        return [_send(sid, form) for sid, form in accepted]


@contextlib.asynccontextmanager
async def serving(folder: Path, engine: Engine, scale: Scale) -> AsyncIterator[Gateway]:
    """Run a gateway on a new database, and a provider that accepts every send at once, until the block ends."""
    with spawned("stub_provider.py") as provider:
        async with serving_with_provider(provider.port, folder, engine, scale) as gateway:
            yield gateway


@contextlib.asynccontextmanager
async def serving_with_provider(
    provider_port: int, folder: Path, engine: Engine, scale: Scale, ports: tuple[int, int] | None = None
) -> AsyncIterator[Gateway]:
    """Run a gateway on a new database until the block ends; its provider must be running.

    `ports` are the port on which it listens and its public one, by default the same free port.
    """
    async with engine.database(folder) as database:
        settings, environment = _settings(database, provider_port, ports)
        poundkey(environment, "migrate")
        key = poundkey(environment, "keys", "create", "--application", "Example Bank")
        await fill(database, settings, scale.stored)
        with served(settings, environment, folder / "gateway.log", scale.processes) as pid:
            yield Gateway(settings, scale, pid, key, provider_port, database)


def poundkey(environment: Mapping[str, str], *words: str) -> str:
    """Run a command to its end, and return its output."""
    ended = subprocess.run([*_POUNDKEY, *words], env=environment, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if ended.returncode:
        raise RuntimeError(ended.stderr)
    return ended.stdout.strip()


def prepared(database: Database) -> tuple[Settings, dict[str, str]]:
    """Migrate a database, and return settings and environment for a gateway on it without a provider."""
    settings, environment = _settings(database, _CLOSED_PORT)
    poundkey(environment, "migrate")
    return settings, environment


@contextlib.contextmanager
def served(settings: Settings, environment: Mapping[str, str], log: Path, processes: int = 1) -> Iterator[int]:
    """Run `poundkey serve` until the block ends; yields its pid once all its processes are ready."""
    command = [*_POUNDKEY, "serve", "--workers", str(processes)]
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=output)  # noqa: S603 - ours
    try:
        _wait_until_ready(process, settings.server.port, log, processes)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@contextlib.contextmanager
def spawned(script: str, *words: str) -> Iterator[Server]:
    """Run a script of this folder, which prints its port first, until the block ends."""
    command = [sys.executable, str(Path(__file__).with_name(script)), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        try:
            yield Server(int(process.stdout.readline()), process.pid)
        finally:
            process.terminate()


def free_port() -> int:
    """Return a free port on loopback."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path, processes: int) -> None:
    deadline = time.monotonic() + _TIMEOUT
    while not _is_ready(port) or log.read_text().count(_LISTENS) < processes:
        if process.poll() is not None or time.monotonic() > deadline:
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


def _settings(
    database: Database, provider_port: int, ports: tuple[int, int] | None = None
) -> tuple[Settings, dict[str, str]]:
    """Return settings with defaults and only what has none, and the environment that sets them."""
    port, public_port = ports or (free_port(),) * 2
    values = {
        "SERVER__PORT": str(port),
        "SERVER__PUBLIC_URL": f"http://127.0.0.1:{public_port}",
        "DATABASE__URL": database.url,
        "KEYS__SEALING": f"1:{_random_key()}",
        "KEYS__FINGERPRINT": _random_key(),
        "KEYS__CODE": _random_key(),
        "TEXT__SENDER": CALLER,
        "TEXT__ORIGIN": "https://login.example.com",
        "VOICE__CALLER": CALLER,
        "TWILIO__BASE_URL": f"http://127.0.0.1:{provider_port}",
        "TWILIO__ACCOUNT_SID": ACCOUNT,
        "TWILIO__AUTH_TOKEN": TOKEN,
        # No status reports come, and reconciling the sends of one path would slow the next one.
        "OUTBOX__SETTLE_AFTER": str(_NEVER),
    }
    variables = {PREFIX + name: value for name, value in values.items()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return load(None, variables), inherited | variables


def _send(sid: str, form: str) -> Send:
    fields = {name: values[0] for name, values in parse_qs(form).items()}
    verification_id, token = urlsplit(fields["StatusCallback"]).path.split("/")[-3:-1]
    return Send(sid, fields["To"], fields.get("Body", ""), verification_id, token)


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
