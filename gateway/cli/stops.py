"""`poundkey stops`: the numbers that get no calls and texts, also while a gateway serves the same database."""

import argparse

from gateway.app import now, vault_of
from gateway.cli.config import load_settings
from gateway.cli.failure import CommandFailed
from gateway.cli.people import shown, utc
from gateway.domain.phone import PhoneNumber, parse_e164
from gateway.domain.refusals import Refused
from gateway.ports import StoreUnavailable
from gateway.stores.stop_list import ConsoleStopList, open_stop_list


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; raises CommandFailed for what is no number, and where the database cannot be used."""
    settings = load_settings(arguments.config)
    try:
        with open_stop_list(settings.database.path, vault_of(settings)) as stops:
            if arguments.action == "list":
                _list(stops)
            else:
                _change(stops, arguments.action, _number(arguments.number), arguments.reason)
    except StoreUnavailable as unavailable:
        raise CommandFailed(str(unavailable)) from None
    return 0


def _change(stops: ConsoleStopList, action: str, number: PhoneNumber, reason: str) -> None:
    """Change the list; a number that is where it should be is told, and is no failure."""
    subject = stops.subject(number)
    if action == "add":
        done = stops.add(number, reason, now())
        print(f"{subject} gets no more calls and texts" if done else f"{subject} was stopped already")
    else:
        done = stops.remove(number, reason, now())
        print(f"{subject} gets calls and texts again" if done else f"{subject} was not stopped")


def _list(stops: ConsoleStopList) -> None:
    rows = [("ID", "SINCE", "REASON"), *((one.id, utc(one.added_at), shown(one.reason)) for one in stops.all())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _number(text: str) -> PhoneNumber:
    try:
        return parse_e164(text)
    except Refused as refused:
        raise CommandFailed(refused.detail) from None
