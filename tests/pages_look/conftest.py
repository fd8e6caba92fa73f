from pathlib import Path

import pytest

from gateway.pages.i18n import Translations, load_translations
from gateway.pages.rendering import Pages


@pytest.fixture(scope="session")
def locales_folder() -> Path:
    return Path(__file__).parents[2] / "config" / "locales"


@pytest.fixture(scope="session")
def texts(locales_folder: Path) -> Translations:
    return load_translations(locales_folder)


@pytest.fixture(scope="session")
def pages(texts: Translations) -> Pages:
    return Pages(texts)
