"""`poundkey policy`: what a person may do and why not, and who another applications file would affect."""

import asyncio
import contextlib
import re
import shutil
from collections.abc import Callable

import msgspec
import pytest
from support.verifications import an_enrollment

from gateway.app import open_store
from gateway.cli.keys import new_api_key, new_secret
from gateway.domain.blocks import block_person
from gateway.domain.enrollment import (
    AppPassword,
    DefaultMethod,
    Enrollment,
    EnrollmentChange,
    Phone,
    PhoneKind,
    TrustedDevice,
    update_enrollment,
)
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.verification import Channel
from gateway.security.generators import new_id
from gateway.settings.settings import load

AMERICAN, GERMAN = PhoneNumber("+14255550123"), PhoneNumber("+4915123456789")
MASKED_AMERICAN, MASKED_GERMAN = "+14***23", "+49***89"
MOBILE = Phone("phn_mobile", PhoneKind.AUTHENTICATION, AMERICAN, 1)
ABROAD = Phone("phn_abroad", PhoneKind.ALTERNATE, GERMAN, 1)
DESK = Phone("phn_desk", PhoneKind.OFFICE, AMERICAN, 1, extension="12")
OFFERED = Phone("phn_offered", PhoneKind.AUTHENTICATION, AMERICAN)


Step = Callable[[Enrollment, int], EnrollmentChange]


def person(user: str, *phones: Phone, **fields) -> tuple[str, str, Step]:
    return "Example Bank", user, lambda current, now: update_enrollment(current, now, phones=phones, **fields)


ALICE = person(
    "alice",
    MOBILE,
    DESK,
    default_method=DefaultMethod(MOBILE.id, Channel.SMS),
    app_passwords=(AppPassword("apw_1", "mail", b"", "", 1), AppPassword("apw_2", "calendar", b"", "", 1)),
)
BOB = person(
    "bob",
    msgspec.structs.replace(MOBILE, id="phn_bob"),
    msgspec.structs.replace(ABROAD, id="phn_bob_abroad"),
    default_method=DefaultMethod("phn_bob_abroad", Channel.CALL),
    groups=("contractors", "night shift"),
    devices=(TrustedDevice(b"digest", 1, 2**40),),
)
CAROL = person("carol")
DAVE = person("dave", msgspec.structs.replace(OFFERED, id="phn_dave"))
EVE = ("Other Bank", "eve\u202e", lambda current, now: block_person(current, "lost phone", None, now))
PEOPLE = [ALICE, BOB, CAROL, DAVE, EVE]


@pytest.fixture
def database(tmp_path, empty_database, serve_environment) -> dict[str, str]:
    """The environment of a gateway whose database knows five people of two applications."""
    shutil.copy(empty_database, tmp_path)
    asyncio.run(fill(serve_environment))
    return serve_environment


async def fill(environment: dict[str, str], people: list = PEOPLE) -> None:
    store = await open_store(load(None, environment))
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        keys = [new_api_key(new_secret(), name, "tests") for name in ("Example Bank", "Other Bank")]
        applications = {key.application.name: (await store.api_keys.add(key)).application.id for key in keys}

        async def enroll(application: str, user: str, step: Step) -> None:
            new = an_enrollment(new_id("enr"), at=1, application_id=applications[application], user=user)
            enrolled, _ = await store.enrollments.enroll(new, None)
            await store.enrollments.change(enrolled.id, step)

        await asyncio.gather(*(enroll(*one) for one in people))


@pytest.fixture
def policy(poundkey, database, tmp_path):
    """Runs a `policy` command; `today` and `proposed` are applications files."""

    def run(*words: str, today: str = "", proposed: str | None = None) -> tuple[int, str, str]:
        (tmp_path / "today.toml").write_text(today)
        environment = database | {"POUNDKEY_PORTAL__APPLICATIONS": str(tmp_path / "today.toml")}
        if proposed is not None:
            (tmp_path / "proposed.toml").write_text(proposed)
            words = ("dry-run", "proposed.toml", *words)
        return poundkey("policy", *words, **environment)

    return run


def explained(policy, user: str, today: str = "", application: str = "Example Bank") -> str:
    code, out, err = policy("explain", "--application", application, "--user", user, today=today)
    assert (code, err) == (0, "")
    return out


def row(out: str, *cells: str) -> str:
    """Return the line whose cells begin like this."""
    lines = [line for line in out.splitlines() if tuple(re.split(r"  +", line)[: len(cells)]) == cells]
    assert len(lines) == 1, out
    return lines[0]


