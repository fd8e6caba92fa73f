"""The command `poundkey`: reads what was asked, and hands it to the command's own file in `gateway/cli`.

A command's file is imported only when it is asked for, so that each starts as fast as it can.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from gateway.cli.failure import FAILED, CommandFailed
from gateway.cli.paths import API_KEY_VARIABLE, DATA_DIR, GATEWAY_PORT, GATEWAY_URL, SIMULATOR_PORT

_INTERRUPTED = 130
_MOST_WORKERS = 64
"""The exit code of an interrupt that a command does not take as its usual end (POSIX shells: 128 and the signal)."""
_FILES = {"import": "imports", "secrets": "rotation"}
"""The files of commands whose names are no names in Python, or another module's."""
_LONGEST_NAME = 40
_LONGEST_REASON = 254
_LONGEST_BYPASS = 86_400
_SHORTEST_BYPASS = 10
_HIGHEST_PORT = 65_535


def main(words: Sequence[str] | None = None) -> int:
    """Run the command in `words` (by default the process's own) and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # text streams of a process are TextIOWrapper
    arguments = _parser().parse_args(words)
    command = importlib.import_module(f"gateway.cli.{_FILES.get(arguments.command, arguments.command)}")
    try:
        code: int = command.run(arguments)
    except CommandFailed as failed:
        for line in failed.lines:
            print(f"poundkey {arguments.command}: {line}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="poundkey", description="Proves that a person holds a phone.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_dev(commands.add_parser("dev", help="gateway and simulator together, to try and to develop"))
    _add_serve(commands.add_parser("serve", help="the gateway alone"))
    _add_simulator(commands.add_parser("simulator", help="the phone network alone, for any Twilio application"))
    _add_config(commands.add_parser("migrate", help="bring the database to head"))
    _add_keys(commands.add_parser("keys", help="make, list and revoke API keys"))
    _add_policy(commands.add_parser("policy", help="say what a person may do, and who a change would affect"))
    _add_import(commands.add_parser("import", help="take in the phones that people had at Microsoft Entra"))
    _add_bypass(commands.add_parser("bypass", help="let a person sign in once without a phone"))
    _add_stops(commands.add_parser("stops", help="list, add and remove numbers that get no calls and texts"))
    _add_erase(commands.add_parser("erase", help="wipe a number wherever it is kept"))
    _add_counts(commands.add_parser("counts", help="count the verifications that were removed, by day"))
    _add_secrets(commands.add_parser("secrets", help="replace the keys that seal and find numbers"))
    _add_config(commands.add_parser("restored", help="let nothing be sent twice, after a backup was restored"))
    _add_verify(commands.add_parser("verify", help="verify a number from this terminal"))
    _add_config(commands.add_parser("doctor", help="look for what is wrong, and say what to mend"))
    return parser


def _add_dev(dev: argparse.ArgumentParser) -> None:
    dev.add_argument("--port", type=_port, default=GATEWAY_PORT, help="where the gateway listens (%(default)s)")
    dev.add_argument(
        "--simulator-port", type=_port, default=SIMULATOR_PORT, help="where the simulator listens (%(default)s)"
    )
    dev.add_argument("--data-dir", type=Path, default=DATA_DIR, help="where database and keys are kept (%(default)s)")
    _add_speed(dev)


def _add_serve(parser: argparse.ArgumentParser) -> None:
    _add_config(parser)
    parser.add_argument("--workers", type=_at_least_one, default=1, help="processes on one port, with PostgreSQL (1)")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)  # one of several, started by the first


def _at_least_one(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {_MOST_WORKERS}")
    return int(text)


def _add_simulator(simulator: argparse.ArgumentParser) -> None:
    simulator.add_argument("--port", type=_port, default=SIMULATOR_PORT, help="where it listens (%(default)s)")
    simulator.add_argument("--token", help="the account's auth token; a new one by default")
    simulator.add_argument(
        "--dialect",
        choices=("twilio", "signalwire", "telnyx"),
        default="twilio",
        help="the provider that it is (%(default)s)",
    )
    simulator.add_argument("--inbound-url", type=_url, help="the webhook for texts from the handsets")
    _add_speed(simulator)


def _add_keys(keys: argparse.ArgumentParser) -> None:
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key and show its secret, this once")
    create.add_argument(
        "--application", type=_name, required=True, help="whose key it is; people hear and read this name"
    )
    create.add_argument("--name", type=_name, help="what the key is for")
    revoke = actions.add_parser("revoke", help="let a key open nothing any more")
    revoke.add_argument("id", metavar="ID", help="as in poundkey keys list")
    for action in (create, actions.add_parser("list", help="list all keys"), revoke):
        _add_config(action)


def _add_policy(policy: argparse.ArgumentParser) -> None:
    actions = policy.add_subparsers(dest="action", required=True, metavar="ACTION")
    explain = actions.add_parser("explain", help="say what a person may do, and if not, who decided so")
    explain.add_argument("--application", type=_name, required=True, help="the name that its keys have")
    explain.add_argument("--user", required=True, help="the application's own name for the person")
    dry_run = actions.add_parser("dry-run", help="say who would be affected by another applications file")
    dry_run.add_argument("file", type=Path, metavar="FILE", help="the applications file as it would be")
    for action in (explain, dry_run):
        _add_config(action)


def _add_import(entra: argparse.ArgumentParser) -> None:
    entra.add_argument("file", type=Path, metavar="FILE", help="CSV, or JSON as Microsoft Graph returns it")
    entra.add_argument("--application", type=_name, required=True, help="whose people they are")
    entra.add_argument("--country", type=str.upper, help="whose the numbers without a plus are, such as US")
    entra.add_argument("--proven", action="store_true", help="vouch for the phones: they count without a new proof")
    entra.add_argument("--apply", action="store_true", help="write; without it, only say what would become of each row")
    _add_config(entra)


def _add_bypass(bypass: argparse.ArgumentParser) -> None:
    actions = bypass.add_subparsers(dest="action", required=True, metavar="ACTION")
    grant = actions.add_parser("grant", help="make a code for one sign-in and show it, this once")
    grant.add_argument("--application", type=_name, required=True, help="the name that its keys have")
    grant.add_argument("--user", required=True, help="the application's own name for the person")
    grant.add_argument("--seconds", type=_bypass_seconds, required=True, help="for how long the code is good")
    grant.add_argument("--reason", type=_reason, required=True, help="why; it stays in the person's journal")
    _add_config(grant)


def _add_stops(stops: argparse.ArgumentParser) -> None:
    actions = stops.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="let a number get no more calls and texts, whichever application asks")
    remove = actions.add_parser("remove", help="let a number get calls and texts again")
    for action in (add, remove):
        action.add_argument("number", metavar="NUMBER", help="E.164, such as +14255550123")
        action.add_argument("--reason", type=_reason, required=True, help="why; it stays in the number's journal")
    for action in (actions.add_parser("list", help="list when and why each number was stopped"), add, remove):
        _add_config(action)


def _add_erase(erase: argparse.ArgumentParser) -> None:
    erase.add_argument("number", metavar="NUMBER", help="E.164, such as +14255550123")
    erase.add_argument("--reason", type=_reason, default="erased", help="why; it stays in the journals of its people")
    _add_config(erase)


def _add_counts(counts: argparse.ArgumentParser) -> None:
    first, last = date.min, date.max
    counts.add_argument("--from", dest="first", type=_day, default=first, metavar="DAY", help="the first day (UTC)")
    counts.add_argument("--to", dest="last", type=_day, default=last, metavar="DAY", help="the last day (UTC)")
    counts.add_argument("--application", type=_name, help="the name that its keys have; all by default")
    counts.add_argument("--json", action="store_true", help="print JSON instead of a table")
    _add_config(counts)


def _add_secrets(secrets: argparse.ArgumentParser) -> None:
    actions = secrets.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_config(actions.add_parser("rotate", help="let the newest keys hold what older ones held"))


def _add_verify(verify: argparse.ArgumentParser) -> None:
    verify.add_argument("number", metavar="NUMBER", help="E.164, such as +14255550123")
    verify.add_argument("--call", action="store_true", help="call and ask for a key, instead of a text with a code")
    verify.add_argument("--mode", help="what a call asks for: confirm, match or code")
    verify.add_argument("--locale", help="the person's language, such as en or pt-BR")
    verify.add_argument("--url", type=_url, default=GATEWAY_URL, help="where the gateway is (%(default)s)")
    verify.add_argument(
        "--key", help=f"the API key; by default {API_KEY_VARIABLE}, or the one that dev keeps in {DATA_DIR}"
    )


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="the settings as TOML; the environment overrides it"
    )


def _add_speed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--speed", type=_speed, default=1.0, help="of the phone network's clock; 0 takes no time (%(default)g)"
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _HIGHEST_PORT):
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to {_HIGHEST_PORT}")
    return int(text)


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


def _bypass_seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and _SHORTEST_BYPASS <= int(text) <= _LONGEST_BYPASS):
        raise argparse.ArgumentTypeError(f"a bypass is good for {_SHORTEST_BYPASS} to {_LONGEST_BYPASS} seconds")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day is a date, such as 2026-01-31") from None


def _reason(text: str) -> str:
    if not (0 < len(text) <= _LONGEST_REASON and text.isprintable() and text.strip()):
        raise argparse.ArgumentTypeError(f"a reason has 1 to {_LONGEST_REASON} printable characters")
    return text


def _name(text: str) -> str:
    if not (0 < len(text) <= _LONGEST_NAME and text.isprintable() and text == text.strip()):
        raise argparse.ArgumentTypeError(
            f"a name has 1 to {_LONGEST_NAME} printable characters, and no space at its ends"
        )
    return text


if __name__ == "__main__":
    sys.exit(main())
