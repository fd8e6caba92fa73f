"""`poundkey import`: what it prints, what it writes, and that a second run changes nothing."""

import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from gateway.cli.dev import APPLICATION as DEMO

APPLICATION = ("--application", "Example Bank")
EXPORT = """\
office,userPrincipalName,mobile,alternateMobile
+1 4255550100x12,alice@example.com,+1 4255550123,+1 4255550124
,bob@example.com,,+44 7400123456
,carol@example.com,,
"""
TOLD = [
    "line 2: alice@example.com: new: mobile +14***23 added; alternateMobile +14***24 added; office +14***00 x12 added",
    "line 3: bob@example.com: new: alternateMobile +44***56 added",
    "line 4: carol@example.com: unchanged: no phone",
    "",
    "rows:   2 new, 0 phone added, 1 unchanged, 0 kept, 0 refused",
    "phones: 4 added, 0 unchanged, 0 kept, 0 refused",
]
DRY = "This was a dry run, and nothing was written; --apply writes."
AGAIN = [
    TOLD[0].replace("new", "unchanged").replace("added", "unchanged"),
    "line 3: bob@example.com: unchanged: alternateMobile +44***56 unchanged",
    "line 4: carol@example.com: unchanged: no phone",
    "",
    "rows:   0 new, 0 phone added, 3 unchanged, 0 kept, 0 refused",
    "phones: 0 added, 4 unchanged, 0 kept, 0 refused",
]


@pytest.fixture
def database(empty_database, tmp_path) -> Path:
    return Path(shutil.copy(empty_database, tmp_path))


@pytest.fixture
def take_in(poundkey, serve_environment, database, tmp_path):
    """Runs `import` on a database with one application; gives exit code, lines and errors."""
    serve_environment["POUNDKEY_DATABASE__URL"] = f"sqlite:///{database}"
    assert poundkey("keys", "create", *APPLICATION, **serve_environment)[0] == 0

    def run(content: str | bytes, *words: str, name: str = "export.csv") -> tuple[int, list[str], list[str]]:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        code, out, err = poundkey("import", str(file), *APPLICATION, *words)
        return code, out.splitlines(), err.splitlines()

    return run


@pytest.fixture
def database_dump(database):
    """Dumps the whole database as SQL."""

    def dump() -> list[str]:
        with sqlite3.connect(database) as connection:
            lines = list(connection.iterdump())
        connection.close()
        return lines

    return dump


def mobiles(count: int) -> str:
    lines = [f"user{number},+1 425555{number:04}" for number in range(count)]
    return "user,mobile\n" + "\n".join(lines)


def test_it_tells_all_and_writes_nothing_unless_asked_to(take_in, database_dump):
    before = database_dump()
    assert take_in(EXPORT) == (0, [*TOLD, DRY], [])
    assert database_dump() == before


def test_it_writes_what_it_told_and_a_second_run_nothing(take_in, database_dump):
    assert take_in(EXPORT, "--apply") == (0, TOLD, [])
    written = database_dump()
    assert take_in(EXPORT, "--apply") == take_in(EXPORT, "--apply", "--country", "gb") == (0, AGAIN, [])
    assert database_dump() == written


def test_no_number_is_told_or_kept_in_full(take_in, database_dump):
    output = take_in(f"{EXPORT}4255550177,dan@example.com,+1 9002345678,+1 4255550199x1\n", "--apply")
    assert output[0] == 1
    assert not re.search(r"4255550|7400123|9002345", f"{output} {database_dump()}")


def test_what_is_refused_says_why_and_the_rest_is_written(take_in):
    content = "user;mobile\na;(425) 555-0123\nb;+1 9002345678\nc;+1 4255550124\nc;+1 4255550125\nd\n"
    code, lines, _ = take_in(content, "--apply")
    assert code == 1
    assert [line.partition(": ")[2] for line in lines[:5]] == [
        "a: refused: mobile refused (The number has no plus and country code, and no country was given to read it in.)",
        "b: refused: mobile refused (Premium-rate, shared-cost and satellite numbers are never texted or called.)",
        "c: new: mobile +14***24 added",
        "c: refused: line 4 is about this user already",
        "refused: has 1 cells, and the first line names 2 columns",
    ]
    assert lines[6:] == [
        "rows:   1 new, 0 phone added, 0 unchanged, 0 kept, 4 refused",
        "phones: 1 added, 0 unchanged, 0 kept, 2 refused",
    ]
    code, lines, _ = take_in(content, "--apply", "--country", "US")
    assert (code, lines[0]) == (1, "line 2: a: new: mobile +14***23 added")


