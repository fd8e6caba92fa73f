"""How strong a proof is, and what can stand in for a new one."""

from enum import StrEnum


class Assurance(StrEnum):
    """How strong a proof was: someone pressed # (presence), or the person who signs in has the phone (possession).

    Possession is shown by a code that only the phone got, or by digits that only the page showed.
    """

    PRESENCE = "presence"
    POSSESSION = "possession"


class Basis(StrEnum):
    """What stood in for a new proof when a sign-in was approved without a text or a call."""

    RECENT_PROOF = "recent_proof"
    TRUSTED_DEVICE = "trusted_device"
    BYPASS = "bypass"
