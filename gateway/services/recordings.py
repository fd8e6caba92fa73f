"""The operator's own recordings: files by language and prompt, checked at the start and kept in memory."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

from twiml.phrases import Phrasebook
from twiml.recordings import recordable

LARGEST = 1_000_000
"""Bytes of one recording: a minute of speech as telephones carry it takes half of that."""

_VERSION_LENGTH = 12
_WAV = "audio/wav"
_MPEG = "audio/mpeg"
_TYPES = {".wav": _WAV, ".mp3": _MPEG}


class RecordingsInvalid(Exception):
    """The recordings cannot be used; `problems` are one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Recording(msgspec.Struct, frozen=True, gc=False):
    """A file that a call can play: the sentence it says, its path below `/recordings/`, type and content.

    The path changes with the content, so a provider may keep it for as long as it likes.
    """

    sentence: str
    path: str
    content_type: str
    content: bytes


class Recordings(msgspec.Struct, frozen=True, gc=False):
    """What is recorded, by locale."""

    by_locale: Mapping[str, tuple[Recording, ...]]

    def urls(self, public_url: str) -> dict[str, dict[str, str]]:
        """Return, by locale, at which URL the provider finds the file that says a sentence."""
        return {
            locale: {one.sentence: f"{public_url}/recordings/{one.path}" for one in recorded}
            for locale, recorded in self.by_locale.items()
        }


def load_recordings(folder: Path | None, books: Iterable[Phrasebook]) -> Recordings:
    """Read every recording in a folder: `<locale>/<name>.wav` or `.mp3`; what is not recorded is spoken.

    Names that begin with a dot are passed over. None records nothing.

    Raises:
        RecordingsInvalid: the folder cannot be read; a language or a name is not known, is there twice, or has another
            type; a file cannot be read, is empty or too large, or is not what its name says.
    """
    if folder is None:
        return Recordings({})
    by_locale = {book.locale: book for book in books}
    problems: list[str] = []
    recordings: dict[str, tuple[Recording, ...]] = {}
    for place in _listed(folder, problems):
        if place.name not in by_locale:
            problems.append(f"{place}: is no language of ours; they are {', '.join(sorted(by_locale))}")
        else:
            recordings[place.name] = tuple(_in_language(place, by_locale[place.name], problems))
    if problems:
        raise RecordingsInvalid(problems)
    return Recordings(recordings)


def _in_language(folder: Path, book: Phrasebook, problems: list[str]) -> Iterable[Recording]:
    prompts = recordable(book)
    seen: set[str] = set()
    for file in _listed(folder, problems):
        problem = _misnamed(file, prompts, seen)
        seen.add(file.stem)
        if problem is not None:
            problems.append(f"{file}: {problem}")
            continue
        try:
            content = _read(file)
        except (OSError, ValueError) as error:
            problems.append(f"{file}: {error.strerror if isinstance(error, OSError) else error}")
            continue
        version = sha256(content).hexdigest()[:_VERSION_LENGTH]
        path = f"{version}/{book.locale}/{file.name}"
        yield Recording(prompts[file.stem], path, _TYPES[file.suffix], content)


def _listed(folder: Path, problems: list[str]) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        problems.append(f"{folder}: {error.strerror}")
        return []


def _misnamed(file: Path, prompts: Mapping[str, str], seen: set[str]) -> str | None:
    if file.suffix not in _TYPES:
        return f"is not of a type that calls can play: {', '.join(_TYPES)}"
    if file.stem not in prompts:
        return "is no prompt that can be recorded; docs/recordings.md lists them"
    return "is there twice" if file.stem in seen else None


def _read(file: Path) -> bytes:
    """Read a file; raises ValueError for one that is too large, or not what its name says."""
    if not file.is_file():
        raise ValueError("is not a file")
    if file.stat().st_size > LARGEST:
        raise ValueError(f"is larger than {LARGEST} bytes")
    content = file.read_bytes()
    if _type_of(content) != _TYPES[file.suffix]:
        raise ValueError(f"holds no {file.suffix} sound")
    return content


def _type_of(content: bytes) -> str | None:
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return _WAV
    framed = len(content) > 1 and content[0] == 0xFF and content[1] & 0xE0 == 0xE0  # noqa: PLR2004 - MPEG's frame sync
    return _MPEG if content[:3] == b"ID3" or framed else None
