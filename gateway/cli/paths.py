"""Where things are on this machine unless the person says otherwise."""

from pathlib import Path

GATEWAY_PORT = 8080
SIMULATOR_PORT = 8081
GATEWAY_URL = f"http://127.0.0.1:{GATEWAY_PORT}"
DATA_DIR = Path("var")
API_KEY_FILE = "api-key"
"""In the data directory; what `dev` keeps there, `verify` takes up."""
API_KEY_VARIABLE = "POUNDKEY_API_KEY"
"""Holds the key of those who ask the gateway, in the same shell perhaps; it is no setting of the gateway itself."""


def kept_api_key(data_dir: Path) -> str | None:
    """Return the API key in a data directory; None if there is none, or not for us to read."""
    try:
        return (data_dir / API_KEY_FILE).read_text().strip()
    except OSError:
        return None
