"""The wheel is the whole program: an installed copy has its configuration, catalogs, migrations and pages."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

LOOK = """
import gateway.app, gateway.stores.migrate, simulator.app
from gateway.services.phrasebooks import load_phrasebooks
from pathlib import Path
assert Path(gateway.app.__file__).is_relative_to({target!r}), gateway.app.__file__
books = load_phrasebooks(gateway.app.CONFIG / "locales")
print(books.for_locale("de-AT").locale)
gateway.stores.migrate.migrate("sqlite:///" + {target!r} + "/var/poundkey.db")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    return next(folder.glob("*.whl"))


def run(*arguments: str, cwd: Path = ROOT) -> str:
    done = subprocess.run([sys.executable, *arguments], check=False, capture_output=True, text=True, cwd=cwd)  # noqa: S603 - our own build
    assert done.returncode == 0, done.stderr
    return done.stdout


def files_of(folder: str) -> set[str]:
    skipped = {"__pycache__", "node_modules"}
    paths = [path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()]
    return {path.as_posix() for path in paths if not skipped & set(path.parts)}


def test_it_holds_every_file_and_nothing_else(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    packages = {name for folder in ("gateway", "twiml", "webhooks", "simulator") for name in files_of(folder)}
    config = {f"gateway/_{name}" for name in files_of("config")}
    assert names == packages | config


def test_an_installed_copy_runs_on_its_own_files(wheel, tmp_path):
    target = str(tmp_path / "installed")
    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, str(wheel))
    look = f"import sys; sys.path.insert(0, {target!r})\n{LOOK.format(target=target)}"
    assert run("-c", look, cwd=tmp_path).strip() == "de"
