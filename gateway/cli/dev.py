"""`poundkey dev`: the gateway and a simulated phone network in one process, to try and to develop."""

import argparse
import logging
import os
import re
import shutil
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from gateway import logs
from gateway.api.auth import key_digest
from gateway.app import Gateway
from gateway.cli.config import environment
from gateway.cli.data_dir import SETTINGS_FILE, DataDir
from gateway.cli.failure import CommandFailed
from gateway.cli.keys import new_api_key, new_secret
from gateway.cli.loop import run as run_loop
from gateway.cli.loop import stop_requested
from gateway.cli.paths import API_KEY_FILE, DATA_DIR, GATEWAY_URL, kept_api_key
from gateway.cli.screen import bold
from gateway.cli.serve import start
from gateway.cli.simulator import NUMBER, start_simulator
from gateway.domain.portal import PortalPage
from gateway.ports import Application, Replay, Store
from gateway.services.enrollments import Person
from gateway.settings.settings import PREFIX, Settings
from simulator.config import SimulatorConfig
from webhooks.urls import Addresses

APPLICATION = "Poundkey Demo"
"""The name that people hear on a call and read in a text."""

_API_KEY_VARIABLE = f"{PREFIX}DEV_API_KEY"
_PASTEABLE = re.compile(r"[0-9A-Za-z_-]{8,200}", re.ASCII)
_PHONE = "+14255550123"
_DEMO_USER = "demo@example.com"


def run(arguments: argparse.Namespace) -> int:
    """Run until a signal asks to stop; raises CommandFailed if it cannot begin."""
    _reject_real_credentials()
    try:
        data_dir = DataDir(arguments.data_dir)
    except OSError as error:
        raise CommandFailed(f"{arguments.data_dir} cannot be the data directory: {error.strerror}") from None
    settings = data_dir.settings(arguments.port, arguments.simulator_port)
    api_key = _api_key(arguments.data_dir)
    logs.configure(logging.WARNING)
    run_loop(_develop(settings, data_dir, api_key, arguments))
    return 0


async def _develop(settings: Settings, data_dir: DataDir, api_key: str, arguments: argparse.Namespace) -> None:
    stop = stop_requested()
    async with AsyncExitStack() as stack:
        simulator = await start_simulator(_network(settings, arguments.speed), arguments.simulator_port)
        stack.push_async_callback(simulator.close)
        gateway = await start(stack, settings)
        application = await _let_in(gateway.store, api_key)
        data_dir.keep(settings, api_key)
        link = await _demo_link(gateway, application)
        print(_welcome(settings.server.public_url, simulator.url, api_key, arguments.data_dir, link), flush=True)
        await stop.wait()


def _reject_real_credentials() -> None:
    real = (f"{PREFIX}TWILIO__", f"{PREFIX}PROVIDERS__")
    found = sorted(name for name in environment() if name.startswith(real))
    if found:
        raise CommandFailed(
            f"it speaks to its own phone network only: unset {', '.join(found)}, or use `poundkey serve`"
        )


def _network(settings: Settings, speed: float) -> SimulatorConfig:
    twilio = settings.twilio
    return SimulatorConfig(
        auth_token=twilio.auth_token,
        account_sid=twilio.account_sid,
        numbers=(NUMBER,),
        inbound_url=Addresses(settings.server.public_url, "twilio").inbound_message_url(),
        speed=speed,
    )


def _api_key(data_dir: Path) -> str:
    given = os.environ.get(_API_KEY_VARIABLE)
    if given and not _PASTEABLE.fullmatch(given):
        raise CommandFailed(f"{_API_KEY_VARIABLE} must be 8 to 200 of the characters 0-9 A-Z a-z _ -")
    return given or kept_api_key(data_dir) or new_secret()


async def _let_in(store: Store, api_key: str) -> Application:
    kept = await store.keys()
    known = next((key for key in kept if key.digest == key_digest(api_key)), None)
    if known is None:
        known = await store.add_key(new_api_key(api_key, APPLICATION, "dev"))
    elif known.revoked_at is not None:
        raise CommandFailed(
            f"its API key ({known.id}) is revoked: set {_API_KEY_VARIABLE} to another, or delete {API_KEY_FILE}"
        )
    return known.application


async def _demo_link(gateway: Gateway, application: Application) -> str:
    """Return a link that opens the enrollment page for a person who is made up, once."""
    enrolled = await gateway.journeys.records.enroll(application, Person(_DEMO_USER, "Demo Person"), None)
    if isinstance(enrolled, Replay):
        raise TypeError("a replay without a receipt")
    made = await gateway.journeys.portal.make_link(application, enrolled[0].id, PortalPage.ENROLL, None, None)
    if isinstance(made, Replay):
        raise TypeError("a replay without a receipt")
    return made.url


def _welcome(gateway_url: str, simulator_url: str, api_key: str, data_dir: Path, link: str) -> str:
    verify = f"{_own_name()} verify {_PHONE} --call"
    if gateway_url != GATEWAY_URL:
        verify += f" --url {gateway_url}"
    if data_dir != DATA_DIR:
        verify += f" --key {api_key}"
    return f"""
{bold("Poundkey is running")} with a simulated phone network. Ctrl-C ends it.

  phones    {simulator_url}/
  enroll    {link}
  API       {gateway_url}/v1
  docs      {gateway_url}/docs
  API key   {api_key}
  settings  {data_dir / SETTINGS_FILE}

{bold("Open the phones beside the enrollment page, and set up +1 425 555 0123 there.")}
(The link opens once; the next start prints another.)

{bold("Or try the API: a text, a call, and a call with live progress:")}

  {_curl(gateway_url, api_key, "sms")}

  {_curl(gateway_url, api_key, "call")}

  {verify}
"""


def _curl(gateway_url: str, api_key: str, channel: str) -> str:
    body = f'{{"to": "{_PHONE}", "channel": "{channel}"}}'
    return f"curl {gateway_url}/v1/verifications -u {api_key}: \\\n    --json '{body}'"


def _own_name() -> str:
    """Return what to type for this program: its short name where the shell finds it, else where it is installed."""
    script = Path(sys.executable).with_name("poundkey")
    found = shutil.which("poundkey")
    if found and Path(found) == script:
        return "poundkey"
    return os.path.relpath(script) if script.exists() else f"{os.path.relpath(sys.executable)} -m gateway"
