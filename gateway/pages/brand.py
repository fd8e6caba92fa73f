"""Derives the pages' colours from an application's brand colour, with readable contrast (WCAG 2.2 AA)."""

import colorsys
import re

DEFAULT_COLOUR = "#0d5f54"
READABLE = 4.5
"""The contrast ratio that WCAG 2.2 requires of text (1.4.3, level AA)."""

LIGHT_SURFACES = ("#ffffff", "#f5f4f0")
DARK_SURFACES = ("#191d1c", "#101312")
"""The colours of the card and of the page behind it in `static/base.css`."""

_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII | re.IGNORECASE)
_WHITE = (255, 255, 255)
_STEPS = 40
_WASH = 0.08
_LINEAR_UP_TO = 0.04045  # sRGB: below this, the transfer curve is a line

Rgb = tuple[int, int, int]


def brand_css(brand_colour: str) -> str:
    """Return the style sheet with an application's colours for light and dark pages.

    Raises:
        ValueError: The colour is not of the form `#rrggbb`.
    """
    colour = _rgb(brand_colour)
    light = _readable(colour, 0, tuple(map(_rgb, LIGHT_SURFACES)))
    dark = _readable(colour, 1, tuple(map(_rgb, DARK_SURFACES)))
    return (
        f":root {{\n{_properties(light, _WHITE, _rgb(LIGHT_SURFACES[0]), '  ')}}}\n\n"
        f"@media (prefers-color-scheme: dark) {{\n  :root {{\n"
        f"{_properties(dark, _rgb(DARK_SURFACES[1]), _rgb(DARK_SURFACES[0]), '    ')}  }}\n}}\n"
    )


def contrast(first: str, second: str) -> float:
    """Return the WCAG contrast ratio of two colours (`#rrggbb`), from 1 to 21."""
    return _contrast(_rgb(first), _rgb(second))


def _readable(colour: Rgb, limit: float, surfaces: tuple[Rgb, ...]) -> Rgb:
    """Darken or lighten the colour, in the same hue, until it is readable on every surface and on its own wash."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(channel / 255 for channel in colour))
    for step in range(_STEPS):
        mixed = _from_hls(hue, lightness + (limit - lightness) * step / _STEPS, saturation)
        if all(_contrast(mixed, surface) >= READABLE for surface in (*surfaces, _wash(mixed, surfaces[0]))):
            return mixed
    return _from_hls(hue, limit, saturation)


def _from_hls(hue: float, lightness: float, saturation: float) -> Rgb:
    red, green, blue = (round(channel * 255) for channel in colorsys.hls_to_rgb(hue, lightness, saturation))
    return red, green, blue


def _properties(colour: Rgb, on_colour: Rgb, card: Rgb, indent: str) -> str:
    values = {"brand": colour, "on-brand": on_colour, "brand-wash": _wash(colour, card)}
    return "".join(f"{indent}--{name}: {_hex(value)};\n" for name, value in values.items())


def _wash(colour: Rgb, card: Rgb) -> Rgb:
    return _mixed(card, colour, _WASH)


def _contrast(first: Rgb, second: Rgb) -> float:
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Rgb) -> float:
    red, green, blue = map(_linear, colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: int) -> float:
    share = channel / 255
    return share / 12.92 if share <= _LINEAR_UP_TO else ((share + 0.055) / 1.055) ** 2.4


def _mixed(base: Rgb, added: Rgb, share: float) -> Rgb:
    red, green, blue = (round(b * (1 - share) + a * share) for b, a in zip(base, added, strict=True))
    return red, green, blue


def _rgb(colour: str) -> Rgb:
    if not _COLOUR.fullmatch(colour):
        raise ValueError(f"{colour!r} is not a colour of the form #rrggbb")
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def _hex(colour: Rgb) -> str:
    return "#" + bytes(colour).hex()
