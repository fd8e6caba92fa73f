from pathlib import Path

import pytest

from gateway.services.phrasebooks import Phrasebooks, load_phrasebooks

LOCALES_FOLDER = Path(__file__).parents[2] / "config" / "locales"
LOCALES = sorted(path.name for path in LOCALES_FOLDER.iterdir() if path.is_dir())


@pytest.fixture(scope="session")
def locales_folder():
    return LOCALES_FOLDER


@pytest.fixture(scope="session")
def books():
    return load_phrasebooks(LOCALES_FOLDER)


@pytest.fixture(scope="session", params=LOCALES)
def book(request: pytest.FixtureRequest, books: Phrasebooks):
    return books.for_locale(request.param)
