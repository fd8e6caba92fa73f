"""The hosted pages over plain HTTP: what scanners, strangers, other people and impatient ones send."""

import asyncio
import logging
import re
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from support.portal import Portal, portal_at
from support.visitor import Seen, Visitor, at_settings, visitor
from support.world import free_port

from gateway.settings.settings import PortalSettings, Server

pytestmark = pytest.mark.asyncio(loop_scope="module")

STATE = "/portal/verify/state"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def portal(tmp_path_factory):
    async with portal_at(tmp_path_factory.mktemp("portal")) as portal:
        yield portal


@pytest_asyncio.fixture(loop_scope="module")
async def guest(portal):
    async with visitor(portal) as guest:
        yield guest


def routes(portal: Portal, method: str) -> list[str]:
    """List the addresses of the pages with something in their gaps, as the running program has them."""
    filled = {"token": "t" * 24, "name": "base.css", "id": "app_1", "rest": "nothing"}
    known = [route for route in portal.world.gateway.application.router.routes() if route.method == method]
    paths = {route.resource.canonical for route in known if route.resource}
    return sorted(re.sub(r"{(\w+)}", lambda gap: filled[gap[1]], path) for path in paths if path.startswith("/portal"))


def assert_shut_in(seen: Seen) -> None:
    """Nothing may be kept of a page, frame it, load into it or learn where it was."""
    headers = seen.headers
    if headers.get("Content-Type") != "text/css":
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        assert policy.pop("default-src") == "'none'"
        assert policy.pop("frame-ancestors") == policy.pop("base-uri") == "'none'"
        assert set(policy.values()) == {"'self'"}
        assert {"form-action", "script-src", "style-src"} <= set(policy)
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]
    if headers.get("Content-Type") == "text/css":
        assert headers["Cache-Control"].startswith("public")
    else:
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_every_page_is_shut_in_for_everyone(portal: Portal, guest: Visitor):
    addresses = [path for path in routes(portal, "GET") if not path.startswith("/portal/brand/")]
    assert len(addresses) > 12
    settled = await portal.enrolled()
    for begin in (None, guest.open(await portal.link(await portal.person())), at_settings(portal, guest, settled)):
        if begin is not None:
            await begin
        for path in addresses:
            if path == STATE and begin is not None:
                continue
            seen = await guest.get(path)
            assert seen.status < 500, path
            assert_shut_in(seen)


async def test_every_form_of_a_stranger_or_of_another_visit_is_refused(portal: Portal, guest: Visitor):
    forms = [path for path in routes(portal, "POST") if not path.startswith("/portal/links/")]
    assert len(forms) > 12
    person = await portal.enrolled()
    async with visitor(portal) as stranger:
        for path in forms:
            seen = await stranger.post(path, csrf="0" * 64)
            assert (seen.status, seen.title) == (401, "Your time is up · Poundkey"), path
            assert_shut_in(seen)
        await at_settings(portal, stranger, await portal.enrolled())
        await at_settings(portal, guest, person)
        for csrf in ("", "0" * 64, stranger.csrf, guest.csrf[:-1], "\ud7ff"):
            for path in forms:
                seen = await guest.ask("POST", path, data={"csrf": csrf, "name": "x", "locale": "en"})
                assert (seen.status, seen.title) == (403, "We did not accept this form · Example Bank"), path
                assert_shut_in(seen)
    record = await portal.record(person)
    assert (len(record["phones"]), record["app_password_count"]) == (1, 0)


async def test_a_scanner_opens_no_link_and_a_person_opens_it_once(portal: Portal, guest: Visitor):
    path = urlsplit(await portal.link(await portal.person())).path
    async with visitor(portal) as scanner:
        for method in ("GET", "HEAD", "GET"):
            seen = await scanner.ask(method, path)
            assert (seen.status, seen.cookies) == (200, ())
        assert seen.title.endswith("Example Bank")
    opened = await guest.post(path)
    assert (opened.status, opened.location) == (303, "/portal")
    assert (await guest.post(path)).location == (await guest.get(path)).location == "/portal"
    async with visitor(portal) as stranger:
        used = await stranger.post(path)
        assert (used.status, used.cookies) == (410, ())
        assert "This link no longer works" in used.title
        assert path not in used.text


async def test_of_many_who_open_a_link_at_once_one_is_let_in(portal: Portal):
    path = urlsplit(await portal.link(await portal.person())).path
    async with visitor(portal) as one, visitor(portal) as other:
        answers = await asyncio.gather(*(each.post(path) for each in (one, other) * 4))
    assert {answer.status for answer in answers} == {303, 410}
    given = {cookie for answer in answers if answer.status == 303 for cookie in answer.cookies}
    assert len(given) == 1


