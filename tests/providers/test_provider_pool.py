"""Where a send goes now and next: the pool's choice from routes, refusals and open circuits."""

import logging

import pytest

from gateway.domain.phone_number import PhoneNumber
from gateway.domain.provider_health import CircuitRule
from gateway.domain.routing import Routes
from gateway.domain.senders import Senders
from gateway.domain.verification import Channel
from gateway.outbox.provider_pool import ProviderAccount, ProviderPool
from webhooks.urls import Addresses

NUMBER = PhoneNumber("+14255550123")
RULE = CircuitRule(failures=2, open_for=10, longest_open=40)


class Named:
    """A provider, as far as its name."""

    def __init__(self, name: str) -> None:
        self.name = name


def pool_of(*names: str, route: tuple[str, ...] = ()) -> tuple[ProviderPool, list[int]]:
    """Return a pool, and its clock to turn on."""
    clock = [0]
    ours = Senders("+15005550006")
    accounts = [ProviderAccount(Named(name), ours, ours, Addresses("https://gw.test", name)) for name in names]
    routes = Routes(route or names, route or names)
    return ProviderPool(accounts, routes, RULE, 5_000, lambda: clock[0]), clock


def account_for(pool: ProviderPool, provider: str, *refused_by: str) -> ProviderAccount | None:
    return pool.account_for(Channel.SMS, NUMBER, provider, refused_by)


def fail(pool: ProviderPool, name: str, times: int = RULE.failures) -> None:
    for _ in range(times):
        pool.record_failure(name)


def test_an_only_provider_is_never_rested(caplog: pytest.LogCaptureFixture):
    pool, _ = pool_of("a")
    fail(pool, "a", 100)
    assert pool.route(Channel.SMS, NUMBER) == "a"
    assert account_for(pool, "a").name == "a"
    assert caplog.records == []


def test_a_new_attempt_goes_past_one_that_rests_until_a_probe_works(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    pool, clock = pool_of("a", "b")
    fail(pool, "a")
    assert pool.route(Channel.SMS, NUMBER) == "b"
    clock[0] = 10_000
    assert pool.route(Channel.SMS, NUMBER) == "a"
    pool.record_send("a")
    assert pool.route(Channel.SMS, NUMBER) == "b"  # the probe is out
    pool.record_success("a")
    assert pool.route(Channel.SMS, NUMBER) == "a"
    told = " ".join(record.getMessage() for record in caplog.records)
    for words in (
        "is open for 10 s: 2 sends in a row failed",
        "is probed with one send",
        "works again: its circuit is closed",
    ):
        assert words in told


def test_an_attempt_stays_with_its_provider_while_that_is_fit():
    pool, _ = pool_of("a", "b")
    assert account_for(pool, "b").name == "b"


def test_an_attempt_leaves_a_provider_that_rests_only_for_one_that_does_not():
    pool, _ = pool_of("a", "b")
    fail(pool, "a")
    assert account_for(pool, "a").name == "b"
    assert account_for(pool, "a", "b").name == "a"
    fail(pool, "b")
    assert account_for(pool, "a").name == "a"


def test_nobody_who_said_no_is_asked_again():
    pool, _ = pool_of("a", "b", "c")
    assert pool.next_provider(Channel.SMS, NUMBER, ("a",)) == "b"
    assert pool.next_provider(Channel.SMS, NUMBER, ("a", "b")) == "c"
    assert pool.next_provider(Channel.SMS, NUMBER, ("a", "b", "c")) is None


def test_an_attempt_of_a_provider_that_is_gone_goes_to_another_or_nowhere():
    pool, _ = pool_of("a", "b", route=("a",))
    assert pool.account("gone") is None
    assert account_for(pool, "gone").name == "a"
    assert account_for(pool, "gone", "a") is None
    assert account_for(pool, "b").name == "b"
