"""`poundkey simulator`: runs the simulated phone network, for any application that uses the provider's API."""

import argparse
import secrets
import uuid

from gateway.cli.command import run_loop, stop_requested
from gateway.cli.serve import cannot_listen
from simulator.app import RunningSimulator, start
from simulator.config import SimulatorConfig
from simulator.dialects import new_signing_key, public_key

HOST = "127.0.0.1"
NUMBER = "+15005550006"
"""The number that may send and call (Twilio: Test Credentials, the sender that passes all checks)."""

_TWILIO = "twilio"
_TELNYX = "telnyx"
_SID_BYTES = 16
_TOKEN_BYTES = 16


def run(arguments: argparse.Namespace) -> int:
    """Run the simulator until a stop signal; raises CommandFailed if its port is in use."""
    twilio = arguments.dialect == _TWILIO
    config = SimulatorConfig(
        auth_token=arguments.token or new_auth_token(),
        account_sid=new_account_sid() if twilio else str(uuid.uuid4()),
        numbers=(NUMBER,),
        inbound_url=arguments.inbound_url,
        speed=arguments.speed,
        dialect=arguments.dialect,
        signing_key="" if twilio else new_signing_key(),
    )
    run_loop(_simulate(config, arguments.port))
    return 0


def new_account_sid() -> str:
    """Return a sid as the provider's accounts have: AC and 32 hexadecimal digits."""
    return f"AC{secrets.token_hex(_SID_BYTES)}"


def new_auth_token() -> str:
    """Return a token as the provider's accounts have: 32 hexadecimal digits."""
    return secrets.token_hex(_TOKEN_BYTES)


async def start_simulator(config: SimulatorConfig, port: int) -> RunningSimulator:
    """Start a simulator on loopback; raises CommandFailed if the port is in use."""
    try:
        return await start(config, host=HOST, port=port)
    except OSError as error:
        raise cannot_listen(HOST, port, error) from None


def _signature_keys(config: SimulatorConfig) -> dict[str, str]:
    """Return what an application needs to check callbacks by, where that is not the auth token."""
    if config.dialect == _TELNYX:
        return {"public key": public_key(config.signing_key)}
    return {"signing key": config.signing_key} if config.signing_key else {}


async def _simulate(config: SimulatorConfig, port: int) -> None:
    stop = stop_requested()
    simulator = await start_simulator(config, port)
    facts = {
        "address": simulator.url,
        "account sid": config.account_sid,
        "auth token": config.auth_token,
        **_signature_keys(config),
        "number": NUMBER,
    }
    print("The phone network is running. Ctrl-C ends it.\n")
    for name, value in facts.items():
        print(f"  {name:<11}  {value}", flush=True)
    await stop.wait()
    await simulator.close()
