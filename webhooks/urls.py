"""Where the provider calls back: each path written once, as our route and as the URL that the provider gets."""

import re

import msgspec

from webhooks.events import AttemptRef

# Each path ends in a fixed word or in digits. What is signed is the URL and then the parameters, without a separator:
# if a path ended in a free variable, a replayed callback could move its first parameters into that variable.
CALL_STATUS = "/callbacks/{provider}/calls/{verification_id}/{token}/status"
GATHER = "/callbacks/{provider}/calls/{verification_id}/{token}/gather/{gather_number}"
ANSWER = "/callbacks/{provider}/calls/{verification_id}/{token}/answer"
MACHINE = "/callbacks/{provider}/calls/{verification_id}/{token}/machine"
MESSAGE_STATUS = "/callbacks/{provider}/messages/{verification_id}/{token}/status"
INBOUND_MESSAGE = "/callbacks/{provider}/messages"

_PATTERNS = {
    "verification_id": "{verification_id:[0-9A-Za-z_-]{1,64}}",
    "token": "{token:[0-9A-Za-z_-]{1,128}}",
    "gather_number": "{gather_number:[1-9][0-9]{0,2}}",
}
_PUBLIC_URL = re.compile(
    r"https?://(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::(?P<port>[0-9]{1,5}))?(?:/[!-~]*)?(?<!/)",
    re.ASCII,
)
_HIGHEST_PORT = 65535


def route(path: str, provider: str) -> str:
    """Give one of this module's paths as an aiohttp route: the provider filled in, the variables bounded."""
    return path.format(provider=provider, **_PATTERNS)


class Addresses(msgspec.Struct, frozen=True):
    """The URLs at which one provider reaches us.

    A verification id has 1 to 64 and a token 1 to 128 of the characters `0-9A-Za-z_-`; a gather number is 1 to 999.

    Attributes:
        public_url: What stands before the raw path that the gateway sees, without a slash at its end, as in
            `https://verify.example.org` or, behind a proxy that strips a prefix, `https://example.org/verify`. It holds
            no credentials: the provider would send them, but leaves them out of what it signs.
        provider: The provider's name in the paths, as in `twilio`.

    Raises:
        ValueError: The public URL is not of that form.
    """

    public_url: str
    provider: str

    def __post_init__(self) -> None:
        match = _PUBLIC_URL.fullmatch(self.public_url)
        if match is None or set("@?#") & set(self.public_url) or int(match["port"] or 0) > _HIGHEST_PORT:
            raise ValueError(
                "the public URL must be http(s)://host[:port][/prefix] in ASCII, "
                "without credentials, query, fragment or a slash at its end",
            )

    def call_status_url(self, attempt: AttemptRef) -> str:
        """Give the URL for reports on the progress of the attempt's call (Twilio: Calls, StatusCallback)."""
        return self._url(CALL_STATUS, attempt)

    def gather_url(self, attempt: AttemptRef, gather_number: int) -> str:
        """Give the URL for the keys pressed in the call's Gather, which is numbered from 1 (Twilio: Gather, action)."""
        return self._url(GATHER, attempt, gather_number)

    def answer_url(self, attempt: AttemptRef) -> str:
        """Give the URL that says what the callee hears on answering (Twilio: Calls, Url)."""
        return self._url(ANSWER, attempt)

    def machine_url(self, attempt: AttemptRef) -> str:
        """Give the URL for the verdict on who took the call (Twilio: Calls, AsyncAmdStatusCallback)."""
        return self._url(MACHINE, attempt)

    def message_status_url(self, attempt: AttemptRef) -> str:
        """Give the URL for reports on the delivery of the attempt's text (Twilio: Messages, StatusCallback)."""
        return self._url(MESSAGE_STATUS, attempt)

    def inbound_message_url(self) -> str:
        """Give the URL for texts to our numbers; the operator enters it at the provider (Twilio: SmsUrl)."""
        return self.public_url + INBOUND_MESSAGE.format(provider=self.provider)

    def _url(self, path: str, attempt: AttemptRef, gather_number: int | None = None) -> str:
        return self.public_url + path.format(
            provider=self.provider,
            verification_id=attempt.verification_id,
            token=attempt.token,
            gather_number=gather_number,
        )
