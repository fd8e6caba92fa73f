"""Raw HTTP requests: an integrator's, and a provider's signed callbacks."""

import base64
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import msgspec
from twilio.request_validator import RequestValidator

ACCOUNT = "AC" + "0" * 32
TOKEN = secrets.token_hex(16)
CALLER = "+15005550006"
HELLO = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
ANSWERS = b"GET /answers HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

_FORM = "application/x-www-form-urlencoded; charset=utf-8"


class Integrator:
    """Builds an application's requests, as an HTTP library would."""

    def __init__(self, key: str) -> None:
        self._headers = {"Authorization": f"Bearer {key}", "User-Agent": "integrator/1.0", "Accept": "application/json"}

    def start(self, to: str, channel: str) -> bytes:
        """Start a verification."""
        return self._post("/v1/verifications", {"to": to, "channel": channel})

    def check(self, verification_id: str, code: str) -> bytes:
        """Check a code."""
        return self._post(f"/v1/verifications/{verification_id}/check", {"code": code})

    def show(self, verification_id: str, query: str = "") -> bytes:
        """Show a verification; `query` such as `?wait=30` waits for its next change."""
        return _request("GET", f"/v1/verifications/{verification_id}{query}", self._headers)

    def cancel(self, verification_id: str) -> bytes:
        """Cancel a verification."""
        return _request("POST", f"/v1/verifications/{verification_id}/cancel", {**self._headers, "Content-Length": "0"})

    def _post(self, path: str, fields: Mapping[str, str]) -> bytes:
        return _request(
            "POST", path, {**self._headers, "Content-Type": "application/json"}, msgspec.json.encode(fields)
        )


def calls(query: str) -> bytes:
    """List the provider's calls, newest first (Twilio: Read multiple Call resources)."""
    credentials = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    target = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json?{query}"
    return _request("GET", target, {"Authorization": f"Basic {credentials}"})


class CallCallbacks:
    """Builds the provider's callbacks about one call, with the headers and fields of real ones.

    They are signed by the SDK's validator (Twilio: Webhooks security).
    """

    def __init__(self, validator: RequestValidator, to: str, sid: str) -> None:
        self._validator = validator
        self._to = to
        self._sid = sid

    def answer(self, url: str) -> bytes:
        """Request TwiML (Twilio: voice request)."""
        return self._callback(url, self._form("in-progress"))

    def gather(self, url: str, digits: str) -> bytes:
        """Report keys (Twilio: Gather, action)."""
        return self._callback(
            url, {**self._form("in-progress"), "Digits": digits, "FinishedOnKey": "", "msg": "Gather End"}
        )

    def status(self, url: str, call_status: str) -> bytes:
        """Report a call's progress (Twilio: Call StatusCallback)."""
        progress = {
            "Timestamp": "Mon, 24 Nov 2025 04:00:00 +0000",
            "CallbackSource": "call-progress-events",
            "SequenceNumber": "1",
        }
        return self._callback(url, {**self._form(call_status), **progress})

    def _form(self, status: str) -> dict[str, str]:
        places = {
            f"{role}{part}": value
            for role, city in (("From", "SEATTLE"), ("To", "REDMOND"), ("Caller", "SEATTLE"), ("Called", "REDMOND"))
            for part, value in (("City", city), ("State", "WA"), ("Zip", "98052"), ("Country", "US"))
        }
        return {
            "CallSid": self._sid,
            "AccountSid": ACCOUNT,
            "From": CALLER,
            "To": self._to,
            "Caller": CALLER,
            "Called": self._to,
            "CallStatus": status,
            "ApiVersion": "2010-04-01",
            "Direction": "outbound-api",
            **places,
        }

    def _callback(self, url: str, form: Mapping[str, str]) -> bytes:
        headers = {
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
            "Accept-Encoding": "gzip",
            "Cache-Control": "max-age=259200",
            "Content-Type": _FORM,
            "I-Twilio-Idempotency-Token": f"00000000-0000-4000-8000-{self._sid[-12:]}",
            "X-Twilio-Signature": self._validator.compute_signature(url, form),
        }
        return _request("POST", urlsplit(url).path, headers, urlencode(form).encode())


def _request(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    length = {"Content-Length": str(len(body))} if body else {}
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "127.0.0.1", **headers, **length}.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body
