"""For how long the data of ended verifications is retained."""

from typing import Annotated

import msgspec

Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]


class Retention(msgspec.Struct, frozen=True, gc=False):
    """Days from the beginning of a verification; 0 keeps for ever.

    `numbers` holds for its number, `journal` for its journal and what is left of its callbacks, `verifications` for all
    that remains, of which only counts for each day stay.
    """

    numbers: Days = 30
    journal: Days = 30
    verifications: Days = 400
