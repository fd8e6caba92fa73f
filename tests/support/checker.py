"""Tells which promises a storm broke, by what was asked and what there is afterwards: pure, so that it is tested."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

import msgspec

from support.integrator import FINISHED, Json

ANSWERS = {200, 201, 409, 429, 503}
"""What a client that asks for nothing absurd may be answered."""
REPLAYED = {"create": 201, "resend": 200}
"""What acts once for each Idempotency-Key, and the status that acknowledges it."""
STILL_WITH_US = {"queued", "sending"}
HOLDS_KEYS = "presses_pound"


class Asked(msgspec.Struct, frozen=True):
    """One thing that a client asked for. `status` is None if no answer came back; `right` is said of a code."""

    what: str
    status: int | None
    body: Json
    key: str = ""
    right: bool = False


class Forgery(msgspec.Struct, frozen=True):
    """A callback that is not the provider's, or speaks of another attempt; `sid` is in it and nowhere else."""

    sid: str
    signed: bool
    status: int | None


class Story(msgspec.Struct, frozen=True):
    """One verification of a number that has no other: what was asked for it, and what there is after the storm."""

    persona: str
    asked: tuple[Asked, ...]
    forgeries: tuple[Forgery, ...]
    listed: tuple[str, ...]
    kept: Json
    journal: tuple[Json, ...]
    handset: Json
    enrollment: Json | None = None


def broken(story: Story, checks: int) -> list[str]:
    """Say which promises were broken, and how; `checks` codes at most are judged."""
    promises = (_answers, _creates, _resends, _journal, _ends, _approvals, _sends, _settles, _forgeries, _outcome)
    found = chain(_guesses(story, checks), *(promise(story) for promise in promises))
    return [f"{fault}: {story.kept['id']}" for fault in found]


def broken_among(stories: list[Story]) -> list[str]:
    """Say what is wrong between verifications: a text or a call belongs to one attempt alone."""
    sids = Counter(sid for story in stories for sid in _sids(story))
    return [f"P4 {times} attempts claim {sid}" for sid, times in sids.items() if times > 1]


def _answers(story: Story) -> Iterator[str]:
    for asked in story.asked:
        if asked.status is not None and asked.status not in ANSWERS:
            promise = "P5" if asked.status == 404 else "P13"
            yield f"{promise} {asked.what} was answered {asked.status}"


def _creates(story: Story) -> Iterator[str]:
    answered = {body["id"] for body in _acknowledged(story, "create").values()}
    if answered - set(story.listed):
        yield "P5 an acknowledged create is lost"
    if len(story.listed) > 1 or len(answered) > 1:
        yield "P7 one key made several verifications"
    yield from _replays(story)


def _replays(story: Story) -> Iterator[str]:
    for what, status in REPLAYED.items():
        first = _acknowledged(story, what)
        for asked in story.asked:
            if asked.what == what and asked.status == status and asked.body != first[asked.key]:
                yield f"P7 one key of a {what} was answered differently"


def _resends(story: Story) -> Iterator[str]:
    keys = {asked.key for asked in story.asked if asked.what == "resend"}
    resent = len(story.kept["attempts"]) - 1
    if resent < len(_acknowledged(story, "resend")):
        yield "P5 an acknowledged resend is lost"
    if resent > len(keys):
        yield "P7 there are more attempts than keys"


def _journal(story: Story) -> Iterator[str]:
    if [entry["sequence"] for entry in story.journal] != list(range(1, len(story.journal) + 1)):
        yield "P14 the journal has gaps"
    types = [entry["type"] for entry in story.journal]
    if types[:1] != ["verification.created"] or types.count("verification.created") > 1:
        yield "P14 the journal does not begin with its beginning"
    queued = [entry["facts"]["attempt_id"] for entry in story.journal if entry["type"] == "attempt.queued"]
    if queued != [attempt["id"] for attempt in story.kept["attempts"]]:
        yield "P14 the journal has other attempts than the verification"


def _ends(story: Story) -> Iterator[str]:
    ends = [entry["type"] for entry in story.journal if entry["type"].removeprefix("verification.") in FINISHED]
    status = story.kept["status"]
    if len(ends) > 1:
        yield "P3 it ended more than once"
    if ends[:1] != [f"verification.{status}"]:
        yield f"P3 it is {status}, which is not its end in the journal"
    for body in (asked.body for asked in story.asked):
        if body.get("status") in FINISHED and body["status"] != status:
            yield f"P3 it was {body['status']} and is {status}"
        if body.get("revision", 0) > story.kept["revision"]:
            yield "P3 it went back to an earlier revision"


