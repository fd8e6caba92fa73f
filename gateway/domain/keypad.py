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
        """Say which key has two meanings, as a sentence for the operator; None if each has one."""
        taken = {FRAUD_KEY: "reports fraud", REPEAT_KEY: "repeats the prompt"}
        if self.language:
            taken[self.language] = "changes the language"
        for key, meaning in ((self.confirm, "confirm"), (self.never_call, "ask for no more calls")):
            if key in taken:
                return f"{key} {taken[key]}, so it cannot {meaning}"
            if key:
                taken[key] = f"is there to {meaning}"
        if self.never_call == POUND:
            return "# ends what is keyed in, so it cannot ask for no more calls"
        return None
