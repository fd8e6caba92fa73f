"""The gateways that deploy/ starts take their settings, and find their secrets where they are put."""

import os
import re
import stat
import subprocess
from pathlib import Path

import pytest

from gateway.settings.settings import Settings, load

ROOT = Path(__file__).parents[2]
SECRETS = Path("/run/secrets")


@pytest.fixture(scope="module")
def secrets(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("deploy") / "secrets"
    make(folder)
    return folder


def make(folder: Path) -> None:
    script = ["sh", str(ROOT / "deploy" / "make-secrets.sh"), str(folder)]
    environment = {"AUTH_TOKEN": "token", "PATH": os.environ["PATH"]}
    subprocess.run(script, check=True, capture_output=True, env=environment)  # noqa: S603 - our own script


def loaded(file: Path, environment: dict[str, str], inside: Path, secrets: Path) -> Settings:
    """Read the settings as in the container, whose secrets are mounted at `inside`."""
    assert all(Path(path).parent == inside for path in environment.values())
    return load(file, {name: str(secrets / Path(path).name) for name, path in environment.items()})


def test_the_gateways_of_the_compose_file_take_their_settings(compose, deploy, secrets):
    services = [compose["services"][name] for name in ("gateway-1", "gateway-2", "migrate")]
    for service in services:
        settings = loaded(deploy / "gateway.toml", service["environment"], SECRETS, secrets)
        assert set(service["secrets"]) == {Path(path).name for path in service["environment"].values()}
        assert settings.database.url.startswith("postgresql://poundkey:")


def test_the_gateways_of_the_manifests_take_their_settings(manifest, secrets, tmp_path):
    config = manifest("configmap")["data"]["gateway.toml"]
    (tmp_path / "gateway.toml").write_text(config)
    for name in ("deployment", "migrate"):
        pod = manifest(name)["spec"]["template"]["spec"]
        [container] = pod["containers"]
        environment = {variable["name"]: variable["value"] for variable in container["env"]}
        loaded(tmp_path / "gateway.toml", environment, SECRETS / "poundkey", secrets)
        assert set(manifest("secret.example")["stringData"]) == {Path(path).name for path in environment.values()}


def test_both_are_set_alike(manifest, deploy, secrets, tmp_path):
    (tmp_path / "gateway.toml").write_text(manifest("configmap")["data"]["gateway.toml"])
    environment = {
        f"POUNDKEY_{name}_FILE": str(secrets / file)
        for name, file in {
            "DATABASE__URL": "database-url",
            "KEYS__SEALING": "sealing",
            "KEYS__FINGERPRINT": "fingerprint",
            "KEYS__CODE": "code",
            "TWILIO__AUTH_TOKEN": "auth-token",
        }.items()
    }
    assert load(tmp_path / "gateway.toml", environment) == load(deploy / "gateway.toml", environment)


def test_every_secret_of_the_compose_file_is_made(compose, secrets):
    named = {Path(secret["file"]) for secret in compose["secrets"].values()}
    assert {path.parent for path in named} == {Path("secrets")}
    assert {path.name for path in named} == {path.name for path in secrets.iterdir()}


def test_secrets_are_yours_alone_are_made_once_and_never_the_same(secrets, tmp_path):
    other = tmp_path / "other"
    make(other)
    before = {path.name: path.read_text() for path in other.iterdir()}
    make(other)
    assert {path.name: path.read_text() for path in other.iterdir()} == before
    assert stat.S_IMODE(other.stat().st_mode) == 0o700
    same = [name for name, secret in before.items() if (secrets / name).read_text() == secret]
    assert same == ["auth-token"]


def test_no_secret_stands_in_a_file(deploy):
    texts = {path: path.read_text() for path in deploy.rglob("*") if path.is_file() and "secrets" not in path.parts}
    value = re.compile(
        r"(?i)(?:password|token|secret|sealing|fingerprint)\w*[\"']?\s*[:=]\s*[\"']?(?!/run/secrets/)[A-Za-z0-9+/=]{16,}"
    )
    assert [(path.name, found[0]) for path, text in texts.items() if (found := value.search(text))] == []


def test_ports_are_the_same_wherever_they_stand(compose, manifest, deploy, secrets):
    settings = loaded(deploy / "gateway.toml", compose["services"]["gateway-1"]["environment"], SECRETS, secrets)
    port, metrics = settings.server.port, settings.server.metrics_port
    image = (deploy / "Dockerfile").read_text()
    assert f"EXPOSE {port} {metrics}\n" in image
    assert f"http://127.0.0.1:{port}/healthz" in image
    for name in ("gateway-1", "gateway-2"):
        assert f"server {name} {name}:{port}\n" in (deploy / "haproxy" / "haproxy.cfg").read_text()
        assert f'"{name}:{metrics}"' in (deploy / "prometheus" / "prometheus.yaml").read_text()
    template = manifest("deployment")["spec"]["template"]
    ports = {each["name"]: each["containerPort"] for each in template["spec"]["containers"][0]["ports"]}
    assert ports == {"http": port, "metrics": metrics}
    assert template["metadata"]["annotations"]["prometheus.io/port"] == str(metrics)
