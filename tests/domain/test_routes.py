"""Who carries a send: by channel and country, past those that said no or rest, and never a second time."""

import hypothesis.strategies as st
import pytest
from hypothesis import given
from support.verifications import a_new_attempt, a_request, created

from gateway.domain import send_results
from gateway.domain.attempts import find_attempt, is_sent_by
from gateway.domain.delivery import DeliveryStatus
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.routing import Routes, choose_provider
from gateway.domain.verification import Channel, Failure, FailureCode

HOME, ABROAD, NOWHERE = PhoneNumber("+14255550123"), PhoneNumber("+442079460123"), PhoneNumber("+88213300655")
ROUTES = Routes(text=("a", "b"), call=("c",), text_to={"GB": ("b",)}, call_to={"GB": ("a", "c")})
NAMES = st.lists(st.sampled_from("abcdef"), unique=True)
NO = Failure(FailureCode.PROVIDER_REFUSED, "No.", "20003")


@pytest.mark.parametrize(
    ("channel", "number", "order"),
    [
        (Channel.SMS, HOME, ("a", "b")),
        (Channel.SMS, ABROAD, ("b",)),
        (Channel.CALL, HOME, ("c",)),
        (Channel.CALL, ABROAD, ("a", "c")),
        (Channel.SMS, NOWHERE, ("a", "b")),
    ],
    ids=str,
)
def test_the_list_of_a_country_replaces_the_general_one(channel, number, order):
    assert ROUTES.order(channel, number) == order


def test_every_provider_that_a_list_names_is_known():
    assert set(ROUTES.named) == {"a", "b", "c"}


@given(NAMES, NAMES, NAMES)
def test_the_first_that_is_fit_is_chosen_and_nobody_who_said_no(order, refused_by, fit):
    name = choose_provider(order, refused_by, fit)
    left = [kept for kept in order if kept not in refused_by]
    assert (name is None) == (not left)
    if name is not None:
        assert name in left
        better = left[: left.index(name)]
        assert not set(better) & set(fit)
        assert name in fit or not set(left) & set(fit)


def begun():
    return created(a_request(number=HOME), a_new_attempt(provider="a", token="token"), now=0).verification


def test_an_attempt_that_nobody_took_stays_one_attempt_with_another_provider():
    change = send_results.reroute(begun(), "att_1", "b", NO, 1)
    [attempt] = change.verification.attempts
    assert (attempt.provider, attempt.refused_by, attempt.status) == ("b", ("a",), DeliveryStatus.QUEUED)
    [entry] = change.entries
    assert entry.type == "attempt.rerouted"
    assert (entry.facts["from"], entry.facts["to"], entry.facts["provider_code"]) == ("a", "b", "20003")


def test_a_provider_that_only_rests_has_not_said_no():
    [attempt] = send_results.reroute(begun(), "att_1", "b", None, 1).verification.attempts
    assert (attempt.provider, attempt.refused_by) == ("b", ())


@pytest.mark.parametrize("fate", ["sent", "sent without a sid", "unknown", "failed"])
def test_an_attempt_that_may_have_been_taken_is_never_handed_on(fate):
    fates = {
        "sent": lambda kept: send_results.record_sent(kept, "att_1", "SM1", 1),
        "sent without a sid": lambda kept: send_results.record_sent(kept, "att_1", None, 1),
        "unknown": lambda kept: send_results.record_unknown(kept, "att_1", 1),
        "failed": lambda kept: send_results.record_rejected(kept, "att_1", NO, 1),
    }
    taken = fates[fate](begun()).verification
    change = send_results.reroute(taken, "att_1", "b", NO, 2)
    assert change.verification is taken
    assert find_attempt(change.verification, "att_1").provider == "a"


def test_a_callback_is_foreign_to_every_provider_but_the_attempts_own():
    assert is_sent_by(begun(), "token", "a")
    assert not is_sent_by(begun(), "token", "b")
    assert not is_sent_by(begun(), "another", "a")
