"""The checker of storms can fail: a sound story passes, and each broken promise in it is found."""

import copy

import msgspec
from support.checker import Asked, Forgery, Story, broken, broken_among
from support.tables import for_each

CHECKS = 5
FORGED = "SM" + "f" * 32


def entry(sequence: int, kind: str, **facts: object) -> dict:
    return {"sequence": sequence, "type": kind, "facts": facts}


def attempt(number: int, status: str = "delivered") -> dict:
    return {"id": f"att_{number}", "channel": "sms", "status": status, "provider_sid": f"SM{number}", "failure": None}


PENDING = {"id": "ver_1", "status": "pending", "revision": 1}
SOUND = {
    "persona": "manual",
    "asked": [
        Asked("create", None, {}, key="c"),
        Asked("create", 201, PENDING, key="c"),
        Asked("create", 201, PENDING, key="c"),
        Asked("resend", 200, {**PENDING, "revision": 4}, key="r"),
        Asked("check", None, {}),
        Asked("check", 200, {**PENDING, "valid": False}),
        Asked("check", 200, {"id": "ver_1", "status": "approved", "revision": 8, "valid": True}, right=True),
        Asked("check", 409, {"code": "verification_finished", "status": 409}, right=True),
    ],
    "forgeries": [Forgery(FORGED, signed=False, status=403), Forgery(FORGED, signed=True, status=204)],
    "listed": ["ver_1"],
    "kept": {
        "id": "ver_1",
        "status": "approved",
        "revision": 8,
        "checks_left": 3,
        "attempts": [attempt(1), attempt(2)],
    },
    "journal": [
        entry(1, "verification.created"),
        entry(2, "attempt.queued", attempt_id="att_1"),
        entry(3, "attempt.queued", attempt_id="att_2"),
        entry(4, "code.checked", valid=False),
        entry(5, "code.checked", valid=False),
        entry(6, "code.checked", valid=True),
        entry(7, "verification.approved"),
    ],
    "handset": {
        "messages": [{"sid": f"SM{number}", "direction": "outbound-api"} for number in (1, 2)],
        "calls": [],
    },
    "enrollment": {"last_outcome": {"verification_id": "ver_1", "status": "approved"}},
}


def told(parts: dict) -> Story:
    tuples = {name: tuple(part) if isinstance(part, list) else part for name, part in parts.items()}
    return Story(**tuples)


def check_of(sound: dict, place: int, **facts: object) -> None:
    sound["asked"][place] = msgspec.structs.replace(sound["asked"][place], **facts)


def approve_by_nobody(sound: dict) -> None:
    del sound["journal"][5]
    sound["journal"][5]["sequence"] = 6
    sound["asked"] = sound["asked"][:6]


def fail(sound: dict, attempt_status: str) -> None:
    sound["asked"] = sound["asked"][:6]
    sound["kept"] |= {"status": "failed"}
    sound["kept"]["attempts"][1] = attempt(2, attempt_status)
    sound["journal"][5:] = [entry(6, "verification.failed")]
    sound["enrollment"]["last_outcome"]["status"] = "failed"


