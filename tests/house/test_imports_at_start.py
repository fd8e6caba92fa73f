"""A serving gateway stays small: what only migrations, terminals or the provider's SDK need is not even imported."""

import subprocess
import sys

import pytest

HEAVY = ["sqlalchemy", "alembic", "twilio.rest", "pydantic", "rich", "simulator"]


@pytest.mark.parametrize("module", ["gateway.app"])
def test_it_does_not_import(module):
    script = f"import sys, {module}; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)  # noqa: S603 - our own script
    assert done.stdout.split() == []
