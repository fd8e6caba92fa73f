"""What `poundkey dev` keeps between its runs: keys made once, the settings that hold them, and the API key.

The settings are an ordinary `gateway.toml`, so `--config var/gateway.toml` lets every other command work on them.
"""

import base64
import json
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from gateway.cli.failure import CommandFailed
from gateway.vault import KEY_SIZE

DEFAULT_DATA_DIR = "var"

_SETTINGS = "gateway.toml"
_API_KEY = "api-key"
_ACCOUNT_BYTES = 16

Sections = Mapping[str, Mapping[str, object]]
