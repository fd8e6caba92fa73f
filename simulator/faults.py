"""Injected faults: faults of the REST API, of callbacks and of document fetches."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Times = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=86_400_000)]


class ApiFault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How the REST API misbehaves.

    A `status` of 400 or more refuses the request, and `hang: connect` ignores it. Under every other fault it is carried
    out all the same, only badly answered.

    Attributes:
        status: HTTP status to answer with.
        error_code: The provider's error code in the body of a refusal; a usual one for the status by default.
        retry_after: Value of a Retry-After header in seconds.
        delay_ms: Real milliseconds before the request is looked at.
        answer_delay_ms: Real milliseconds before a request that was carried out is answered.
        hang: Never answer: `connect` without carrying out, `after` having carried out, `body` in the middle of the
            answer.
        body: Spoil the answer: an HTML page, half of the JSON, JSON without the sid, 200 MB of JSON, or a redirect
            (307) to the same address.
        lose_answer: Carry out, then drop the connection.
        method: Only requests of this method.
        count: How many requests are hit; without it, all until the faults are changed.
    """

    status: Annotated[int, msgspec.Meta(ge=200, le=599)] | None = None
    error_code: int | None = None
    retry_after: int | None = None
    delay_ms: Milliseconds = 0
    answer_delay_ms: Milliseconds = 0
    hang: Literal["connect", "after", "body"] | None = None
    body: Literal["html", "broken_json", "no_sid", "huge", "redirect"] | None = None
    lose_answer: bool = False
    method: Literal["GET", "POST", "DELETE"] | None = None
    count: Times | None = None

    def hits(self, method: str) -> bool:
        """Tell whether a request of this method is hit, and count it if so."""
        if (self.method and self.method != method) or self.count == 0:
            return False
        if self.count is not None:
            self.count -= 1
        return True

    @property
    def refuses(self) -> bool:
        """Whether the request is refused without being carried out."""
        return self.status is not None and self.status >= 400  # noqa: PLR2004  the client and server error classes


class DeliveryFault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How the provider's own requests misbehave.

    Attributes:
        delay_ms: Real milliseconds before each is sent.
        drop: None is sent.
        duplicate: Number of extra copies of each, with the same idempotency token; true is one.
        reorder: Of two callbacks about one call or text that follow each other closely, the later goes first.
    """

    delay_ms: Milliseconds = 0
    drop: bool = False
    duplicate: Times | bool = 0
    reorder: bool = False


class Faults(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """All faults in force; the default is none.

    Attributes:
        api: The REST API.
        callbacks: Status callbacks, machine detection verdicts and texts from handsets.
        fetches: Requests for TwiML documents; a dropped one fails as a refused connection does.
    """

    api: ApiFault | None = None
    callbacks: DeliveryFault = msgspec.field(default_factory=DeliveryFault)
    fetches: DeliveryFault = msgspec.field(default_factory=DeliveryFault)


class FaultBoard:
    """Holds the faults in force for all who must obey them."""

    def __init__(self) -> None:
        """Start without faults."""
        self.current = Faults()
