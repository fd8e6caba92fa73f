"""What a call asks for: as it is told to, else as policy says, and then no less than the calls before it."""

from collections.abc import Sequence

from gateway.domain.verification import Channel, Mode

_NO_LESS = {
    Mode.CODE: {Mode.CODE, Mode.MATCH, Mode.PIN},
    Mode.MATCH: {Mode.CODE, Mode.MATCH, Mode.PIN},
    Mode.PIN: {Mode.PIN},
}


def is_enough(mode: Mode, other: Mode) -> bool:
    """Tell whether a call in this mode asks for no less than one in the other."""
    return mode in _NO_LESS.get(other, Mode)


def mode_of(channel: Channel, wished: Mode | None, proof: Mode, before: Sequence[Mode | None] = ()) -> Mode | None:
    """Return what a call asks for, None for a text. `before` are the modes of what went before, None for texts.

    Without a wish, it is the policy's `proof`, unless a call before asked for more: then the same again, of equals the
    latest.
    """
    if channel is Channel.SMS:
        return None
    if wished is not None:
        return wished
    mode = proof
    for earlier in reversed(before):
        if earlier is not None and not is_enough(mode, earlier):
            mode = earlier
    return mode
