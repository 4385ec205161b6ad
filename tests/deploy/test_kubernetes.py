"""The Kubernetes manifests: their schemas, the restricted profile, and that they fit the product and each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gatetrail.policy.load import load_policy
from gatetrail.service.health import HEALTH_PATHS
from gatetrail.service.serving import LAST_WORDS_S
from gatetrail.settings import ServiceSettings
from gatetrail.times import duration_s
from gatetrail_sinks.fluentd.settings import FluentdSettings
from tests.deploy.shipped import DEPLOY, check_command, document, documents
from tests.deploy.test_container import PROJECT, of_last_stage

pytestmark = pytest.mark.requirement("G4")

FOLDER = DEPLOY / "kubernetes"
KUSTOMIZATION = document(FOLDER / "kustomization.yaml")
EXAMPLE = FOLDER / "secret.example.yaml"
MANIFESTS = [one for name in KUSTOMIZATION["resources"] for one in documents(FOLDER / name)]
OLDEST, NEWEST = "1.30", "1.37"
REPLACED = {"name": "gatetrail", "newTag": PROJECT["project"]["version"]}


def named(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [manifest for manifest in MANIFESTS if manifest["kind"] == kind]


def template_of(manifest: dict[str, Any]) -> dict[str, Any]:
    template: dict[str, Any] = manifest["spec"]["template"]
    return template


RUNNING = [manifest for manifest in MANIFESTS if manifest["kind"] in {"Deployment", "Job"}]
pods = pytest.mark.parametrize("pod", [template_of(manifest)["spec"] for manifest in RUNNING], ids=map(named, RUNNING))


def of_component(component: str) -> dict[str, Any]:
    (found,) = (one for one in RUNNING if one["metadata"]["labels"]["app.kubernetes.io/component"] == component)
    return found


def pod_of(component: str) -> dict[str, Any]:
    pod: dict[str, Any] = template_of(of_component(component))["spec"]
    return pod


def test_each_manifest_keeps_to_the_schema_of_its_kind() -> None:
    validate = Path(sys.executable).with_name("kubernetes-validate")
    files = [FOLDER / name for name in (*KUSTOMIZATION["resources"], EXAMPLE.name)]
    versions = ("--kubernetes-version", OLDEST, "--kubernetes-version", NEWEST)
    command = [validate, "--strict", *versions, *files]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count(" passed for resource ") == 2 * (len(MANIFESTS) + 1)


def test_every_manifest_but_the_example_is_applied() -> None:
    there = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml", EXAMPLE.name}
    assert there == {*KUSTOMIZATION["resources"]}


@pods
def test_a_pod_keeps_to_the_restricted_profile(pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    user, _, group = of_last_stage("USER").partition(":")
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["fsGroup"]) == (int(user), int(group))
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {*container["resources"]["requests"]} == {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]


@pods
def test_a_pod_can_write_where_the_product_writes(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert {mount["name"] for mount in mounts.values()} == {*volumes}
    for path in (of_last_stage("VOLUME"), "/tmp"):
        assert not mounts[path].get("readOnly")
        assert "emptyDir" in volumes[mounts[path]["name"]]


@pods
def test_a_pod_runs_a_command_of_ours_from_our_image(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    check_command(container["args"])
    assert container["image"] == f"{REPLACED['name']}:{REPLACED['newTag']}"
    (image,) = KUSTOMIZATION["images"]
    assert REPLACED.items() <= image.items()


@pods
def test_settings_and_policy_are_where_the_pod_looks(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    (configuration,) = (mount for mount in container["volumeMounts"] if mount["name"] == "config")
    (generated,) = KUSTOMIZATION["configMapGenerator"]
    there = {f"{configuration['mountPath']}/{Path(file).name}" for file in generated["files"]}
    named_by = {one["value"] for one in container["env"] if one["name"] in {"GATETRAIL_CONFIG", "GATETRAIL_POLICY"}}
    assert named_by <= there
    (volume,) = (volume for volume in pod["volumes"] if volume["name"] == "config")
    assert volume["configMap"]["name"] == generated["name"]
    assert all((FOLDER / file).is_file() for file in generated["files"])


@pods
def test_the_secret_has_what_the_settings_name(pod: dict[str, Any]) -> None:
    settings = document(FOLDER / "config" / "service.yaml")
    sink = settings["sinks"]["siem"]
    keys = ("dsn_file", "jwt_secret_file", "redaction_key_file", "state_key_file")
    files = {*(settings[key] for key in keys), sink["shared_key_file"]}
    (mount,) = (mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == "secrets")
    secret = document(EXAMPLE)
    assert files == {f"{mount['mountPath']}/{key}" for key in secret["stringData"]}
    (volume,) = (volume for volume in pod["volumes"] if volume["name"] == "secrets")
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]


def test_settings_and_policy_are_valid() -> None:
    settings = ServiceSettings(**document(FOLDER / "config" / "service.yaml"))
    service = of_kind("Service")[0]["metadata"]["name"]
    assert service in settings.allowed_hosts
    assert f"{service}.{KUSTOMIZATION['namespace']}.svc" in settings.allowed_hosts
    sink = {key: value for key, value in settings.sinks["siem"].items() if key not in {"type", "format"}}
    assert FluentdSettings(**sink).has_shared_key
    assert load_policy(FOLDER / "config" / "policy.yaml").document.servers


def test_the_service_reaches_the_pods_that_answer_and_probes_ask_for_what_exists() -> None:
    (service,) = of_kind("Service")
    template = template_of(of_component("serve"))
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    (container,) = template["spec"]["containers"]
    (port,) = container["ports"]
    assert str(port["containerPort"]) == of_last_stage("EXPOSE")
    assert service["spec"]["ports"][0]["targetPort"] == port["name"]
    probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    assert {probe["port"] for probe in probes} == {port["name"]}
    assert [probe["path"] for probe in probes] == ["/healthz", "/healthz", "/readyz"]
    assert {probe["path"] for probe in probes} <= {*HEALTH_PATHS}
    assert template["metadata"]["annotations"]["prometheus.io/port"] == str(port["containerPort"])


def test_a_pod_has_the_time_to_end_in_order() -> None:
    settings, pod = ServiceSettings(**document(FOLDER / "config" / "service.yaml")), pod_of("serve")
    waits_s = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    needed_s = waits_s + settings.grace_s + LAST_WORDS_S + settings.drain_s
    assert pod["terminationGracePeriodSeconds"] >= needed_s + 10
    exporting = pod_of("export")
    arguments = exporting["containers"][0]["args"]
    drain_s = duration_s(arguments[arguments.index("--deadline") + 1], "--deadline")
    assert exporting["terminationGracePeriodSeconds"] >= max(drain_s, settings.drain_s) + 10


def test_what_selects_pods_selects_some() -> None:
    labels = [template_of(manifest)["metadata"]["labels"] for manifest in RUNNING]
    selectors = [one["spec"]["podSelector"] for one in of_kind("NetworkPolicy")]
    selectors += [one["spec"]["selector"] for one in (*of_kind("PodDisruptionBudget"), *of_kind("Deployment"))]
    spread = pod_of("serve")["topologySpreadConstraints"]
    selectors += [constraint["labelSelector"] for constraint in spread]
    for selector in selectors:
        assert any(selector["matchLabels"].items() <= one.items() for one in labels)


def test_one_pod_may_go_without_the_service_going() -> None:
    (budget,) = of_kind("PodDisruptionBudget")
    assert of_component("serve")["spec"]["replicas"] > budget["spec"]["minAvailable"]


def test_the_network_lets_each_pod_reach_what_its_settings_name() -> None:
    receiver = FluentdSettings(receivers=document(FOLDER / "config" / "service.yaml")["sinks"]["siem"]["receivers"])
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind("NetworkPolicy")}
    export = {port["port"] for rule in policies["gatetrail-export"]["egress"] for port in rule["ports"]}
    assert {one.port for one in receiver.receivers} == export
    everywhere = {port["port"] for rule in policies["gatetrail"]["egress"] for port in rule["ports"]}
    assert everywhere == {53, 5432}
    assert policies["gatetrail"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policies["gatetrail"]
