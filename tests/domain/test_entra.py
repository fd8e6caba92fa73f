"""Exports from Microsoft Entra: what it writes is read as it was meant, and every mistake has its place."""

import json
import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from support.tables import for_each
from support.verifications import an_enrollment

from gateway.domain.enrollment import Phone, PhoneKind
from gateway.domain.entra_export import (
    ENTRA_NAMES,
    LONGEST_LINE,
    ExportRow,
    ExportUnreadable,
    WrittenPhone,
    csv_rows,
    each_user_once,
    json_rows,
)
from gateway.domain.phone_import import ImportResult, ImportTerms, WantedPhone, importable_phones, plan_import
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.policy import DEFAULTS

NOW = 1_800_000_000_000
MOBILE, ALTERNATE, OFFICE = PhoneKind.AUTHENTICATION, PhoneKind.ALTERNATE, PhoneKind.OFFICE
COSTLY = {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST}
SHORTEST = 1_000_000  # seven digits: Iran has a type of number with six, which we take from nobody
NUMBERS = [
    number
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in PhoneNumberType.values()
    if kind not in COSTLY and (number := phonenumbers.example_number_for_type(region, kind)) is not None
    if phonenumbers.number_type(number) not in COSTLY
    if int(phonenumbers.format_number(number, PhoneNumberFormat.E164)) >= SHORTEST
]
ALICE = ExportRow(
    "line 2",
    "alice@example.com",
    (
        WrittenPhone(MOBILE, "+1 4255550123"),
        WrittenPhone(ALTERNATE, "+44 7400123456"),
        WrittenPhone(OFFICE, "+1 4255550100x1234"),
    ),
)
CELLS = {
    "user": "alice@example.com",
    "mobile": "+1 4255550123",
    "alternateMobile": "+44 7400123456",
    "office": "+1 4255550100x1234",
}
METHODS = [
    {"id": "1", "phoneNumber": "+1 4255550123", "phoneType": "mobile", "smsSignInState": "ready"},
    {"id": "2", "phoneNumber": "+44 7400123456", "phoneType": "alternateMobile", "smsSignInState": "notSupported"},
    {"id": "3", "phoneNumber": "+1 4255550100x1234", "phoneType": "office", "smsSignInState": "notSupported"},
]
DIGITS = re.compile(r"[0-9]{5,}")


def as_entra_writes(number: phonenumbers.PhoneNumber, extension: str | None = None) -> str:
    national = phonenumbers.national_significant_number(number)
    return f"+{number.country_code} {national}" + (f"x{extension}" if extension else "")


def rows_of(text: str) -> list[ExportRow]:
    return list(csv_rows(text.encode().splitlines(keepends=True)))


def rows_in(value: object, **layout) -> list[ExportRow]:
    return list(json_rows(json.dumps(value, **layout).encode()))


def without_places(rows: list[ExportRow]) -> list[tuple]:
    return [(row.user, row.phones, row.problems) for row in rows]


@given(st.sampled_from(NUMBERS), st.from_regex(r"\A[0-9]{1,12}\Z", fullmatch=True).filter(str.isascii))
def test_any_number_as_entra_writes_it_is_read_as_it_was_meant(number, extension):
    row = ExportRow(
        "line 2",
        "alice@example.com",
        (WrittenPhone(MOBILE, as_entra_writes(number)), WrittenPhone(OFFICE, as_entra_writes(number, extension))),
    )
    meant = PhoneNumber(phonenumbers.format_number(number, PhoneNumberFormat.E164))
    assert importable_phones(row, None) == (WantedPhone(MOBILE, meant), WantedPhone(OFFICE, meant, extension))


