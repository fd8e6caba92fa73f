"""Whether a database can be worked with, for the doctor."""

from pathlib import Path

from gateway.ports import StoreUnavailable
from gateway.stores import statements as sql
from gateway.stores.console import open_console
from gateway.vault import Unreadable, Vault

_NEWEST = sql.LIST_VERIFICATIONS.format(where="TRUE")


async def inspect(path: Path, vault: Vault) -> None:
    """Return if a database is there, at head, writable, and readable with these keys.

    Raises:
        StoreUnavailable: it is not, in words for the operator.
    """
    async with open_console(path) as connection:
        await connection.execute("BEGIN IMMEDIATE")  # fails where nothing can be written
        await connection.rollback()
        for verification_id, _, sealed_number in await connection.execute_fetchall(_NEWEST, (1,)):
            try:
                vault.unseal(sealed_number, verification_id)
            except Unreadable as error:
                raise StoreUnavailable(f"{path} holds numbers that keys.sealing does not open: {error}") from None
