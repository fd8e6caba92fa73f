"""The applications file: ours is the defaults, theirs is read field by field, and each mistake is told by its place."""

import itertools
import json
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from gateway.domain.applications import Applications, Branding
from gateway.domain.policy import DEFAULTS, FIELDS, Level, PolicyOrigin
from gateway.domain.verification import Mode
from gateway.settings.applications import LARGEST_LOGO, ApplicationsInvalid, load_applications

ROOT = Path(__file__).parents[2]
FILE = ROOT / "config" / "applications.toml"
PAGE = ROOT / "docs" / "policy.md"
SETTING = re.compile(r"(?:# )?(?P<name>[a-z_]+) = ")
ROW = re.compile(r"^\| `(?P<name>\w+)` \| `(?P<default>[^`]*)` \|", re.MULTILINE)
PNG = b"\x89PNG\r\n\x1a\n"
FROM_LIMITS = {
    "code_length": "limits.code_length",
    "code_lifetime": "limits.lifetime",
    "checks": "limits.checks_per_verification",
}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'

VALUES = {
    "enroll": st.lists(st.sampled_from(["sms", "call"]), unique=True),
    "phone_kinds": st.lists(st.sampled_from(["authentication", "office"]), unique=True, min_size=1),
    "text_countries": st.lists(st.sampled_from(["US", "DE"]), unique=True),
    "line_types": st.lists(st.sampled_from(["mobile", "voip"]), unique=True),
    "code_length": st.integers(4, 10),
    "checks": st.integers(1, 9),
    "call_proof": st.sampled_from(["confirm", "match", "pin"]),
    "app_passwords": st.booleans(),
    "call_backup": st.booleans(),
    "return_urls": st.lists(st.sampled_from(["https://a.example/", "http://localhost:1/b"]), unique=True),
}
OVERRIDES = st.fixed_dictionaries({}, optional=VALUES)


@pytest.fixture
def load(tmp_path):
    """Loads a file with this text."""

    def loaded(text: str) -> Applications:
        path = tmp_path / "applications.toml"
        path.write_text(text)
        return load_applications(path)

    return loaded


@pytest.fixture
def problems(load, tmp_path):
    """Gives what is wrong with a file, without the file's own name."""

    def found(text: str) -> list[str]:
        with pytest.raises(ApplicationsInvalid) as invalid:
            load(text)
        prefix = f"{tmp_path / 'applications.toml'}: "
        assert all(problem.startswith(prefix) for problem in invalid.value.problems)
        return [problem.removeprefix(prefix) for problem in invalid.value.problems]

    return found


def shipped_settings() -> str:
    return FILE.read_text().partition("# An application, by the name")[0]


def test_the_file_is_the_defaults():
    ours, none = load_applications(FILE), load_applications(None)
    policy = ours.for_person("Example Bank", ("staff",))
    assert {name: getattr(policy, name) for name in FIELDS} == {name: getattr(DEFAULTS, name) for name in FIELDS}
    assert ours.branding("Example Bank") == none.branding("Example Bank") == Branding(name="Example Bank")
    assert ours.names() == none.names() == ()


def test_the_file_has_every_field_with_its_reason_above_it():
    lines = shipped_settings().splitlines()
    named = [match["name"] for line in lines if (match := SETTING.match(line))]
    assert sorted(named) == sorted([*FIELDS, *Branding.__struct_fields__, "android_app_hash"])
    left_out = {match["name"] for line in lines if line.startswith("# ") and (match := SETTING.match(line))}
    assert left_out == FROM_LIMITS.keys() == {name for name in FIELDS if getattr(DEFAULTS, name) is None}
    bare = [line for above, line in itertools.pairwise(lines) if SETTING.match(line) and not above.startswith("# ")]
    assert bare == []


def test_the_examples_in_the_file_can_be_used(load, tmp_path):
    (tmp_path / "example-bank.svg").write_bytes(SVG)
    examples = FILE.read_text().partition("# An application, by the name")[2].splitlines()
    applications = load("\n".join(line.removeprefix("# ") for line in examples if re.match(r"# (\[|\w+ = )", line)))
    assert applications.names() == ("Example Bank",)
    assert applications.for_person("Example Bank", ("contractors",)).app_passwords is False
    assert "{code}" in applications.wording("Example Bank").code["en"]


def test_the_page_lists_every_field_with_its_default():
    listed = {row["name"]: row["default"] for row in ROW.finditer(PAGE.read_text())}
    file = tomllib.loads(FILE.read_text())["default"]
    branding = file.pop("branding")
    assert listed == FROM_LIMITS | {
        name: json.dumps(value, ensure_ascii=False) for name, value in [*file.items(), *branding.items()]
    }


