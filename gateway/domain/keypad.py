"""The keys of a call: those that mean the same on every one, and those that an operator chooses."""

import msgspec

FRAUD_KEY = "0"
REPEAT_KEY = "*"
LANGUAGE_KEY = "2"
BLOCK_KEY = "1"
POUND = "#"


class Keypad(msgspec.Struct, frozen=True, gc=False):
    """What a call takes: the key that confirms, the one that asks for no more calls, the one that changes language.

    The latter two are empty where they are not offered.
    """

    confirm: str = POUND
    never_call: str = "9"
    language: str = ""

    def clash(self) -> str | None:
        """Say which setting gives a key a second meaning, as `name: sentence` for the operator; None if none does."""
        taken = {FRAUD_KEY: "reports fraud", REPEAT_KEY: "repeats the prompt"}
        if self.language:
            taken[self.language] = "changes the language"
        if self.confirm in taken:
            return f"confirm_key: {self.confirm} {taken[self.confirm]}, so it cannot confirm"
        taken |= {POUND: "ends what is keyed in", self.confirm: "confirms"}
        if self.never_call in taken:
            return f"never_call_key: {self.never_call} {taken[self.never_call]}, so it cannot ask for no more calls"
        return None
