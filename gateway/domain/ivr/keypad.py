"""The keys of a call: those that mean the same on every one, and those that an operator chooses."""

import msgspec

FRAUD_KEY = "0"
REPEAT_KEY = "*"
LANGUAGE_KEY = "2"
SLOW_KEY = "8"
ACCEPT_KEY = "1"
POUND = "#"
_STAND_INS = "56"


class Keypad(msgspec.Struct, frozen=True, gc=False):
    """What a call takes: the key that confirms, the one that asks for no more calls, the one that changes language.

    The latter two are empty where they are not offered.
    """

    confirm: str = POUND
    never_call: str = "9"
    language: str = ""

    @property
    def stand_in(self) -> str:
        """Return the digit that is asked for where # does not arrive."""
        return next(digit for digit in _STAND_INS if digit != self.never_call)

    def asking(self, key: str) -> "Keypad":
        """Return these keys with another one to confirm; it is left out if empty, or if it means something else."""
        other = msgspec.structs.replace(self, confirm=key)
        return other if key and other.clash() is None else self

    def clash(self) -> str | None:
        """Say which setting gives a key a second meaning, as `name: sentence` for the operator; None if none does."""
        meanings = {FRAUD_KEY: "reports fraud", REPEAT_KEY: "repeats the prompt", SLOW_KEY: "slows the speech"}
        if self.language:
            meanings[self.language] = "changes the language"
        if self.confirm in meanings:
            return f"confirm_key: {self.confirm} {meanings[self.confirm]}, so it cannot confirm"
        meanings |= {POUND: "ends what is keyed in", self.confirm: "confirms"}
        if self.never_call in meanings:
            return f"never_call_key: {self.never_call} {meanings[self.never_call]}, so it cannot ask for no more calls"
        return None
