"""`poundkey keys`: creates, lists and revokes API keys; also while a gateway serves the same database."""

import argparse
import secrets
import sys
from datetime import UTC, datetime

from gateway.api.auth import KEY_PREFIX, key_digest
from gateway.app import now
from gateway.cli.command import CommandFailed, run_loop
from gateway.cli.config import load_settings
from gateway.cli.database import opened_store
from gateway.cli.terminal import print_table
from gateway.domain.api_keys import ApiKey, Application
from gateway.security.generators import new_id
from gateway.settings.settings import Settings

_KEY_BYTES = 32


def run(arguments: argparse.Namespace) -> int:
    """Run the action; raises CommandFailed if the database is unavailable or has no such key."""
    settings = load_settings(arguments.config)
    match arguments.action:
        case "create":
            run_loop(_create(settings, arguments.application, arguments.name or ""))
        case "list":
            run_loop(_list(settings))
        case _:
            run_loop(_revoke(settings, arguments.id))
    return 0


def new_secret() -> str:
    """Return a new API key: `pk_` and 256 random bits in 43 characters of URL-safe base64."""
    return KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)


def new_api_key(secret: str, application: str, name: str) -> ApiKey:
    """Return a key as it is stored, created now."""
    return ApiKey(new_id("key"), Application(new_id("app"), application), name, key_digest(secret), now(), None)


async def _create(settings: Settings, application: str, name: str) -> None:
    """Print only the secret on stdout, so that scripts can capture it."""
    secret = new_secret()
    async with opened_store(settings) as store:
        key = await store.api_keys.add(new_api_key(secret, application, name))
    print(f"{key.id} for {key.application.name}. This is shown once:", file=sys.stderr)
    print(secret)


async def _list(settings: Settings) -> None:
    async with opened_store(settings) as store:
        keys = await store.api_keys.all()
    print_table(("ID", "APPLICATION", "NAME", "CREATED", "REVOKED"), [_row(key) for key in keys])


async def _revoke(settings: Settings, key_id: str) -> None:
    async with opened_store(settings) as store:
        revoked = await store.api_keys.revoke(key_id)
    if not revoked:
        raise CommandFailed(f"there is no key {key_id}; see poundkey keys list")
    print(f"{key_id} is revoked; a running gateway refuses it within a second")


def _row(key: ApiKey) -> tuple[str, ...]:
    revoked = _minute(key.revoked_at) if key.revoked_at is not None else "-"
    return key.id, key.application.name, key.name or "-", _minute(key.created_at), revoked


def _minute(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000, UTC).strftime("%Y-%m-%d %H:%M")
