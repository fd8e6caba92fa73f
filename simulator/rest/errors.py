"""The REST API's errors, as the provider writes them."""

from __future__ import annotations

from aiohttp import web

from simulator.json_response import json_response

# Twilio: Error and Warning Dictionary. The usual HTTP status is 400; others stand beside the code.
_STATUSES = {20003: 401, 20004: 405, 20009: 409, 20404: 404, 20429: 429, 20500: 500, 20503: 503}
_MESSAGES = {
    20001: "Invalid parameter",
    20003: "Authenticate",
    20004: "Method not allowed",
    20009: "Cannot delete this resource before it is complete",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "An internal server error has occurred",
    20503: "Service Unavailable",
    21201: "No 'To' number is specified",
    21205: "Invalid Url",
    21206: "Invalid SendDigits",
    21210: "'From' phone number not verified",
    21211: "Invalid 'To' Phone Number",
    21212: "Invalid 'From' Phone Number",
    21213: "'From' phone number is required",
    21214: "'To' phone number cannot be reached",
    21215: "Account not authorized to call this number",
    21216: "Account not allowed to call this number",
    21217: "Phone number does not appear to be valid",
    21220: "Invalid call state",
    21266: "'To' and 'From' number cannot be the same",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number",
    21602: "Message body is required",
    21603: "A 'From' phone number is required",
    21604: "'To' phone number is required",
    21606: "The 'From' phone number is not a valid, SMS-capable number of the account",
    21610: "Attempt to send to unsubscribed recipient",
    21609: "Invalid StatusCallback",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21612: "The 'To' phone number is not currently reachable via SMS",
    21614: "'To' number is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21701: "The Messaging Service does not exist",
    30409: "Message is not in a cancelable state",
    32018: "Twiml parameter is too long",
}


class ApiError(Exception):
    """A request that the API refuses."""

    def __init__(self, code: int, *, detail: str = "", status: int | None = None) -> None:
        """Refuse with one of the provider's error codes.

        Args:
            code: The provider's error code.
            detail: Put behind the code's usual message.
            status: HTTP status, when it is not the code's usual one.
        """
        self.code = code
        self.status = status or _STATUSES.get(code, 400)
        message = _MESSAGES.get(code, "The request was refused")
        self.message = f"{message}: {detail}" if detail else message
        super().__init__(self.message)

    def response(self) -> web.Response:
        """Return the answer (Twilio: REST API, error responses): `code` and `status` are numbers."""
        return json_response(
            {
                "code": self.code,
                "message": self.message,
                "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
                "status": self.status,
            },
            status=self.status,
        )