@given(OVERRIDES, OVERRIDES, OVERRIDES)
def test_a_group_goes_over_its_application_and_that_over_the_default(tmp_path_factory, default, application, group):
    sections = {"default": default, 'applications."One"': application, 'applications."One".groups."temps"': group}
    path = tmp_path_factory.getbasetemp() / "overrides.toml"
    path.write_text("\n".join(f"[{name}]\n{toml(values)}" for name, values in sections.items()))
    applications = load_applications(path)

    layers = [(Level.GROUP, "temps", group), (Level.APPLICATION, "One", application), (Level.DEFAULT, None, default)]
    for person, skipped in {("One", ("temps",)): 0, ("One", ("others",)): 1, ("Two", ("temps",)): 2}.items():
        policy = applications.for_person(*person)
        for name in FIELDS:
            winner = next(
                ((PolicyOrigin(*who), values[name]) for *who, values in layers[skipped:] if name in values), None
            )
            if winner is None:
                winner = (PolicyOrigin(Level.GATEWAY), getattr(DEFAULTS, name))
            value = getattr(policy, name)
            assert (policy.origin(name), list(value) if isinstance(value, tuple) else value) == (
                winner[0],
                list(winner[1]) if isinstance(winner[1], tuple) else winner[1],
            )


def toml(values: dict[str, object]) -> str:
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())


def test_the_first_group_of_the_file_wins(load):
    applications = load('[applications.A.groups.z]\nchecks = 1\n[applications.A.groups."b c"]\nchecks = 2\n')
    assert applications.for_person("A", ("b c", "z")).checks == 1
    assert applications.for_person("A", ("other", "b c")).checks == 2
    assert applications.for_person("A", ()).checks is None
    assert applications.for_person("A", ("z",)).origin("checks") == PolicyOrigin(Level.GROUP, "z")


def test_a_brand_is_inherited_field_by_field(load, tmp_path):
    (tmp_path / "logos").mkdir()
    (tmp_path / "logos" / "a.png").write_bytes(PNG + bytes(LARGEST_LOGO - len(PNG)))
    applications = load(
        '[default.branding]\nsupport_email = "help@example.com"\ncolour = "#AABBCC"\n'
        '[applications.A.branding]\nlogo = "logos/a.png"\ncolour = "#000000"\nsupport_url = "https://example.com/help"\n'
        '[applications.B.branding]\nname = "Bee"\nsupport_phone = "+1 (425) 555-0123"\n'
    )
    ours, bees = applications.branding("A"), applications.branding("B")
    assert (ours.name, ours.colour, ours.support_email) == ("A", "#000000", "help@example.com")
    assert (ours.logo.media_type, len(ours.logo.content)) == ("image/png", LARGEST_LOGO)
    assert (bees.name, bees.colour, bees.logo, bees.support_phone) == ("Bee", "#AABBCC", None, "+1 (425) 555-0123")
    assert applications.branding("C").name == "C"


def test_what_a_call_asks_for_is_a_mode(load):
    assert load('[default]\ncall_proof = "match"').for_person("A", ()).call_proof is Mode.MATCH
    assert load('[default]\ncall_proof = "pin"').for_person("A", ()).call_proof is Mode.PIN


