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
from gateway.cli.command import (
    API_KEY_FILE,
    DATA_DIR,
    GATEWAY_URL,
    CommandFailed,
    read_api_key,
    run_loop,
    stop_requested,
)
from gateway.cli.config import environment
from gateway.cli.data_dir import SETTINGS_FILE, DataDir
from gateway.cli.keys import new_api_key, new_secret
from gateway.cli.serve import start
from gateway.cli.simulator import NUMBER, start_simulator
from gateway.cli.terminal import bold
from gateway.domain.api_keys import Application
from gateway.domain.portal import PortalPage
from gateway.services.enrollments import Person
from gateway.settings.settings import PREFIX, Settings
from gateway.stores.store import Store
from simulator.config import SimulatorConfig
from webhooks.urls import Addresses

APPLICATION = "Poundkey Demo"
"""The name that people hear on a call and read in a text."""

_API_KEY_VARIABLE = f"{PREFIX}DEV_API_KEY"
_PASTEABLE = re.compile(r"[0-9A-Za-z_-]{8,200}", re.ASCII)
_PHONE = "+14255550123"
_DEMO_USER = "demo@example.com"


def run(arguments: argparse.Namespace) -> int:
    """Run until a stop signal; raises CommandFailed if it cannot start."""
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
        application = await _register_api_key(gateway.store, api_key)
        data_dir.save(settings, api_key)
        link = await _demo_link(gateway, application)
        print(_welcome(settings.server.public_url, simulator.url, api_key, arguments.data_dir, link), flush=True)
        await stop.wait()


def _reject_real_credentials() -> None:
    real = (f"{PREFIX}TWILIO__", f"{PREFIX}PROVIDERS__")
    variables = sorted(name for name in environment() if name.startswith(real))
    if variables:
        raise CommandFailed(
            f"it uses its own phone network only: unset {', '.join(variables)}, or use `poundkey serve`"
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
    from_environment = os.environ.get(_API_KEY_VARIABLE)
    if from_environment and not _PASTEABLE.fullmatch(from_environment):
        raise CommandFailed(f"{_API_KEY_VARIABLE} must be 8 to 200 of the characters 0-9 A-Z a-z _ -")
    return from_environment or read_api_key(data_dir) or new_secret()


async def _register_api_key(store: Store, api_key: str) -> Application:
    """Return the API key's application; adds a missing key to the store, raises CommandFailed for a revoked one."""
    digest = key_digest(api_key)
    key = next((key for key in await store.api_keys.all() if key.digest == digest), None)
    if key is None:
        key = await store.api_keys.add(new_api_key(api_key, APPLICATION, "dev"))
    elif key.revoked_at is not None:
        raise CommandFailed(
            f"its API key ({key.id}) is revoked: set {_API_KEY_VARIABLE} to another, or delete {API_KEY_FILE}"
        )
    return key.application


async def _demo_link(gateway: Gateway, application: Application) -> str:
    """Return a link that opens the enrollment page of a demo person once."""
    services = gateway.services
    enrollment, _ = await services.enrollments.enroll(application, Person(_DEMO_USER, "Demo Person"), None)
    return (await services.portal.make_link(application, enrollment.id, PortalPage.ENROLL, None, None)).url


def _welcome(gateway_url: str, simulator_url: str, api_key: str, data_dir: Path, link: str) -> str:
    verify = f"{_program_name()} verify {_PHONE} --call"
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


def _program_name() -> str:
    """Return how to call this program from the shell: by name if that is found in the PATH, else by its path."""
    script = Path(sys.executable).with_name("poundkey")
    in_path = shutil.which("poundkey")
    if in_path and Path(in_path) == script:
        return "poundkey"
    return os.path.relpath(script) if script.exists() else f"{os.path.relpath(sys.executable)} -m gateway"
