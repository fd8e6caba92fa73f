"""The terminal: text that is safe to print, tables, and a prompt that stays below the lines that appear."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Thread

_ERASE_LINE = "\r\x1b[K"
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_CHUNK = 1024  # bytes


def bold(text: str) -> str:
    """Return the text in bold if stdout is a terminal."""
    return f"{_BOLD}{text}{_PLAIN}" if sys.stdout.isatty() else text


def printable(text: str) -> str:
    """Return a text as it is, or escaped if it contains characters that control a terminal."""
    return text if text.isprintable() else ascii(text)


def format_utc(at: int) -> str:
    """Format a time (ms since the epoch), such as `2026-01-31 12:00:00 UTC`."""
    return datetime.fromtimestamp(at / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def print_table(head: Sequence[str], body: Sequence[Sequence[str]]) -> None:
    """Print rows in columns that are as wide as their longest cell."""
    rows = [head, *body]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


class Screen:
    """Writes lines to stdout; on a terminal, the open prompt stays the last line."""

    def __init__(self) -> None:
        self._prompt = ""

    def print_line(self, line: str) -> None:
        """Write a line above the open prompt."""
        if self._prompt and sys.stdout.isatty():
            print(f"{_ERASE_LINE}{line}\n{self._prompt}", end="", flush=True)
        else:
            print(line, flush=True)

    def open_prompt(self, prompt: str) -> None:
        """Write a prompt, which stays open until `close_prompt`."""
        print(prompt, end="" if sys.stdout.isatty() else "\n", flush=True)
        self._prompt = prompt

    def close_prompt(self) -> None:
        """Remove the open prompt."""
        if self._prompt and sys.stdout.isatty():
            print(_ERASE_LINE, end="", flush=True)
        self._prompt = ""


class TypedLines:
    """What is typed or piped into stdin, line by line. Must be created inside a running event loop.

    A thread reads, because an event loop cannot wait for a file. It is a daemon, because nothing interrupts a read from
    a terminal, and it bypasses `sys.stdin`, whose lock it would hold when the interpreter ends.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        Thread(target=self._read, name="stdin", daemon=True).start()

    async def next_line(self) -> str | None:
        """Return the next line without its end; None when stdin has ended."""
        return await self._lines.get()

    def _read(self) -> None:
        rest = b""
        with contextlib.suppress(OSError):  # as good as the end: a closed stdin, or a process in the background
            while chunk := os.read(0, _CHUNK):
                *lines, rest = (rest + chunk).split(b"\n")
                self._enqueue(*lines)
        self._enqueue(*([rest] if rest else []), None)

    def _enqueue(self, *lines: bytes | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            for line in lines:
                text = line if line is None else line.decode(errors="replace").strip()
                self._loop.call_soon_threadsafe(self._lines.put_nowait, text)