FAULTS = {
    "P1 six codes judged": lambda sound: (
        sound["journal"].extend(entry(number, "code.checked", valid=False) for number in (8, 9, 10)),
        sound["kept"].update(checks_left=0),
        sound["asked"].extend([Asked("check", None, {})] * 3),
    ),
    "P1 a verdict not kept": lambda sound: sound["asked"].extend([sound["asked"][5]] * 2),
    "P1 a guess given back": lambda sound: sound["kept"].update(checks_left=4),
    "P1 a guess of nobody": lambda sound: sound["asked"].pop(4),
    "P2 an approval that is not kept": lambda sound: (
        fail(sound, "delivered") or sound["asked"].append(Asked("check", 200, {"valid": True}, right=True))
    ),
    "P2 an approval without a proof": approve_by_nobody,
    "P2 a code that nobody gave": lambda sound: [check_of(sound, place, right=False) for place in (6, 7)],
    "P2 a code that worked twice": lambda sound: sound["journal"].append(entry(8, "code.checked", valid=True)),
    "P3 another end": lambda sound: sound["asked"].append(Asked("show", 200, {"status": "expired"})),
    "P3 two ends": lambda sound: sound["journal"].append(entry(8, "verification.expired")),
    "P3 an end without its entry": lambda sound: sound["journal"].pop(),
    "P3 a step back": lambda sound: sound["asked"].append(Asked("show", 200, {"revision": 9})),
    "P4 a text too many": lambda sound: sound["handset"]["messages"].append(
        {"sid": "SM3", "direction": "outbound-api"}
    ),
    "P4 a call that nobody asked for": lambda sound: sound["handset"]["calls"].append({"sid": "CA1"}),
    "P4 sent though it was withdrawn": lambda sound: sound["journal"].append(
        entry(8, "attempt.withdrawn", attempt_id="att_2")
    ),
    "P4 a text that is nowhere": lambda sound: sound["handset"]["messages"].pop(),
    "P5 a lost create": lambda sound: sound.update(listed=[]),
    "P5 not found": lambda sound: sound["asked"].append(Asked("show", 404, {})),
    "P5 a lost resend": lambda sound: (sound["kept"]["attempts"].pop(), sound["journal"].pop(2)),
    "P5 stuck": lambda sound: sound["kept"]["attempts"][1].update(status="queued"),
    "P5 failed though it is unknown": lambda sound: fail(sound, "unknown"),
    "P5 failed without a reason": lambda sound: sound["kept"]["attempts"][0].update(status="failed"),
    "P5 pending for ever": lambda sound: sound["kept"].update(status="pending"),
    "P5 an outcome that was not told": lambda sound: sound["enrollment"].update(last_outcome=None),
    "P7 two of one key": lambda sound: sound["listed"].append("ver_2"),
    "P7 another answer": lambda sound: check_of(sound, 2, body={**PENDING, "revision": 2}),
    "P7 an attempt without a key": lambda sound: sound["asked"].pop(3),
    "P8 a forgery that was believed": lambda sound: sound["kept"]["attempts"][0].update(provider_sid=FORGED),
    "P8 a forgery that was not refused": lambda sound: sound["forgeries"].append(
        Forgery(FORGED, signed=False, status=204)
    ),
    "P13 an error of ours": lambda sound: sound["asked"].append(Asked("show", 500, {})),
    "P14 a gap": lambda sound: sound["journal"][4].update(sequence=6),
    "P14 no beginning": lambda sound: sound["journal"][0].update(type="attempt.sent"),
    "P14 an attempt that the journal does not know": lambda sound: sound["journal"][2]["facts"].update(
        attempt_id="att_3"
    ),
}


def test_a_sound_story_breaks_nothing():
    story = told(copy.deepcopy(SOUND))
    assert broken(story, CHECKS) == []
    assert broken_among([story]) == []


def test_who_presses_the_key_is_approved_without_a_code():
    sound = copy.deepcopy(SOUND)
    approve_by_nobody(sound)
    sound["persona"] = "presses_pound"
    sound["kept"]["attempts"][1] |= {"channel": "call", "provider_sid": "CA1"}
    sound["handset"] = {"messages": sound["handset"]["messages"][:1], "calls": [{"sid": "CA1"}]}
    assert broken(told(sound), CHECKS) == []


@for_each("fault", list(FAULTS))
def test_each_broken_promise_is_found(fault):
    sound = copy.deepcopy(SOUND)
    FAULTS[fault](sound)
    assert fault.split()[0] in {found.split()[0] for found in broken(told(sound), CHECKS)}


def test_two_attempts_that_claim_one_text_are_found():
    story = told(copy.deepcopy(SOUND))
    assert broken_among([story, story])
