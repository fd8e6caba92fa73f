"""Reads an export of phones from Microsoft Entra: CSV, or JSON as Microsoft Graph returns phone methods.

What makes a file useless ends the reading; what is wrong with one row is told with that row. No problem repeats what
stands in a cell: it may be a number that went astray.
"""

import csv
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from gateway.domain.enrollment import PhoneKind

LONGEST_LINE = 100_000
"""Bytes of one line of CSV; a caller who reads lines need not read on."""

ENTRA_NAMES = {
    PhoneKind.AUTHENTICATION: "mobile",
    PhoneKind.ALTERNATE: "alternateMobile",
    PhoneKind.OFFICE: "office",
}
"""What Entra calls our kinds of phones, in the order in which it asks them."""

_KINDS = {name.lower(): kind for kind, name in ENTRA_NAMES.items()}
_USER_NAMES = ("user", "userprincipalname")
_METHOD_NAMES = ("phonemethods", "methods")
_COLUMNS = "user (or userPrincipalName), mobile, alternateMobile, office"
_LONGEST_USER = 254
_NEVER_IN_USER = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_SPACE = re.compile(r"[ \t\r\n]*")
_CLOSING = {"[": "]", "{": "}"}


class ExportUnreadable(Exception):
    """The file is not an export that could be read; `problems` are one line each."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class WrittenPhone(msgspec.Struct, frozen=True, gc=False):
    """A phone as it stands in the file; its `text` is a number in full, so it has no place in a log."""

    kind: PhoneKind
    text: str

    def __repr__(self) -> str:
        return f"WrittenPhone({self.kind}, …)"


class ExportRow(msgspec.Struct, frozen=True, gc=False):
    """One person of the file: at most one phone of each kind. A row with `problems` is not to be imported.

    `place` says where in the file it begins. `user` may be empty if there is a problem.
    """

    place: str
    user: str
    phones: tuple[WrittenPhone, ...] = ()
    problems: tuple[str, ...] = ()


def csv_rows(lines: Iterable[bytes]) -> Iterator[ExportRow]:
    """Yield the rows of a CSV file, which may be as long as it wants; raises ExportUnreadable."""
    decoded = _decoded(lines)
    head = next(decoded, "")
    reader = csv.reader(itertools.chain((head,), decoded), delimiter=";" if ";" in head else ",", strict=True)
    start = 1
    try:
        columns = _columns(next(reader, []))
        start = reader.line_num + 1
        for cells in reader:
            if any(cells):
                yield _csv_row(f"line {start}", columns, cells)
            start = reader.line_num + 1
    except csv.Error as error:
        raise ExportUnreadable(f"line {start}: this is not CSV: {error}") from None


def json_rows(content: bytes) -> Iterator[ExportRow]:
    """Yield the rows of a JSON file: an object of answers by user, or a list of users; raises ExportUnreadable."""
    scanner = _Scanner(_json_text(content))
    opening = scanner.next_character()
    if opening not in _CLOSING:
        raise ExportUnreadable(f"line {scanner.line}: must be a list of users, or an object with a key for each user")
    scanner.accept(opening)
    for count in itertools.count(1):
        if scanner.accept(_CLOSING[opening]):
            break
        if count > 1:
            scanner.expect(",")
        scanner.next_character()
        place = f"entry {count} (line {scanner.line})"
        if opening == "{":
            yield _keyed_row(place, scanner.key(), scanner.value())
        else:
            yield _listed_row(place, scanner.value())
    if scanner.next_character():
        raise ExportUnreadable(f"line {scanner.line}: this is not JSON: more follows after its end")


def each_user_once(rows: Iterable[ExportRow]) -> Iterator[ExportRow]:
    """Yield the rows; one for a user who had a row before is a problem, for both cannot be meant."""
    places: dict[str, str] = {}
    for row in rows:
        if row.problems:
            yield row
        elif row.user in places:
            yield _refused(row.place, row.user, f"{places[row.user]} is about this user already")
        else:
            places[row.user] = row.place
            yield row


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            raise ExportUnreadable(f"line {number}: is longer than {LONGEST_LINE} bytes")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise ExportUnreadable(f"line {number}: is not UTF-8; export the file in UTF-8") from None


def _columns(names: Sequence[str]) -> tuple[PhoneKind | None, ...]:
    """Return what each column holds: a kind of phone, or None for the user; raises ExportUnreadable."""
    problems = []
    columns: list[PhoneKind | None] = []
    for place, written in enumerate(names, 1):
        name = written.strip().lower()
        if name not in _KINDS and name not in _USER_NAMES:
            problems.append(f"line 1: column {place} is none of {_COLUMNS}")
            continue
        column = _KINDS.get(name)
        if column in columns:
            problems.append(f"line 1: column {place} is there twice: {ENTRA_NAMES[column] if column else 'the user'}")
        columns.append(column)
    if None not in columns:
        problems.append(f"line 1: no column names the user; the columns are {_COLUMNS}")
    if not any(columns):
        problems.append(f"line 1: no column is a phone's; the columns are {_COLUMNS}")
    if problems:
        raise ExportUnreadable(*problems)
    return tuple(columns)


def _csv_row(place: str, columns: tuple[PhoneKind | None, ...], cells: Sequence[str]) -> ExportRow:
    if len(cells) != len(columns):
        return _refused(place, "", f"has {len(cells)} cells, and the first line names {len(columns)} columns")
    texts = {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}
    phones = [WrittenPhone(kind, text) for kind, text in texts.items() if kind is not None and text]
    return _row(place, texts[None], phones, [])


def _json_text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ExportUnreadable(f"line {line}: is not UTF-8; export the file in UTF-8") from None


class _Scanner:
    """Takes a JSON text apart one value at a time, so that each has its line and only one is in memory."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted_to = 0
        self._decoder = json.JSONDecoder(object_pairs_hook=_object)

    @property
    def line(self) -> int:
        """Return the line of what comes next, from 1."""
        self._line += self._text.count("\n", self._counted_to, self._at)
        self._counted_to = self._at
        return self._line

    def next_character(self) -> str:
        """Return what comes next, behind any space; empty at the end."""
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        return self._text[self._at : self._at + 1]

    def accept(self, character: str) -> bool:
        """Skip a character if it comes next, and tell whether it did."""
        is_next = self.next_character() == character
        self._at += is_next
        return is_next

    def expect(self, character: str) -> None:
        """Skip a character; raises ExportUnreadable if another comes next."""
        if not self.accept(character):
            raise ExportUnreadable(f"line {self.line}: this is not JSON: {character} is missing")

    def key(self) -> str:
        """Return an object's next key; raises ExportUnreadable."""
        if self.next_character() != '"':
            raise ExportUnreadable(f"line {self.line}: this is not JSON: a key in quotation marks is missing")
        key = str(self.value())
        self.expect(":")
        return key

    def value(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the next value; raises ExportUnreadable."""
        self.next_character()
        try:
            value, self._at = self._decoder.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            raise ExportUnreadable(f"line {error.lineno}: this is not JSON: {error.msg}") from None
        except (ValueError, RecursionError):
            problem = "a key stands twice in one object, the nesting is too deep, or a number too long"
            raise ExportUnreadable(f"line {self.line}: {problem}") from None
        return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object whose keys are in lower case: Graph writes phoneNumber, and its PowerShell PhoneNumber."""
    values = {key.lower(): value for key, value in pairs}
    if len(values) != len(pairs):
        raise ValueError("a key stands twice")
    return values


def _keyed_row(place: str, user: str, answer: object) -> ExportRow:
    methods = answer.get("value") if isinstance(answer, dict) else None
    if not isinstance(methods, list):
        return _refused(place, user, 'must be what Graph answers for one user: an object with a list "value"')
    return _row(place, user, *_phones(methods))


def _listed_row(place: str, entry: object) -> ExportRow:
    if not isinstance(entry, dict):
        return _refused(place, "", "must be an object with user and phoneMethods")
    users = [entry[name] for name in _USER_NAMES if name in entry]
    lists = [entry[name] for name in _METHOD_NAMES if name in entry]
    user = users[0] if len(users) == 1 and isinstance(users[0], str) else ""
    problems = [] if user else ["needs one user (or userPrincipalName), a text"]
    if len(lists) != 1 or not isinstance(lists[0], list):
        return _refused(place, user, *problems, "needs one phoneMethods (or methods), a list")
    phones, more = _phones(lists[0])
    return _row(place, user, phones, [*problems, *more])


def _phones(methods: list[object]) -> tuple[list[WrittenPhone], list[str]]:
    """Return the phones among a user's methods, and what is wrong with the others."""
    phones: list[WrittenPhone] = []
    problems = []
    for place, method in enumerate(methods, 1):
        number = method.get("phonenumber") if isinstance(method, dict) else None
        written_kind = method.get("phonetype") if isinstance(method, dict) else None
        kind = _KINDS.get(written_kind.lower()) if isinstance(written_kind, str) else None
        if not isinstance(number, str):
            problems.append(f"method {place} needs a phoneNumber, a text")
        if kind is None:
            problems.append(f"method {place} needs a phoneType: one of {', '.join(ENTRA_NAMES.values())}")
        elif kind in {phone.kind for phone in phones}:
            problems.append(f"method {place} is a second {ENTRA_NAMES[kind]}")
        elif isinstance(number, str):
            phones.append(WrittenPhone(kind, number.strip()))
    return phones, problems


def _row(place: str, user: str, phones: list[WrittenPhone], problems: list[str]) -> ExportRow:
    user = user.strip()
    if not user and not problems:
        problems = ["names no user"]
    if len(user) > _LONGEST_USER or _NEVER_IN_USER.search(user):
        user, problems = "", [*problems, f"the user must be 1 to {_LONGEST_USER} characters, none of them a control"]
    if problems:
        return _refused(place, user, *problems)
    order = list(ENTRA_NAMES)
    return ExportRow(place, user, tuple(sorted(phones, key=lambda phone: order.index(phone.kind))))


def _refused(place: str, user: str, *problems: str) -> ExportRow:
    return ExportRow(place, user, problems=problems)
