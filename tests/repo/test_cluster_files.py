"""The cluster files of the examples are what Ray and KubeRay take, and the Grafana file asks for metrics that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

LAUNCHER = ("aws.yaml", "gcp-gpu.yaml", "gcp-tpu.yaml")

_FIELDS: dict[str, set[str]] = {
    "": {"apiVersion", "kind", "metadata", "spec"},
    "spec": {
        "rayVersion", "authOptions", "enableInTreeAutoscaling", "autoscalerOptions", "headGroupSpec",
        "workerGroupSpecs", "suspend", "headServiceAnnotations", "gcsFaultToleranceOptions", "managedBy",
    },
    "authOptions": {"mode", "secretName", "enableK8sTokenAuth"},
    "autoscalerOptions": {
        "upscalingMode", "idleTimeoutSeconds", "resources", "image", "imagePullPolicy", "env", "envFrom",
        "volumeMounts", "securityContext", "version",
    },
    "headGroupSpec": {
        "serviceType", "headService", "enableIngress", "rayStartParams", "template", "resources", "labels",
    },
    "workerGroupSpecs": {
        "groupName", "replicas", "minReplicas", "maxReplicas", "numOfHosts", "rayStartParams", "template",
        "scaleStrategy", "suspend", "resources", "labels", "idleTimeoutSeconds",
    },
}  # fmt: skip
"""Field names of the `RayCluster` resource (ray.io/v1)."""


def read(root: Path, name: str) -> Any:
    yaml = pytest.importorskip("yaml")
    with open(root / "examples" / "cluster" / name, encoding="utf-8") as file:
        return yaml.safe_load(file)


@pytest.mark.parametrize("name", LAUNCHER)
def test_rays_schema_takes_the_launchers_files(root: Path, name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    ray = pytest.importorskip("ray")
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    config = read(root, name)
    jsonschema.validate(config, schema)
    types = config["available_node_types"]
    assert config["head_node_type"] in types
    assert sum(t.get("max_workers", 0) for t in types.values()) <= config["max_workers"]
    assert all(t.get("min_workers", 0) == 0 for t in types.values()), "nodes come when they are asked for"
    for commands in ("head_start_ray_commands", "worker_start_ray_commands"):
        assert any("ray start" in c for c in config[commands])
    assert any("--autoscaling-config" in c for c in config["head_start_ray_commands"])
    wrong = json.loads(json.dumps(config))
    wrong["available_node_typos"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)


def test_tpu_nodes_are_single_hosts(root: Path) -> None:
    pytest.importorskip("ray")
    from ray._private.accelerators import TPUAcceleratorManager

    types = read(root, "gcp-tpu.yaml")["available_node_types"].values()
    found = [t for t in types if "acceleratorType" in t["node_config"]]
    assert found
    for node in found:
        assert TPUAcceleratorManager.is_valid_tpu_accelerator_type(node["node_config"]["acceleratorType"])
        assert node["node_config"]["runtimeVersion"]
        assert node["resources"]["TPU"] == 4


def parts(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "", config
    spec = config["spec"]
    yield "spec", spec
    for name in ("authOptions", "autoscalerOptions", "headGroupSpec"):
        yield name, spec[name]
    for group in spec["workerGroupSpecs"]:
        yield "workerGroupSpecs", group


def test_kuberays_field_names(root: Path) -> None:
    config = read(root, "kuberay.yaml")
    assert (config["apiVersion"], config["kind"]) == ("ray.io/v1", "RayCluster")
    for name, part in parts(config):
        assert set(part) <= _FIELDS[name], name
    spec = config["spec"]
    assert spec["autoscalerOptions"]["upscalingMode"] in ("Default", "Aggressive", "Conservative")
    assert spec["authOptions"]["mode"] == "token"
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    for group in groups:
        assert all(isinstance(v, str) for v in group["rayStartParams"].values())
        for container in group["template"]["spec"]["containers"]:
            assert container["image"].startswith(f"rayproject/ray:{spec['rayVersion']}")
            assert set(container["resources"]) == {"limits", "requests"}
    for group in spec["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_grafana_asks_for_metrics_that_devices_report(root: Path) -> None:
    source = (root / "actors" / "metrics.py").read_text()
    reported = set(re.findall(r'"(weft_[a-z_]+)"', source))
    text = (root / "examples" / "cluster" / "grafana-weft.json").read_text()
    asked = {
        re.sub(r"_(total|bucket|count|sum)$", "", name) for name in re.findall(r"ray_(weft_[a-z_]+)", text)
    }
    assert asked, "the dashboard shows nothing"
    assert asked <= reported | {re.sub(r"_(total|bucket|count|sum)$", "", r) for r in reported}
