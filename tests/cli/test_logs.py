"""The log: one line per record, and never an exception's own words."""

import asyncio
import json
import logging
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.logs import JsonFormatter, PlainFormatter, redacted

CANARY = "+14255550123"


def record(message: str, error: BaseException | None = None, name: str = "gateway.test") -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord(name, logging.ERROR, __file__, 1, message, (), exc_info)


def raised(error: BaseException, *, cause: BaseException | None = None) -> BaseException:
    """Return the exception with frames, as if it came from somewhere."""
    with pytest.raises(type(error)) as caught:
        raise error from cause
    return caught.value


def with_context(error: BaseException, context: BaseException) -> BaseException:
    error.__context__ = context
    return error


@pytest.mark.parametrize(
    "error",
    [
        raised(ValueError(CANARY)),
        raised(ValueError("outer"), cause=raised(KeyError(CANARY))),
        raised(with_context(RuntimeError(CANARY), raised(KeyError(CANARY)))),
        raised(ExceptionGroup(CANARY, [raised(KeyError(CANARY)), raised(OSError(CANARY))])),
    ],
)
def test_an_exception_is_told_by_type_and_frames_alone(error):
    for formatter in (JsonFormatter(), PlainFormatter()):
        line = formatter.format(record("it failed", error))
        assert CANARY not in line
        assert "it failed" in line
        assert f"builtins.{type(error).__name__}" in line
        assert "test_logs.py" in line


def test_causes_contexts_and_members_are_told_too():
    group = raised(ExceptionGroup("", [raised(KeyError()), raised(OSError(), cause=raised(TimeoutError()))]))
    text = redacted(group)
    for name in ("ExceptionGroup", "KeyError", "OSError", "TimeoutError"):
        assert f"builtins.{name}" in text


def test_a_ring_of_causes_ends():
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert redacted(first).count("builtins.") == 2


@given(st.text())
def test_any_message_is_one_line_of_json_that_reads_back(message):
    line = JsonFormatter().format(record(message.replace("%", "%%")))
    assert len(line.splitlines()) == 1
    assert json.loads(line)["message"] == message.replace("%", "%%")


@given(st.text(st.characters(categories=["Cc", "Zl", "Zp", "L"])))
def test_any_message_is_one_line_for_the_terminal(message):
    line = PlainFormatter().format(record(message))
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


async def test_what_asyncio_says_of_lost_exceptions_loses_its_words(lost_exceptions):
    loop = asyncio.get_running_loop()
    task = loop.create_task(_fail(CANARY))
    await asyncio.wait([task])
    del task  # its exception was never retrieved
    loop.call_soon(_fail_with, CANARY)
    for lost in [await lost_exceptions.get(), await lost_exceptions.get()]:
        assert CANARY in lost.getMessage()
        line = JsonFormatter().format(lost)
        assert CANARY not in line
        assert "builtins.ValueError" in line
        assert "xception" in json.loads(line)["message"]


@pytest.fixture
async def lost_exceptions():
    """What asyncio logs, as it comes."""
    records: asyncio.Queue[logging.LogRecord] = asyncio.Queue()
    handler = logging.Handler()
    handler.emit = records.put_nowait
    logger = logging.getLogger("asyncio")
    logger.addHandler(handler)
    yield records
    logger.removeHandler(handler)


async def _fail(word: str) -> None:
    raise ValueError(word)


def _fail_with(word: str) -> None:
    raise ValueError(word)


def test_an_uncaught_exception_and_a_broken_record_keep_their_words_to_themselves():
    script = f"""
import logging
from gateway import logs
logs.configure(logging.INFO)
logging.getLogger("twilio.http_client").info("GET /Messages.json?To={CANARY}")
logging.getLogger("aiohttp.access").warning("GET /{CANARY}")
logging.getLogger("some").warning("%d numbers", "{CANARY}")
raise ValueError("{CANARY}" + "")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    failure = json.loads(line)
    assert failure["level"] == "critical"
    assert failure["exception"].startswith("builtins.ValueError")
    assert CANARY not in failure["message"]
