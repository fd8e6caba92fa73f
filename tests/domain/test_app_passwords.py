"""App passwords: long enough to guess in vain, forgiving to type, never more than forty, and gone when they must be."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each
from support.verifications import an_enrollment

from gateway.domain.app_passwords import (
    ALPHABET,
    APP_PASSWORD_LIMIT,
    LENGTH,
    NAME_LIMIT,
    SelectorTaken,
    create_app_password,
    delete_app_password,
    find_usable,
    format_password,
    normalize_password,
    record_use,
)
from gateway.domain.blocks import block_person, report_fraud, reset
from gateway.domain.enrollment import AppPassword, Enrollment, NotificationKind, Phone, PhoneKind
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.limits import DAY, SECOND, Limits, RateCounters
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.phones import remove_phone

START = 1_700_000_000_000
MINUTE = 60 * SECOND
LIMITS = Limits()
PHONES = (
    Phone("phn_1", PhoneKind.AUTHENTICATION, PhoneNumber("+14255550123"), START),
    Phone("phn_2", PhoneKind.OFFICE, PhoneNumber("+14255550124"), START),
    Phone("phn_3", PhoneKind.ALTERNATE, PhoneNumber("+14255550125")),
)
PERSON = an_enrollment(at=START, phones=PHONES)
PASSWORDS = st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH)


def app_password(number: int = 1, **fields) -> AppPassword:
    usual = {"id": f"apw_{number}", "name": "Mail", "selector": number.to_bytes(2), "hash": "", "created_at": START}
    return AppPassword(**{**usual, **fields})


def person_with(*app_passwords: AppPassword) -> Enrollment:
    enrollment = PERSON
    for each in app_passwords:
        enrollment = create_app_password(enrollment, each, START).enrollment
    return enrollment


def test_a_password_has_more_than_110_bits_in_characters_that_nobody_mistakes():
    assert LENGTH * math.log2(len(ALPHABET)) >= 110
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert ALPHABET.isascii()
    assert ALPHABET.lower() == ALPHABET
    assert set(ALPHABET).isdisjoint("0o1liuvq952")


@given(PASSWORDS, st.lists(st.tuples(st.integers(0, LENGTH), st.sampled_from(" -\t\u00a0"))), st.data())
def test_what_is_shown_is_understood_however_it_is_typed(password, breaks, data):
    assert normalize_password(format_password(password)) == password
    assert [len(group) for group in format_password(password).split("-")] == [4] * 6
    typed = list(data.draw(st.sampled_from([password, password.upper(), password.title()])))
    for place, separator in breaks:
        typed.insert(place, separator)
    assert normalize_password("".join(typed)) == password


@given(st.text(max_size=60) | PASSWORDS)
def test_whatever_is_typed_is_what_could_be_drawn_or_nothing(typed):
    drawn = normalize_password(typed)
    assert drawn is None or (len(drawn) == LENGTH and set(drawn) <= set(ALPHABET))


@for_each(
    "typed",
    ["", "-", "a" * (LENGTH - 1), "a" * (LENGTH + 1), "o" * LENGTH, "а" * LENGTH, "\u212a" * LENGTH, "a\0" * 12],
)
def test_what_is_no_app_password(typed):
    assert normalize_password(typed) is None


STEPS = st.lists(
    st.tuples(st.sampled_from(["create", "create", "create", "delete"]), st.integers(0, 3 * DAY), st.integers(0, 60)),
    max_size=120,
)


@given(STEPS, st.sampled_from([None, DAY, 30 * DAY]))
def test_never_more_than_forty_and_never_fewer_for_those_that_expired(steps, lifetime):
    enrollment, now = PERSON, START
    numbers = itertools.count(1)
    for step, pause, choice in steps:
        now += pause if lifetime else 0
        works = [kept for kept in enrollment.app_passwords if kept.expires_at is None or now < kept.expires_at]
        if step == "create":
            new = app_password(next(numbers), created_at=now, expires_at=None if lifetime is None else now + lifetime)
            try:
                enrollment = create_app_password(enrollment, new, now).enrollment
            except Rejected as refusal:
                assert (refusal.code, len(works)) == (ErrorCode.APP_PASSWORDS_FULL, APP_PASSWORD_LIMIT)
            else:
                assert enrollment.app_passwords == (*works, new)
        elif enrollment.app_passwords:
            gone = enrollment.app_passwords[choice % len(enrollment.app_passwords)]
            enrollment = delete_app_password(enrollment, gone.id, now).enrollment
            assert gone not in enrollment.app_passwords
        assert len(enrollment.app_passwords) <= APP_PASSWORD_LIMIT


def test_the_forty_first_is_refused():
    full = person_with(*(app_password(number) for number in range(APP_PASSWORD_LIMIT)))
    with pytest.raises(Rejected) as refusal:
        create_app_password(full, app_password(APP_PASSWORD_LIMIT), START)
    assert refusal.value.code is ErrorCode.APP_PASSWORDS_FULL


@pytest.mark.parametrize(
    "take_away",
    [
        lambda person: remove_phone(person, "phn_1", START, lost=True),
        lambda person: reset(person, "new phone", START),
        lambda person: block_person(person, "left the company", None, START),
        lambda person: report_fraud(person, 90, START),
    ],
    ids=["lost phone", "reset", "block", "fraud"],
)
def test_all_are_gone_where_the_person_may_be_another(take_away):
    after = take_away(person_with(app_password(1), app_password(2))).enrollment
    assert after.app_passwords == ()
    assert find_usable(after, app_password(1).selector, None, START) is None


def test_a_phone_that_is_only_removed_takes_none_with_it():
    after = remove_phone(person_with(app_password()), "phn_1", START).enrollment
    assert after.app_passwords == (app_password(),)


def test_a_new_one_is_journalled_without_its_name_and_told_to_the_phones_that_take_texts():
    change = create_app_password(PERSON, app_password(name="+14255550123"), START)
    [entry] = change.entries
    assert (entry.type, entry.facts) == ("app_password.created", {"app_password_id": "apw_1", "expires_at": None})
    assert [(notice.kind, notice.number) for notice in change.notices] == [
        (NotificationKind.APP_PASSWORD_CREATED, PHONES[0].number)
    ]
    assert change.enrollment.entries == PERSON.entries + 1
    [entry] = delete_app_password(change.enrollment, "apw_1", START).entries
    assert (entry.type, entry.facts) == ("app_password.deleted", {"app_password_id": "apw_1"})


def test_a_person_who_is_blocked_gets_none():
    person = block_person(PERSON, "left the company", None, START).enrollment
    with pytest.raises(Rejected) as refusal:
        create_app_password(person, app_password(), START)
    assert refusal.value.code is ErrorCode.ENROLLMENT_BLOCKED


def test_a_selector_is_taken_only_while_its_password_works():
    person = person_with(app_password(1, expires_at=START + DAY))
    with pytest.raises(SelectorTaken):
        create_app_password(person, app_password(2, selector=app_password(1).selector), START)
    after = create_app_password(person, app_password(2, selector=app_password(1).selector), START + DAY)
    assert [kept.id for kept in after.enrollment.app_passwords] == ["apw_2"]


@pytest.mark.parametrize("name", ["M", "Mail on my phone", "Почта", "メール", "بريد", "n" * NAME_LIMIT, "📱"])
def test_names(name):
    assert create_app_password(PERSON, app_password(name=name), START).enrollment.app_passwords[0].name == name


@for_each("name", ["", " ", "n" * (NAME_LIMIT + 1), "a\nb", "a\n", "a\0", "\u202egnp.exe", "a\u2028b"])
def test_what_is_no_name(name):
    with pytest.raises(Rejected) as refusal:
        create_app_password(PERSON, app_password(name=name), START)
    assert (refusal.value.code, refusal.value.field) == (ErrorCode.APP_PASSWORD_NAME_INVALID, "name")


@pytest.mark.parametrize(
    ("of_password", "of_question", "works"),
    [(None, None, True), (None, "mail", True), ("mail", "mail", True), ("mail", None, False), ("mail", "files", False)],
)
def test_a_scope_is_good_only_where_it_is_named(of_password, of_question, works):
    person = person_with(app_password(scope=of_password))
    assert (find_usable(person, app_password().selector, of_question, START) is not None) == works


def test_it_works_until_it_expires_and_only_by_its_selector():
    one, other = app_password(1, expires_at=START + DAY), app_password(2)
    person = person_with(one, other)
    assert find_usable(person, one.selector, None, START + DAY - 1) == one
    assert find_usable(person, one.selector, None, START + DAY) is None
    assert find_usable(person, other.selector, None, START + DAY) == other
    assert find_usable(person, b"\xff\xff", None, START) is None


@given(st.lists(st.integers(0, 3 * MINUTE), max_size=30))
def test_its_use_is_noted_at_most_once_a_minute(pauses):
    person, now, written = person_with(app_password()), START, []
    for pause in pauses:
        now += pause
        change = record_use(person, "apw_1", now)
        if change.enrollment is not person:
            written.append(now)
        person = change.enrollment
        last = person.app_passwords[0].last_used_at
        assert last is not None
        assert 0 <= now - last < MINUTE
        assert change.entries == ()
    assert all(later - earlier >= MINUTE for earlier, later in itertools.pairwise(written))


def test_one_that_is_gone_is_neither_used_nor_deleted():
    for change in (record_use, delete_app_password):
        with pytest.raises(Rejected) as refusal:
            change(person_with(app_password(1)), "apw_2", START)
        assert refusal.value.code is ErrorCode.NOT_FOUND


def test_one_of_a_person_who_was_blocked_meanwhile_is_not_used():
    with pytest.raises(Rejected) as refusal:
        record_use(block_person(PERSON, "left the company", None, START).enrollment, "apw_1", START)
    assert refusal.value.code is ErrorCode.ENROLLMENT_BLOCKED


@given(st.lists(st.tuples(st.integers(0, LIMITS.app_password_window * SECOND), st.booleans()), max_size=60))
def test_no_window_holds_more_wrong_ones_than_allowed_and_right_ones_count_nothing(tries):
    rate_counters, wrong, now = RateCounters(), [], START
    for pause, right in tries:
        now += pause
        recent = [at for at in wrong if at > now - LIMITS.app_password_window * SECOND]
        try:
            rate_counters = rate_counters.with_app_password_tried(now, LIMITS)
        except Rejected as refusal:
            assert (refusal.code, len(recent)) == (ErrorCode.RATE_LIMITED, LIMITS.app_password_failures)
            assert refusal.retry_after
            assert rate_counters.with_app_password_tried(now + refusal.retry_after * SECOND, LIMITS)
            continue
        assert len(recent) < LIMITS.app_password_failures
        if right:
            rate_counters = rate_counters.without_latest_try()
        else:
            wrong.append(now)
