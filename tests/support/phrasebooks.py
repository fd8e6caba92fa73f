"""The phrasebooks that are shipped, for tests of what is said in every language."""

from pathlib import Path

from gateway.services.phrasebooks import load_phrasebooks

LOCALES_FOLDER = Path(__file__).parents[2] / "config" / "locales"
BOOKS = load_phrasebooks(LOCALES_FOLDER)
LOCALES = sorted(path.name for path in LOCALES_FOLDER.iterdir() if path.is_dir())
EVERY_BOOK = {locale: BOOKS.for_locale(locale) for locale in LOCALES}
