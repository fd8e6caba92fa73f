"""What runs and what is tested is the same: both locks pin the same versions, each with its hashes."""

import re
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
PIN = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>\S+)(?P<rest>.*?)(?=^[a-z0-9]|\Z)", re.MULTILINE | re.DOTALL)


def pins(lock: str) -> dict[str, str]:
    found = list(PIN.finditer((REQUIREMENTS / lock).read_text()))
    assert [pin["name"] for pin in found if "--hash=sha256:" not in pin["rest"]] == []
    return {pin["name"]: pin["version"] for pin in found}


def test_the_develop_lock_holds_the_runtime_lock():
    runtime, develop = pins("runtime.lock"), pins("develop.lock")
    assert {"aiohttp", "twilio", "hatchling"} <= runtime.keys()
    assert {name: develop.get(name) for name in runtime} == runtime
