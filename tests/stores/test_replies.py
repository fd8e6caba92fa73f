"""People's texts in the store: answered in one transaction with the rate_counters, and who wants no more of them."""

import asyncio
import itertools
from functools import partial

import msgspec
import pytest
from support.verifications import a_request, create_in

from gateway.domain import commands
from gateway.domain.errors import ErrorCode, Rejected
from gateway.domain.inbound_sms import receive_sms, select_verification
from gateway.domain.limits import Limits
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Status
from gateway.stores.suppressions import OptOutReason

LIMITS = Limits(checks_per_verification=3)
NUMBER, OTHER = PhoneNumber("+14255550123"), PhoneNumber("+14255550124")
RIGHT, WRONG = "123456", "654321"
SENDER = "+15005550006"


@pytest.fixture
def begin(store, vault):
    """Keeps a verification by text that may be answered by text."""

    async def begun(name="ver_1", number=NUMBER, locale="de"):
        request = a_request(name, vault=vault, code=RIGHT, number=number, locale=locale, reply_with_code=True)
        created = await create_in(store, request, limits=LIMITS)
        return created.change.verification

    return begun


@pytest.fixture
def text(store, vault):
    """Lets a number send a text, each under a new sid unless one is given."""
    numbers = itertools.count()

    async def sent(body, number=NUMBER, sid=None):
        sid = sid or f"SM{next(numbers)}"
        return await store.inbound_sms.answer(
            number,
            lambda recent: select_verification(recent, sid),
            lambda verification, rate_counters, now: receive_sms(
                verification, sid, body, {"fraud"}, vault.code_digest, rate_counters, now, LIMITS
            ),
        )

    return sent


async def test_a_reply_approves_the_number_s_own_verification_and_is_kept(store, begin, text, reopen):
    await begin("ver_1")
    await begin("ver_2", OTHER)
    change = await text(RIGHT)
    assert (change.verification.id, change.verification.status) == ("ver_1", Status.APPROVED)
    assert (await store.verifications.get("ver_2")).status is Status.PENDING
    entries = await store.verifications.journal("ver_1", 0)
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    assert [entry.type for entry in entries[-3:]] == ["text.replied", "code.checked", "verification.approved"]
    await store.close()
    again = await reopen()
    assert (await again.verifications.get("ver_1")).status is Status.APPROVED
    await again.close()


async def test_nobody_s_text_changes_nothing(begin, text):
    assert await text(RIGHT) is None
    await begin("ver_1", OTHER)
    assert await text(RIGHT) is None


async def test_what_was_texted_last_is_answered_also_after_a_restart(store, begin, text, clock):
    await begin("ver_1")
    clock.now += 1_000
    await begin("ver_2")
    store._engine.cache._verifications.clear()
    assert (await text(RIGHT)).verification.id == "ver_2"
    assert (await text(RIGHT)).verification.id == "ver_1"


async def test_replies_and_checks_at_once_are_three_guesses(store, begin, text, vault):
    await begin()
    digest = vault.code_digest("ver_1", WRONG)
    check = partial(
        store.verifications.apply_counted,
        "ver_1",
        lambda verification, rate_counters, now: commands.check_code(verification, digest, rate_counters, now, LIMITS),
    )
    answers = await asyncio.gather(
        *(job() for _ in range(40) for job in (check, partial(text, WRONG))), return_exceptions=True
    )
    judged = [
        answer
        for answer in answers
        if not isinstance(answer, BaseException) and answer is not None and answer.rate_counters is not None
    ]
    assert len(judged) == 3
    assert (await store.verifications.get("ver_1")).status is Status.MAX_ATTEMPTS_REACHED


async def test_one_text_reported_often_at_once_is_one_guess(store, begin, text):
    await begin()
    await asyncio.gather(*(text(WRONG, sid="SM_same") for _ in range(20)))
    assert (await store.verifications.get("ver_1")).checks_left == 2


async def test_a_refused_reply_leaves_nothing_behind(store, begin, text):
    strict = msgspec.structs.replace(LIMITS, failed_checks_per_day=1)
    await begin()
    await text(WRONG)
    before = await store.verifications.get("ver_1")

    def step(verification, rate_counters, now):
        return receive_sms(verification, "SM_late", RIGHT, set(), lambda *_: b"", rate_counters, now, strict)

    with pytest.raises(Rejected) as refusal:
        await store.inbound_sms.answer(NUMBER, lambda recent: recent[0], step)
    assert refusal.value.code is ErrorCode.RATE_LIMITED
    assert await store.verifications.get("ver_1") == before


async def test_an_opt_out_is_kept_by_number_and_sender_until_it_is_taken_back(store, reopen, disk):
    suppressions = store.suppressions
    assert not await suppressions.opted_out(NUMBER, SENDER)
    await suppressions.opt_out(NUMBER, (SENDER, "MG1"), OptOutReason.KEYWORD)
    await suppressions.opt_out(NUMBER, (SENDER,), OptOutReason.PROVIDER)
    told = [
        await suppressions.opted_out(*pair)
        for pair in ((NUMBER, SENDER), (NUMBER, "MG1"), (NUMBER, "MG2"), (OTHER, SENDER))
    ]
    assert told == [True, True, False, False]
    await store.close()
    again = await reopen()
    assert await again.suppressions.opted_out(NUMBER, SENDER)
    await again.suppressions.opt_in(NUMBER, (SENDER, "MG1"))
    await again.suppressions.opt_in(NUMBER, (SENDER,))
    assert not await again.suppressions.opted_out(NUMBER, SENDER)
    assert not await again.suppressions.opted_out(NUMBER, "MG1")
    await again.close()
    assert NUMBER.e164[1:].encode() not in await disk()


async def test_a_number_on_the_stop_list_wants_no_texts_of_any_sender(store):
    await store.suppressions.add(NUMBER, "asked by letter")
    told = [await store.suppressions.opted_out(*pair) for pair in ((NUMBER, SENDER), (NUMBER, "MG1"), (OTHER, SENDER))]
    assert told == [True, True, False]
    await store.suppressions.opt_in(NUMBER, (SENDER,))
    assert await store.suppressions.opted_out(NUMBER, SENDER)
    await store.suppressions.remove(NUMBER, "new owner")
    assert not await store.suppressions.opted_out(NUMBER, SENDER)


async def test_the_language_is_that_of_the_latest(store, begin):
    assert await store.inbound_sms.locale_of(NUMBER) is None
    await begin("ver_1", locale="de")
    await begin("ver_2", locale="fr")
    assert await store.inbound_sms.locale_of(NUMBER) == "fr"
