"""The settings and the applications file of a command, from its `--config` and the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from gateway.app import CONFIG
from gateway.cli.command import API_KEY_VARIABLE, CommandFailed
from gateway.domain.applications import Applications
from gateway.services.code_texts import CodeTexts
from gateway.services.phrasebooks import load_phrasebooks
from gateway.settings.applications import ApplicationsInvalid, load_applications
from gateway.settings.settings import Settings, SettingsInvalid, load


def environment() -> dict[str, str]:
    """Return the environment without the variable that `load` would report as an unknown setting."""
    return {name: value for name, value in os.environ.items() if name != API_KEY_VARIABLE}


def load_settings(config: Path | None, variables: Mapping[str, str] | None = None) -> Settings:
    """Load the settings from a file and the environment, or from `variables` in place of the environment.

    Raises:
        CommandFailed: The settings are invalid; one line for each mistake.
    """
    try:
        return load(config, environment() if variables is None else variables)
    except SettingsInvalid as invalid:
        raise CommandFailed(*invalid.problems) from None


def load_applications_file(file: Path | None, settings: Settings) -> Applications:
    """Load an applications file for a gateway with these settings; raises CommandFailed with every mistake."""
    try:
        return load_applications(file, settings.text.bound_origin)
    except ApplicationsInvalid as invalid:
        raise CommandFailed(*invalid.problems) from None


def text_warnings(applications: Applications, settings: Settings) -> list[str]:
    """Return one line for each code text of an applications file that works, but probably not as intended."""
    return CodeTexts(applications, load_phrasebooks(CONFIG / "locales"), settings.text.bound_origin).warnings()
