"""Every code, state and no has words of its own, in tables without a gap."""

import pytest
from pages_look.specimens import BY_APPLICATION, BY_GROUP, frame
from support.tables import for_each

from gateway.domain.enrollment import PhoneKind
from gateway.domain.verification import Channel, FailureCode, Status
from gateway.pages.components import (
    Banner,
    DeliveryState,
    DenialReason,
    FormError,
    FormErrorCode,
    MethodChoice,
    MethodDenied,
    NumberCheck,
)
from gateway.pages.i18n import Localizer
from gateway.pages.messages import (
    ANY_BARRIERS,
    BARRIERS,
    DELIVERIES,
    FAILURES,
    FAULTS,
    KINDS,
    NOTICES,
    STATUSES,
)


@pytest.fixture
def speech(texts) -> Localizer:
    return Localizer(texts, frame())


@for_each(
    ("table", "enum"),
    [
        (FAILURES, FailureCode),
        (STATUSES, Status),
        (ANY_BARRIERS, DenialReason),
        (FAULTS, FormErrorCode),
        (NOTICES, Banner),
        (KINDS, PhoneKind),
        (DELIVERIES, Channel),
        (BARRIERS, Channel),
        (DELIVERIES[Channel.SMS], DeliveryState),
        (DELIVERIES[Channel.CALL], DeliveryState),
    ],
)
def test_a_table_has_every_word_of_its_enum(table, enum):
    assert table.keys() == set(enum)


def test_no_two_failures_and_no_two_faults_share_their_words():
    assert len({words.said for words in FAILURES.values()}) == len(FAILURES)
    assert len(set(FAULTS.values())) == len(FAULTS)


def test_every_failure_and_every_no_says_what_to_do_next():
    tables = [FAILURES, ANY_BARRIERS, *BARRIERS.values()]
    assert [words for table in tables for words in table.values() if not (words.said and words.next)] == []


def test_a_no_names_who_decided_it(speech):
    assert "Decided by Example Bank for the group contractors." in speech.denied_in_full(BY_GROUP, Channel.CALL)
    assert "Decided by Example Bank." in speech.denied_in_full(BY_APPLICATION, Channel.SMS)
    here = MethodDenied(DenialReason.NO_TEXTS_TO_LINE)
    assert "Decided by this verification service." in speech.denied_in_full(here, Channel.SMS)


@for_each("fault", FormErrorCode)
def test_every_fault_can_be_said_with_and_without_its_facts(speech, fault):
    plain = speech.fault(FormError(fault))
    full = speech.fault(FormError(fault, wait=300), length=6, tries=2)
    assert "%" not in plain + full
    assert full.endswith("Try again in 5 minutes.")


def test_the_check_of_a_number_answers_in_words(pages):
    methods = (MethodChoice(Channel.SMS, BY_GROUP), MethodChoice(Channel.CALL))
    good = pages.number_check(frame(), "+1 425-555-0123", None, methods)
    assert (good.ok, good.formatted, good.message) == (True, "+1 425-555-0123", None)
    assert (good.methods["sms"].allowed, good.methods["call"].allowed) == (False, True)
    assert "contractors" in good.methods["sms"].reason
    bad: NumberCheck = pages.number_check(frame(), None, FormError(FormErrorCode.NUMBER_TOO_SHORT), ())
    assert (bad.ok, bad.message) == (False, FAULTS[FormErrorCode.NUMBER_TOO_SHORT])
