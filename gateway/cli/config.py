"""The settings of a command, from its `--config` and the environment."""

import os
from pathlib import Path

from gateway.cli.failure import CommandFailed
from gateway.settings import PREFIX, Settings, SettingsInvalid, load

API_KEY_VARIABLE = f"{PREFIX}API_KEY"
"""Holds the key of those who ask the gateway, in the same shell perhaps; it is no setting of the gateway itself."""


def environment() -> dict[str, str]:
    """Return the environment without what `load` would take for an unknown setting."""
    return {name: value for name, value in os.environ.items() if name != API_KEY_VARIABLE}


def load_settings(config: Path | None) -> Settings:
    """Load the settings; raises CommandFailed with one line for each mistake in them."""
    try:
        return load(config, environment())
    except SettingsInvalid as invalid:
        raise CommandFailed(*invalid.problems) from None