def _guesses(story: Story, checks: int) -> Iterator[str]:
    judged = [entry["facts"]["valid"] for entry in _entries(story, "code.checked")]
    if len(judged) > checks:
        yield f"P1 {len(judged)} codes were judged"
    if story.kept["checks_left"] != checks - judged.count(False):
        yield "P1 what is left of the checks is not what was judged"
    asked = [asked for asked in story.asked if asked.what == "check"]
    answered = [asked.body["valid"] for asked in asked if asked.status == 200]
    if any(answered.count(verdict) > judged.count(verdict) for verdict in (True, False)):
        yield "P1 a verdict was answered and not kept"
    if judged.count(False) > sum(not guess.right for guess in asked):
        yield "P1 a code was judged that nobody gave"


def _approvals(story: Story) -> Iterator[str]:
    acknowledged = any(
        asked.body.get("status") == "approved" or asked.body.get("valid") is True for asked in story.asked
    )
    approved = bool(_entries(story, "verification.approved"))
    if acknowledged and not approved:
        yield "P2 an acknowledged approval is not in the journal"
    by_code = [entry for entry in _entries(story, "code.checked") if entry["facts"]["valid"]]
    if len(by_code) > 1:
        yield "P2 a code worked twice"
    if by_code and not any(asked.what == "check" and asked.right for asked in story.asked):
        yield "P2 a code was right that nobody gave"
    by_key = story.persona == HOLDS_KEYS and any(call["sid"] in _sids(story) for call in story.handset["calls"])
    if approved and not by_code and not by_key:
        yield "P2 it is approved without a proof"


def _sends(story: Story) -> Iterator[str]:
    withdrawn = {entry["facts"]["attempt_id"] for entry in _entries(story, "attempt.withdrawn")}
    seen = {"sms": _received(story), "call": [call["sid"] for call in story.handset["calls"]]}
    for channel, sids in seen.items():
        sent = [kept for kept in story.kept["attempts"] if kept["channel"] == channel and kept["id"] not in withdrawn]
        if len(sids) > len(sent):
            yield f"P4 {len(sent)} attempts ({channel}) reached the phone {len(sids)} times"
    if lost := set(_sids(story)) - set(chain(*seen.values())):
        yield f"P4 what an attempt names never reached the phone: {sorted(lost)}"


def _settles(story: Story) -> Iterator[str]:
    if story.kept["status"] not in FINISHED:
        yield "P5 it is pending behind its lifetime"
    for attempt in story.kept["attempts"]:
        if attempt["status"] in STILL_WITH_US:
            yield f"P5 an attempt is still {attempt['status']}"
        if attempt["status"] == "unknown" and story.kept["status"] == "failed":
            yield "P5 it failed by an attempt of which nobody knows how it ended"
        if attempt["status"] == "failed" and attempt["failure"] is None:
            yield "P5 an attempt failed without a reason"


def _forgeries(story: Story) -> Iterator[str]:
    state = msgspec.json.encode((story.kept, story.journal)).decode()
    for forgery in story.forgeries:
        if not forgery.signed and forgery.status not in {403, None}:
            yield f"P8 a forged callback was answered {forgery.status}"
        if forgery.sid in state:
            yield "P8 a forged callback had an effect"


def _outcome(story: Story) -> Iterator[str]:
    if story.enrollment is None:
        return
    outcome = story.enrollment["last_outcome"] or {}
    if (outcome.get("verification_id"), outcome.get("status")) != (story.kept["id"], story.kept["status"]):
        yield "P5 the outcome is not on the enrollment"


def _acknowledged(story: Story, what: str) -> dict[str, Json]:
    """Return the first good answer for each Idempotency-Key."""
    answers: dict[str, Json] = {}
    for asked in story.asked:
        if asked.what == what and asked.status == REPLAYED[what]:
            answers.setdefault(asked.key, asked.body)
    return answers


def _entries(story: Story, kind: str) -> list[Json]:
    return [entry for entry in story.journal if entry["type"] == kind]


def _sids(story: Story) -> list[str]:
    return [attempt["provider_sid"] for attempt in story.kept["attempts"] if attempt["provider_sid"]]


def _received(story: Story) -> list[str]:
    return [message["sid"] for message in story.handset["messages"] if message["direction"] != "inbound"]
