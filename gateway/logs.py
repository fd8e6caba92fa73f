"""How the program logs: a line per record on stderr, and no exception's own words, which may carry numbers or codes.

This is the one place where tracebacks are written, so it is the one place where they are redacted.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ASYNCIO = "asyncio"

logger = logging.getLogger(__name__)


def configure(level: int) -> None:
    """Send all records from `level` up to stderr: as JSON lines, or as plain text when a person reads along."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainFormatter() if sys.stderr.isatty() else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # The SDK logs URLs at INFO, and its lists have numbers in theirs; access logs have them, too.
    logging.getLogger("twilio").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").disabled = True
    # A record that cannot be formatted would be printed with all its arguments.
    logging.raiseExceptions = False
    sys.excepthook = _log_uncaught


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, message, and exception if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if failure := _failure(record):
            line["exception"] = failure
        return json.dumps(line)


class PlainFormatter(logging.Formatter):
    """One line of text, and an exception's frames below it; control characters cannot reach the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        message = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", _message(record))
        line = f"{_time(record)} {record.levelname:<8} {record.name}: {message}"
        failure = _failure(record)
        return f"{line}\n{failure}" if failure else line


def redacted(error: BaseException) -> str:
    """Return an exception's type and frames, with those of its causes and of the members of a group, without words."""
    return "\n".join(_sections(error, set()))


def _sections(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    kind = type(error)
    frames = "".join(traceback.format_tb(error.__traceback__))
    yield f"{kind.__module__}.{kind.__qualname__}\n{frames}".rstrip()
    behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for word, other in (("because of", behind), *(("with", member) for member in members)):
        if other is not None and id(other) not in seen:
            first, *rest = _sections(other, seen)
            yield f"{word} {first}"
            yield from rest


def _message(record: logging.LogRecord) -> str:
    message = record.getMessage()
    if record.name != _ASYNCIO:
        return message
    # asyncio goes on with the repr of tasks, callbacks and their exceptions; type and frames follow from us.
    return message.partition("\n")[0].partition("(")[0]


def _failure(record: logging.LogRecord) -> str | None:
    if not record.exc_info or record.exc_info[1] is None:
        return None
    return redacted(record.exc_info[1])


def _time(record: logging.LogRecord) -> str:
    return f"{datetime.fromtimestamp(record.created, UTC).isoformat(timespec='milliseconds')[:-6]}Z"


def _log_uncaught(_kind: type[BaseException], error: BaseException, _frames: TracebackType | None) -> None:
    logger.critical("the program ended in a way that was not foreseen", exc_info=error)
