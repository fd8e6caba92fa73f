"""The warnings about the texts that an applications file makes."""

from gateway.app import CONFIG
from gateway.domain.applications import Applications
from gateway.services.code_texts import CodeTexts
from gateway.services.phrasebooks import load_phrasebooks
from gateway.settings.settings import Settings


def warnings_of(applications: Applications, settings: Settings) -> list[str]:
    """Return one line each; no warning keeps a gateway from serving."""
    return CodeTexts(applications, load_phrasebooks(CONFIG / "locales"), settings.text.bound_origin).warnings()
