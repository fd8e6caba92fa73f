"""Policies: what they forbid, who is named for it, and that a narrower one never allows more."""

import msgspec
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from gateway.domain.enrollment import Phone, PhoneKind
from gateway.domain.errors import ErrorCode
from gateway.domain.limits import Limits
from gateway.domain.phone_number import PhoneNumber
from gateway.domain.policy import (
    DEFAULTS,
    FIELDS,
    Feature,
    Level,
    LineType,
    Policy,
    PolicyOrigin,
    apply_override,
    explain,
    feature_denial,
    method_denial,
    mode_denial,
    rules,
    sharing_denial,
)
from gateway.domain.verification import Channel, Mode, Purpose

COUNTRIES = ("US", "DE", "JP", "GB")
NUMBERS = [
    PhoneNumber(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    for region in (*COUNTRIES, "FR")
    for kind in PhoneNumberType.values()
    if (number := phonenumbers.example_number_for_type(region, kind)) is not None
]
AMERICAN, GERMAN = PhoneNumber("+14255550123"), PhoneNumber("+4915123456789")


def subsets(choices):
    return st.lists(st.sampled_from(choices), unique=True).map(tuple)


POLICIES = st.builds(
    Policy,
    enroll=subsets(tuple(Channel)),
    sign_in=subsets(tuple(Channel)),
    phone_kinds=subsets(tuple(PhoneKind)),
    text_countries=subsets(COUNTRIES),
    call_countries=subsets(COUNTRIES),
    line_types=subsets(tuple(LineType)),
    people_per_number=st.integers(0, 3),
    call_proof=st.sampled_from([Mode.CONFIRM, Mode.MATCH, Mode.PIN]),
    remember_device_days=st.integers(0, 1),
    app_passwords=st.booleans(),
    origins=st.dictionaries(
        st.sampled_from(FIELDS), st.builds(PolicyOrigin, st.sampled_from(Level), st.sampled_from(["One", "Two"]))
    ),
)
QUESTIONS = {
    "purpose": st.none() | st.sampled_from(Purpose),
    "channel": st.sampled_from(Channel),
    "number": st.none() | st.sampled_from(NUMBERS),
    "kind": st.none() | st.sampled_from(PhoneKind),
}
PHONES = st.lists(
    st.builds(Phone, st.sampled_from(["phn_1", "phn_2"]), st.sampled_from(PhoneKind), st.sampled_from(NUMBERS))
)


@st.composite
def narrowed(draw) -> tuple[Policy, Policy]:
    """Give a policy, and one that allows less or the same in every field."""
    wide = draw(POLICIES)
    fewer = {
        name: draw(subsets(getattr(wide, name))) if getattr(wide, name) else ()
        for name in ("enroll", "sign_in", "phone_kinds")
    }
    some = {
        name: draw(subsets(getattr(wide, name) or choices)) or getattr(wide, name)
        for name, choices in {
            "text_countries": COUNTRIES,
            "call_countries": COUNTRIES,
            "line_types": tuple(LineType),
        }.items()
    }
    narrow = msgspec.structs.replace(
        wide,
        **fewer,
        **some,
        people_per_number=draw(st.integers(1, wide.people_per_number or 3)),
        call_proof=draw(st.sampled_from(sorted({wide.call_proof, Mode.PIN, max(wide.call_proof, Mode.MATCH)}))),
        remember_device_days=draw(st.integers(0, wide.remember_device_days)),
        app_passwords=draw(st.booleans()) and wide.app_passwords,
    )
    return wide, narrow


@given(narrowed(), st.fixed_dictionaries(QUESTIONS), st.integers(0, 5), st.sampled_from(Feature), st.sampled_from(Mode))
def test_a_narrower_policy_never_allows_more(policies, question, others, feature, mode):
    def denials(policy: Policy) -> list[bool]:
        return [
            method_denial(policy, **question) is not None,
            sharing_denial(policy, others) is not None,
            feature_denial(policy, feature) is not None,
            mode_denial(policy, mode) is not None,
        ]

    wide, narrow = map(denials, policies)
    assert [after for before, after in zip(wide, narrow, strict=True) if before] == [True] * sum(wide)


@given(POLICIES, st.fixed_dictionaries(QUESTIONS))
def test_knowing_more_never_allows_more(policy, question):
    for name in ("purpose", "number", "kind"):
        if method_denial(policy, **question | {name: None}) is not None:
            assert method_denial(policy, **question) is not None


@given(POLICIES, PHONES)
def test_explain_says_what_the_decision_says(policy, phones):
    rows = explain(policy, phones)
    kept = {phone.id: phone.number for phone in phones}
    assert len(rows) == len({Purpose.ENROLL, Purpose.SIGN_IN}) * len(Channel) * (len(PhoneKind) + len(phones))
    if len(kept) == len(phones):
        assert [row.denial for row in rows] == [
            method_denial(policy, row.purpose, row.channel, kept.get(row.phone_id), row.kind) for row in rows
        ]


@given(POLICIES, st.fixed_dictionaries(QUESTIONS))
def test_a_way_out_that_is_told_is_one(policy, question):
    denial = method_denial(policy, **question)
    for channel, way_out in {Channel.CALL: "Ask for a call instead.", Channel.SMS: "Ask for a text instead."}.items():
        if denial is not None and denial.next_step == way_out:
            assert method_denial(policy, **question | {"channel": channel}) is None


@pytest.mark.parametrize(
    ("values", "question", "code"),
    [
        ({"enroll": (Channel.CALL,)}, (Purpose.ENROLL, Channel.SMS, None, None), ErrorCode.METHOD_FORBIDDEN),
        ({"sign_in": ()}, (Purpose.SIGN_IN, Channel.CALL, None, None), ErrorCode.METHOD_FORBIDDEN),
        (
            {"phone_kinds": (PhoneKind.OFFICE,)},
            (Purpose.ENROLL, Channel.CALL, None, PhoneKind.ALTERNATE),
            ErrorCode.PHONE_KIND_FORBIDDEN,
        ),
        ({"text_countries": ("US",)}, (Purpose.SIGN_IN, Channel.SMS, GERMAN, None), ErrorCode.COUNTRY_FORBIDDEN),
        ({"call_countries": ("US",)}, (Purpose.SIGN_IN, Channel.CALL, GERMAN, None), ErrorCode.COUNTRY_FORBIDDEN),
        (
            {"line_types": (LineType.MOBILE,)},
            (Purpose.SIGN_IN, Channel.CALL, AMERICAN, None),
            ErrorCode.LINE_TYPE_FORBIDDEN,
        ),
    ],
)
def test_who_decided_is_named(values, question, code):
    group = PolicyOrigin(Level.GROUP, "contractors")
    everything_else = apply_override(
        DEFAULTS, {name: getattr(DEFAULTS, name) for name in FIELDS}, PolicyOrigin(Level.DEFAULT)
    )
    assert method_denial(everything_else, *question) is None
    denial = method_denial(apply_override(everything_else, values, group), *question)
    assert (denial.code, denial.decided_by) == (code, group)
    refusal = denial.refused(field="to")
    assert (refusal.code, refusal.field) == (code, "to")
    assert "the policy of the group contractors" in refusal.detail
    assert denial.next_step in refusal.detail


@pytest.mark.parametrize(
    ("values", "number"),
    [
        ({"text_countries": ("US",)}, AMERICAN),
        ({"call_countries": ("US",)}, GERMAN),
        ({"line_types": (LineType.FIXED_LINE_OR_MOBILE,)}, AMERICAN),
        ({"line_types": (LineType.MOBILE,)}, GERMAN),
    ],
)
def test_what_a_policy_names_is_allowed(values, number):
    policy = apply_override(DEFAULTS, values, PolicyOrigin(Level.DEFAULT))
    assert method_denial(policy, Purpose.SIGN_IN, Channel.SMS, number, PhoneKind.AUTHENTICATION) is None


def test_without_a_purpose_one_that_allows_it_is_enough():
    policy = Policy(enroll=(Channel.SMS,), sign_in=(Channel.CALL,))
    assert method_denial(policy, None, Channel.SMS, None, None) is None
    assert method_denial(policy, None, Channel.CALL, None, None) is None
    assert method_denial(Policy(enroll=(), sign_in=(Channel.CALL,)), None, Channel.SMS, None, None) is not None


def test_the_numbering_plan_is_not_asked_in_vain():
    assert method_denial(DEFAULTS, Purpose.ENROLL, Channel.SMS, PhoneNumber("no number"), PhoneKind.OFFICE) is None


def test_every_line_that_is_not_refused_anyway_has_a_word():
    never = {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UNKNOWN}
    usable = {PhoneNumberType.to_string(kind).lower() for kind in PhoneNumberType.values() if kind not in never}
    assert set(LineType) == usable
    assert {type_word(number) for number in NUMBERS} - {None} <= set(LineType)


def type_word(number: PhoneNumber) -> LineType | None:
    """Find the one type that lets a number through."""
    allowed = [
        line
        for line in LineType
        if method_denial(Policy(line_types=(line,)), Purpose.ENROLL, Channel.SMS, number, None) is None
    ]
    kind = phonenumbers.number_type(phonenumbers.parse(number.e164))
    assert allowed in ([], [PhoneNumberType.to_string(kind).lower()])
    return allowed[0] if allowed else None


@pytest.mark.parametrize(("limit", "others", "denied"), [(0, 1_000, False), (2, 1, False), (2, 2, True), (2, 3, True)])
def test_a_number_has_so_many_people(limit, others, denied):
    denial = sharing_denial(Policy(people_per_number=limit), others)
    assert (denial is not None) == denied
    assert denial is None or denial.code is ErrorCode.NUMBER_SHARED_TOO_OFTEN


@pytest.mark.parametrize("feature", Feature)
def test_a_feature_that_is_off_says_so(feature):
    origin = PolicyOrigin(Level.APPLICATION, "Example Bank")
    denial = feature_denial(apply_override(DEFAULTS, {feature: type(getattr(DEFAULTS, feature))(0)}, origin), feature)
    assert (denial.code, denial.decided_by) == (ErrorCode.FEATURE_OFF, origin)
    assert (
        feature_denial(apply_override(DEFAULTS, {feature: type(getattr(DEFAULTS, feature))(1)}, origin), feature)
        is None
    )


def test_a_bare_pound_is_too_weak_where_digits_must_match():
    assert mode_denial(Policy(call_proof=Mode.MATCH), Mode.CONFIRM).code is ErrorCode.METHOD_FORBIDDEN
    assert mode_denial(Policy(call_proof=Mode.MATCH), Mode.MATCH) is None
    assert mode_denial(Policy(call_proof=Mode.MATCH), Mode.PIN) is None
    for less in (Mode.CONFIRM, Mode.MATCH, Mode.CODE):
        assert mode_denial(Policy(call_proof=Mode.PIN), less).code is ErrorCode.METHOD_FORBIDDEN
    assert mode_denial(Policy(call_proof=Mode.PIN), Mode.PIN) is None
    assert mode_denial(Policy(call_proof=Mode.CONFIRM), Mode.CONFIRM) is None


def test_limits_are_the_gateways_where_the_policy_is_silent():
    limits = Limits(code_length=8, lifetime=300, checks_per_verification=3, sends_per_number=2)
    assert DEFAULTS.limits(limits) == limits
    assert Policy(code_length=4, code_lifetime=60, checks=1).limits(limits) == msgspec.structs.replace(
        limits, code_length=4, lifetime=60, checks_per_verification=1
    )


def test_rules_tell_each_field_once_with_who_set_it():
    group = PolicyOrigin(Level.GROUP, "contractors")
    told = {rule.name: (rule.value, rule.decided_by) for rule in rules(apply_override(DEFAULTS, {"checks": 2}, group))}
    assert tuple(told) == FIELDS
    assert told["checks"] == (2, group)
    assert told["enroll"] == (tuple(Channel), PolicyOrigin(Level.GATEWAY))


def test_what_is_told_can_be_encoded():
    policy = Policy(enroll=(), origins={"enroll": PolicyOrigin(Level.GROUP, "contractors")})
    row = msgspec.json.decode(msgspec.json.encode(explain(policy, [])))[0]
    assert row["denial"]["decided_by"] == {"level": "group", "name": "contractors"}
    assert row["denial"]["code"] == "method_forbidden"