def test_a_row_with_one_good_phone_is_new_and_the_exit_code_tells_of_the_other(take_in):
    code, lines, _ = take_in("user,mobile,office\na,+1 4255550123,+1 9002345678\n")
    assert code == 1
    assert lines[0].startswith("line 2: a: new: mobile +14***23 added; office refused (Premium-rate")


def test_json_as_graph_returns_it(take_in):
    content = """{"alice@example.com": {"value": [{"phoneNumber": "+1 4255550123", "phoneType": "mobile"}]},
    "bob@example.com": {"value": [{"phoneNumber": null, "phoneType": "mobile"}]}}"""
    code, lines, _ = take_in(content, name="export.txt")
    assert code == 1
    assert lines[:2] == [
        "entry 1 (line 1): alice@example.com: new: mobile +14***23 added",
        "entry 2 (line 2): bob@example.com: refused: method 1 needs a phoneNumber, a text",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("user\na\n", "line 1: no column is a phone's"),
        (f'{mobiles(600)}\n"', "line 602: this is not CSV"),
        (mobiles(600).encode() + b"\n\xff", "line 602: is not UTF-8"),
        ('[{"user": "a", "methods": []}', "line 1: this is not JSON"),
    ],
)
def test_a_file_that_cannot_be_read_to_its_end_is_not_begun(take_in, database_dump, content, problem):
    before = database_dump()
    code, lines, errors = take_in(content, "--apply")
    assert (code, lines) == (2, [])
    assert all(re.fullmatch(r"poundkey import: \S+export\.csv: .+", error) for error in errors)
    assert problem in errors[0]
    assert database_dump() == before


def test_what_else_makes_it_impossible(take_in, poundkey, tmp_path):
    for words, problem in {
        (str(tmp_path / "none.csv"), *APPLICATION): "No such file or directory",
        (str(tmp_path), *APPLICATION): "Is a directory",
        (str(tmp_path / "export.csv"), "--application", "Other Bank"): "there is no application Other Bank",
        (str(tmp_path / "export.csv"), *APPLICATION, "--country", "ZZ"): "--country: must be two letters",
    }.items():
        take_in(EXPORT)
        code, out, err = poundkey("import", *words)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert problem in err


def test_policy_has_its_say(take_in, poundkey, tmp_path):
    policies = tmp_path / "applications.toml"
    policies.write_text('[applications."Example Bank"]\ntext_countries = ["US"]\ncall_countries = ["US"]\n')
    poundkey("keys", "list", POUNDKEY_PORTAL__APPLICATIONS=str(policies))
    code, lines, _ = take_in(EXPORT, "--apply")
    assert code == 1
    assert lines[1].startswith("line 3: bob@example.com: refused: alternateMobile +44***56 refused (A call may not go")
    policies.write_text("[default]\nunknown = 1\n")
    code, lines, errors = take_in(EXPORT)
    assert (code, lines) == (2, [])
    assert "unknown: there is no such setting" in errors[0]


@pytest.mark.parametrize("words", [("--proven",), ("--proven", "--apply")])
def test_a_number_is_shared_by_so_many_also_in_a_dry_run(take_in, poundkey, tmp_path, words):
    policies = tmp_path / "applications.toml"
    policies.write_text("[default]\npeople_per_number = 2\n")
    poundkey("keys", "list", POUNDKEY_PORTAL__APPLICATIONS=str(policies))
    code, lines, _ = take_in("user,mobile\na,+1 4255550123\nb,+1 4255550123\nc,+1 4255550123\n", *words)
    assert (code, [line.split(": ")[2] for line in lines[:3]]) == (1, ["new", "new", "refused"])
    assert "already belongs to 2 people" in lines[2]


@pytest.mark.parametrize("words", [(), ("--apply",)])
def test_a_number_that_is_not_proven_is_nobodys_yet(take_in, poundkey, tmp_path, words):
    policies = tmp_path / "applications.toml"
    policies.write_text("[default]\npeople_per_number = 1\n")
    poundkey("keys", "list", POUNDKEY_PORTAL__APPLICATIONS=str(policies))
    code, lines, _ = take_in("user,mobile\na,+1 4255550123\nb,+1 4255550123\n", *words)
    assert (code, [line.split(": ")[2] for line in lines[:2]]) == (0, ["new", "new"])


