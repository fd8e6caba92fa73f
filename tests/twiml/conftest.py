import pytest
from support.phrasebooks import BOOKS, LOCALES_FOLDER


@pytest.fixture(scope="session")
def locales_folder():
    return LOCALES_FOLDER


@pytest.fixture(scope="session")
def books():
    return BOOKS
