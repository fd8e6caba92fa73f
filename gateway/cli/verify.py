"""`poundkey verify`: proves a number from the terminal, over the REST API, and shows how it goes."""

import argparse
import asyncio
import contextlib
import os
from collections.abc import Mapping

import aiohttp

from gateway.cli.client import GatewayClient, GatewayRefused, NotAGateway, VerificationEvent, VerificationState
from gateway.cli.failure import CommandFailed
from gateway.cli.loop import run as run_loop
from gateway.cli.loop import stop_requested
from gateway.cli.paths import API_KEY_VARIABLE, DATA_DIR, kept_api_key
from gateway.cli.progress import asks_for_digits, elapsed, step, tells_code, verdict
from gateway.cli.screen import Screen, TypedLines, bold

_NOT_APPROVED = 1
_QUESTIONS = {"sms": "Code from the text: ", "call": "Code from the call: "}
_PIN = "pin"
_FINISHED = "verification_finished"
_UNAUTHORIZED = 401


def run(arguments: argparse.Namespace) -> int:
    """Verify; returns 0 if approved, else 1. Raises CommandFailed if the gateway refuses or cannot be reached."""
    if arguments.mode == _PIN:
        raise CommandFailed(
            "a PIN belongs to a person's enrollment, and this proves a number alone: ask for another mode"
        )
    key = arguments.key or os.environ.get(API_KEY_VARIABLE) or kept_api_key(DATA_DIR)
    if not (key and key.isprintable()):
        raise CommandFailed(
            f"no usable API key: give --key or set {API_KEY_VARIABLE}; `poundkey keys create` makes one"
        )
    wish = {"to": arguments.number, "channel": "call" if arguments.call else "sms"}
    wish |= {name: value for name in ("mode", "locale") if (value := getattr(arguments, name))}
    try:
        ended = run_loop(_verify(arguments.url, key, wish))
    except GatewayRefused as refused:
        if refused.status == _UNAUTHORIZED:
            raise CommandFailed("the gateway does not take this API key; `poundkey keys create` makes one") from None
        raise CommandFailed(f"the gateway refuses: {refused.detail}") from None
    except (aiohttp.ClientError, TimeoutError, NotAGateway) as error:
        raise CommandFailed(f"no gateway answers at {arguments.url} ({type(error).__name__})") from None
    print(verdict(ended))
    return 0 if ended.status == "approved" else _NOT_APPROVED


async def _verify(url: str, key: str, wish: Mapping[str, str]) -> VerificationState:
    stop = stop_requested()
    async with contextlib.aclosing(GatewayClient(url, key)) as client:
        verification = await client.create(wish)
        journey = _Journey(client, verification, wish["channel"], Screen())
        return await journey.end(stop, asks_code=wish["channel"] == "sms" or verification.mode == "code")


class _Journey:
    """One verification, from its start to its end."""

    def __init__(self, client: GatewayClient, started: VerificationState, channel: str, screen: Screen) -> None:
        self._client = client
        self._started = started
        self._channel = channel
        self._screen = screen
        self._code_told = asyncio.Event()

    async def end(self, stop: asyncio.Event, *, asks_code: bool) -> VerificationState:
        """Show progress until it has ended; when the person gives up, cancel it."""
        self._screen.say(f"{'Texting' if self._channel == 'sms' else 'Calling'} {self._started.to}. Ctrl-C cancels.")
        self._show_digits(self._started)
        if asks_code:
            self._code_told.set()
        following = asyncio.create_task(self._follow())
        ways_out: list[asyncio.Task[object]] = [
            asyncio.create_task(stop.wait()),
            asyncio.create_task(self._check_codes()),
        ]
        try:
            done, _ = await asyncio.wait([following, *ways_out], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if following not in done:
                await self._cancel()
            return await following
        finally:
            self._screen.answered()
            for task in (following, *ways_out):
                task.cancel()
            await asyncio.gather(following, *ways_out, return_exceptions=True)

    async def _follow(self) -> VerificationState:
        """Tell the journal until the verification has ended; a stream that ends before is taken up again."""
        seen = 0
        verification = self._started
        while verification.status == "pending":
            async with contextlib.aclosing(self._client.follow(verification.id, seen)) as events:
                async for event in events:
                    seen = event.sequence
                    if words := step(event):
                        self._screen.say(f"  {elapsed(verification.created_at, event.at):5.1f} s  {words}")
                    await self._go_along(event)
            verification = await self._client.show(verification.id)
        return verification

    async def _go_along(self, event: VerificationEvent) -> None:
        """Show or ask for what the way that follows by itself needs."""
        if asks_for_digits(event):
            self._show_digits(await self._client.show(self._started.id))
        elif tells_code(event) and not self._code_told.is_set():
            self._channel = str(event.facts["channel"])
            self._code_told.set()

    def _show_digits(self, verification: VerificationState) -> None:
        if verification.match_digits:
            self._screen.say(f"When asked, key in {bold(verification.match_digits)} on the phone, then #.")

    async def _check_codes(self) -> None:
        """Have what is typed judged; returns when a code was right or the last one wrong, or when stdin has ended."""
        await self._code_told.wait()
        lines = TypedLines()
        self._screen.ask(_QUESTIONS[self._channel])
        while (code := await lines.next()) is not None:
            self._screen.answered()
            try:
                checked = await self._client.check(self._started.id, code)
            except GatewayRefused as refused:
                if refused.code == _FINISHED:
                    return
                self._screen.say(refused.detail)
            else:
                if checked.status != "pending":
                    return
                left = checked.checks_left
                self._screen.say(f"  That is not the code; {left} {'try' if left == 1 else 'tries'} left.")
            self._screen.ask(_QUESTIONS[self._channel])

    async def _cancel(self) -> None:
        """End the verification, unless it has just ended by itself."""
        try:
            await self._client.cancel(self._started.id)
        except GatewayRefused as refused:
            if refused.code != _FINISHED:
                raise
