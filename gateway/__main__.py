"""The command `poundkey`: parses the arguments and runs the command's module in `gateway.cli`.

Only that module is imported, so that each command starts fast.
"""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from gateway.cli.command import (
    API_KEY_VARIABLE,
    DATA_DIR,
    FAILURE_EXIT_CODE,
    GATEWAY_PORT,
    GATEWAY_URL,
    SIMULATOR_PORT,
    CommandFailed,
)

_INTERRUPTED = 130
"""Exit code of a command that SIGINT ended (POSIX shells: 128 and the signal's number)."""
_MODULES = {"import": "phone_import", "secrets": "key_rotation"}
"""The modules of commands that are not named as their command."""
_MAX_NAME = 40
_MAX_PORT = 65_535
_MAX_REASON = 254


def main(words: Sequence[str] | None = None) -> int:
    """Run the command in `words` (by default the process's arguments) and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # text streams of a process are TextIOWrapper
    arguments = _parser().parse_args(words)
    command = importlib.import_module(f"gateway.cli.{_MODULES.get(arguments.command, arguments.command)}")
    try:
        code: int = command.run(arguments)
    except CommandFailed as failed:
        for line in failed.lines:
            print(f"poundkey {arguments.command}: {line}", file=sys.stderr)
        return FAILURE_EXIT_CODE
    except KeyboardInterrupt:
        return _INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="poundkey", description="Verifies that a person holds a phone.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_dev(commands.add_parser("dev", help="run gateway and simulator together, for trials and development"))
    _add_serve(commands.add_parser("serve", help="run the gateway"))
    _add_simulator(commands.add_parser("simulator", help="run the simulated phone network, for any Twilio application"))
    _add_config(commands.add_parser("migrate", help="bring the database to the newest schema"))
    _add_keys(commands.add_parser("keys", help="create, list and revoke API keys"))
    _add_policy(commands.add_parser("policy", help="show what a person may do, and whom a new policy would affect"))
    _add_import(commands.add_parser("import", help="import phones from Microsoft Entra"))
    _add_bypass(commands.add_parser("bypass", help="grant a code for one sign-in without a phone"))
    _add_suppressions(
        commands.add_parser("suppressions", help="list, add and remove numbers that get no calls and texts")
    )
    _add_erase(commands.add_parser("erase", help="erase a number wherever it is stored"))
    _add_stats(commands.add_parser("stats", help="show counts of deleted verifications by day"))
    _add_secrets(commands.add_parser("secrets", help="rotate the keys that seal and fingerprint numbers"))
    _add_config(commands.add_parser("recover", help="prepare a restored backup, so that nothing is sent twice"))
    _add_verify(commands.add_parser("verify", help="verify a number from this terminal"))
    _add_config(commands.add_parser("doctor", help="check the installation, and say what to change"))
    return parser


def _add_dev(dev: argparse.ArgumentParser) -> None:
    dev.add_argument(
        "--port", type=_whole_number(1, _MAX_PORT), default=GATEWAY_PORT, help="where the gateway listens (%(default)s)"
    )
    dev.add_argument(
        "--simulator-port",
        type=_whole_number(1, _MAX_PORT),
        default=SIMULATOR_PORT,
        help="where the simulator listens (%(default)s)",
    )
    dev.add_argument("--data-dir", type=Path, default=DATA_DIR, help="the folder of database and keys (%(default)s)")
    _add_speed(dev)


def _add_serve(parser: argparse.ArgumentParser) -> None:
    _add_config(parser)
    parser.add_argument(
        "--workers", type=_whole_number(1, 64), default=1, help="processes on one port, with PostgreSQL (1)"
    )
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)  # set for the processes of --workers


def _add_simulator(simulator: argparse.ArgumentParser) -> None:
    simulator.add_argument(
        "--port", type=_whole_number(1, _MAX_PORT), default=SIMULATOR_PORT, help="where it listens (%(default)s)"
    )
    simulator.add_argument("--token", help="the account's auth token; a new one by default")
    simulator.add_argument(
        "--dialect",
        choices=("twilio", "signalwire", "telnyx"),
        default="twilio",
        help="the provider that it simulates (%(default)s)",
    )
    simulator.add_argument("--inbound-url", type=_url, help="the webhook for texts from the handsets")
    _add_speed(simulator)


def _add_keys(keys: argparse.ArgumentParser) -> None:
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="create a key and show its secret once")
    create.add_argument(
        "--application", type=_name, required=True, help="the key's application; callees hear and read this name"
    )
    create.add_argument("--name", type=_name, help="a label for the key")
    revoke = actions.add_parser("revoke", help="make a key invalid")
    revoke.add_argument("id", metavar="ID", help="as in poundkey keys list")
    for action in (create, actions.add_parser("list", help="list all keys"), revoke):
        _add_config(action)


def _add_policy(policy: argparse.ArgumentParser) -> None:
    actions = policy.add_subparsers(dest="action", required=True, metavar="ACTION")
    explain = actions.add_parser("explain", help="show what a person may do, and what decides it")
    explain.add_argument("--application", type=_name, required=True, help="the application of its API keys")
    explain.add_argument("--user", required=True, help="the application's identifier of the person")
    dry_run = actions.add_parser("dry-run", help="show whom another applications file would affect")
    dry_run.add_argument("file", type=Path, metavar="FILE", help="the new applications file")
    for action in (explain, dry_run):
        _add_config(action)


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV, or JSON as Microsoft Graph returns it")
    parser.add_argument("--application", type=_name, required=True, help="the application that the people belong to")
    parser.add_argument("--country", type=str.upper, help="the country of numbers without a plus, such as US")
    parser.add_argument("--proven", action="store_true", help="import phones as verified")
    parser.add_argument(
        "--apply", action="store_true", help="write to the database; without it, only show the result of each row"
    )
    _add_config(parser)


def _add_bypass(bypass: argparse.ArgumentParser) -> None:
    actions = bypass.add_subparsers(dest="action", required=True, metavar="ACTION")
    grant = actions.add_parser("grant", help="create a code for one sign-in and show it once")
    grant.add_argument("--application", type=_name, required=True, help="the application of its API keys")
    grant.add_argument("--user", required=True, help="the application's identifier of the person")
    grant.add_argument("--seconds", type=_whole_number(10, 86_400), required=True, help="how long the code is valid")
    grant.add_argument("--reason", type=_reason, required=True, help="reason for the person's journal")
    _add_config(grant)


def _add_suppressions(suppressions: argparse.ArgumentParser) -> None:
    actions = suppressions.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="suppress calls and texts to a number, for all applications")
    remove = actions.add_parser("remove", help="allow calls and texts to a number again")
    for action in (add, remove):
        action.add_argument("number", metavar="NUMBER", help="E.164, such as +14255550123")
        action.add_argument("--reason", type=_reason, required=True, help="reason for the number's journal")
    for action in (actions.add_parser("list", help="list when and why each number was suppressed"), add, remove):
        _add_config(action)


def _add_erase(erase: argparse.ArgumentParser) -> None:
    erase.add_argument("number", metavar="NUMBER", help="E.164, such as +14255550123")
    erase.add_argument("--reason", type=_reason, default="erased", help="reason for the journals of its people")
    _add_config(erase)


def _add_stats(stats: argparse.ArgumentParser) -> None:
    first, last = date.min, date.max
    stats.add_argument("--from", dest="first", type=_day, default=first, metavar="DAY", help="the first day (UTC)")
    stats.add_argument("--to", dest="last", type=_day, default=last, metavar="DAY", help="the last day (UTC)")
    stats.add_argument("--application", type=_name, help="one application; all by default")
    stats.add_argument("--json", action="store_true", help="print JSON instead of a table")
    _add_config(stats)


def _add_secrets(secrets: argparse.ArgumentParser) -> None:
    actions = secrets.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_config(actions.add_parser("rotate", help="seal and fingerprint everything with the newest keys"))


def _add_verify(verify: argparse.ArgumentParser) -> None:
    verify.add_argument("number", metavar="NUMBER", help="E.164, such as +14255550123")
    verify.add_argument("--call", action="store_true", help="call instead of sending a text")
    verify.add_argument("--mode", help="what a call asks for: confirm, match or code")
    verify.add_argument("--locale", help="the person's language, such as en or pt-BR")
    verify.add_argument("--url", type=_url, default=GATEWAY_URL, help="where the gateway is (%(default)s)")
    verify.add_argument("--key", help=f"the API key; by default {API_KEY_VARIABLE}, or the one of dev in {DATA_DIR}")


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="the settings as TOML; the environment overrides it"
    )


def _add_speed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--speed", type=_speed, default=1.0, help="speed of the phone network's clock; 0 takes no time (%(default)g)"
    )


def _whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
            raise argparse.ArgumentTypeError(f"must be a number from {lowest} to {highest}")
        return int(text)

    return parse


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed < float("inf"):
        raise argparse.ArgumentTypeError("a speed is a number from 0 up")
    return speed


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise argparse.ArgumentTypeError("an address is http(s)://host[:port][/path]")
    return text


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day is a date, such as 2026-01-31") from None


def _reason(text: str) -> str:
    if not (0 < len(text) <= _MAX_REASON and text.isprintable() and text.strip()):
        raise argparse.ArgumentTypeError(f"a reason has 1 to {_MAX_REASON} printable characters")
    return text


def _name(text: str) -> str:
    if not (0 < len(text) <= _MAX_NAME and text.isprintable() and text == text.strip()):
        raise argparse.ArgumentTypeError(f"a name has 1 to {_MAX_NAME} printable characters, and no space at its ends")
    return text


if __name__ == "__main__":
    sys.exit(main())