def effects_on(out: str, user: str) -> list[str]:
    """Return the lines that a dry run says about a person."""
    blocks = {block.splitlines()[0]: block.splitlines()[1:] for block in out.split("\n\n")}
    return [line.strip() for line in blocks.get(f"{user} of Example Bank", [])]


def counts(out: str, application: str) -> dict[str, int]:
    """Return an application's counts by column."""
    table = [re.split(r"  +", line) for line in out.splitlines() if line.startswith(("APPLICATION", application))]
    return dict(zip(table[0][1:], map(int, table[1][1:]), strict=True))


def test_texts_that_one_character_makes_dearer_are_warned_of(policy):
    dear = '[default.texts.code]\nen = "{code}’s yours. Please do not give it to anyone, whoever may ask you for it"\n'
    code, out, err = policy(proposed=dear)
    assert code == 0
    assert err.startswith("warning: default.texts.code.en: ’ outside the GSM alphabet makes a text of")
    assert "APPLICATION" in out


def test_by_default_everything_is_allowed(policy):
    out = explained(policy, "alice")
    assert out.splitlines()[0] == "alice of Example Bank: enrolled"
    assert row(out, "sign_in", "call", f"{MASKED_AMERICAN} x12, office").endswith("  yes")
    assert row(out, "enroll", "sms", "any phone, alternate").endswith("  yes")
    assert AMERICAN.e164 not in out
    assert row(out, "code_length", "6", "the gateway itself")
    assert row(out, "text_countries", "any", "the gateway itself")
    assert row(out, "return_urls", "none", "the gateway itself")


def test_a_no_names_who_decided_and_what_to_do(policy):
    today = (
        "[default]\ncall_countries = ['US']\n[applications.'Example Bank']\nchecks = 3\n"
        "phone_kinds = ['authentication']\n[applications.'Example Bank'.groups.'night shift']\nsign_in = ['call']\n"
    )
    out = explained(policy, "bob", today)
    assert out.splitlines()[0] == "bob of Example Bank: enrolled; groups: contractors, night shift"
    refused = row(out, "sign_in", "sms", f"{MASKED_AMERICAN}, authentication")
    assert "method_forbidden" in refused
    assert "the policy of the group night shift" in refused
    assert "Ask for a call instead." in refused
    assert "the policy of Example Bank" in row(out, "enroll", "sms", f"{MASKED_GERMAN}, alternate")
    assert row(out, "checks", "3", "the policy of Example Bank")
    assert row(out, "call_countries", "US", "the default policy")


def test_a_block_is_said_first_and_nothing_reaches_the_terminal_raw(policy):
    out = explained(policy, "eve\u202e", application="Other Bank")
    assert out.splitlines()[0] == (
        "'eve\\u202e' of Other Bank: blocked until somebody ends it (lost phone); nothing below applies until then"
    )


@pytest.mark.parametrize(
    ("application", "user", "problem"),
    [
        ("Nobody", "alice", "there is no application Nobody; see poundkey keys list"),
        ("Other Bank", "alice", "Other Bank has no user alice"),
    ],
)
def test_who_is_not_there_is_said(policy, application, user, problem):
    code, _, err = policy("explain", "--application", application, "--user", user)
    assert (code, err.splitlines()) == (2, [f"poundkey policy: {problem}"])


def test_a_file_like_todays_affects_nobody(policy):
    today = "[default]\nsign_in = ['call']\n"
    code, out, err = policy(today=today, proposed=f"{today}text_countries = ['US']\ncode_length = 8\n")
    assert (code, err) == (0, "")
    assert [line.split()[-1] for line in out.splitlines()[1:]] == ["0", "0"]
    assert counts(out, "Example Bank")["PEOPLE"] == 4
    assert set(counts(out, "Other Bank").values()) == {0, 1}


