"""The Ray cluster: fields that KubeRay knows, pods that Kubernetes takes, nobody else let in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from .custom import faults
from .rendering import CHART, ROOT

FILE = ROOT / "deploy/kuberay/raycluster.yaml"


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    """Everything in the file."""
    return list(yaml.safe_load_all(FILE.read_text(encoding="utf-8")))


@pytest.fixture
def cluster(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The RayCluster."""
    [found] = [o for o in objects if o["kind"] == "RayCluster"]
    return found


def groups(cluster: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The head and the groups of workers."""
    return [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]


def test_it_has_only_fields_that_there_are(cluster: dict[str, Any]) -> None:
    assert faults(cluster) == []
    cluster = {**cluster, "spec": {**cluster["spec"], "headGroup": {}}}
    assert "headGroup" in faults(cluster)[0]


@pytest.mark.requirement("cluster.kuberay")
def test_kubernetes_takes_pods_and_rules(
    cluster: dict[str, Any], objects: list[dict[str, Any]], kubernetes: Any
) -> None:
    for group in groups(cluster):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, **group["template"]}
        kubernetes.validate(pod, "1.37.0", strict=True)
    for policy in objects[1:]:
        assert policy["kind"] == "NetworkPolicy"
        kubernetes.validate(policy, "1.37.0", strict=True)


def test_the_head_runs_no_replica_and_workers_come_and_go(cluster: dict[str, Any]) -> None:
    spec = cluster["spec"]
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert spec["enableInTreeAutoscaling"] is True
    workers = {group["groupName"]: group for group in spec["workerGroupSpecs"]}
    assert workers.keys() == {"gpu", "cpu"}
    for group in workers.values():
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    limits = {n: g["template"]["spec"]["containers"][0] for n, g in workers.items()}
    assert "nvidia.com/gpu" in limits["gpu"]["resources"]["limits"]
    assert "nvidia.com/gpu" not in limits["cpu"]["resources"]["limits"]


def test_all_have_one_image_the_charts(cluster: dict[str, Any]) -> None:
    images = {c["image"] for g in groups(cluster) for c in g["template"]["spec"]["containers"]}
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    version = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))["appVersion"]
    assert images == {f"{values['image']['repository']}:{version}"}


def test_ray_is_of_one_version(cluster: dict[str, Any]) -> None:
    version = cluster["spec"]["rayVersion"]
    dockerfile = (ROOT / "deploy/ray.Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"ray\[[\w,]+\]==([\d.]+)", dockerfile) == [version]
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert f"\nray=={version}\n" in pinned


def test_no_pod_is_root(cluster: dict[str, Any]) -> None:
    for group in groups(cluster):
        spec = group["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        for one in spec["containers"]:
            assert one["securityContext"]["allowPrivilegeEscalation"] is False
            assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_rules_and_gateways_name_this_cluster(
    cluster: dict[str, Any], objects: list[dict[str, Any]]
) -> None:
    name = cluster["metadata"]["name"]
    for policy in objects[1:]:
        assert policy["spec"]["podSelector"]["matchLabels"]["ray.io/cluster"] == name
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert values["networkPolicy"]["rayCluster"] == name
    told = re.findall(r"ray://([\w-]+):(\d+)", FILE.read_text(encoding="utf-8"))
    ports = cluster["spec"]["headGroupSpec"]["template"]["spec"]["containers"][0]["ports"]
    client = next(port["containerPort"] for port in ports if port["name"] == "client")
    assert told == [(f"{name}-head-svc", str(client))]


def test_gateways_of_the_chart_are_let_in(objects: list[dict[str, Any]]) -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    ingress = objects[1]["spec"]["ingress"]
    peers = [peer.get("podSelector", {}).get("matchLabels") for r in ingress for peer in r["from"]]
    gateway = {"app.kubernetes.io/name": chart["name"], "app.kubernetes.io/component": "gateway"}
    assert gateway in peers
