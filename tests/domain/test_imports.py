"""Imported phones: which are taken in, what that does to a person's record, and why others are not."""

import itertools

import msgspec
import pytest
from support.tables import for_each
from support.verifications import an_enrollment

from gateway.domain.blocks import block_person
from gateway.domain.enrollment import DefaultMethod, Enrollment, Phone, PhoneKind
from gateway.domain.entra_export import ExportRow, WrittenPhone
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.phone_import import (
    ImportResult,
    ImportTerms,
    WantedPhone,
    import_phone,
    importable_phones,
    plan_import,
)
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import PHONE_LIMIT
from gateway.domain.policy import DEFAULTS, LineType
from gateway.domain.verification import Channel

NOW = 1_800_000_000_000
MOBILE, ALTERNATE, OFFICE = PhoneKind.AUTHENTICATION, PhoneKind.ALTERNATE, PhoneKind.OFFICE
NUMBER, OTHER, BRITISH = PhoneNumber("+14255550123"), PhoneNumber("+14255550124"), PhoneNumber("+447400123456")
ALICE = an_enrollment(at=1, user="alice@example.com")


def having(*phones: Phone, **fields) -> Enrollment:
    return msgspec.structs.replace(ALICE, phones=phones, **fields)


def planned(before: Enrollment, *wanted: WantedPhone, policy=DEFAULTS, proven=False, sharers=0):
    ids = (f"phn_new_{count}" for count in itertools.count(1))
    return plan_import(before, wanted, ImportTerms(policy, proven, ids, lambda _number: sharers), NOW)


def results(plan) -> list[ImportResult]:
    return [told.result for told in plan.phones]


def read(kind: PhoneKind, text: str, country: str | None = None) -> WantedPhone:
    [wanted] = importable_phones(ExportRow("line 2", "alice", (WrittenPhone(kind, text),)), country)
    return wanted


@for_each(
    ("kind", "text", "country", "number", "extension"),
    [
        (MOBILE, "+1 4255550123", None, NUMBER, None),
        (MOBILE, "+1 (425) 555-0123", None, NUMBER, None),
        (MOBILE, "+44 (0)7400 123456", None, BRITISH, None),
        (MOBILE, "(425) 555-0123", "US", NUMBER, None),
        (MOBILE, "07400 123456", "GB", BRITISH, None),
        (MOBILE, "+1 4255550123", "GB", NUMBER, None),
        (OFFICE, "+1 4255550123x0012", None, NUMBER, "0012"),
        (OFFICE, "+1 4255550123 X 12", None, NUMBER, "12"),
        (OFFICE, "(425) 555-0123 ext. 12", "US", NUMBER, "12"),
    ],
)
def test_numbers_are_read(kind, text, country, number, extension):
    assert read(kind, text, country) == WantedPhone(kind, number, extension)


@for_each(
    ("kind", "text", "country", "problem"),
    [
        (MOBILE, "4255550177", None, "no country was given"),
        (MOBILE, "+1 900 234 0177", None, "Premium-rate"),
        (MOBILE, "+881 612340177", None, "satellite"),
        (MOBILE, "+1 4255550177x12", None, "Only an office phone"),
        (ALTERNATE, "+1 4255550177x12", None, "Only an office phone"),
        (OFFICE, "+1 4255550177x", None, "The extension is 1 to 12 digits"),
        (OFFICE, "+1 4255550177x12x34", None, "The extension is 1 to 12 digits"),
        (MOBILE, "+1 0177", None, "7 to 15 digits"),
        (MOBILE, "+1 1255550177", None, "not a phone number"),
        (MOBILE, "", None, "no country was given"),
        (MOBILE, "'+1 4255550177", "US", "may hold the digits"),
        (MOBILE, "\u202a+1 4255550177", "US", "may hold the digits"),
    ],
)
def test_numbers_that_cannot_be_used_say_why_and_not_which(kind, text, country, problem):
    wanted = read(kind, text, country)
    assert wanted.number is None
    assert problem in wanted.problem
    assert "0177" not in f"{wanted} {WrittenPhone(kind, text)}"


