"""Holds a document (of JSON, TOML or texts) against structs of msgspec, and collects every mistake in it.

The converter of msgspec stops at the first mistake, so each field is converted by itself.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum, StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

Kind = Any
"""An annotation: `int`, `Annotated[str, msgspec.Meta(…)] | None`, a struct."""

Check = Callable[[Any], Any]
"""Takes a value of the right type and returns the one to use; raises ValueError with a sentence."""

Place = tuple[str | int, ...]
"""The names that lead to a value, from the outermost table; a whole number counts the entries of a list from 0."""

_INNER_PLACE = re.compile(r" - at `.*`$")


class MistakeCode(StrEnum):
    """Stable words of the public contract; `docs/refusals.md` explains each."""

    UNKNOWN = "field_unknown"
    MISSING = "field_missing"
    INVALID = "field_invalid"


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong at one place. A sentence of ours never repeats the value: it may be a secret."""

    place: Place
    code: MistakeCode
    sentence: str


class Sentences(msgspec.Struct, frozen=True):
    """How a kind of document says what is wrong with a name, rather than with its value."""

    unknown: str
    missing: str
    not_a_table: str


def checked(kind: Kind, check: Check) -> Kind:
    """Return the type whose values are also held against `check`, as the type of a struct's field."""
    return Annotated[kind, msgspec.Meta(extra={"check": check})]


def validate(
    document: Mapping[str, Any], struct: type[msgspec.Struct], sentences: Sentences, *, texts: bool = False
) -> tuple[dict[str, Any], list[Mistake]]:
    """Return what is right in a document, in nested dictionaries without defaults, and every mistake in it.

    Unknown names are mistakes whether or not the struct forbids them. With `texts`, a text may stand for a number or a
    boolean, as in an environment variable.
    """
    walk = _Walk(sentences, texts=texts)
    return walk.table(document, struct, ()), walk.mistakes


class _Walk:
    """Goes through one document and notes each mistake at its place."""

    def __init__(self, sentences: Sentences, *, texts: bool) -> None:
        self._sentences = sentences
        self._texts = texts
        self.mistakes: list[Mistake] = []

    def table(self, values: Mapping[str, Any], struct: type[msgspec.Struct], place: Place) -> dict[str, Any]:
        """Convert the fields of a struct; what is wrong is left out."""
        fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
        for name in values:
            if name not in fields:
                self._note((*place, name), MistakeCode.UNKNOWN, self._sentences.unknown)
        for name, field in fields.items():
            if field.required and name not in values:
                self._note((*place, name), MistakeCode.MISSING, self._sentences.missing)
        known = {name: field.type for name, field in fields.items() if name in values}
        return self._entries(values, known, place)

    def _entries(self, values: Mapping[str, Any], kinds: Mapping[str, Kind], place: Place) -> dict[str, Any]:
        read = {
            name: self._value(value, kinds[name], (*place, name)) for name, value in values.items() if name in kinds
        }
        return {name: value for name, value in read.items() if value is not msgspec.UNSET}

    def _value(self, value: Any, kind: Kind, place: Place) -> Any:  # noqa: ANN401 - any type
        struct, entry_kind = _struct_in(kind), _entry_kind(kind)
        if isinstance(value, Mapping):
            if struct is not None:
                return self.table(value, struct, place)
            if entry_kind is not None and _struct_in(entry_kind) is not None:
                return self._entries(value, dict.fromkeys(value, entry_kind), place)
        elif all(_is_table(member) for member, _ in value_types(kind)):
            return self._note(place, MistakeCode.INVALID, self._sentences.not_a_table)
        return self._leaf(value, kind, place)

    def _leaf(self, value: Any, kind: Kind, place: Place) -> Any:  # noqa: ANN401 - any type
        try:
            converted = msgspec.convert(value, kind, strict=not (self._texts and isinstance(value, str)))
            for check in _checks(kind):
                converted = check(converted)
        except msgspec.ValidationError as error:
            if not self._note_parts(value, kind, place):
                self._note(place, MistakeCode.INVALID, _sentence(kind, str(error)))
            return msgspec.UNSET
        except ValueError as error:
            return self._note(place, MistakeCode.INVALID, str(error))
        return converted

    def _note_parts(self, value: Any, kind: Kind, place: Place) -> bool:  # noqa: ANN401 - any type
        """Note what is wrong with single entries of a list or a mapping; return whether something is.

        One that is too long is wrong as a whole: naming each entry would let a small body make a large answer.
        """
        before = len(self.mistakes)
        for member, metas in value_types(kind):
            bounded = [meta.max_length for meta in metas if meta.max_length is not None]
            if isinstance(value, list | Mapping) and any(len(value) > longest for longest in bounded):
                continue
            if isinstance(value, list) and _origin(member) in {list, tuple}:
                for index, entry in enumerate(value):
                    self._value(entry, get_args(member)[0], (*place, index))
            elif isinstance(value, Mapping) and _is_mapping(member):
                name_kind, entry_kind = get_args(member)
                self._entries(value, dict.fromkeys(self._valid_names(value, name_kind, place), entry_kind), place)
        return len(self.mistakes) > before

    def _valid_names(self, names: Iterable[str], kind: Kind, place: Place) -> list[str]:
        valid = []
        for name in names:
            try:
                valid.append(msgspec.convert(name, kind))
            except msgspec.ValidationError as error:
                self._note((*place, name), MistakeCode.INVALID, f"Invalid name: {error}")
        return valid

    def _note(self, place: Place, code: MistakeCode, sentence: str) -> msgspec.UnsetType:
        self.mistakes.append(Mistake(place, code, sentence))
        return msgspec.UNSET


