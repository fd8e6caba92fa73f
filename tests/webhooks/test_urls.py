"""The URLs we hand out and the routes that hear them are the same."""

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from webhooks import urls
from webhooks.events import AttemptRef
from webhooks.urls import Addresses

WORDS = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-", min_size=1, max_size=64)


def heard(path: str, url: str, public_url: str) -> dict[str, str]:
    pattern = web.UrlDispatcher().add_resource(urls.route(path, "twilio")).get_info()["pattern"]
    match = pattern.fullmatch(url.removeprefix(public_url))
    assert match
    return match.groupdict()


@given(verification_id=WORDS, token=WORDS, turn=st.integers(1, 999))
def test_every_url_is_heard_by_its_route_alone(verification_id: str, token: str, turn: int):
    public_url = "https://example.org/verify"
    ours = Addresses(public_url, "twilio")
    attempt = AttemptRef(verification_id, token)
    variables = {"verification_id": verification_id, "token": token}

    assert heard(urls.CALL_STATUS, ours.call_status_url(attempt), public_url) == variables
    assert heard(urls.ANSWER, ours.answer_url(attempt), public_url) == variables
    assert heard(urls.MACHINE, ours.machine_url(attempt), public_url) == variables
    assert heard(urls.MESSAGE_STATUS, ours.message_status_url(attempt), public_url) == variables
    assert heard(urls.GATHER, ours.gather_url(attempt, turn), public_url) == {**variables, "gather_number": str(turn)}
    assert ours.inbound_message_url() == public_url + urls.route(urls.INBOUND_MESSAGE, "twilio")


def test_urls_read_as_documented():
    attempt = AttemptRef("ver_01", "tok-EN_1")
    ours = Addresses("http://127.0.0.1:8080", "twilio")

    assert ours.call_status_url(attempt) == "http://127.0.0.1:8080/callbacks/twilio/calls/ver_01/tok-EN_1/status"
    assert ours.gather_url(attempt, 2) == "http://127.0.0.1:8080/callbacks/twilio/calls/ver_01/tok-EN_1/gather/2"
    assert ours.answer_url(attempt) == "http://127.0.0.1:8080/callbacks/twilio/calls/ver_01/tok-EN_1/answer"
    assert ours.machine_url(attempt) == "http://127.0.0.1:8080/callbacks/twilio/calls/ver_01/tok-EN_1/machine"
    assert ours.message_status_url(attempt) == "http://127.0.0.1:8080/callbacks/twilio/messages/ver_01/tok-EN_1/status"
    assert ours.inbound_message_url() == "http://127.0.0.1:8080/callbacks/twilio/messages"


@pytest.mark.parametrize(
    "public_url",
    [
        "https://verify.example.org",
        "https://verify.example.org:8443",
        "http://localhost:8080",
        "https://[2001:db8::1]:8443",
        "https://example.org/a/b-c_d~e",
    ],
)
def test_a_plain_public_url_is_taken(public_url: str):
    assert Addresses(public_url, "twilio").public_url == public_url


@for_each(
    "public_url",
    [
        "",
        "verify.example.org",
        "ftp://verify.example.org",
        "https://",
        "https:///path",
        "https://verify.example.org/",
        "https://example.org/verify/",
        "https://user:pass@verify.example.org",
        "https://verify.example.org?x=1",
        "https://verify.example.org#f",
        "https://verify.example.org:99999",
        "https://verify.example.org:",
        "https://verify.example.org:80a",
        "https://verify.example.org/a b",
        "https://verify.example.org\n",
        "https://vérify.example.org",
    ],
)
def test_a_public_url_that_could_not_be_signed_for_is_refused(public_url: str):
    with pytest.raises(ValueError, match="public URL"):
        Addresses(public_url, "twilio")
