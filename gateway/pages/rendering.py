"""Renders the models of the pages: one template each, compiled once, every text escaped."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway.domain.enrollment import PhoneKind
from gateway.domain.portal import PortalPage
from gateway.domain.verification import Channel, FailureCode, Mode, Status
from gateway.pages.components import (
    Banner,
    DeliveryState,
    Field,
    FormError,
    FormErrorCode,
    FormUse,
    Frame,
    MethodCheck,
    MethodChoice,
    NumberCheck,
    PageProblem,
    Stage,
)
from gateway.pages.i18n import Localizer, Translations
from gateway.pages.models import (
    AppPasswordsPage,
    DonePage,
    FinishPage,
    HelpPage,
    HomePage,
    OpenPage,
    Page,
    PhoneForm,
    ProblemPage,
    SettingsPage,
    SignInPage,
    VerifyPage,
)

_HERE = Path(__file__).parent
_STATIC_PATH = "/portal/static/"
_CONTENT_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_VERSION_LENGTH = 12

_TEMPLATES: Mapping[type[Page], str] = {
    HomePage: "home.html",
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
_ENUMS = (
    Banner,
    Channel,
    DeliveryState,
    FailureCode,
    FormErrorCode,
    Field,
    FormUse,
    Mode,
    PhoneKind,
    PortalPage,
    PageProblem,
    Stage,
    Status,
)


class StaticFile(msgspec.Struct, frozen=True, gc=False):
    """A static file; `version` is a prefix of the SHA-256 of its content, so browsers may cache its URL for a year."""

    content: bytes
    content_type: str
    version: str


class Pages:
    """Renders every page in every language."""

    def __init__(self, translations: Translations) -> None:
        """Read the static files; templates are compiled when first used, to keep the start short.

        Raises:
            OSError: A file is not readable.
        """
        self.translations = translations
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
        self._environment.globals |= {"static": self.static_url, "number": _left_to_right}

    def render(self, page: Page) -> str:
        """Return the page as HTML."""
        return self._environment.get_template(_TEMPLATES[type(page)]).render(self._context(page))

    def render_state(self, page: VerifyPage) -> str:
        """Return the HTML fragment of the live region of Step 2."""
        return self._environment.get_template(_STATE).render(self._context(page))

    def number_check(
        self, frame: Frame, formatted: str | None, error: FormError | None, methods: tuple[MethodChoice, ...]
    ) -> NumberCheck:
        """Return the answer to the live check of a number, in the language of the page."""
        localizer = Localizer(self.translations, frame)
        return NumberCheck(
            ok=error is None,
            formatted=formatted,
            message=None if error is None else localizer.form_error(error),
            methods={choice.channel.value: _method_check(localizer, choice) for choice in methods},
        )

    def static_url(self, name: str) -> str:
        """Return the versioned path of a static file; raises KeyError for an unknown name."""
        return f"{_STATIC_PATH}{name}?v={self.static_files[name].version}"

    def _context(self, page: Page) -> dict[str, object]:
        localizer = Localizer(self.translations, page.frame)

        def gettext(message: str, **values: object) -> Markup:
            translation = self.translations.gettext(page.frame.locale, message)
            return Markup(translation) % values  # noqa: S704 - from the code or a catalog, where markup is refused

        def ngettext(singular: str, plural: str, num: int, **values: object) -> Markup:
            translation = self.translations.ngettext(page.frame.locale, singular, plural, num)
            return Markup(translation) % {"num": num, **values}  # noqa: S704 - likewise

        return {
            "_": gettext,
            "ngettext": ngettext,
            "i18n": localizer,
            "page": page,
            "frame": page.frame,
            "languages": self.translations.languages,
            "language": self.translations.language(page.frame.locale),
        }


def _static_file(path: Path) -> StaticFile:
    content = path.read_bytes()
    version = hashlib.sha256(content).hexdigest()[:_VERSION_LENGTH]
    return StaticFile(content, _CONTENT_TYPES[path.suffix], version)


def _left_to_right(text: str) -> Markup:
    """Mark a number up so that it stays in one piece and left to right in right-to-left text."""
    return Markup('<bdi dir="ltr" class="number">{}</bdi>').format(text)


def _method_check(localizer: Localizer, choice: MethodChoice) -> MethodCheck:
    reason = None if choice.denial is None else localizer.denial_text(choice.denial, choice.channel)
    return MethodCheck(allowed=choice.denial is None, reason=reason)