def test_a_number_that_is_there_twice_counts_once():
    written = [(MOBILE, "+1 4255550123"), (ALTERNATE, "+1 (425) 555-0123"), (OFFICE, "+1 4255550123x12")]
    row = ExportRow("line 2", "alice", tuple(WrittenPhone(*phone) for phone in written))
    assert importable_phones(row, None) == (WantedPhone(MOBILE, NUMBER), WantedPhone(OFFICE, NUMBER, "12"))


def test_an_imported_phone_is_still_to_be_proven():
    change = import_phone(ALICE, Phone("phn_1", MOBILE, NUMBER), NOW, proven=False)
    after = change.enrollment
    assert (after.phones, after.default_method) == ((Phone("phn_1", MOBILE, NUMBER),), None)
    assert (after.updated_at, after.entries, change.notices) == (NOW, 1, ())
    [entry] = change.entries
    assert entry.type == "phone.imported"
    assert entry.facts == {"phone_id": "phn_1", "kind": "authentication", "proven": False}


@pytest.mark.parametrize(
    ("kind", "channel"), [(MOBILE, Channel.SMS), (ALTERNATE, Channel.CALL), (OFFICE, Channel.CALL)]
)
def test_a_phone_that_is_vouched_for_counts_and_becomes_the_default(kind, channel):
    after = import_phone(ALICE, Phone("phn_1", kind, NUMBER), NOW, proven=True).enrollment
    assert after.phones == (Phone("phn_1", kind, NUMBER, verified_at=NOW),)
    assert after.default_method == DefaultMethod("phn_1", channel)
    assert after.last_proof is None


def test_only_the_first_becomes_the_default():
    wanted = (WantedPhone(MOBILE, NUMBER), WantedPhone(ALTERNATE, OTHER), WantedPhone(OFFICE, NUMBER, "12"))
    after = planned(ALICE, *wanted, proven=True).change.enrollment
    assert [phone.verified_at for phone in after.phones] == [NOW, NOW, NOW]
    assert after.default_method == DefaultMethod("phn_new_1", Channel.SMS)
    chosen = having(Phone("phn_1", OFFICE, OTHER, verified_at=1), default_method=DefaultMethod("phn_1", Channel.CALL))
    assert planned(chosen, *wanted[:1], proven=True).change.enrollment.default_method == chosen.default_method


@pytest.mark.parametrize("verified_at", [None, 1])
@pytest.mark.parametrize("kind", PhoneKind)
def test_a_phone_that_is_there_stays_as_it_is(kind, verified_at):
    before = having(Phone("phn_1", kind, NUMBER, verified_at))
    for proven in (False, True):
        plan = planned(before, WantedPhone(MOBILE, NUMBER), proven=proven)
        assert plan.change.enrollment is before
        assert results(plan) == [plan.result(new=False)] == [ImportResult.UNCHANGED]
        assert bool(plan.phones[0].reason) == (proven and verified_at is None)
        assert import_phone(before, Phone("phn_2", MOBILE, NUMBER), NOW, proven=proven).enrollment is before


def test_a_proven_phone_keeps_its_kind_to_itself():
    before = having(Phone("phn_1", MOBILE, OTHER, verified_at=1))
    plan = planned(before, WantedPhone(MOBILE, NUMBER), WantedPhone(ALTERNATE, BRITISH), proven=True)
    assert results(plan) == [ImportResult.PRESERVED, ImportResult.PHONE_ADDED]
    assert plan.result(new=False) is ImportResult.PHONE_ADDED
    assert [phone.number for phone in plan.change.enrollment.phones] == [OTHER, BRITISH]
    alone = planned(before, WantedPhone(MOBILE, NUMBER))
    assert (alone.change.enrollment, alone.result(new=False)) == (before, ImportResult.PRESERVED)


def test_an_unproven_phone_of_the_kind_gives_way_unless_the_row_names_it():
    before = having(Phone("phn_1", MOBILE, OTHER), Phone("phn_2", ALTERNATE, NUMBER), Phone("phn_3", OFFICE, OTHER, 1))
    after = planned(before, WantedPhone(MOBILE, NUMBER), WantedPhone(ALTERNATE, BRITISH)).change.enrollment
    assert [(phone.kind, phone.number) for phone in after.phones] == [
        (MOBILE, OTHER),
        (ALTERNATE, NUMBER),
        (OFFICE, OTHER),
        (ALTERNATE, BRITISH),
    ]
    corrected = planned(before, WantedPhone(MOBILE, BRITISH)).change.enrollment
    assert [phone.number for phone in corrected.phones] == [NUMBER, OTHER, BRITISH]