def test_what_is_lost_is_told_for_each_person_and_counted(policy):
    _, out, _ = policy(
        proposed="[default]\nenroll = ['call']\nphone_kinds = ['authentication', 'alternate']\napp_passwords = false\n"
        "[applications.'Example Bank'.groups.contractors]\ncall_countries = ['US']\nsign_in = ['call']\n"
    )
    desk = f"{MASKED_AMERICAN} x12, office"
    alice = effects_on(out, "alice")
    assert [line.partition(":")[0] for line in alice] == [
        f"loses a text to {desk} at sign-in",
        f"loses a call to {desk} at sign-in",
        f"{desk} can no longer be used",
        "has 2 app passwords that would no longer work",
    ]
    assert "Decided by the default policy." in alice[0]

    abroad = f"{MASKED_GERMAN}, alternate"
    bob = effects_on(out, "bob")
    assert [line.partition(":")[0] for line in bob] == [
        f"loses a text to {MASKED_AMERICAN}, authentication at sign-in",
        f"loses a text to {abroad} at sign-in",
        f"loses a call to {abroad} at sign-in",
        f"the default, a call to {abroad} at sign-in, is no longer allowed",
        f"{abroad} can no longer be used",
    ]
    assert "the policy of the group contractors" in bob[2]

    assert len(effects_on(out, "carol")) == 4
    assert [line.partition(":")[0] for line in effects_on(out, "dave")] == [
        f"loses a text to {MASKED_AMERICAN}, authentication, unverified to verify it"
    ]
    assert counts(out, "Example Bank") == {
        "PEOPLE": 4,
        "AFFECTED": 4,
        "LOSE A METHOD": 4,
        "GAIN A METHOD": 0,
        "DEFAULT GONE": 1,
        "PHONE UNUSABLE": 2,
        "NO METHOD LEFT": 0,
        "FEATURE OFF": 1,
    }


def test_what_is_gained_is_told(policy):
    _, out, _ = policy(today="[default]\nsign_in = []\n", proposed="[default]\nsign_in = ['sms']\n")
    assert effects_on(out, "bob") == [
        f"gains a text to {MASKED_AMERICAN}, authentication at sign-in",
        f"gains a text to {MASKED_GERMAN}, alternate at sign-in",
    ]
    assert counts(out, "Example Bank")["GAIN A METHOD"] == 2


def test_who_would_be_left_without_any_way_is_told(policy):
    _, out, _ = policy(
        today="[default]\nremember_device_days = 30\n", proposed="[applications.'Example Bank']\nsign_in = []\n"
    )
    assert "no method is left" in effects_on(out, "alice")
    assert any(line.startswith("has 1 trusted device that would no longer work") for line in effects_on(out, "bob"))
    counted = counts(out, "Example Bank")
    assert (counted["AFFECTED"], counted["NO METHOD LEFT"], counted["FEATURE OFF"]) == (2, 2, 1)
    assert counts(out, "Other Bank")["AFFECTED"] == 0


def test_an_application_that_the_database_lacks_is_named(policy):
    _, out, _ = policy(proposed="[applications.'Exampel Bank']\nchecks = 3\n")
    assert "There is no application Exampel Bank yet" in out.splitlines()[-1]


def test_every_mistake_in_the_file_is_a_line_and_nobody_is_looked_at(policy):
    code, out, err = policy(proposed="[default]\nenroll = ['fax']\nchecks = 0\n")
    assert (code, out) == (2, "")
    assert [line.split(": ")[:3] for line in err.splitlines()] == [
        ["poundkey policy", "proposed.toml", "default.enroll"],
        ["poundkey policy", "proposed.toml", "default.checks"],
    ]


def test_more_people_than_are_read_at_once_are_each_told_once(policy, database):
    phones = [msgspec.structs.replace(MOBILE, id=f"phn_{place}") for place in range(1_001)]
    asyncio.run(fill(database, [person(f"user {phone.id}", phone) for phone in phones]))
    _, out, _ = policy(proposed="[default]\nsign_in = []\n")
    assert out.count("user phn_") == len(phones)
    assert counts(out, "Example Bank")["AFFECTED"] == len(phones) + 2


def test_numbers_of_other_keys_are_not_guessed_at(policy, database):
    database["POUNDKEY_KEYS__SEALING"] = database["POUNDKEY_KEYS__SEALING"].replace("1:AAAA", "1:BBBB")
    code, _, err = policy(proposed="")
    assert code == 2
    assert "keys.sealing" in err


def test_it_works_beside_a_gateway_that_serves(policy, database, start_program):
    gateway = start_program("serve", **database)
    gateway.log_until("listening")
    assert "enrolled" in explained(policy, "alice")
    code, out, _ = policy(proposed="[default]\nsign_in = []\n")
    assert (code, counts(out, "Example Bank")["NO METHOD LEFT"]) == (0, 2)
    assert gateway.stop() == 0
