"""Whatever runs in deploy/ may do no more than it must, and is known by its version."""

import re

import pytest

SERVICES = ("migrate", "gateway-1", "gateway-2", "proxy", "postgres", "prometheus", "grafana")
PINNED = re.compile(r":v?\d+\.\d+(\.\d+)?[\w.-]*\Z")
OURS = "poundkey:"


@pytest.fixture(params=SERVICES)
def service(request, compose):
    assert set(compose["services"]) == set(SERVICES)
    return compose["services"][request.param]


def test_a_service_writes_nowhere_but_to_its_volumes_and_has_no_privileges(service):
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"cap_add", "privileged", "pid", "network_mode", "devices"} & set(service)


def test_a_service_is_of_a_known_version_and_can_say_that_it_is_well(service):
    image = service["image"]
    assert image.startswith(OURS) or PINNED.search(image)
    assert image.startswith(OURS) or service["healthcheck"]["test"]  # the gateway's is in its image


def test_a_service_is_reached_from_this_machine_alone_unless_you_say_so(service):
    assert [port for port in service.get("ports", []) if "127.0.0.1:" not in port] == []


def test_the_database_and_the_metrics_have_no_way_out(compose):
    networks, services = compose["networks"], compose["services"]
    assert networks["back"]["internal"]
    assert networks["watch"]["internal"]
    assert services["postgres"]["networks"] == ["back"]
    assert services["prometheus"]["networks"] == ["watch"]


def test_gateways_wait_for_the_migration_and_it_for_the_database(compose):
    services = compose["services"]
    for name in ("gateway-1", "gateway-2"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"


@pytest.mark.parametrize("name", ["deployment", "migrate"])
def test_a_pod_is_restricted(manifest, name):
    pod = manifest(name)["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]


def test_the_image_and_the_pods_have_the_same_user(manifest, deploy):
    image = (deploy / "Dockerfile").read_text()
    for name in ("deployment", "migrate"):
        context = manifest(name)["spec"]["template"]["spec"]["securityContext"]
        assert f"\nUSER {context['runAsUser']}:{context['runAsGroup']}\n" in image


@pytest.mark.parametrize(("name", "path"), [("poddisruptionbudget", "selector"), ("networkpolicy", "podSelector")])
def test_what_guards_the_pods_finds_them(manifest, name, path):
    pods = manifest("deployment")["spec"]["template"]["metadata"]["labels"]
    wanted = manifest(name)["spec"][path]["matchLabels"]
    assert wanted.items() <= pods.items()
    assert manifest("service")["spec"]["selector"].items() <= pods.items()
    assert manifest("deployment")["spec"]["selector"]["matchLabels"].items() <= pods.items()
    assert not manifest("service")["spec"]["selector"].items() <= job_labels(manifest).items()


def job_labels(manifest) -> dict[str, str]:
    return manifest("migrate")["spec"]["template"]["metadata"]["labels"]


def test_a_pod_has_the_time_that_it_takes_to_stop(manifest):
    pod = manifest("deployment")["spec"]["template"]["spec"]
    [container] = pod["containers"]
    waits = int(container["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert waits + 10 < pod["terminationGracePeriodSeconds"]
    probes = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert probes == {"startupProbe": "/readyz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
