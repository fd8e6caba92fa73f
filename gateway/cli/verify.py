"""`poundkey verify`: verifies a number over the REST API, and shows the progress."""

import argparse
import asyncio
import contextlib
import os
from collections.abc import Mapping

import aiohttp

from gateway.cli.client import GatewayClient, GatewayRefused, NotAGateway, VerificationEvent, VerificationState
from gateway.cli.command import API_KEY_VARIABLE, DATA_DIR, CommandFailed, read_api_key, run_loop, stop_requested
from gateway.cli.progress import asks_for_digits, describe_event, describe_outcome, elapsed, sends_code
from gateway.cli.terminal import Screen, TypedLines, bold

_NOT_APPROVED = 1
_PROMPTS = {"sms": "Code from the text: ", "call": "Code from the call: "}
_PIN = "pin"
_FINISHED = "verification_finished"
_UNAUTHORIZED = 401


def run(arguments: argparse.Namespace) -> int:
    """Verify; returns 0 if approved, else 1. Raises CommandFailed if the gateway refuses or cannot be reached."""
    if arguments.mode == _PIN:
        raise CommandFailed(
            "a PIN belongs to a person's enrollment, and this verifies a number alone: choose another mode"
        )
    key = arguments.key or os.environ.get(API_KEY_VARIABLE) or read_api_key(DATA_DIR)
    if not (key and key.isprintable()):
        raise CommandFailed(
            f"no usable API key: give --key or set {API_KEY_VARIABLE}; `poundkey keys create` makes one"
        )
    body = {"to": arguments.number, "channel": "call" if arguments.call else "sms"}
    body |= {name: value for name in ("mode", "locale") if (value := getattr(arguments, name))}
    try:
        ended = run_loop(_verify(arguments.url, key, body))
    except GatewayRefused as refusal:
        if refusal.status == _UNAUTHORIZED:
            raise CommandFailed("the gateway does not accept this API key; `poundkey keys create` makes one") from None
        raise CommandFailed(f"the gateway refuses: {refusal.detail}") from None
    except (aiohttp.ClientError, TimeoutError, NotAGateway) as error:
        raise CommandFailed(f"no gateway answers at {arguments.url} ({type(error).__name__})") from None
    print(describe_outcome(ended))
    return 0 if ended.status == "approved" else _NOT_APPROVED


async def _verify(url: str, key: str, body: Mapping[str, str]) -> VerificationState:
    stop = stop_requested()
    async with contextlib.aclosing(GatewayClient(url, key)) as client:
        verification = await client.create(body)
        dialogue = _Dialogue(client, verification, body["channel"], Screen())
        return await dialogue.run(stop, asks_code=body["channel"] == "sms" or verification.mode == "code")


class _Dialogue:
    """Shows one verification on the terminal and checks the codes that are typed, until it has ended."""

    def __init__(self, client: GatewayClient, started: VerificationState, channel: str, screen: Screen) -> None:
        self._client = client
        self._started = started
        self._channel = channel
        self._screen = screen
        self._code_sent = asyncio.Event()

    async def run(self, stop: asyncio.Event, *, asks_code: bool) -> VerificationState:
        """Show the progress until the verification has ended; cancel it on a stop signal and at the end of stdin."""
        self._screen.print_line(
            f"{'Texting' if self._channel == 'sms' else 'Calling'} {self._started.to}. Ctrl-C cancels."
        )
        self._show_digits(self._started)
        if asks_code:
            self._code_sent.set()
        progress = asyncio.create_task(self._show_progress())
        cancelers: list[asyncio.Task[object]] = [
            asyncio.create_task(stop.wait()),
            asyncio.create_task(self._check_codes()),
        ]
        try:
            done, _ = await asyncio.wait([progress, *cancelers], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if progress not in done:
                await self._cancel()
            return await progress
        finally:
            self._screen.close_prompt()
            for task in (progress, *cancelers):
                task.cancel()
            await asyncio.gather(progress, *cancelers, return_exceptions=True)

    async def _show_progress(self) -> VerificationState:
        """Show the journal until the verification has ended; a stream that ends early is resumed."""
        last_sequence = 0
        verification = self._started
        while verification.status == "pending":
            async with contextlib.aclosing(self._client.follow(verification.id, last_sequence)) as events:
                async for event in events:
                    last_sequence = event.sequence
                    if description := describe_event(event):
                        self._screen.print_line(f"  {elapsed(verification.created_at, event.at):5.1f} s  {description}")
                    await self._apply_fallback(event)
            verification = await self._client.show(verification.id)
        return verification

    async def _apply_fallback(self, event: VerificationEvent) -> None:
        """Show the digits or ask for the code of a fallback step."""
        if asks_for_digits(event):
            self._show_digits(await self._client.show(self._started.id))
        elif sends_code(event) and not self._code_sent.is_set():
            self._channel = str(event.facts["channel"])
            self._code_sent.set()

    def _show_digits(self, verification: VerificationState) -> None:
        if verification.match_digits:
            self._screen.print_line(f"When asked, key in {bold(verification.match_digits)} on the phone, then #.")

    async def _check_codes(self) -> None:
        """Check each typed line as a code; returns when the verification or stdin has ended."""
        await self._code_sent.wait()
        lines = TypedLines()
        self._screen.open_prompt(_PROMPTS[self._channel])
        while (code := await lines.next_line()) is not None:
            self._screen.close_prompt()
            try:
                checked = await self._client.check(self._started.id, code)
            except GatewayRefused as refusal:
                if refusal.code == _FINISHED:
                    return
                self._screen.print_line(refusal.detail)
            else:
                if checked.status != "pending":
                    return
                remaining = checked.checks_left
                self._screen.print_line(
                    f"  That is not the code; {remaining} {'try' if remaining == 1 else 'tries'} left."
                )
            self._screen.open_prompt(_PROMPTS[self._channel])

    async def _cancel(self) -> None:
        """Cancel the verification, unless it has ended in the meantime."""
        try:
            await self._client.cancel(self._started.id)
        except GatewayRefused as refusal:
            if refusal.code != _FINISHED:
                raise
