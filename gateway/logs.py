"""The log: one line per record on stderr, without exception messages, which may contain numbers or codes.

Tracebacks are written only here, and so are redacted only here.
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
    """Send all records from `level` up to stderr: as plain text on a terminal, as JSON lines elsewhere."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainFormatter() if sys.stderr.isatty() else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # The SDK logs URLs at INFO, and queries for lists contain numbers; so do access logs.
    logging.getLogger("twilio").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").disabled = True
    # Else logging prints a record that cannot be formatted with all its arguments.
    logging.raiseExceptions = False
    sys.excepthook = _log_uncaught


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, message, and exception if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if traceback_text := _redacted_traceback(record):
            line["exception"] = traceback_text
        return json.dumps(line)


class PlainFormatter(logging.Formatter):
    """One line of text, and an exception's frames below it; control characters cannot reach the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        message = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", _message(record))
        line = f"{_time(record)} {record.levelname:<8} {record.name}: {message}"
        traceback_text = _redacted_traceback(record)
        return f"{line}\n{traceback_text}" if traceback_text else line


def redacted(error: BaseException) -> str:
    """Return the types and frames of an exception, its causes and the members of a group, without their messages."""
    return "\n".join(_sections(error, set()))


def _sections(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    kind = type(error)
    frames = "".join(traceback.format_tb(error.__traceback__))
    yield f"{kind.__module__}.{kind.__qualname__}\n{frames}".rstrip()
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for word, other in (("because of", cause), *(("with", member) for member in members)):
        if other is not None and id(other) not in seen:
            first, *rest = _sections(other, seen)
            yield f"{word} {first}"
            yield from rest


def _message(record: logging.LogRecord) -> str:
    message = record.getMessage()
    if record.name != _ASYNCIO:
        return message
    # The rest is the repr of tasks and their exceptions; the redacted traceback replaces it.
    return message.partition("\n")[0].partition("(")[0]


def _redacted_traceback(record: logging.LogRecord) -> str | None:
    if not record.exc_info or record.exc_info[1] is None:
        return None
    return redacted(record.exc_info[1])


def _time(record: logging.LogRecord) -> str:
    return f"{datetime.fromtimestamp(record.created, UTC).isoformat(timespec='milliseconds')[:-6]}Z"


def _log_uncaught(_kind: type[BaseException], error: BaseException, _frames: TracebackType | None) -> None:
    logger.critical("unexpected error: the program ends", exc_info=error)
