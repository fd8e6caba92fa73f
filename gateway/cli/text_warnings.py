"""What is doubtful about the texts that an applications file makes."""

from gateway.app import CONFIG
from gateway.applications import Applications
from gateway.services.code_texts import CodeTexts
from gateway.services.phrasebooks import load_phrasebooks
from gateway.settings import Settings


def doubts_of(applications: Applications, settings: Settings) -> list[str]:
    """Return a line for each doubt; none of them keeps a gateway from serving."""
    return CodeTexts(applications, load_phrasebooks(CONFIG / "locales"), settings.text.bound_origin).doubts()