async def test_links_and_visits_end_by_themselves(tmp_path):
    settings = PortalSettings(link_lifetime=1, session_lifetime=1)
    async with portal_at(tmp_path, portal=settings) as portal, visitor(portal) as guest:
        person = await portal.person()
        late = urlsplit(await portal.link(person)).path
        assert (await guest.open(await portal.link(person))).status == 200
        async with asyncio.timeout(10):
            while (over := await guest.get("/portal/enroll")).status == 200:
                await asyncio.sleep(0)
            while (invalid := await guest.get(late)).status == 200:
                await asyncio.sleep(0)
        assert (over.status, invalid.status) == (401, 410)
        assert (await guest.post(late)).status == 410


async def test_a_visit_that_is_over_is_still_the_applications_and_leads_back(tmp_path):
    async with portal_at(tmp_path, portal=PortalSettings(session_lifetime=1)) as portal, visitor(portal) as guest:
        person = await portal.person(locale="de")
        assert (await guest.open(await portal.link(person, back=True))).status == 200
        async with asyncio.timeout(10):
            while (over := await guest.get("/portal/enroll")).status == 200:
                await asyncio.sleep(0)
        assert (over.status, over.title.rpartition(" · ")[2]) == (401, "Example Bank")
        assert '<html lang="de"' in over.text
        for known in ("help@bank.example", f'href="{portal.back.url}"', "/portal/brand/"):
            assert known in over.text
        for private in (person.user, person.number[-4:], 'name="csrf"', "<form"):
            assert private not in over.text
        assert (await guest.post("/portal/cancel")).status == 401
        async with visitor(portal) as stranger:
            seen = await stranger.ask("GET", "/portal/enroll", cookies={"poundkey": "x" * 43})
            assert (seen.status, seen.title) == (401, "Your time is up · Poundkey")


@pytest.mark.parametrize(
    ("scheme", "name", "flags"),
    [
        ("http", "poundkey", {"httponly", "path=/", "samesite=lax"}),
        ("https", "__Host-poundkey", {"httponly", "path=/", "samesite=lax", "secure"}),
    ],
    ids=["plain", "tls"],
)
async def test_the_cookie_is_for_us_alone(tmp_path, scheme, name, flags):
    port = free_port()
    server = Server(port=port, public_url=f"{scheme}://127.0.0.1:{port}", drain=2.0)
    async with portal_at(tmp_path, server=server) as portal, visitor(portal) as guest:
        guest.url = portal.integrator.url = f"http://127.0.0.1:{port}"  # a proxy that ends TLS stands before it
        link = await portal.link(await portal.person())
        assert link.startswith(f"{scheme}://")
        [cookie] = (await guest.post(urlsplit(link).path)).cookies
        pair, *kept = [part.strip() for part in cookie.split(";")]
        assert pair.startswith(f"{name}=")
        assert {flag.lower() for flag in kept} == flags


async def test_nobody_elses_phones_and_passwords_can_be_named(portal: Portal, guest: Visitor):
    person, other = await portal.enrolled(), await portal.enrolled()
    [theirs] = (await portal.record(other))["phones"]
    wish = {"name": "Mail"}
    kept = (await portal.integrator.ask("POST", f"/v1/enrollments/{other.id}/app-passwords", wish)).body
    await at_settings(portal, guest, person)
    for path, form in (
        ("/portal/settings/default", {"method": f"{theirs['id']}:call"}),
        ("/portal/settings/phones/remove", {"phone_id": theirs["id"], "lost": "on"}),
        ("/portal/app-passwords/delete", {"id": kept["id"]}),
        ("/portal/sign-in", {"method": f"{theirs['id']}:sms"}),
    ):
        assert (await guest.post(path, **form)).status in {303, 422}
    shown = await guest.get(f"/portal/settings/phones/new?replaces={theirs['id']}")
    assert "Add a phone" in shown.title
    assert theirs["number"][-4:] not in shown.text
    form = {"kind": "authentication", "country": "US", "number": "4255550199", "channel": "sms"}
    await guest.post("/portal/settings/phones", replaces=theirs["id"], **form)
    record = await portal.record(other)
    assert (record["phones"], record["app_password_count"]) == ([theirs], 1)
    assert record["default_method"]["channel"] == "sms"
    assert await portal.codes(other.number) == 1
    async with visitor(portal) as stranger:
        await stranger.open(await portal.link(person, "sign_in"))
        refused = await stranger.post("/portal/sign-in", method=f"{theirs['id']}:sms")
        assert "Choose one of the methods." in refused.text


async def test_however_many_phones_are_removed_at_once_one_that_proves_the_person_stays(portal: Portal, guest: Visitor):
    person = await portal.enrolled()
    for number in ("+14255550188", "+14255550187"):
        phones = (await portal.prove(person, number, "alternate"))["phones"]
    await at_settings(portal, guest, person)
    await asyncio.gather(*(guest.post("/portal/settings/phones/remove", phone_id=phone["id"]) for phone in phones))
    assert len((await portal.record(person))["phones"]) == 1


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example/",
        "//evil.example/portal/",
        "/\\evil.example",
        "/portal/\\evil.example",
        "/portal/\t/evil.example",
        "/portal/\r\nLocation: https://evil.example",
        "portal/enroll",
        "javascript:alert(1)",
        "",
        "/portal/\u2028",
        "/api",
    ],
    ids=repr,
)
async def test_the_language_menu_leads_nowhere_else(portal: Portal, guest: Visitor, back: str):
    await guest.open(await portal.link(await portal.person()))
    seen = await guest.post("/portal/language", locale="en", back=back)
    assert (seen.status, seen.location) == (303, "/portal")