def _origin(kind: Kind) -> Any:  # noqa: ANN401 - what stands before the brackets of an annotation
    return get_origin(kind)


def value_types(kind: Kind, metas: Sequence[msgspec.Meta] = ()) -> list[tuple[Kind, Sequence[msgspec.Meta]]]:
    """Return the types that a value can have, each with what bounds it; None and UNSET are no values."""
    if _origin(kind) is Annotated:
        return value_types(get_args(kind)[0], [*metas, *kind.__metadata__])
    if isinstance(kind, UnionType) or _origin(kind) is Union:
        return [member for choice in get_args(kind) for member in value_types(choice, metas)]
    return [] if kind is NoneType or kind is msgspec.UnsetType else [(kind, metas)]


def _struct_in(kind: Kind) -> type[msgspec.Struct] | None:
    """Return the struct among the types of a value."""
    return next((member for member, _ in value_types(kind) if _is_struct(member)), None)


def _entry_kind(kind: Kind) -> Kind | None:
    """Return the type of the values of a mapping, or None if no mapping is meant."""
    return next((get_args(member)[1] for member, _ in value_types(kind) if _is_mapping(member)), None)


def _is_struct(member: Kind) -> bool:
    return isinstance(member, type) and issubclass(member, msgspec.Struct)


def _is_mapping(member: Kind) -> bool:
    return _origin(member) in {dict, Mapping}


def _is_table(member: Kind) -> bool:
    return _is_struct(member) or _is_mapping(member)


def _checks(kind: Kind) -> list[Check]:
    return [meta.extra["check"] for _, metas in value_types(kind) for meta in metas if meta.extra]


def _sentence(kind: Kind, detail: str) -> str:
    """Say what a value can be where that is short, else what msgspec says."""
    members = value_types(kind)
    choices = [_choices(member) for member, _ in members]
    if all(choices):
        return f"Invalid value; it can be {', '.join(word for words in choices for word in words)}"
    bounds = [(meta.ge, meta.le) for member, metas in members for meta in metas if member is int]
    if len(members) == len(bounds) == 1 and None not in bounds[0]:
        return "Expected a whole number from {} to {}".format(*bounds[0])
    return _INNER_PLACE.sub("", detail)


def _choices(member: Kind) -> tuple[str, ...]:
    if member is bool:
        return ("true", "false")
    if _origin(member) is Literal:
        return tuple(map(str, get_args(member)))
    return tuple(map(str, member)) if isinstance(member, type) and issubclass(member, Enum) else ()
