"""Alerts, dashboard and docs/deploying.md speak of metrics, labels and words that a gateway has."""

import json
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import promql_parser
import yaml
from prometheus_client.parser import text_string_to_metric_families
from support.tables import for_each

from gateway.domain.verification import Channel, FailureCode, Status
from gateway.metrics import GatewayState, Metrics
from gateway.providers.counting import RequestKind, SendResult
from webhooks.routes import CallbackResult

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PAGE = ROOT / "docs" / "deploying.md"
SUFFIXES = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}
ROW = re.compile(r"^\| (?P<names>`poundkey_[^|]*) \|", re.MULTILINE)
NAME = re.compile(r"`(?P<name>poundkey_\w+)`")
NODES = ("expr", "lhs", "rhs", "vector_selector", "param")


def words(*enums: type[Enum]) -> set[str]:
    return {word.value for enum in enums for word in enum}


VALUES = {
    "job": {"poundkey", "proxy"},
    "result": words(SendResult, CallbackResult) | {"right", "wrong"},
    "status": words(Status),
    "failure": words(FailureCode) | {""},
    "kind": {"code", "key", "digits"},
    "channel": words(Channel),
    "request": words(RequestKind),
}


def families() -> dict[str, str]:
    state = GatewayState(
        ready=True, workers={}, open_circuits={}, waiters=0, sends_in_progress=0, sends_queued=0, oldest_queued=0.0
    )
    page = Metrics().render(state).decode()
    return {family.name: family.type for family in text_string_to_metric_families(page)}


def known() -> set[str]:
    return {"up"} | {name + suffix for name, kind in families().items() for suffix in SUFFIXES[kind]}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    return json.loads((DEPLOY / "grafana" / "dashboards" / "poundkey.json").read_text())


def asked() -> list[str]:
    """List every expression that Prometheus is asked."""
    targets = [target for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    return [rule["expr"] for rule in rules()] + [target["expr"] for target in targets]


def selectors(node: Any) -> Iterator[promql_parser.VectorSelector]:  # noqa: ANN401 - a tree of many kinds
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for child in [getattr(node, name, None) for name in NODES] + list(getattr(node, "args", [])):
        if child is not None:
            yield from selectors(child)


@for_each("expression", asked())
def test_an_expression_asks_for_what_is_counted(expression):
    found = list(selectors(promql_parser.parse(expression.replace("$__rate_interval", "5m"))))
    assert found
    assert {selector.name for selector in found} - known() == set()
    for matcher in [matcher for selector in found for matcher in selector.matchers.matchers]:
        assert set(matcher.value.split("|")) <= VALUES[matcher.name]


def test_every_alert_says_what_it_is_and_what_to_do():
    for rule in rules():
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"critical", "warning"}
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))


def test_every_metric_of_ours_is_explained_and_no_other():
    explained = {match["name"] for row in ROW.finditer(PAGE.read_text()) for match in NAME.finditer(row["names"])}
    ours = {name + ("_total" if kind == "counter" else "") for name, kind in families().items()}
    assert explained == {name for name in ours if name.startswith("poundkey_")}


def test_the_dashboard_is_found_and_has_its_source(compose):
    [source] = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    [provider] = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/poundkey.yaml").read_text())["providers"]
    panels = [panel for panel in dashboard()["panels"] if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
    mounts = dict(volume.split(":")[:2] for volume in compose["services"]["grafana"]["volumes"])
    assert mounts["./grafana/dashboards"] == provider["options"]["path"]
    assert len({panel["id"] for panel in dashboard()["panels"]}) == len(dashboard()["panels"])


def test_no_two_panels_lie_on_each_other():
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
