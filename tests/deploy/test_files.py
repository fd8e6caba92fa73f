"""Every file of deploy/ is one that its program takes."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
MANIFESTS = sorted(path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.stem != "kustomization")
COPIED = "COPY "


def run(program: str | Path, *arguments: str | Path) -> None:
    done = subprocess.run([program, *arguments], check=False, capture_output=True, text=True, cwd=ROOT)  # noqa: S603 - our own files
    assert done.returncode == 0, done.stdout + done.stderr


def test_yaml_is_tidy():
    run(BIN / "yamllint", "--strict", "--config-file", DEPLOY / ".yamllint", DEPLOY)


def test_the_image_has_no_known_mistakes():
    run(BIN / "hadolint", DEPLOY / "Dockerfile")


def test_a_build_fetches_one_known_image_and_no_other():
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    fetched = [line for line in lines if line.startswith(("# syntax", "ARG PYTHON", "FROM "))]
    assert re.fullmatch(r"ARG PYTHON=\d+\.\d+\.\d+-slim-\w+", fetched[0])
    assert fetched[1:] == ["FROM python:${PYTHON} AS build", "FROM python:${PYTHON}"]


def test_compose_takes_its_file():
    run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def test_kubernetes_takes_its_manifests():
    run(BIN / "kubernetes-validate", "--strict", "--quiet", *MANIFESTS)


def test_the_kustomization_names_every_manifest_but_the_example():
    named = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    assert sorted(named) == [path.name for path in MANIFESTS if path.name != "secret.example.yaml"]


def test_the_image_is_made_of_what_is_there_and_what_it_may_see():
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    copies = [line.split()[1:-1] for line in lines if line.startswith(COPIED) and "--from=" not in line]
    sources = {source for copied in copies for source in copied}
    allowed = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    assert sources == allowed
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_no_shell_script_is_more_than_posix():
    run("sh", "-n", DEPLOY / "make-secrets.sh")
