"""The chart, rendered by Helm itself: Kubernetes takes it, our programs take what it gives them,
and pods are as locked up as it says.
"""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest
import yaml
from friendli_server.container import health as container_health
from friendli_server.dedicated import app as gateway_app
from friendli_server.dedicated.cli import app as commands
from friendli_server.dedicated.settings import GatewaySettings
from friendli_server.settings import ContainerSettings, load
from typer.main import get_command

from .custom import faults
from .rendering import ROOT, SETS, Manifest, Release, container, helm, pod, pod_labels, variables

PREFIX = "FRIENDLI_DEDICATED_"
KUBERNETES = ("1.29.0", "1.37.0")


def gateway_settings(release: Release, monkeypatch: pytest.MonkeyPatch) -> GatewaySettings:
    """The settings that the gateway's pods start with."""
    for name, value in variables(release.the("Deployment", "-gateway"), PREFIX):
        monkeypatch.setenv(name, value)
    return GatewaySettings()


@pytest.mark.parametrize("name", SETS)
def test_helm_has_no_complaint(answers: dict[str, Any], name: str) -> None:
    assert answers["complaints"][name] == []


@pytest.mark.requirement("cluster.kubernetes")
@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_object(release: Release, version: str, kubernetes: Any) -> None:
    for found in release.objects:
        if found["apiVersion"] == "monitoring.coreos.com/v1":
            assert faults(found) == []
        else:
            kubernetes.validate(found, version, strict=True)


