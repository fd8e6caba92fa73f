"""What lies in deploy/, read as those who run it read it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture(scope="session")
def deploy() -> Path:
    return DEPLOY


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


@pytest.fixture(scope="session")
def manifest() -> Callable[[str], dict[str, Any]]:
    """Read one of the Kubernetes manifests."""
    return lambda name: yaml.safe_load((DEPLOY / "kubernetes" / f"{name}.yaml").read_text())
