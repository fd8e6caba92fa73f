"""The rules for every test: this machine only, no inherited settings, and nothing left out in CI."""

import ipaddress
import os
import sys
from collections.abc import Generator
from typing import Any, TypeVar

import hypothesis
import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

SLOWEST = ("faults", "pages", "cli", "journeys")
"""Folders whose files take longest: they are begun first, so that at the end no worker waits for another one."""
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

hypothesis.settings.register_profile("poundkey", deadline=None)
# CI judges a change by inputs that stay the same until a test changes; `make test` looks for others each time.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("fast", deadline=None, max_examples=20, derandomize=IN_CI)  # `make fast`'s
hypothesis.settings.load_profile("ci" if IN_CI else "poundkey")

# Settings of the person who runs the tests, real credentials above all, must not reach what is tested.
for variable in [name for name in os.environ if name.startswith(("POUNDKEY_", "TWILIO_"))]:
    del os.environ[variable]


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    # An audit hook, not a patched socket: it also sees what asyncio and C extensions do through the socket module.
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host is not None and not _is_this_machine(host):
        pytest.fail(f"a test tried to reach {host}")


def _is_this_machine(host: str | bytes) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name in {"", "localhost"}
    return address.is_loopback or address.is_unspecified


sys.addaudithook(_stay_on_this_machine)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow folders first, and leave the shuffled order as it is within them and behind them."""
    places = {folder: place for place, folder in enumerate(SLOWEST)}
    items.sort(key=lambda item: places.get(item.path.parent.name, len(SLOWEST)))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _not_skipped_in_ci((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _not_skipped_in_ci((yield))


def _not_skipped_in_ci(report: Report) -> Report:
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"In CI everything runs, but this was skipped: {reason}"
    return report


@pytest.fixture(scope="session")
def postgres() -> Generator[Any]:
    """A PostgreSQL server for all tests of this process."""
    from support.postgres import Postgres  # noqa: PLC0415 - a driver and a server that most tests do without

    server = Postgres()
    yield server
    server.end()
