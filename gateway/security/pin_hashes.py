"""PINs as they are kept: argon2id over a keyed digest, so that a stolen database alone does not tell so few digits."""

from gateway.security.password_hashing import Passwords
from gateway.security.vault import Vault


class PinHashes:
    """Makes and judges what is kept of a PIN: the number of the key, then argon2id with its parameters.

    Each method raises Refused (`rate_limited`) when too many others are being hashed.
    """

    def __init__(self, vault: Vault, passwords: Passwords) -> None:
        self._vault = vault
        self._passwords = passwords

    async def hash(self, enrollment_id: str, pin: str) -> str:
        """Return what to keep of a person's PIN, made with the newest key."""
        key_id, secret = next(iter(self._vault.pin_secrets(enrollment_id, pin).items()))
        return f"{key_id}{await self._passwords.hash(secret)}"

    async def fits(self, kept: str, enrollment_id: str, pin: str) -> bool:
        """Tell whether this is the PIN; without the key that it was made with, none is."""
        secret = self._vault.pin_secrets(enrollment_id, pin).get(keyed_by(kept))
        if secret is None:
            return False
        return await self._passwords.verify(kept[kept.index("$") :], secret)

    def is_newest(self, kept: str) -> bool:
        """Tell whether the newest key made this."""
        return keyed_by(kept) == next(iter(self._vault.pin_secrets("", "")))


def keyed_by(kept: str) -> int:
    """Return the number of the key that something kept was made with."""
    return int(kept[: kept.index("$")])