@given(
    st.permutations(list(CELLS)),
    st.sampled_from([",", ";"]),
    st.sampled_from([str, str.upper, str.lower]),
    st.sampled_from(["user", "userPrincipalName"]),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_columns_come_in_any_order_and_dress(order, delimiter, case, user_column, quoted, ending, marked):
    mark = "\ufeff" if marked else ""
    names = [case(user_column if name == "user" else name) for name in order]
    lines = [names, [CELLS[name] for name in order]]
    cells = [[f'"{cell}"' if quoted else cell for cell in line] for line in lines]
    assert rows_of(mark + ending.join(delimiter.join(line) for line in cells)) == [ALICE]


def test_rows_without_anything_are_passed_over_and_lines_are_counted():
    text = 'user,mobile\n\n"a",+1 4255550123\n,\n"b\nb",+1 4255550124\nc,\n'
    assert [(row.place, row.user, bool(row.problems)) for row in rows_of(text)] == [
        ("line 3", "a", False),
        ("line 5", "", True),
        ("line 7", "c", False),
    ]


@pytest.mark.parametrize("layout", [{}, {"indent": 2}])
def test_json_comes_keyed_by_user_or_listed(layout):
    answer = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata", "value": METHODS[::-1]}
    shouted = [{name[0].upper() + name[1:]: value for name, value in method.items()} for method in METHODS]
    shapes = [
        {"alice@example.com": answer},
        [{"user": "alice@example.com", "phoneMethods": METHODS}],
        [{"userPrincipalName": "alice@example.com", "methods": METHODS}],
        [{"UserPrincipalName": "alice@example.com", "PhoneMethods": shouted}],
    ]
    for shape in shapes:
        assert without_places(rows_in(shape, **layout)) == without_places([ALICE])


def test_entries_of_json_are_counted_and_have_their_lines():
    listed = [{"user": user, "methods": []} for user in "abc"]
    text = b"\n\n[" + b",\n".join(json.dumps(entry).encode() for entry in listed) + b"]\n"
    assert [row.place for row in json_rows(text)] == ["entry 1 (line 3)", "entry 2 (line 4)", "entry 3 (line 5)"]
    keyed = {user: {"value": []} for user in "ab"}
    assert [row.place for row in rows_in(keyed)] == ["entry 1 (line 1)", "entry 2 (line 1)"]
    assert rows_in([]) == rows_in({}) == []


@for_each(
    ("text", "problem"),
    [
        ("", "line 1: no column names the user"),
        ("user\nalice", "line 1: no column is a phone's"),
        ("mobile,office\n1,2", "line 1: no column names the user"),
        ("user,mobile,department\n", "line 1: column 3 is none of user (or userPrincipalName), mobile"),
        ("user,mobile,Mobile\n", "line 1: column 3 is there twice: mobile"),
        ("user,userPrincipalName,mobile\n", "line 1: column 2 is there twice: the user"),
        ("alice@example.com,+1 4255550123\n", "line 1: column 2 is none of"),
        ('user,mobile\na,"+1 425"5550123"\n', "line 2: this is not CSV"),
        ('user,mobile\na,+1 4255550123\n"b,+1 4255550124\nc,\n', "line 3: this is not CSV"),
        (f"user,mobile\na,{'1' * LONGEST_LINE}\n", f"line 2: is longer than {LONGEST_LINE} bytes"),
    ],
)
def test_a_file_that_is_no_csv_says_where_and_why(text, problem):
    with pytest.raises(ExportUnreadable) as unreadable:
        rows_of(text)
    assert any(told.startswith(problem) for told in unreadable.value.problems)
    assert not DIGITS.search(str(unreadable.value).replace(str(LONGEST_LINE), ""))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"user,mobile\na,\xff\n", "line 2: is not UTF-8"),
        ("user,mobile\n".encode("utf-16"), "line 1: is not UTF-8"),
    ],
)
def test_another_encoding_is_named(content, problem):
    with pytest.raises(ExportUnreadable, match=problem):
        list(csv_rows(content.splitlines(keepends=True)))
    with pytest.raises(ExportUnreadable, match=problem):
        list(json_rows(content))


@for_each(
    ("text", "problem"),
    [
        ('"alice"', "line 1: must be a list of users, or an object"),
        ("\n\n", "line 3: must be a list of users, or an object"),
        ('[\n{"user": "a", "methods": []}', "line 2: this is not JSON: , is missing"),
        ('[\n{"user": "a", "methods": []},\n]', "line 3: this is not JSON: Expecting value"),
        ('{"a": {"value": []}\n"b": 1}', "line 2: this is not JSON: , is missing"),
        ('{"a" {"value": []}}', "line 1: this is not JSON: : is missing"),
        ("{\n1: 2}", "line 2: this is not JSON: a key in quotation marks"),
        ("[]\n[]", "line 2: this is not JSON: more follows"),
        ('[\n{"user": "a",\n"user": "b", "methods": []}]', "line 2: a key stands twice"),
        ("[\n" + "[" * 100_000, "line 2: a key stands twice in one object, the nesting is too deep"),
        ("[\n" + "1" * 5_000 + "]", "line 2: a key stands twice in one object, the nesting is too deep"),
    ],
)
def test_a_file_that_is_no_json_says_where_and_why(text, problem):
    with pytest.raises(ExportUnreadable) as unreadable:
        list(json_rows(text.encode()))
    assert str(unreadable.value).startswith(problem)


