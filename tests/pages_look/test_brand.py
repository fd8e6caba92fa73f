"""Whatever colour an application has, its pages can be read."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import gateway.pages
from gateway.pages.brand import (
    DARK_SURFACES,
    DEFAULT_COLOUR,
    LIGHT_SURFACES,
    READABLE,
    brand_css,
    contrast,
)

BASE = (Path(gateway.pages.__file__).parent / "static" / "base.css").read_text()
PROPERTY = re.compile(r"--([\w-]+): (#[0-9a-f]{6});")
colours = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")


def themes(css: str) -> tuple[dict[str, str], dict[str, str]]:
    light, dark = css.split("@media (prefers-color-scheme: dark)")
    return dict(PROPERTY.findall(light)), dict(PROPERTY.findall(dark))


@given(colours)
@example("#000000")
@example("#ffffff")
@example("#ffff00")
@example("#0000ff")
@example("#777777")
def test_every_colour_can_be_read_in_light_and_dark(colour):
    for theme, surfaces in zip(themes(brand_css(colour)), (LIGHT_SURFACES, DARK_SURFACES), strict=True):
        grounds = (*surfaces, theme["brand-wash"], theme["on-brand"])
        assert min(contrast(theme["brand"], ground) for ground in grounds) >= READABLE


def test_a_colour_that_can_be_read_stays_as_it_is():
    light, _ = themes(brand_css("#0067B8"))
    assert light["brand"] == "#0067b8"


def test_the_style_sheet_has_the_same_surfaces_and_the_default_brand():
    for base, brand, surfaces in zip(
        themes(BASE), themes(brand_css(DEFAULT_COLOUR)), (LIGHT_SURFACES, DARK_SURFACES), strict=True
    ):
        assert (base["card"], base["paper"]) == surfaces
        assert brand.items() <= base.items()


def test_the_text_colours_of_the_style_sheet_can_be_read():
    for theme in themes(BASE):
        grounds = [theme[name] for name in ("card", "paper", "well")]
        for ink in ("ink", "muted"):
            assert min(contrast(theme[ink], ground) for ground in grounds) >= READABLE
        for tone in ("good", "bad"):
            assert contrast(theme[tone], theme[f"{tone}-wash"]) >= READABLE
            assert contrast(theme["ink"], theme[f"{tone}-wash"]) >= READABLE


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colour", ["", "red", "#fff", "#12345g", "#123456; }", "#1234567", "#１２３４５６"])
def test_anything_but_a_colour_is_refused(colour):
    with pytest.raises(ValueError, match="#rrggbb"):
        brand_css(colour)
