"""Who is asked now and next: the roster's choice from routes, what was said, and how the providers do."""

import logging

import pytest

from gateway.domain.phone_number import PhoneNumber
from gateway.domain.provider_health import HealthRule
from gateway.domain.routing import Routes
from gateway.domain.senders import Senders
from gateway.domain.verification import Attempt, Channel
from gateway.roster import Account, Roster
from webhooks.urls import Addresses

NUMBER = PhoneNumber("+14255550123")
RULE = HealthRule(failures=2, rest=10, longest_rest=40)


class Named:
    """A provider, as far as its name."""

    def __init__(self, name: str) -> None:
        self.name = name


def roster_of(*names: str, route: tuple[str, ...] = ()) -> tuple[Roster, list[int]]:
    """Return a roster, and its clock to turn on."""
    clock = [0]
    ours = Senders("+15005550006")
    accounts = [Account(Named(name), ours, ours, Addresses("https://gw.test", name)) for name in names]
    routes = Routes(route or names, route or names)
    return Roster(accounts, routes, RULE, 5_000, lambda: clock[0]), clock


def attempt(provider: str, *refused_by: str) -> Attempt:
    return Attempt("att_1", "token", Channel.SMS, provider, 0, 0, refused_by=refused_by)


def fail(roster: Roster, name: str, times: int = RULE.failures) -> None:
    for _ in range(times):
        roster.failed(name)


def test_an_only_provider_is_never_rested(caplog: pytest.LogCaptureFixture):
    roster, _ = roster_of("a")
    fail(roster, "a", 100)
    assert roster.route(Channel.SMS, NUMBER) == "a"
    assert roster.now_for(attempt("a"), NUMBER).name == "a"
    assert caplog.records == []


def test_a_new_attempt_goes_past_one_that_rests_until_a_probe_works(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    roster, clock = roster_of("a", "b")
    fail(roster, "a")
    assert roster.route(Channel.SMS, NUMBER) == "b"
    clock[0] = 10_000
    assert roster.route(Channel.SMS, NUMBER) == "a"
    roster.asked("a")
    assert roster.route(Channel.SMS, NUMBER) == "b"  # the probe is out
    roster.worked("a")
    assert roster.route(Channel.SMS, NUMBER) == "a"
    told = " ".join(record.getMessage() for record in caplog.records)
    for words in ("rests for 10 s, as 2 sends in a row failed", "tried again with one send", "works again"):
        assert words in told


def test_an_attempt_stays_with_its_provider_while_that_is_fit():
    roster, _ = roster_of("a", "b")
    assert roster.now_for(attempt("b"), NUMBER).name == "b"


def test_an_attempt_leaves_a_provider_that_rests_only_for_one_that_does_not():
    roster, _ = roster_of("a", "b")
    fail(roster, "a")
    assert roster.now_for(attempt("a"), NUMBER).name == "b"
    assert roster.now_for(attempt("a", "b"), NUMBER).name == "a"
    fail(roster, "b")
    assert roster.now_for(attempt("a"), NUMBER).name == "a"


def test_nobody_who_said_no_is_asked_again():
    roster, _ = roster_of("a", "b", "c")
    assert roster.next_for(attempt("a"), NUMBER) == "b"
    assert roster.next_for(attempt("b", "a"), NUMBER) == "c"
    assert roster.next_for(attempt("c", "a", "b"), NUMBER) is None


def test_an_attempt_of_a_provider_that_is_gone_goes_to_another_or_nowhere():
    roster, _ = roster_of("a", "b", route=("a",))
    assert roster.account("gone") is None
    assert roster.now_for(attempt("gone"), NUMBER).name == "a"
    assert roster.now_for(attempt("gone", "a"), NUMBER) is None
    assert roster.now_for(attempt("b"), NUMBER).name == "b"