def test_gateways_start_with_settings_that_there_are(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = release.the("Deployment", "-gateway")
    named = {one["name"] for one in container(workload)["env"] if one["name"].startswith(PREFIX)}
    assert {n.removeprefix(PREFIX).lower() for n in named} <= GatewaySettings.model_fields.keys()
    settings = gateway_settings(release, monkeypatch)
    assert not settings.serves_admin
    ports = {port["name"]: port["containerPort"] for port in container(workload)["ports"]}
    assert ports == {"http": settings.port, "metrics": settings.metrics_port}
    assert settings.results.startswith(("s3://", "gs://"))


def test_values_become_the_gateways_settings(
    releases: dict[str, Release], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = gateway_settings(releases["ray"], monkeypatch)
    assert settings.offer == ["kite=/models/kite", "flux=org/model"]
    assert (settings.hub_models, settings.queue_steps) == (True, 4_000_000)
    assert (settings.retention_hours, settings.replica) == (0.5, [])
    assert getattr(settings, "launcher", None) == "ray://friendli-head-svc:10001"


def test_containers_start_with_settings_that_there_are(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    for workload in release.all("StatefulSet"):
        with monkeypatch.context() as patch:
            for name, value in variables(workload, "FRIENDLI_"):
                assert name.removeprefix("FRIENDLI_").lower() in ContainerSettings.model_fields
                patch.setenv(name, value)
            settings = load({}, None)
        ports = {port["name"]: port["containerPort"] for port in container(workload)["ports"]}
        assert ports == {"http": settings.port, "metrics": settings.metrics_port}
        assert pod(workload)["terminationGracePeriodSeconds"] > settings.drain_seconds


def test_values_become_a_containers_settings(
    releases: dict[str, Release], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables(releases["scaling"].the("StatefulSet", "-kite"), "FRIENDLI_"):
        monkeypatch.setenv(name, value)
    settings = load({}, None)
    assert settings.model == "s3://models/kite"
    assert settings.adapter == {"ink": "/models/ink.safetensors", "oil": "/models/oil.safetensors"}
    assert (settings.max_queue, settings.image_urls) == (2_000_000, False)
    assert settings.alias == ["gpt-image-1", "kite-1"]


def test_stores_of_pictures_and_of_weights_have_keys_of_their_own(
    releases: dict[str, Release],
) -> None:
    def given(workload: Manifest) -> tuple[object, dict[str, str]]:
        return container(workload).get("envFrom"), dict(variables(workload, "AWS_"))

    gateway = given(releases["all"].the("Deployment", "-gateway"))
    assert gateway[0] == [{"secretRef": {"name": "store"}}]
    assert gateway[1] == {"AWS_REGION": "eu-1", "AWS_ENDPOINT": "https://s3.example.org"}
    assert given(releases["all"].the("StatefulSet", "-postcard")) == (None, {})
    weights = given(releases["scaling"].the("StatefulSet", "-kite"))
    assert weights[0] == [{"secretRef": {"name": "weights"}}]
    assert weights[1] == {"AWS_ENDPOINT": "http://minio:9000", "AWS_ALLOW_HTTP": "true"}
    policy = releases["scaling"].the("NetworkPolicy", "-container")
    [rule] = [r for r in policy["spec"]["egress"] if r.get("ports", [{}])[0]["port"] == 9000]
    assert rule["to"] == [{"podSelector": {"matchLabels": {"app": "minio"}}}]


def test_gateways_know_every_pod_that_may_come_by_its_name(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = set()
    for workload in release.all("StatefulSet"):
        name, service = workload["metadata"]["name"], workload["spec"]["serviceName"]
        assert release.the("Service", service)["spec"]["clusterIP"] == "None"
        scalers = [
            h for h in release.all("HorizontalPodAutoscaler") if h["metadata"]["name"] == name
        ]
        assert ("replicas" in workload["spec"]) == (not scalers)
        most = scalers[0]["spec"]["maxReplicas"] if scalers else workload["spec"]["replicas"]
        model = pod_labels(workload)["friendli.container"]
        names |= {f"{model}=http://{name}-{i}.{service}.pictures.svc:8000" for i in range(most)}
    urls = gateway_settings(release, monkeypatch).replica
    assert {url for url in urls if ".svc:" in url} == names


def test_no_pod_is_root_writes_its_image_or_has_a_token(release: Release) -> None:
    assert release.workloads()
    for workload in release.workloads():
        spec, security = pod(workload), container(workload)["securityContext"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert security["readOnlyRootFilesystem"] is True
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}


def test_secrets_are_named_and_never_written(release: Release) -> None:
    for workload in release.workloads():
        for given in container(workload)["env"]:
            if given["name"] == f"{PREFIX}DATABASE":
                assert given["valueFrom"]["secretKeyRef"].keys() == {"name", "key"}
    assert not release.all("Secret")


def test_a_gateway_that_ends_has_time_for_its_longest_request(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = release.the("Deployment", "-gateway")
    longest = gateway_settings(release, monkeypatch).request_seconds
    waits = int(container(workload)["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert pod(workload)["terminationGracePeriodSeconds"] >= longest + waits + 30
    assert workload["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_probes_ask_what_is_answered(release: Release) -> None:
    for workload in release.all("Deployment", "StatefulSet"):
        module = gateway_app if workload["kind"] == "Deployment" else container_health
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container(workload)[probe]["httpGet"]
            assert asked["port"] == "http"
            assert f'"{asked["path"]}"' in inspect.getsource(module)


def test_the_migration_is_a_command_and_runs_before_all_else(release: Release) -> None:
    [job] = release.all("Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert "serviceAccountName" not in pod(job)  # there is none yet
    given, served = container(job), container(release.the("Deployment", "-gateway"))
    group: Any = get_command(commands)
    assert given["args"][0] in group.commands
    assert served["args"][0] in group.commands
    assert given["command"] == served["command"] == ["python", "-m", "friendli_server.dedicated"]
    assert given["image"] == served["image"]


def test_everything_that_selects_pods_finds_some(release: Release) -> None:
    for service in release.all("Service"):
        found = release.selected(service["spec"]["selector"])
        assert len(found) == 1
        names = {port["name"] for port in container(found[0])["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names
    for other in release.all("PodDisruptionBudget", "Deployment", "StatefulSet"):
        assert len(release.selected(other["spec"]["selector"]["matchLabels"])) == 1
    for scaler in release.all("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        release.the(target["kind"], target["name"])
        assert scaler["spec"]["minReplicas"] <= scaler["spec"]["maxReplicas"]
    for policy in release.all("NetworkPolicy"):
        assert release.selected(policy["spec"]["podSelector"]["matchLabels"])


def test_prometheus_finds_gateways_and_containers(releases: dict[str, Release]) -> None:
    release = releases["scaling"]
    [monitor] = release.all("ServiceMonitor")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    services = [s for s in release.all("Service") if wanted <= s["metadata"]["labels"].items()]
    scraped = [s for s in services for port in s["spec"]["ports"] if port["name"] == "metrics"]
    found = [w for s in scraped for w in release.selected(s["spec"]["selector"])]
    assert {w["metadata"]["name"] for w in found} == {
        w["metadata"]["name"] for w in release.all("Deployment", "StatefulSet")
    }


def test_metrics_are_not_shown_where_clients_ask(releases: dict[str, Release]) -> None:
    public = releases["all"].the("Service", "friendli-dedicated")
    assert public["spec"]["type"] == "LoadBalancer"
    assert [port["targetPort"] for port in public["spec"]["ports"]] == ["http"]


def test_only_gateways_reach_containers(releases: dict[str, Release]) -> None:
    for name in SETS.keys() - {"bare", "ray"}:
        release = releases[name]
        [gateway] = release.all("Deployment")
        for workload in release.all("StatefulSet"):
            [policy] = [
                policy["spec"]
                for policy in release.all("NetworkPolicy")
                if workload in release.selected(policy["spec"]["podSelector"]["matchLabels"])
            ]
            [rule] = [r for r in policy["ingress"] if r["ports"][0]["port"] == 8000]
            [peer] = rule["from"]
            assert release.selected(peer["podSelector"]["matchLabels"]) == [gateway]


def test_gateways_reach_containers_that_others_run(releases: dict[str, Release]) -> None:
    egress = releases["all"].the("NetworkPolicy", "-gateway")["spec"]["egress"]
    assert {
        "ports": [{"port": 8000, "protocol": "TCP"}],
        "to": [{"ipBlock": {"cidr": "10.0.0.7/32"}}],
    } in egress


def test_network_rules_can_be_left_to_others(releases: dict[str, Release]) -> None:
    assert not releases["bare"].all("NetworkPolicy", "PodDisruptionBudget")


def test_gateways_reach_the_ray_cluster_only_when_they_use_it(
    releases: dict[str, Release],
) -> None:
    def ray(name: str) -> bool:
        return "ray.io/cluster" in json.dumps(releases[name].the("NetworkPolicy", "-gateway"))

    assert ray("ray")
    assert not ray("default")


def test_tls_ends_at_the_ingress(releases: dict[str, Release]) -> None:
    [ingress] = releases["tls"].all("Ingress")
    [tls], [rule] = ingress["spec"]["tls"], ingress["spec"]["rules"]
    assert tls == {"hosts": ["pictures.example.org"], "secretName": "friendli-tls"}
    backend = rule["http"]["paths"][0]["backend"]["service"]
    service = releases["tls"].the("Service", backend["name"])
    assert backend["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}
    [plain] = releases["all"].all("Ingress")
    assert "tls" not in plain["spec"]


def test_the_guides_values_are_taken() -> None:
    guide = (ROOT / "docs/production.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    told = helm({str(i): yaml.safe_load(block) for i, block in enumerate(blocks)})
    assert told["refused"] == {}
    assert len(told["rendered"]) == 2


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "misspelt": ({"gatway": {}}, "gatway"),
    "folder": ({"store": {"url": "/pictures"}}, "url"),
    "sqlite": ({"database": {"existingSecret": ""}}, "existingSecret"),
    "launcher": ({"launcher": "nomad", "containers": []}, "launcher"),
    "size": ({"gateway": {"replicas": 0}}, "replicas"),
    "name": ({"containers": [{"name": "Kite Flux"}]}, "name"),
    "nobody": ({"containers": []}, "nobody would run replicas"),
    "both": ({"launcher": "ray://head:10001"}, "choose one"),
}


def test_wrong_values_are_refused_with_their_name() -> None:
    told = helm({name: values for name, (values, _) in REFUSED.items()})
    assert told["refused"].keys() == REFUSED.keys()
    for name, (_, word) in REFUSED.items():
        assert word in told["refused"][name], name
