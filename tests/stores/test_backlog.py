"""What the metrics say of sends that wait, and of a store that does not answer."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.verifications import a_new_attempt, a_request, create_in

from gateway.domain.outbox import TO_SEND, OutboxKind, OutboxUpdate
from gateway.metrics import Metrics, scraper
from gateway.stores.outbox import HANDOVER


async def begin(store, vault, name: str) -> None:
    await create_in(store, a_request(f"ver_{name}", vault=vault), a_new_attempt(name))


@pytest.fixture
def shown(store):
    """Ask for the page, and read a few gauges of it."""
    scrape = scraper(Metrics(), store, {"dispatcher": lambda: False}, lambda: (3, 2), dict)

    async def shown(*names: str) -> list[float]:
        page = (await scrape()).decode()
        values = {
            family.name: family.samples[0].value for family in text_string_to_metric_families(page) if family.samples
        }
        return [values[f"poundkey_{name}"] for name in names]

    return shown


async def test_the_outbox_is_counted_with_the_age_of_its_oldest_and_nothing_is_taken(store, vault, clock, shown):
    assert await shown("sends_queued", "sends_oldest_queued_seconds") == [0, 0]
    await begin(store, vault, "1")
    clock.now += 2_000
    await begin(store, vault, "2")
    clock.now += HANDOVER
    assert await shown("sends_queued", "sends_oldest_queued_seconds") == [2, 2 + HANDOVER / 1_000]
    assert {due.id for due in await store.outbox.claim_due(10, OutboxKind.ATTEMPT, TO_SEND)} == {"att_1", "att_2"}
    await store.outbox.update(OutboxUpdate("att_1"))
    assert await shown("sends_queued", "sends_oldest_queued_seconds") == [1, HANDOVER / 1_000]


async def test_a_worker_that_stopped_and_the_load_are_shown(shown):
    assert await shown("store_ready", "worker_alive", "waiters", "sends_in_progress") == [1, 0, 3, 2]


async def test_a_store_that_is_closed_is_told_and_the_page_is_given_all_the_same(store, shown):
    await store.close()
    assert await shown("store_ready", "waiters") == [0, 3]
