"""Applications and their API keys."""

import msgspec


class Application(msgspec.Struct, frozen=True, gc=False):
    """An integrator's namespace."""

    id: str
    name: str


class ApiKey(msgspec.Struct, frozen=True, gc=False):
    """A key as it is stored: its secret only as a digest. Times are in ms since the epoch."""

    id: str
    application: Application
    name: str
    digest: bytes
    created_at: int
    revoked_at: int | None