def test_what_a_failure_left_is_taken_in_by_the_next_run(take_in, database):
    with sqlite3.connect(database) as connection:
        refuse = "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        connection.execute(f"""CREATE TRIGGER full BEFORE INSERT ON enrollments WHEN NEW."user" = 'user700' {refuse}""")
    content = mobiles(1_200)
    code, lines, errors = take_in(content, "--apply")
    assert (code, len(lines)) == (2, 500)
    assert errors == [f"poundkey import: {database}: the disk is full"]
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TRIGGER full")
    connection.close()
    code, lines, _ = take_in(content, "--apply")
    assert code == 0
    assert lines[-2] == "rows:   700 new, 0 phone added, 500 unchanged, 0 kept, 0 refused"


def test_it_works_beside_a_gateway_and_the_first_sign_in_proves_the_phone(dev, poundkey, new_phone, tmp_path):
    phone = new_phone()
    file = tmp_path / "export.csv"
    file.write_text(f"user,mobile\nerin@example.com,+1 {phone[2:]}\n")
    words = (str(file), "--application", DEMO, "--apply", "--config", str(dev.folder / "var" / "gateway.toml"))
    assert poundkey("import", *words)[:2] == (0, dev_report("new", f"+14***{phone[-2:]} added", 1, 0))
    _, before = dev.ask("GET", "/v1/enrollments?user=erin@example.com")
    assert (before["status"], before["default_method"]) == ("pending", None)
    assert [(stored["number"], stored["status"]) for stored in before["phones"]] == [(phone, "unverified")]
    path = f"/v1/enrollments/{before['id']}"
    _, verification = dev.ask("POST", f"{path}/verifications", {"purpose": "sign_in"})
    while verification["attempts"][0]["status"] != "delivered":
        waiting = f"/v1/verifications/{verification['id']}?wait=20&revision={verification['revision']}"
        _, verification = dev.ask("GET", waiting)
    _, checked = dev.ask("POST", f"/v1/verifications/{verification['id']}/check", {"code": dev.code_on(phone)})
    assert checked["valid"]
    _, after = dev.ask("GET", path)
    assert (after["status"], after["default_method"]["channel"]) == ("enrolled", "sms")
    _, events = dev.ask("GET", f"{path}/events")
    assert [event["type"] for event in events["data"]] == ["phone.imported", "phone.verified"]

    file.write_text("user,mobile\nerin@example.com,+1 4255550999\n")
    assert "kept" in poundkey("import", *words, "--proven")[1].splitlines()[0]
    assert dev.ask("GET", path)[1] == after


def test_phones_that_are_vouched_for_count_at_once(dev, poundkey, new_phone, tmp_path):
    mobile, office = new_phone(), new_phone()
    file = tmp_path / "export.csv"
    file.write_text(f"user,office,mobile\nfrank@example.com,+1 {office[2:]}x12,+1 {mobile[2:]}\n")
    config = ("--config", str(dev.folder / "var" / "gateway.toml"))
    assert poundkey("import", str(file), "--application", DEMO, "--proven", "--apply", *config)[0] == 0
    _, person = dev.ask("GET", "/v1/enrollments?user=frank@example.com")
    assert person["status"] == "enrolled"
    assert [(phone["kind"], phone["extension"], phone["status"]) for phone in person["phones"]] == [
        ("authentication", None, "verified"),
        ("office", "12", "verified"),
    ]
    assert person["default_method"] == {"phone_id": person["phones"][0]["id"], "channel": "sms"}


def test_a_persons_groups_decide_whose_policy_it_is(dev, poundkey, tmp_path):
    for user, groups in {"grace": ["contractors"], "heidi": []}.items():
        assert dev.ask("POST", "/v1/enrollments", {"user": user, "groups": groups})[0] == 201
    policies, file = tmp_path / "applications.toml", tmp_path / "export.csv"
    policies.write_text(f'[applications."{DEMO}".groups.contractors]\nphone_kinds = ["office"]\n')
    file.write_text("user,mobile\ngrace,+1 4255550998\nheidi,+1 4255550998\n")
    words = (str(file), "--application", DEMO, "--config", str(dev.folder / "var" / "gateway.toml"))
    code, out, _ = poundkey("import", *words, POUNDKEY_PORTAL__APPLICATIONS=str(policies))
    assert code == 1
    assert re.search(r"grace: refused: .+Decided by the policy of the group contractors", out)
    assert "heidi: phone added: mobile +14***98 added" in out


def dev_report(result: str, phone_result: str, new: int, unchanged: int) -> str:
    return (
        f"line 2: erin@example.com: {result}: mobile {phone_result}\n\n"
        f"rows:   {new} new, 0 phone added, {unchanged} unchanged, 0 kept, 0 refused\n"
        f"phones: {new} added, {unchanged} unchanged, 0 kept, 0 refused\n"
    )
