"""What holds for every page in every state and language: sound HTML, access for all, nothing inline."""

import itertools
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages_look.anatomy import Element, parsed
from pages_look.specimens import CSRF, PASSWORD, frame, specimens
from support.tables import for_each

from gateway.domain.portal import PortalPage
from gateway.pages.models import AppPasswordsPage, DonePage, FinishPage, VerifyPage
from gateway.pages.rendering import Pages

MODELS = specimens()
NAMES = tuple(MODELS)
CHALLENGES = tuple(name for name, model in MODELS.items() if isinstance(model, VerifyPage))
MARKUP = """<script>alert(1)</script>"'&{{ 7*7 }}"""


@pytest.fixture(scope="module")
def rendered(pages: Pages) -> dict[str, Element]:
    return {name: parsed(pages.render(model)) for name, model in MODELS.items()}


def ids(page: Element) -> list[str]:
    return [element["id"] for element in page.all() if element.has("id")]


@for_each("name", NAMES)
def test_it_renders_in_every_language(pages, name):
    for language in pages.translations.languages:
        page = parsed(pages.render(specimens(language.locale)[name]))
        (html,) = page.all("html")
        assert (html["lang"], html["dir"]) == (language.locale, language.direction)


@for_each("name", NAMES)
def test_it_has_one_title_one_main_and_headings_in_order(rendered, name):
    page = rendered[name]
    (title,) = page.all("title")
    assert title.text.strip().endswith("· Example Bank")
    assert len(page.all("main")) == 1
    levels = [int(heading.tag[1]) for heading in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(heading.text.strip() for heading in page.all("h1", "h2", "h3"))


@for_each("name", NAMES)
def test_nothing_in_it_is_inline_or_from_elsewhere(rendered, name):
    page = rendered[name]
    for element in page.all():
        assert element.tag != "style"
        assert not [attribute for attribute in element.attributes if attribute == "style" or attribute.startswith("on")]
        if element.tag in {"script", "img"}:
            assert re.fullmatch(r"/portal/static/[\w.-]+\?v=[0-9a-f]{12}", element["src"])
        if element.tag == "link":
            assert element["href"].startswith("/portal/")
    assert not [script for script in page.all("script") if script.text.strip()]


@for_each("name", NAMES)
def test_every_form_is_posted_with_its_proof_of_origin(rendered, name):
    page = rendered[name]
    for form in page.all("form"):
        assert form["method"] == "post"
        assert (form["action"] or "/portal/").startswith("/portal/")
        proofs = [field["value"] for field in form.all("input") if field["name"] == "csrf"]
        assert proofs == [CSRF]
    if name.startswith("problem"):
        assert page.all("form") == []


@for_each("name", NAMES)
def test_every_field_has_its_label_and_every_button_its_words(rendered, name):
    page = rendered[name]
    labels = {label["for"] for label in page.all("label")}
    for field in page.all("input", "select"):
        assert field["type"] == "hidden" or field["id"] in labels
    for button in page.all("button", "a", "summary"):
        assert button.text.strip()


@for_each("name", NAMES)
def test_ids_are_unique_and_whatever_is_pointed_at_is_there(rendered, name):
    page = rendered[name]
    known = ids(page)
    assert len(known) == len(set(known))
    pointed = [
        target
        for element in page.all()
        for attribute in ("for", "form", "aria-describedby", "aria-labelledby", "data-copies")
        for target in (element[attribute] or "").split()
    ]
    anchors = [link["href"][1:] for link in page.all("a") if link["href"].startswith("#")]
    assert set(pointed + anchors) <= set(known)


@for_each("name", NAMES)
def test_every_error_is_told_at_the_top_and_at_its_field(pages, name):
    model = MODELS[name]
    page = parsed(pages.render(model))
    errors = getattr(model, "errors", ())
    summaries = [element for element in page.all() if element["id"] == "problems"]
    assert bool(summaries) == bool(errors)
    for error in errors:
        if error.field is None:
            continue
        assert f"#{error.field}" in [link["href"] for link in summaries[0].all("a")]
        (field,) = [element for element in page.all() if element["id"] == error.field]
        assert field["aria-invalid"] == "true"
        assert f"{error.field}-error" in (field["aria-describedby"] or "").split()


@for_each("name", NAMES)
def test_an_app_password_is_shown_where_it_was_made_and_nowhere_else(pages, name):
    model = MODELS[name]
    shown = isinstance(model, FinishPage) or (isinstance(model, AppPasswordsPage) and model.new is not None)
    assert pages.render(model).count(PASSWORD) == int(shown)
    assert PASSWORD not in repr(model)


@for_each("challenge", CHALLENGES)
def test_the_live_region_is_the_fragment_that_is_polled(pages, challenge):
    model = MODELS[challenge]
    fragment = pages.render_state(model)
    assert len(parsed(fragment).children) == 1
    regions = [element for element in parsed(pages.render(model)).all() if element.has("data-progress")]
    assert len(regions) == (model.status == "pending")
    for region in regions:
        assert (region["role"], region["aria-live"]) == ("status", "polite")
        assert region.text.split() == parsed(fragment).text.split()


@given(st.data())
def test_whatever_people_and_applications_are_called_stays_text(pages, data):
    model = MODELS[data.draw(st.sampled_from(NAMES))]
    hostile = data.draw(st.sampled_from([MARKUP, MARKUP[::-1]]) | st.text(max_size=20).map(lambda text: MARKUP + text))
    around = msgspec.structs.replace(model.frame, application=hostile, person=model.frame.person and hostile)
    attacked = msgspec.structs.replace(model, frame=around)
    harmless = [(element.tag, sorted(element.attributes)) for element in parsed(pages.render(model)).all()]
    html = pages.render(attacked)
    assert [(element.tag, sorted(element.attributes)) for element in parsed(html).all()] == harmless
    assert "<script>alert" not in html


def test_a_link_back_goes_where_it_says(pages):
    url = "https://example.com/back?a=1&b=%22"
    page = parsed(pages.render(DonePage(frame(), PortalPage.SIGN_IN, url)))
    assert url in [link["href"] for link in page.all("a")]
