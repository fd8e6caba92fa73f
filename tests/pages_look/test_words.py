"""Every code, state and no has words of its own, in tables without a gap."""

import pytest
from pages_look.specimens import BY_APPLICATION, BY_GROUP, frame
from support.tables import for_each

from gateway.domain.enrollment import PhoneKind
from gateway.domain.ivr.call_phase import CallPhase
from gateway.domain.verification import Channel, FailureCode, Mode, Status
from gateway.pages.components import (
    Banner,
    DeliveryState,
    DenialReason,
    FormError,
    FormErrorCode,
    MethodChoice,
    MethodDenial,
    NumberCheck,
)
from gateway.pages.i18n import Localizer
from gateway.pages.messages import (
    BANNERS,
    CALL_PHASES,
    CHANNEL_DENIALS,
    DELIVERIES,
    DENIALS,
    FAILURES,
    FORM_ERRORS,
    KINDS,
    STATUSES,
)


@pytest.fixture
def localizer(texts) -> Localizer:
    return Localizer(texts, frame())


@for_each(
    ("table", "enum"),
    [
        (FAILURES, FailureCode),
        (STATUSES, Status),
        (DENIALS, DenialReason),
        (FORM_ERRORS, FormErrorCode),
        (BANNERS, Banner),
        (KINDS, PhoneKind),
        (DELIVERIES, Channel),
        (CHANNEL_DENIALS, Channel),
        (DELIVERIES[Channel.SMS], DeliveryState),
        (DELIVERIES[Channel.CALL], DeliveryState),
        (CALL_PHASES, CallPhase),
        *((sentences, Mode) for sentences in CALL_PHASES.values()),
    ],
)
def test_a_table_has_every_word_of_its_enum(table, enum):
    assert table.keys() == set(enum)


def test_no_two_failures_and_no_two_faults_share_their_words():
    assert len({message.text for message in FAILURES.values()}) == len(FAILURES)
    assert len(set(FORM_ERRORS.values())) == len(FORM_ERRORS)


def test_every_failure_and_every_no_says_what_to_do_next():
    tables = [FAILURES, DENIALS, *CHANNEL_DENIALS.values()]
    assert [message for table in tables for message in table.values() if not (message.text and message.next_step)] == []


def test_a_no_names_who_decided_it(localizer):
    assert "Decided by Example Bank for the group contractors." in localizer.denial_text(BY_GROUP, Channel.CALL)
    assert "Decided by Example Bank." in localizer.denial_text(BY_APPLICATION, Channel.SMS)
    here = MethodDenial(DenialReason.NO_TEXTS_TO_LINE)
    assert "Decided by this verification service." in localizer.denial_text(here, Channel.SMS)


@for_each("fault", FormErrorCode)
def test_every_fault_can_be_said_with_and_without_its_facts(localizer, fault):
    plain = localizer.form_error(FormError(fault))
    full = localizer.form_error(FormError(fault, wait=300), length=6, tries=2)
    assert "%" not in plain + full
    assert full.endswith("Try again in 5 minutes.")


def test_the_check_of_a_number_answers_in_words(pages):
    methods = (MethodChoice(Channel.SMS, BY_GROUP), MethodChoice(Channel.CALL))
    good = pages.number_check(frame(), "+1 425-555-0123", None, methods)
    assert (good.ok, good.formatted, good.message) == (True, "+1 425-555-0123", None)
    assert (good.methods["sms"].allowed, good.methods["call"].allowed) == (False, True)
    assert "contractors" in good.methods["sms"].reason
    bad: NumberCheck = pages.number_check(frame(), None, FormError(FormErrorCode.NUMBER_TOO_SHORT), ())
    assert (bad.ok, bad.message) == (False, FORM_ERRORS[FormErrorCode.NUMBER_TOO_SHORT])
