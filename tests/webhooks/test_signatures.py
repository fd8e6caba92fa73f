"""The proof agrees with the provider's vectors and with its SDK, and no input makes it raise."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from support.tables import for_each
from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator

from webhooks.forms import Form, read_form
from webhooks.signatures import Algorithm, HmacVerifier, is_authentic
from webhooks.urls import Addresses

FACTS = json.loads((Path(__file__).parent / "data" / "signature_vectors.json").read_text(encoding="utf-8"))
ALGORITHMS = {HMAC_SHA1: Algorithm.SHA1, HMAC_SHA256: Algorithm.SHA256}
CREDENTIALS = [case for case in FACTS["sender_rules"]["cases"] if "@" in case["configured_url"]]
RULES = [case for case in FACTS["sender_rules"]["cases"] if case not in CREDENTIALS]


def cut(url: str) -> tuple[str, bytes]:
    """Cut a URL into what stands before the raw path, and the request target."""
    url = url.partition("#")[0]
    parts = urlsplit(url)
    public_url = f"{parts.scheme}://{parts.netloc}"
    return public_url, url.removeprefix(public_url).encode()


def as_form(fields: list[Any]) -> Form:
    return [(name.encode(), value.encode()) for name, value in fields]


@for_each("vector", {vector["name"]: vector for vector in FACTS["vectors"]})
def test_vectors(vector: dict[str, Any]):
    public_url, target = cut(vector["url"])
    scheme = HmacVerifier.prepared(public_url, [vector["auth_token"]], ALGORITHMS[vector["algorithm"]])
    form = as_form(vector["params"]) if vector["body"] is None else read_form(vector["body"].encode())

    proven = is_authentic(scheme, target, form, vector["signature"])

    assert proven == (vector["python_validate"] and vector["body"] is None), "a JSON body is not proven as a form"


@pytest.mark.parametrize("case", RULES, ids=lambda case: f"{case['product']} {case['configured_url']}")
def test_what_the_sender_signs_for_a_configured_url_is_proven(case: dict[str, Any]):
    public_url, target = cut(case["configured_url"])
    scheme = HmacVerifier.prepared(public_url, [case["auth_token"]], Algorithm.SHA1)

    assert is_authentic(scheme, target, as_form(case["params"]), case["signature"])


@pytest.mark.parametrize("case", CREDENTIALS, ids=lambda case: case["configured_url"])
def test_credentials_that_the_sender_would_not_sign_are_refused_at_the_start(case: dict[str, Any]):
    with pytest.raises(ValueError, match="without credentials"):
        Addresses(cut(case["configured_url"])[0], "twilio")


HOSTS = st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,8}){0,2}", fullmatch=True)
PORTS = st.sampled_from(["", ":80", ":443", ":8443", ":1", ":65535"])
PATHS = st.from_regex(r"(/[A-Za-z0-9_.%~-]{0,6}){1,4}", fullmatch=True)
QUERIES = st.one_of(st.just(""), st.from_regex(r"\?[A-Za-z0-9=&%+'~]{1,12}", fullmatch=True))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
NAMES = st.one_of(st.sampled_from(["A", "AB", "a", "é", "Digits"]), TEXTS)
FIELDS = st.lists(st.tuples(NAMES, st.one_of(st.sampled_from(["", "#", "C", "BC"]), TEXTS)), max_size=12)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, bytes]:
    public_url = draw(st.sampled_from(["http://", "https://"])) + draw(HOSTS) + draw(PORTS)
    return public_url, (draw(PATHS) + draw(QUERIES)).encode()


@given(request=requests(), fields=FIELDS, signed=FIELDS, data=st.data(), algorithm=st.sampled_from([*ALGORITHMS]))
def test_the_sdk_is_of_the_same_mind(
    request: tuple[str, bytes],
    fields: list[tuple[str, str]],
    signed: list[tuple[str, str]],
    data: st.DataObject,
    algorithm: str,
):
    public_url, target = request
    scheme_word, _, netloc = public_url.partition("://")
    host = netloc.partition(":")[0]
    oracle = RequestValidator("token")
    signed_netloc = data.draw(st.sampled_from([netloc, host, f"{host}:80", f"{host}:443", f"{host}:99"]))
    signed_fields = data.draw(st.sampled_from([fields, fields, fields[::-1], fields + fields[:1], signed]))
    url = f"{scheme_word}://{signed_netloc}{target.decode()}"
    signature = oracle.compute_signature(url, MultiDict(signed_fields), algorithm)
    scheme = HmacVerifier.prepared(public_url, ["token"], ALGORITHMS[algorithm])

    ours = is_authentic(scheme, target, read_form(urlencode(fields).encode()), signature)

    assert ours == oracle.validate(public_url + target.decode(), MultiDict(fields), signature, algorithm)


@given(
    target=st.binary(max_size=40),
    form=st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=8)), max_size=8),
    signature=st.one_of(st.none(), st.text(max_size=50), st.text(min_size=28, max_size=28)),
)
def test_no_input_raises_and_none_is_proven_by_chance(target: bytes, form: Form, signature: str | None):
    scheme = HmacVerifier.prepared("https://verify.example.org", ["token"], Algorithm.SHA1)

    assert is_authentic(scheme, target, form, signature) is False


@pytest.mark.parametrize("token", ["new", "old"])
def test_every_live_token_proves(token: str):
    scheme = HmacVerifier.prepared("https://verify.example.org", ["new", "old"], Algorithm.SHA1)
    signature = RequestValidator(token).compute_signature("https://verify.example.org/x", {"A": "1"})

    assert is_authentic(scheme, b"/x", [(b"A", b"1")], signature)


def test_the_algorithm_is_pinned():
    url, form = "https://verify.example.org/x", [(b"A", b"1")]
    for pinned, other in (Algorithm.SHA1, HMAC_SHA256), (Algorithm.SHA256, HMAC_SHA1):
        scheme = HmacVerifier.prepared("https://verify.example.org", ["token"], pinned)

        assert not is_authentic(
            scheme, b"/x", form, RequestValidator("token").compute_signature(url, {"A": "1"}, other)
        )


def test_an_ipv6_host_keeps_its_colons():
    scheme = HmacVerifier.prepared("https://[2001:db8::1]:8443", ["token"], Algorithm.SHA1)

    assert scheme.bases == (b"https://[2001:db8::1]", b"https://[2001:db8::1]:8443")


@pytest.mark.parametrize("tokens", [[], [""], ["live", ""]])
def test_an_empty_token_is_refused_because_anybody_can_sign_with_it(tokens: list[str]):
    with pytest.raises(ValueError, match="token"):
        HmacVerifier.prepared("https://verify.example.org", tokens, Algorithm.SHA1)


def test_tokens_do_not_show():
    scheme = HmacVerifier.prepared("https://verify.example.org", ["canary"], Algorithm.SHA1)

    assert "canary" not in f"{scheme!r} {scheme}"
