"""The terminal of a command that talks with a person: lines that appear while a question stands, and what they type."""

import asyncio
import contextlib
import os
import sys
from threading import Thread

_ERASE_LINE = "\r\x1b[K"
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_CHUNK = 1024


def bold(text: str) -> str:
    """Return the text in bold if stdout is a terminal."""
    return f"{_BOLD}{text}{_PLAIN}" if sys.stdout.isatty() else text


class Screen:
    """Writes lines to stdout; on a terminal, the open question stays the last line."""

    def __init__(self) -> None:
        self._question = ""

    def say(self, line: str) -> None:
        """Write a line above the open question."""
        if self._question and sys.stdout.isatty():
            print(f"{_ERASE_LINE}{line}\n{self._question}", end="", flush=True)
        else:
            print(line, flush=True)

    def ask(self, question: str) -> None:
        """Put a question, which stays open until it is `answered`."""
        print(question, end="" if sys.stdout.isatty() else "\n", flush=True)
        self._question = question

    def answered(self) -> None:
        """Take the open question away."""
        if self._question and sys.stdout.isatty():
            print(_ERASE_LINE, end="", flush=True)
        self._question = ""


class TypedLines:
    """What is typed or piped into stdin, line by line. Must be made inside a running event loop.

    Read by a thread, because a file cannot be waited for by the loop; one that ends with the process, because nothing
    interrupts a read from a terminal; and past `sys.stdin`, whose lock that thread would hold at the end.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        Thread(target=self._read, name="stdin", daemon=True).start()

    async def next(self) -> str | None:
        """Return the next line without its end; None when stdin has ended."""
        return await self._lines.get()

    def _read(self) -> None:
        rest = b""
        with contextlib.suppress(OSError):  # as good as the end: a closed stdin, or a process in the background
            while chunk := os.read(0, _CHUNK):
                *lines, rest = (rest + chunk).split(b"\n")
                self._pass_on(*lines)
        self._pass_on(*([rest] if rest else []), None)

    def _pass_on(self, *lines: bytes | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            for line in lines:
                text = line if line is None else line.decode(errors="replace").strip()
                self._loop.call_soon_threadsafe(self._lines.put_nowait, text)
