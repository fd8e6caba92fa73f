"""Both kinds of entries where there are several providers: the next is asked after a refusal, not when in doubt."""

import msgspec
import pytest
from support.dialects import SPARE, elsewhere_at
from support.network import ACCOUNT, OURS, TOKEN
from support.post import NUMBER, Post, account_at
from support.world import free_port

from gateway.domain.limits import SECOND
from gateway.domain.outbox import TO_SEND, OutboxKind
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.provider_health import CircuitRule
from gateway.domain.routing import Routes
from gateway.providers.twilio.api import TwilioProvider
from gateway.stores.suppressions import OptOutReason
from gateway.wiring import provider_of

BOTH = ("twilio", SPARE)
ITS_SENDER = "+14255550188"
FOUR = [f"+1425555015{digit}" for digit in range(4)]
FAULTS = {
    "our credentials are refused": {"status": 401, "error_code": 20003},
    "the sender is not allowed": {"status": 400, "error_code": 21606},
    "the country is switched off": {"status": 400, "error_code": 21408},
    "nobody knows what it means": {"status": 400, "error_code": 21999},
}
LAST_WORDS = {
    "the number wants none": {"status": 400, "error_code": 21610},
    "the answer is lost": {"lose_answer": True},
    "500": {"status": 500},
}
REFUSED = FAULTS["our credentials are refused"]


@pytest.fixture
async def spare():
    async with elsewhere_at("signalwire", more_numbers=(ITS_SENDER,)) as elsewhere:
        yield elsewhere


@pytest.fixture(params=OutboxKind)
def kind(request) -> OutboxKind:
    return request.param


@pytest.fixture
async def post(tmp_path, network, spare, kind):
    post = Post(tmp_path, network, kind)
    post.accounts.append(account_at(provider_of(SPARE, spare.account), ITS_SENDER))
    post.routes = Routes(BOTH, BOTH)
    await post.open()
    await post.add("alice", NUMBER)
    yield post
    await post.close()


async def orders(network, spare):
    return [len(await asked.orders()) for asked in (network, spare.network)]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_no_for_the_providers_own_sake_leads_to_the_next(post, network, spare, fault, caplog):
    await network.faults(api={**fault, "method": "POST"})
    post.start()
    await post.none_open()
    assert await orders(network, spare) == [1, 1]
    [text] = await spare.network.orders()
    assert (text["From"], len(await spare.network.texts(NUMBER))) == (ITS_SENDER, 1)
    assert "was refused" not in caplog.text


@pytest.mark.parametrize("fault", LAST_WORDS.values(), ids=LAST_WORDS)
async def test_what_may_be_sent_or_must_not_be_goes_nowhere_else(post, network, spare, fault):
    await network.faults(api={**fault, "method": "POST"})
    post.start()
    await post.none_open()
    assert await orders(network, spare) == [1, 0]


async def test_a_provider_s_no_because_of_a_stop_is_learnt_from(post, network, spare):
    await network.faults(api={**LAST_WORDS["the number wants none"], "method": "POST"})
    post.start()
    await post.none_open()
    await post.add("bob", NUMBER)
    await post.none_open()
    assert await orders(network, spare) == [1, 0]


async def test_one_that_asks_for_patience_is_asked_again_later(post, network, spare):
    await network.faults(api={"status": 429, "method": "POST", "count": 1})
    post.start()
    delay = await post.queued_again()
    await network.exchanged("api", 1)
    post.now += delay
    await post.none_open()
    assert await orders(network, spare) == [2, 0]


async def test_when_all_have_refused_it_is_over_and_a_notification_is_logged(post, network, spare, caplog):
    for asked in (network, spare.network):
        await asked.faults(api={**REFUSED, "method": "POST"})
    post.start()
    await post.none_open()
    assert (await orders(network, spare), post.states()) == ([1, 1], [])
    assert caplog.text.count("was refused") == (post.kind is OutboxKind.NOTIFICATION)


