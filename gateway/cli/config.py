"""The settings of a command, from its `--config` and the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from gateway.cli.failure import CommandFailed
from gateway.cli.paths import API_KEY_VARIABLE
from gateway.domain.applications import Applications
from gateway.settings.applications import ApplicationsInvalid, load_applications
from gateway.settings.settings import Settings, SettingsInvalid, load


def environment() -> dict[str, str]:
    """Return the environment without what `load` would take for an unknown setting."""
    return {name: value for name, value in os.environ.items() if name != API_KEY_VARIABLE}


def load_settings(config: Path | None, variables: Mapping[str, str] | None = None) -> Settings:
    """Load the settings from a file and the environment, or other `variables` in its place.

    Raises:
        CommandFailed: the settings cannot be used; one line for each mistake in them.
    """
    try:
        return load(config, environment() if variables is None else variables)
    except SettingsInvalid as invalid:
        raise CommandFailed(*invalid.problems) from None


def load_policies(file: Path | None, settings: Settings) -> Applications:
    """Load an applications file for a gateway with these settings; raises CommandFailed with every mistake."""
    try:
        return load_applications(file, settings.text.bound_origin)
    except ApplicationsInvalid as invalid:
        raise CommandFailed(*invalid.problems) from None