def test_nobody_is_let_in_by_the_back_door():
    before = block_person(ALICE, "stolen phone", None, NOW).enrollment
    plan = planned(before, WantedPhone(MOBILE, NUMBER), proven=True)
    assert (plan.change.enrollment, results(plan), plan.result(new=False)) == (
        before,
        [ImportResult.REFUSED],
        ImportResult.REFUSED,
    )
    assert "blocked" in plan.phones[0].reason
    with pytest.raises(Rejected) as refused:
        import_phone(before, Phone("phn_1", MOBILE, NUMBER), NOW, proven=True)
    assert refused.value.code is ErrorCode.ENROLLMENT_BLOCKED


def test_a_person_has_so_many_phones_and_no_more():
    others = tuple(Phone(f"phn_{place}", OFFICE, OTHER, 1, str(place)) for place in range(PHONE_LIMIT))
    assert results(planned(having(*others[1:]), WantedPhone(MOBILE, NUMBER))) == [ImportResult.PHONE_ADDED]
    plan = planned(having(*others), WantedPhone(MOBILE, NUMBER))
    assert results(plan) == [ImportResult.REFUSED]
    assert str(PHONE_LIMIT) in plan.phones[0].reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"text_countries": ("US",), "call_countries": ("US",)}, "country"),
        ({"line_types": (LineType.VOIP,)}, "Lines of this type"),
        ({"phone_kinds": (OFFICE,)}, "Phones of the kind authentication"),
        ({"sign_in": ()}, "may not be used to sign in"),
    ],
)
def test_what_policy_forbids_is_not_imported_and_the_fate_says_so(fields, reason):
    policy = msgspec.structs.replace(DEFAULTS, **fields)
    plan = planned(ALICE, WantedPhone(MOBILE, BRITISH), policy=policy)
    assert (plan.change.enrollment, results(plan)) == (ALICE, [ImportResult.REFUSED])
    assert reason in plan.phones[0].reason
    assert "Decided by" in plan.phones[0].reason


def test_a_phone_that_may_be_reached_in_one_way_is_imported_with_that_way():
    policy = msgspec.structs.replace(DEFAULTS, text_countries=("US",))
    after = planned(ALICE, WantedPhone(MOBILE, BRITISH), policy=policy, proven=True).change.enrollment
    assert after.default_method == DefaultMethod("phn_new_1", Channel.CALL)
    silent = msgspec.structs.replace(DEFAULTS, sign_in=(Channel.SMS,))
    assert results(planned(ALICE, WantedPhone(ALTERNATE, NUMBER), WantedPhone(OFFICE, OTHER), policy=silent)) == [
        ImportResult.PHONE_ADDED,
        ImportResult.REFUSED,
    ]


def test_a_number_that_too_many_have_is_refused():
    policy = msgspec.structs.replace(DEFAULTS, people_per_number=2)
    wanted = WantedPhone(MOBILE, NUMBER)
    assert results(planned(ALICE, wanted, policy=policy, sharers=1)) == [ImportResult.PHONE_ADDED]
    assert results(planned(ALICE, wanted, policy=policy, sharers=2)) == [ImportResult.REFUSED]
    assert results(planned(ALICE, wanted, sharers=2)) == [ImportResult.PHONE_ADDED]


def test_a_row_is_called_by_the_most_that_becomes_of_it():
    good, bad = WantedPhone(MOBILE, NUMBER), WantedPhone(OFFICE, problem="no number")
    assert planned(ALICE, good, bad).result(new=True) is ImportResult.NEW
    assert planned(ALICE, good, bad).result(new=False) is ImportResult.PHONE_ADDED
    assert planned(ALICE, bad).result(new=True) is ImportResult.REFUSED
    assert planned(ALICE).result(new=True) is ImportResult.UNCHANGED