@for_each(
    ("text", "place"),
    [
        ("[defaults]", "defaults"),
        ("[default]\nsms = true", "default.sms"),
        ("[default.groups.staff]", "default.groups"),
        ("default = 3", "default"),
        ("applications = []", "applications"),
        ("[applications]\nA = 1", "applications.A"),
        ('[applications."Example Bank".groups]\nstaff = 1', 'applications."Example Bank".groups.staff'),
        ("[applications.A.groups.staff.branding]", "applications.A.groups.staff.branding"),
        ("[applications.A.groups.staff.groups.more]", "applications.A.groups.staff.groups"),
        ("[applications.A.branding]\nfont = 'serif'", "applications.A.branding.font"),
        ("[default]\norigins = {}", "default.origins"),
        ("[default]\nenroll = ['fax']", "default.enroll"),
        ("[default]\nenroll = 'sms'", "default.enroll"),
        ("[default]\nphone_kinds = []", "default.phone_kinds"),
        ("[default]\ntext_countries = ['XX']", "default.text_countries"),
        ("[default]\ncall_countries = ['us']", "default.call_countries"),
        ("[default]\nline_types = ['premium_rate']", "default.line_types"),
        ("[default]\ncode_length = 3", "default.code_length"),
        ("[default]\ncode_length = '6'", "default.code_length"),
        ("[default]\ncode_lifetime = 0", "default.code_lifetime"),
        ("[default]\nchecks = 0", "default.checks"),
        ("[default]\nremember_device_days = -1", "default.remember_device_days"),
        ("[default]\napp_passwords = 1", "default.app_passwords"),
        ("[default]\ncall_proof = 'code'", "default.call_proof"),
        ("[default]\nproof_cache = 0.5", "default.proof_cache"),
        ("[default]\npeople_per_number = -1", "default.people_per_number"),
        ("[default]\nfraud_block_days = 0", "default.fraud_block_days"),
        *(
            (f"[default]\nreturn_urls = [{json.dumps(url)}]", "default.return_urls")
            for url in (
                "http://example.com/",
                "https://*.example.com/",
                "https:///path",
                "https://user@example.com/",
                "https://example.com/#done",
                "https://example.com:70000/",
                "https://example.com:0/",
                "https://exa mple.com/",
                "https://example.com\\@evil.example/",
                "https://example.com/\n",
                "https://[::1",
                "http://localhost.example.com/",
                "javascript:alert(1)",
                "/path",
                "",
            )
        ),
        ("[default]\nreply_with_code = 'yes'", "default.reply_with_code"),
        ("[default]\nandroid_app_hash = 'FA+9qCX9VS'", "default.android_app_hash"),
        ("[default]\nandroid_app_hash = 'FA+9qCX9V#u'", "default.android_app_hash"),
        ("[default.groups.staff]\nandroid_app_hash = 'FA+9qCX9VSu'", "default.groups"),
        ("[applications.A.groups.staff]\nandroid_app_hash = ''", "applications.A.groups.staff.android_app_hash"),
        ("[applications.A.groups.staff.texts.code]", "applications.A.groups.staff.texts"),
        ("[default]\ntexts = 1", "default.texts"),
        ("[default.texts]\nnotice = 'x'", "default.texts.notice"),
        ("[default.texts]\ncode = '{code}'", "default.texts.code"),
        ("[default.texts.code]\nen = 1", "default.texts.code.en"),
        ("[default.texts.code]\n'not a language' = '{code}'", 'default.texts.code."not a language"'),
        ("[default.texts.code]\nen = 'no code'", "default.texts.code.en"),
        ("[default.texts.code]\npt-BR = '{code} {code}'", "default.texts.code.pt-BR"),
        ("[default.branding]\nname = ' spaced'", "default.branding.name"),
        ("[default.branding]\nname = 1", "default.branding.name"),
        ("[default.branding]\ncolour = 'red'", "default.branding.colour"),
        ("[default.branding]\nsupport_email = 'nobody'", "default.branding.support_email"),
        ("[default.branding]\nsupport_url = 'http://example.com'", "default.branding.support_url"),
        ("[default.branding]\nsupport_phone = 'call us'", "default.branding.support_phone"),
        ("[default.branding]\nlogo = 'logo.gif'", "default.branding.logo"),
        ("[default.branding]\nlogo = 'nowhere.png'", "default.branding.logo"),
        ("[default.branding]\nlogo = 'text.png'", "default.branding.logo"),
        ("[default.branding]\nlogo = 'large.svg'", "default.branding.logo"),
    ],
)
def test_a_mistake_is_told_by_its_place(problems, tmp_path, text, place):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "large.svg").write_bytes(SVG + b" " * LARGEST_LOGO)
    (problem,) = problems(text)
    assert problem.partition(": ")[0] == place
    assert "\n" not in problem


@pytest.mark.parametrize(
    "url",
    ["https://www.example.com/done?x=1", "http://localhost:3000/", "http://127.0.0.1:8000/cb", "http://localhost/"],
)
def test_a_return_url_is_kept_exactly(load, url):
    assert load(f"[default]\nreturn_urls = ['{url}']").for_person("A", ()).return_urls == (url,)


def test_all_mistakes_are_told_at_once_in_their_order(problems):
    told = problems(
        "[default]\nenroll = ['fax']\nchecks = 0\n[default.branding]\ncolour = 'red'\n"
        "[applications.A]\nchecks = 'x'\n[applications.A.groups.g]\nsms = 1\n"
    )
    assert [problem.partition(":")[0] for problem in told] == [
        "default.enroll",
        "default.checks",
        "default.branding.colour",
        "applications.A.checks",
        "applications.A.groups.g.sms",
    ]


def test_a_word_that_is_wrong_is_told_the_right_ones(problems):
    [told] = problems("[default]\nenroll = ['fax']")
    assert told.endswith("it can be sms, call")


@pytest.mark.parametrize("content", [b"[default", b"\xff", b"[default]\nchecks = 1\nchecks = 2\n"])
def test_what_is_no_toml_is_told(tmp_path, content):
    path = tmp_path / "applications.toml"
    path.write_bytes(content)
    with pytest.raises(ApplicationsInvalid) as invalid:
        load_applications(path)
    assert len(invalid.value.problems) == 1


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ApplicationsInvalid, match="No such file"):
        load_applications(tmp_path / "nowhere.toml")
