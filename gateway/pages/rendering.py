"""Turns the models into pages: one template each, compiled once, every text escaped."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway.domain.enrollment import PhoneKind
from gateway.domain.portal import PortalPage
from gateway.domain.verification import Channel, FailureCode, Status
from gateway.pages.components import (
    DeliveryState,
    ErrorPage,
    Field,
    FormError,
    FormErrorCode,
    FormUse,
    Frame,
    MethodCheck,
    MethodChoice,
    NumberCheck,
)
from gateway.pages.i18n import Localizer
from gateway.pages.models import (
    AppPasswordsPage,
    DonePage,
    FinishPage,
    HelpPage,
    OpenPage,
    Page,
    PhoneForm,
    ProblemPage,
    SettingsPage,
    SignInPage,
    VerifyPage,
)
from gateway.pages.translations import Translations

_HERE = Path(__file__).parent
_STATIC_PATH = "/portal/static/"
_CONTENT_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_VERSION_LENGTH = 12

_TEMPLATES: Mapping[type[Page], str] = {
    OpenPage: "open.html",
    PhoneForm: "phone.html",
    VerifyPage: "verify.html",
    FinishPage: "finish.html",
    DonePage: "done.html",
    SettingsPage: "settings.html",
    AppPasswordsPage: "app_passwords.html",
    SignInPage: "sign_in.html",
    HelpPage: "help.html",
    ProblemPage: "problem.html",
}
_STATE = "verify_state.html"
_ENUMS = (Channel, DeliveryState, FailureCode, FormErrorCode, Field, FormUse, PhoneKind, PortalPage, ErrorPage, Status)


class StaticFile(msgspec.Struct, frozen=True, gc=False):
    """A file that pages refer to; `version` changes with its content, so it may be cached for ever under it."""

    content: bytes
    content_type: str
    version: str


class Pages:
    """Every page, in every language."""

    def __init__(self, texts: Translations) -> None:
        """Read the static files; a template is compiled with its first page, so that no start waits for them.

        Raises:
            OSError: A file is not readable.
        """
        self.texts = texts
        self.static_files: Mapping[str, StaticFile] = MappingProxyType(
            {path.name: _static_file(path) for path in sorted((_HERE / "static").iterdir())}
        )
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {enum.__name__: enum for enum in _ENUMS}
        self._environment.globals |= {"static": self.static_url, "number": _isolated}

    def render(self, page: Page) -> str:
        """Return the page as HTML."""
        return self._environment.get_template(_TEMPLATES[type(page)]).render(self._context(page))

    def render_state(self, page: VerifyPage) -> str:
        """Return the fragment of HTML that goes into the live region of Step 2."""
        return self._environment.get_template(_STATE).render(self._context(page))

    def number_check(
        self, frame: Frame, formatted: str | None, error: FormError | None, methods: tuple[MethodChoice, ...]
    ) -> NumberCheck:
        """Put the answer to the live check of a number into the words of the page."""
        speech = Localizer(self.texts, frame)
        return NumberCheck(
            ok=error is None,
            formatted=formatted,
            message=None if error is None else speech.fault(error),
            methods={choice.channel.value: _method_check(speech, choice) for choice in methods},
        )

    def static_url(self, name: str) -> str:
        """Return where a static file is, its version included; raises KeyError for a name there is not."""
        return f"{_STATIC_PATH}{name}?v={self.static_files[name].version}"

    def _context(self, page: Page) -> dict[str, object]:
        speech = Localizer(self.texts, page.frame)

        def translated(message: str, **values: object) -> Markup:
            return Markup(self.texts.translated(page.frame.locale, message)) % values  # noqa: S704 - ours, or a translator's

        def counted(one: str, many: str, num: int, **values: object) -> Markup:
            message = self.texts.counted(page.frame.locale, one, many, num)
            return Markup(message) % {"num": num, **values}  # noqa: S704 - likewise

        return {
            "_": translated,
            "ngettext": counted,
            "speech": speech,
            "page": page,
            "frame": page.frame,
            "languages": self.texts.languages,
            "language": self.texts.language(page.frame.locale),
        }


def _static_file(path: Path) -> StaticFile:
    content = path.read_bytes()
    version = hashlib.sha256(content).hexdigest()[:_VERSION_LENGTH]
    return StaticFile(content, _CONTENT_TYPES[path.suffix], version)


def _isolated(text: str) -> Markup:
    """Keep a number together and left to right, also amid Arabic."""
    return Markup('<bdi dir="ltr" class="number">{}</bdi>').format(text)


def _method_check(speech: Localizer, choice: MethodChoice) -> MethodCheck:
    reason = None if choice.denied is None else speech.denied_in_full(choice.denied, choice.channel)
    return MethodCheck(allowed=choice.denied is None, reason=reason)
