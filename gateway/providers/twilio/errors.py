"""What an unhappy answer of the provider means: the table of its error codes, in our words."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec

from gateway.domain.routing import RejectionScope
from gateway.domain.verification import Failure, FailureCode
from gateway.providers.base import ProviderBusy, ProviderRefused, ProviderUncertain
from gateway.providers.http_client import HttpResponse


class Meaning(NamedTuple):
    """An error code in our words: the stable failure, a reason to read, and what it is about.

    A code about the number does not lead to another provider, and neither does one by which a protection steps in.
    """

    failure: FailureCode
    reason: str
    fault: RejectionScope = RejectionScope.NUMBER


# Source: Twilio, Error and Warning Dictionary. 2xxxx answer a request, 3xxxx come with the final status of a text,
# 6xxxx are its verification product's and arrive from carriers that imitate it. Twilio splits codes over time, so the
# table is open: a code that is missing is `provider_refused`, or of a text `delivery_failed`, and keeps its number.
MEANINGS: dict[int, Meaning] = {
    21210: Meaning(FailureCode.PROVIDER_REFUSED, "the caller is no number of the account", RejectionScope.ACCOUNT),
    21211: Meaning(FailureCode.NUMBER_INVALID, "it is not a phone number"),
    21212: Meaning(FailureCode.PROVIDER_REFUSED, "the sender is not a phone number", RejectionScope.ACCOUNT),
    21214: Meaning(FailureCode.NUMBER_UNREACHABLE, "no call reaches the number"),
    21215: Meaning(FailureCode.COUNTRY_BLOCKED, "calls to the country are switched off", RejectionScope.ROUTE),
    21216: Meaning(FailureCode.NUMBER_BLOCKED, "the account may not call the number", RejectionScope.ROUTE),
    21217: Meaning(FailureCode.NUMBER_INVALID, "it does not look like a phone number"),
    21266: Meaning(FailureCode.NUMBER_INVALID, "sender and recipient are the same number"),
    21408: Meaning(FailureCode.COUNTRY_BLOCKED, "texts to the country are switched off", RejectionScope.ROUTE),
    21606: Meaning(
        FailureCode.PROVIDER_REFUSED, "the sender is no number of the account that can text", RejectionScope.ACCOUNT
    ),
    21608: Meaning(
        FailureCode.NUMBER_BLOCKED,
        "a trial account reaches only the numbers that it has verified",
        RejectionScope.ROUTE,
    ),
    21610: Meaning(FailureCode.OPTED_OUT, "the person has told the sender to stop"),
    21611: Meaning(FailureCode.RATE_LIMITED, "the queue of the sender is full", RejectionScope.ACCOUNT),
    21612: Meaning(
        FailureCode.NUMBER_UNREACHABLE, "no route leads from the sender to the number", RejectionScope.ROUTE
    ),
    21614: Meaning(FailureCode.NUMBER_UNREACHABLE, "the number is not a mobile phone"),
    30001: Meaning(FailureCode.DELIVERY_FAILED, "the text stood in the queue for too long"),
    30002: Meaning(FailureCode.PROVIDER_REFUSED, "the account is suspended", RejectionScope.ACCOUNT),
    30003: Meaning(FailureCode.NUMBER_UNREACHABLE, "the handset is off or out of range"),
    30004: Meaning(FailureCode.NUMBER_BLOCKED, "the number takes no such texts"),
    30005: Meaning(FailureCode.NUMBER_UNREACHABLE, "the handset is not known"),
    30006: Meaning(FailureCode.NUMBER_UNREACHABLE, "the number is a landline or its carrier out of reach"),
    30007: Meaning(FailureCode.CARRIER_FILTERED, "the carrier took the text for spam"),
    30008: Meaning(FailureCode.DELIVERY_FAILED, "the carrier gave no reason"),
    30032: Meaning(FailureCode.CARRIER_FILTERED, "the toll-free sender is not verified"),
    30034: Meaning(FailureCode.CARRIER_FILTERED, "the sender is not registered for the United States"),
    30450: Meaning(FailureCode.NUMBER_BLOCKED, "the protection against SMS pumping stepped in"),
    60205: Meaning(FailureCode.NUMBER_UNREACHABLE, "the number is a landline"),
    60212: Meaning(FailureCode.RATE_LIMITED, "there are too many requests for the number at once"),
    60238: Meaning(FailureCode.NUMBER_BLOCKED, "the provider does not let the number be verified"),
    60410: Meaning(FailureCode.NUMBER_BLOCKED, "the protection against fraud stepped in"),
    60605: Meaning(FailureCode.COUNTRY_BLOCKED, "the country is switched off", RejectionScope.ROUTE),
}

_UNKNOWN = Meaning(FailureCode.PROVIDER_REFUSED, "it refused the request", RejectionScope.ROUTE)
_BAD_CREDENTIALS = "our credentials are wrong or lack the permission: check the account sid and the auth token"
_CREDENTIAL_STATUSES = (401, 403)
_TOO_MANY_REQUESTS = 429

_SHORTEST_WAIT = 1.0
_LONGEST_WAIT = 60.0
_USUAL_WAIT = 5.0


# Bounded, so that nothing longer than a code, a phone number for one, travels on as a code.
_Code = Annotated[int, msgspec.Meta(ge=1, le=99_999)]


class _ErrorBody(msgspec.Struct):
    code: _Code | None = None


class _ErrorList(msgspec.Struct):
    errors: list[_ErrorBody]


def failure_of(
    answer: HttpResponse, meanings: Mapping[int, Meaning] = MEANINGS
) -> ProviderRefused | ProviderBusy | ProviderUncertain:
    """Judge an answer that is not a success; the caller raises what comes back.

    Only a 4xx is the provider's own no. A 5xx or a redirect may come from anything between us and it, after it took
    the request. The provider's sentences quote numbers, so `detail` is ours.

    Args:
        answer: a response whose status is not 2xx.
        meanings: the provider's error codes; one that is missing may be about anything but the credentials.
    """
    if answer.status == _TOO_MANY_REQUESTS:
        return ProviderBusy(_wait(answer.retry_after), "The provider asks us to send more slowly.")
    if not 400 <= answer.status < 500:  # noqa: PLR2004 - the class of client errors, RFC 9110 §15.5
        return ProviderUncertain(f"The provider answered with HTTP status {answer.status}.")
    code = _code(answer.body)
    named = f"HTTP status {answer.status}" if code is None else f"its code {code}"
    failure, reason, fault = meanings.get(code or 0) or _UNKNOWN
    if failure is FailureCode.PROVIDER_REFUSED and answer.status in _CREDENTIAL_STATUSES:
        reason, fault = _BAD_CREDENTIALS, RejectionScope.ACCOUNT
    detail = f"The provider says no: {reason} ({named})."
    return ProviderRefused(failure, None if code is None else str(code), detail, fault)


def delivery_failure(code: str | None) -> Failure:
    """Say why a text that the provider took did not arrive; a code that is not in the table is kept as it came."""
    meaning = MEANINGS.get(int(code)) if code and code.isascii() and code.isdigit() else None
    failure, reason, _ = meaning or Meaning(FailureCode.DELIVERY_FAILED, "no reason was given")
    return Failure(failure, f"The text did not arrive: {reason}.", code)


def _code(body: bytes) -> int | None:
    """Read the code of an error, or of the first in a list of them; some carriers write numbers as strings."""
    try:
        code = msgspec.json.decode(body, type=_ErrorBody, strict=False).code
        listed = [] if code else msgspec.json.decode(body, type=_ErrorList, strict=False).errors
    except (ValueError, RecursionError):
        return None
    return code or next((error.code for error in listed), None)


def _wait(retry_after: str | None) -> float:
    """Seconds by RFC 9110 §10.2.3. Its form as a date would need the provider's clock, so it counts as absent."""
    if retry_after is None or not (retry_after.isascii() and retry_after.isdigit()):
        return _USUAL_WAIT
    return min(max(float(retry_after), _SHORTEST_WAIT), _LONGEST_WAIT)
