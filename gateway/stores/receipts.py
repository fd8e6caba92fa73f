"""One answer per Idempotency-Key, kept in the transaction of its effect."""

from collections.abc import Callable
from typing import TypeVar

from gateway.domain.errors import ErrorCode, Rejected
from gateway.ports import Receipt, Replay
from gateway.security.vault import Vault
from gateway.stores import statements as sql
from gateway.stores.engine import Row, Transaction

T = TypeVar("T")


class Receipts:
    """The answers as kept: sealed, for they tell numbers and show new secrets."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def once(
        self, transaction: Transaction, now: int, receipt: Receipt | None, operation: Callable[[], T]
    ) -> T | Replay:
        """Run an operation unless its Idempotency-Key was used, and keep its answer.

        Raises Refused (`idempotency_key_reused`).
        """
        if receipt is None:
            return operation()
        row = transaction.read(sql.SELECT_RECEIPT, (receipt.key,))
        if row is not None:
            return self.replay(row, receipt.key, receipt.request_digest)
        result = operation()
        answer = receipt.answer(result)
        if answer is not None:
            values = (receipt.key, receipt.request_digest, self._vault.seal(answer, receipt.key.hex()), now)
            transaction.put(sql.INSERT_RECEIPT, values)
        return result

    def replay(self, row: Row, key: bytes, request_digest: bytes) -> Replay:
        """Return the answer in a row of SELECT_RECEIPT; raises Refused (`idempotency_key_reused`)."""
        if row[0] != request_digest:
            raise Rejected(ErrorCode.IDEMPOTENCY_KEY_REUSED, "This Idempotency-Key came with another request before.")
        return Replay(self._vault.unseal(row[1], key.hex()))
