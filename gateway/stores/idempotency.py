"""One response for an Idempotency-Key, stored in the transaction of its effect."""

from typing import TypeVar

from gateway.clock import Clock
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.idempotency import IdempotencyKey, RepeatedRequest, StoredResponse
from gateway.security.vault import Vault
from gateway.stores import sql
from gateway.stores.engine import Operation, Reads, Row, Transaction, Writer

T = TypeVar("T")


class IdempotencyStore:
    """The responses are sealed, for they tell numbers and show new secrets."""

    def __init__(self, writer: Writer, reads: Reads, vault: Vault, clock: Clock) -> None:
        self._writer = writer
        self._reads = reads
        self._vault = vault
        self._clock = clock

    async def run(self, key: IdempotencyKey | None, operation: Operation[T]) -> T:
        """Run an operation as `Writer.run` does, and store its response; without a key, only run it.

        Raises RepeatedRequest where the key was used, and Rejected (`idempotency_key_reused`).
        """
        return await self._writer.run(operation if key is None else self._once(key, operation))

    async def response(self, key: bytes, request_digest: bytes) -> StoredResponse | None:
        """Return the response that is stored for a key; raises Rejected (`idempotency_key_reused`)."""
        row = await self._reads.row(sql.SELECT_RESPONSE, (key,))
        return None if row is None else self._response_of(row, key, request_digest)

    def _once(self, key: IdempotencyKey, operation: Operation[T]) -> Operation[T]:
        async def once(transaction: Transaction) -> T:
            row = await transaction.read(sql.SELECT_RESPONSE, (key.key,))
            if row is not None:
                raise RepeatedRequest(self._response_of(row, key.key, key.request_digest))
            result = await operation(transaction)
            content = key.response(result)
            if content is not None:
                sealed = self._vault.seal(content, key.key.hex())
                await transaction.execute(sql.INSERT_RESPONSE, (key.key, key.request_digest, sealed, self._clock()))
            return result

        return once

    def _response_of(self, row: Row, key: bytes, request_digest: bytes) -> StoredResponse:
        if row[0] != request_digest:
            raise Rejected(ErrorCode.IDEMPOTENCY_KEY_REUSED, "This Idempotency-Key came with another request before.")
        return StoredResponse(self._vault.unseal(row[1], key.hex()))
