"""Sends whose fate nobody knows: the provider is asked, and a callback knows better."""

import pytest
from support.verifications import a_new_attempt, a_request, created

from gateway.domain import send_results
from gateway.domain.ivr import call_events
from gateway.domain.verification import Channel, FailureCode, Mode, Status

NOW = 1_000_000

HEARD = {
    "a key is asked for": lambda verification: call_events.answer_call(verification, "token", "CA1", None, NOW),
    "a person": lambda verification: call_events.detect_person(verification, "token", "CA1", "human", NOW),
    "a machine": lambda verification: call_events.detect_machine(verification, "token", "CA1", NOW),
}


@pytest.fixture
def unknown():
    new = a_new_attempt(1, Channel.CALL, Mode.CONFIRM, token="token")
    begun = created(a_request(channel=Channel.CALL), new, now=NOW).verification
    return send_results.record_unknown(begun, "att_1", NOW).verification


def test_one_that_the_provider_does_not_know_was_never_sent(unknown):
    after = send_results.record_not_received(unknown, "att_1", NOW).verification
    assert (after.status, after.attempts[0].failure.code) == (Status.FAILED, FailureCode.OUTCOME_UNKNOWN)


@pytest.mark.parametrize("heard", HEARD)
def test_one_that_was_heard_of_while_the_provider_was_asked_was_sent(unknown, heard):
    before = HEARD[heard](unknown).verification
    assert send_results.record_not_received(before, "att_1", NOW).verification is before