async def test_a_country_has_its_own_route(post, network, spare):
    post.routes = msgspec.structs.replace(post.routes, text_to={"US": (SPARE,)})
    await post.add("bob", FOUR[0])
    post.start()
    await post.none_open()
    assert [len(await asked.texts(FOUR[0])) for asked in (network, spare.network)] == [0, 1]


async def test_who_wants_no_texts_of_the_next_ones_sender_gets_none_by_it(post, network, spare):
    await post.store.suppressions.opt_out(PhoneNumber(NUMBER), (ITS_SENDER,), OptOutReason.KEYWORD)
    await network.faults(api={**REFUSED, "method": "POST"})
    post.start()
    await post.none_open()
    assert await orders(network, spare) == [1, 0]


async def test_an_open_circuit_is_probed_by_one_entry_once_its_time_is_over(post, network, spare):
    post.rule = CircuitRule(failures=1, open_for=10)
    await network.faults(api={**REFUSED, "method": "POST"})
    post.start()
    await post.none_open()
    for user, seconds, expected in (("bob", 10, [1, 5]), ("carol", 20, [2, 9])):
        await post.add(user, *FOUR)
        await post.none_open()
        assert await orders(network, spare) == expected
        post.now += seconds * SECOND
    await network.faults()
    for user, numbers in (("dave", [NUMBER]), ("erin", FOUR)):
        await post.add(user, *numbers)
        await post.none_open()
    assert await orders(network, spare) == [7, 9]


async def test_after_no_connection_an_attempt_goes_to_the_next_and_a_notification_later(post, network, spare):
    nobody = TwilioProvider(account_sid=ACCOUNT, auth_token=TOKEN, base_url=f"http://127.0.0.1:{free_port()}")
    await post.provider.close()
    post.accounts[0] = account_at(nobody, OURS)
    post.rule = CircuitRule(failures=1, open_for=600)
    post.start()
    if post.kind is OutboxKind.NOTIFICATION:
        post.now += await post.queued_again()
    await post.none_open()
    assert await orders(network, spare) == [0, 1]


async def test_a_provider_that_leaves_one_open_counts_as_failing(post, network, spare):
    post.rule = CircuitRule(failures=1)
    await network.faults(api={"lose_answer": True})
    post.start()
    await post.none_open()
    await post.add("bob", FOUR[0])
    await post.none_open()
    assert await orders(network, spare) == [1, 1]


async def refused_behind_its_lease(post, network, monkeypatch, meanwhile):
    """Let the first provider refuse once the lease is over, after something else has happened."""
    await network.faults(api={**REFUSED, "method": "POST"})
    send = post.provider.send_sms

    async def slowly(sms):
        post.now += post.settings.lease_ms + 1
        await meanwhile()
        return await send(sms)

    monkeypatch.setattr(post.provider, "send_sms", slowly)
    post.start()
    await network.exchanged("api", 1)
    await post.none_open()


async def test_one_that_is_refused_behind_its_lease_goes_to_the_next_under_another(post, network, spare, monkeypatch):
    async def nothing():
        pass

    await refused_behind_its_lease(post, network, monkeypatch, nothing)
    assert await orders(network, spare) == [1, 1]


async def test_one_that_another_process_has_found_in_doubt_goes_nowhere_else(post, network, spare, monkeypatch):
    async def found_in_doubt():
        [entry] = await post.store.outbox.claim_due(10, post.kind, TO_SEND)
        await post.contents[post.kind].note_lease_over(entry)

    await refused_behind_its_lease(post, network, monkeypatch, found_in_doubt)
    monkeypatch.undo()
    await post.add("bob", FOUR[0])  # whatever was to be sent came before it
    await spare.network.handset_when(lambda kept: kept["messages"], FOUR[0])
    assert await spare.network.texts(NUMBER) == []
    assert await orders(network, spare) == [2, 1]