async def test_the_language_is_kept_for_the_visit(portal: Portal, guest: Visitor):
    await guest.open(await portal.link(await portal.person()))
    seen = await guest.post("/portal/language", locale="de", back="/portal/enroll?x=1")
    assert seen.location == "/portal/enroll?x=1"
    assert 'lang="de"' in (await guest.get("/portal/enroll")).text
    await guest.post("/portal/language", locale="\ud7ff!", back="")
    assert 'lang="en"' in (await guest.get("/portal/enroll")).text


async def test_addresses_that_lead_nowhere_are_pages_too(portal: Portal, guest: Visitor):
    nothing = await guest.get("/portal/no/such/page")
    assert (nothing.status, nothing.title) == (404, "There is nothing here · Poundkey")
    await guest.open(await portal.link(await portal.person()))
    nothing = await guest.get("/portal/no/such/page")
    assert (nothing.status, nothing.title) == (404, "There is nothing here · Example Bank")
    for path in ("/portal/resend", "/portal/settings/phones", "/portal/sign-in/bypass", "/portal/language"):
        seen = await guest.get(path)
        assert (seen.status, seen.location) == (303, "/portal"), path


async def test_forms_that_no_browser_sends_are_told_so_and_are_no_failure_of_ours(
    portal: Portal, guest: Visitor, caplog
):
    caplog.set_level(logging.ERROR)
    await guest.open(await portal.link(await portal.person()))
    form = "application/x-www-form-urlencoded"
    for body, content_type in (
        (b"csrf=%ff%fe", form),
        (b"csrf=\xff\xfe", form),
        (b"{}", "application/json"),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"csrf=1", f"{form}; charset=klingon"),
        (b"csrf=+2AA-", f"{form}; charset=utf-7"),
        (b"csrf=\\ud800", f"{form}; charset=unicode_escape"),
        (b"csrf=" + b"1" * 200_000, form),
        (b"\r\n", "multipart/form-data"),
    ):
        seen = await guest.ask("POST", "/portal/enroll", data=body, headers={"Content-Type": content_type})
        assert 400 <= seen.status < 500, (body[:20], content_type, seen.status)
        assert_shut_in(seen)
        assert seen.title
    assert caplog.records == []


async def test_news_are_told_to_the_visit_alone_and_wait_for_them(portal: Portal, guest: Visitor):
    person = await portal.person()
    assert (await guest.get(STATE)).status == 401
    await guest.open(await portal.link(person))
    assert (await guest.get(STATE)).status == 410
    form = {"kind": "authentication", "country": "US", "number": person.national, "channel": "sms"}
    assert (await guest.post("/portal/enroll", **form)).location == "/portal/verify"
    await guest.get("/portal/verify")
    code = await portal.code(person.number, 1)
    for revision in ("", "0", "-1", "x", "٣", "1" * 40):
        seen = await guest.get(f"{STATE}?revision={revision}")
        assert (seen.status, seen.headers["Poundkey-Status"]) == (200, "pending")
        assert_shut_in(seen)
    news = asyncio.ensure_future(_news(guest, int(seen.headers["Poundkey-Revision"])))
    assert (await guest.post("/portal/verify", code=code)).location == "/portal/finish"
    assert (await news).status in {200, 410}


async def test_however_often_the_end_is_taken_there_is_one_app_password(portal: Portal, guest: Visitor):
    person = await portal.person()
    await guest.open(await portal.link(person))
    form = {"kind": "authentication", "country": "US", "number": person.national, "channel": "sms"}
    await guest.post("/portal/enroll", **form)
    await guest.get("/portal/verify")
    code = await portal.code(person.number, 1)
    asked = [guest.post("/portal/verify", code=code) for _ in range(4)]
    asked += [guest.post("/portal/finish") for _ in range(4)] + [guest.get("/portal/finish") for _ in range(4)]
    answers = await asyncio.gather(*asked)
    assert {answer.status for answer in answers} <= {200, 303}
    shown = {
        tuple(re.findall(r"[a-z3-8]{4}(?:-[a-z3-8]{4}){5}", (await guest.get("/portal/finish")).text)) for _ in "ab"
    }
    assert len(shown) == 1
    assert len(next(iter(shown))) == 1
    assert (await portal.record(person))["app_password_count"] == 1
    left = await asyncio.gather(*(guest.post("/portal/done") for _ in range(3)))
    assert {answer.status for answer in left} <= {200, 303}
    assert (await guest.get("/portal/finish")).location == "/portal/done"


async def _news(guest: Visitor, revision: int) -> Seen:
    while (seen := await guest.get(f"{STATE}?revision={revision}")).headers.get("Poundkey-Status") == "pending":
        revision = int(seen.headers["Poundkey-Revision"])
    return seen
