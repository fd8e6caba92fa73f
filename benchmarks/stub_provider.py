"""A provider that accepts every text and call at minimal cost, and lists them. Prints its port.

`POST` to any path returns 201 with a fresh sid in a body like the real one (Twilio: create a Message, create a Call).
`GET` of a record (Twilio: fetch a Message, fetch a Call) returns a delivered text or a call in progress.
`GET /sends` returns `[[sid, form], …]`, the sends since the last such request.
"""

import asyncio
import itertools
from typing import cast

import msgspec
import uvloop

_RECORD = (
    '{"account_sid": "AC00000000000000000000000000000000", "api_version": "2010-04-01", "body": null, '
    '"date_created": "Mon, 24 Nov 2025 04:00:00 +0000", "date_sent": null, '
    '"date_updated": "Mon, 24 Nov 2025 04:00:00 +0000", "direction": "outbound-api", "error_code": null, '
    '"error_message": null, "from": "+15005550006", "messaging_service_sid": null, "num_media": "0", '
    '"num_segments": "1", "price": null, "price_unit": "USD", "sid": "%s", "status": "%s", '
    '"subresource_uris": {"media": "/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages/Media.json"}, '
    '"to": "+14255550123", "uri": "/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json"}'
)


_sids = itertools.count(1)
_sends: list[tuple[str, str]] = []


class _Provider(asyncio.Protocol):
    """One connection of the gateway, or of the benchmark."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are, in all but name

    def data_received(self, chunk: bytes) -> None:
        self._buffer += chunk
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length: ")
            length = int(head[at + 16 :].partition(b"\r")[0]) if at >= 0 else 0
            past = end + 4 + length
            if len(self._buffer) < past:
                return
            body, self._buffer = self._buffer[end + 4 : past], self._buffer[past:]
            self._transport.write(self._answer(head, body))

    def _answer(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"get /sends "):
            sends = msgspec.json.encode(_sends)
            _sends.clear()
            return _response(b"200 OK", sends)
        if head.startswith(b"get "):
            sid = head.split(b" ", 2)[1].rpartition(b"/")[2].partition(b".")[0].decode()
            status = "in-progress" if sid.startswith("ca") else "delivered"
            return _response(b"200 OK", (_RECORD % (sid[:2].upper() + sid[2:], status)).encode())
        sid = f"{'CA' if b'/calls.json' in head else 'SM'}{next(_sids):032x}"
        _sends.append((sid, body.decode()))
        return _response(b"201 CREATED", (_RECORD % (sid, "queued")).encode())


def _response(status: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Provider, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