@for_each(
    ("entry", "problems"),
    [
        (1, ["must be an object with user and phoneMethods"]),
        ({"user": "a"}, ["needs one phoneMethods (or methods), a list"]),
        ({"methods": []}, ["needs one user (or userPrincipalName), a text"]),
        ({"user": 1, "methods": {}}, ["needs one user (or userPrincipalName), a text", "needs one phoneMethods"]),
        ({"user": "a", "userPrincipalName": "b", "methods": []}, ["needs one user"]),
        ({"user": " ", "methods": []}, ["names no user"]),
        ({"user": "a\x07", "methods": []}, ["the user must be 1 to 254 characters"]),
        ({"user": "\ud800", "methods": []}, ["the user must be 1 to 254 characters"]),
        ({"user": "a" * 255, "methods": []}, ["the user must be 1 to 254 characters"]),
        (
            {"user": "a", "methods": [{}, "x", {"phoneNumber": 14255550123, "phoneType": "fax"}]},
            [f"method {place} needs a {field}" for place in (1, 2, 3) for field in ("phoneNumber", "phoneType")],
        ),
        ({"user": "a", "methods": [METHODS[0], METHODS[0]]}, ["method 2 is a second mobile"]),
    ],
)
def test_every_mistake_of_an_entry_is_told_and_the_next_is_read(entry, problems):
    wrong, right = rows_in([entry, {"user": "bob", "methods": METHODS}])
    assert len(wrong.problems) == len(problems)
    assert all(told.startswith(problem) for told, problem in zip(wrong.problems, problems, strict=True))
    assert not DIGITS.search(str(wrong.problems))
    assert (wrong.phones, right.problems, len(right.phones)) == ((), (), 3)


@pytest.mark.parametrize("value", [[], 1, {}, {"value": {}}])
def test_an_answer_that_graph_does_not_give_is_refused(value):
    [row] = rows_in({"alice@example.com": value})
    assert (row.user, row.phones, len(row.problems)) == ("alice@example.com", (), 1)


@pytest.mark.parametrize("line", ["a", "a,b,c", " ,+1 4255550123", "a\x07,+1 4255550123"])
def test_a_mistake_in_a_line_of_csv_is_told_and_the_next_is_read(line):
    wrong, right = rows_of(f"user,mobile\n{line}\nbob,+1 4255550124\n")
    assert (wrong.place, len(wrong.problems), wrong.phones) == ("line 2", 1, ())
    assert (right.place, right.problems, len(right.phones)) == ("line 3", (), 1)


def test_a_user_is_read_once():
    rows = rows_of("user,mobile\na\na,+1 4255550123\nb,\na,+1 4255550124\nb,\n")
    assert [(row.place, row.user, row.problems) for row in each_user_once(rows) if row.problems] == [
        ("line 2", "", ("has 1 cells, and the first line names 2 columns",)),
        ("line 5", "a", ("line 3 is about this user already",)),
        ("line 6", "b", ("line 4 is about this user already",)),
    ]


@given(st.one_of(st.binary(max_size=200), st.text('[]{}",:;\n \\ua1user', max_size=80).map(str.encode)))
def test_any_bytes_are_rows_or_unreadable(content):
    for read in (json_rows, lambda bytes_: csv_rows(bytes_.splitlines(keepends=True))):
        try:
            assert all(isinstance(row, ExportRow) for row in read(content))
        except ExportUnreadable as unreadable:
            assert all(problem.startswith("line ") for problem in unreadable.problems)


LINES = st.tuples(st.sampled_from(NUMBERS[:12]), st.sampled_from([None, "12", "34"]))
PHONES = st.builds(
    lambda phone_id, kind, line, verified: Phone(
        phone_id, kind, PhoneNumber(phonenumbers.format_number(line[0], PhoneNumberFormat.E164)), verified, line[1]
    ),
    st.uuids().map(str),
    st.sampled_from(PhoneKind),
    LINES,
    st.sampled_from([None, 1]),
)
RECORDS = st.lists(PHONES, max_size=5, unique_by=lambda phone: (phone.number, phone.extension)).map(
    lambda phones: an_enrollment(at=1, phones=tuple(phones))
)
WRITTEN = st.dictionaries(st.sampled_from(list(ENTRA_NAMES)), LINES).map(
    lambda lines: ExportRow(
        "line 2", "alice", tuple(WrittenPhone(kind, as_entra_writes(*line)) for kind, line in lines.items())
    )
)


@given(RECORDS, WRITTEN, st.booleans(), st.booleans())
def test_an_import_done_twice_is_one_done_once_and_takes_no_proven_phone(before, row, first_proven, then_proven):
    wanted = importable_phones(row, None)
    ids = (f"phn_{count}" for count in range(100))
    first = plan_import(before, wanted, ImportTerms(DEFAULTS, first_proven, ids, lambda _number: 0), NOW)
    after = first.change.enrollment
    second = plan_import(after, wanted, ImportTerms(DEFAULTS, then_proven, ids, lambda _number: 0), NOW + 1)
    assert second.change.enrollment is after
    expected = [
        ImportResult.UNCHANGED if told.result is ImportResult.PHONE_ADDED else told.result for told in first.phones
    ]
    assert [told.result for told in second.phones] == expected
    assert set(before.proven_phones) <= set(after.phones)
    assert after.entries == len(first.change.entries)
    assert (after is before) == (first.result(new=False) is not ImportResult.PHONE_ADDED)
