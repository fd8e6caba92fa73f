"""The number or name that a text or a call comes from: the usual one, or the one for the recipient's country."""

import re
from collections.abc import Mapping

import msgspec
import phonenumbers

from gateway.domain.phone_number import PhoneNumber

_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_SHORT_CODE = re.compile(r"[0-9]{3,8}", re.ASCII)
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}", re.ASCII)
_MESSAGING_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}", re.ASCII)


class Senders(msgspec.Struct, frozen=True):
    """The usual sender, and those for single countries or regions (ISO 3166-1 alpha-2)."""

    usual: str
    by_country: Mapping[str, str] = {}

    def to(self, number: PhoneNumber) -> str:
        """Return whom a number sees as the sender."""
        if not self.by_country:
            return self.usual
        return self.by_country.get(number.region, self.usual)


def senders_mistake(by_country: Mapping[str, str]) -> str | None:
    """Say what is wrong with the senders of texts for single countries; None if nothing is."""
    for country, sender in by_country.items():
        kinds = (_E164, _SHORT_CODE, _NAME, _MESSAGING_SERVICE)
        if mistake := _country_mistake(country):
            return mistake
        if not any(kind.fullmatch(sender) for kind in kinds):
            return (
                f"{country}: {sender!r} is no number in E.164, short code, messaging service (MG...),"
                " or name of up to 11 letters, digits and spaces"
            )
    return None


def callers_mistake(by_country: Mapping[str, str]) -> str | None:
    """Say what is wrong with the numbers that calls to single countries come from; None if nothing is."""
    for country, caller in by_country.items():
        if mistake := _country_mistake(country):
            return mistake
        if not _E164.fullmatch(caller):
            return f"{country}: {caller!r} is no number in E.164, as in +14255550123"
    return None


def _country_mistake(country: str) -> str | None:
    if country in phonenumbers.SUPPORTED_REGIONS:
        return None
    return f"{country!r} is no country or region: write its two capital letters, as in US"
