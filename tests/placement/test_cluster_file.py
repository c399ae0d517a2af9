"""Clusters as files: what is read is what was written, and what is wrong is said with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from weft.graph.errors import PlacementError
from weft.placement import Cluster, Link, device_info
from weft.placement.cluster_file import parse_cluster, quantity
from weft.placement.op_times import OpTimes

YAML = """
devices:
  - name: /job:worker/task:{i//2}/device:GPU:{i%2}
    count: 4
    node: host{i//2}
    process: gpu{i}
    memory_bytes: 16 GiB
    flops: {float32: 10 TFLOP/s}
    bytes_per_second: 900 GB/s
    op_seconds: 4 us
  - name: /job:ps/task:0/device:CPU:0
    node: host0
links:
  gpu_to_gpu: {latency_seconds: 5 us, bytes_per_second: 100 GB/s}
  between_nodes: {latency_seconds: 20 us, bytes_per_second: 10e9, shared: "nic:{src_node}"}
  pairs:
    - {from: /job:ps/task:0/device:CPU:0, to: /job:worker/task:0/device:GPU:0, latency_seconds: 1 ms,
       bytes_per_second: 1 GB/s, both: true}
processors: {cores: 2}
step_seconds: 50 us
"""


def test_reads_yaml_with_units_and_counts() -> None:
    cluster = parse_cluster(YAML, "c.yaml")
    assert len(cluster.devices) == 5
    last = cluster.devices[3]
    assert last.name == "/job:worker/replica:0/task:1/device:GPU:1"
    assert (last.node, last.process, last.memory_bytes) == ("host1", "gpu3", 16 * 2**30)
    assert last.flops == {"float32": 1e13}
    assert last.op_seconds == pytest.approx(4e-6)
    link = cluster.link(cluster.names[0], cluster.names[1])
    assert (link.latency_seconds, link.bytes_per_second) == pytest.approx((5e-6, 1e11))
    assert cluster.link(cluster.names[0], cluster.names[2]).shared == "nic:host0"
    assert cluster.link(cluster.names[0], cluster.names[4]).latency_seconds == pytest.approx(1e-3)
    assert cluster.processors == {"cores": 2}
    assert cluster.step_seconds == pytest.approx(5e-5)


@pytest.mark.parametrize("name", ["c.json", "c.yaml"])
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    times = {"Neg:float32": OpTimes(1e-6, per_byte=1e-9, points=((1.0, 8.0, 1.5),))}
    made = Cluster(
        (
            device_info("/job:w/task:0/cpu:0", op_times=times, turns="cores", node="a"),
            device_info("/job:w/task:1/cpu:0", node="a", process="p", memory_bytes=1e9, streams=2),
        ),
        caller=Link(1e-4, 1e9),
        processors={"cores": 1},
        stage_seconds=1e-5,
        pairs={
            ("/job:w/replica:0/task:0/device:CPU:0", "/job:w/replica:0/task:1/device:CPU:0"): Link(
                1e-3, 1e8, "x"
            )
        },
    )
    made.save(tmp_path / name)
    read = Cluster.load(tmp_path / name)
    assert read.to_dict() == made.to_dict()
    assert read.devices == made.devices
    assert read.pairs == made.pairs


def test_from_plain_data() -> None:
    cluster = Cluster.from_dict({"devices": [{"name": "/job:w/task:0/cpu:0", "flops": "50 GFLOP/s"}]})
    assert cluster.devices[0].rate("float64") == 5e10


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("16 GiB", "bytes", 2.0**34),
        ("1.5GB/s", "bytes/s", 1.5e9),
        ("300 us", "seconds", 3e-4),
        ("5e10", "", 5e10),
        ("16 GiB", "seconds", None),
        ("much", "bytes", None),
        (True, "", None),
    ],
)
def test_quantities(value: Any, unit: str, expected: float | None) -> None:
    found = quantity(value, unit)
    assert found == (None if expected is None else pytest.approx(expected))


DEVICE = "/job:w/task:0/cpu:0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("devices: [", "line 1: this is no YAML"),
        ("links: {}", "needs `devices`"),
        ("devices: []", "at least one device"),
        ("devices:\n  - {kind: CPU}", r"line 2: devices\[0\] needs a `name`"),
        (
            "devices:\n  - name: worker0",
            r"line 2: devices\[0\] is no device: .*leaves parts open|line 2: .*worker0",
        ),
        (f"devices:\n  - name: {DEVICE}\n    speed: 3", r"line 3: devices\[0\]\.speed is no field"),
        (
            f"devices:\n  - name: {DEVICE}\n    kind: DSP",
            r"line 3: .*kind must be one of CPU, GPU, TPU, got 'DSP'",
        ),
        (
            f"devices:\n  - name: {DEVICE}\n    memory_bytes: -1",
            r"line 3: .*memory_bytes must be at least 0, got -1",
        ),
        (f"devices:\n  - name: {DEVICE}\n    flops: .nan", r"flops must be above 0, got nan"),
        (
            f"devices:\n  - name: {DEVICE}\n    flops: lots",
            r"must be a number with or without a unit .*got 'lots'",
        ),
        (f"devices:\n  - name: {DEVICE}\n    streams: 1.5", r"streams must be a whole number, got 1.5"),
        (f"devices:\n  - name: {DEVICE}\n  - name: {DEVICE}", r"named twice"),
        (f"devices: [{{name: {DEVICE}}}]\nlinks: {{usb: {{}}}}", r"links\.usb is no field"),
        (
            f"devices: [{{name: {DEVICE}}}]\nlinks:\n  same_node: {{latency_seconds: 1}}",
            r"line 3: .*needs `bytes_per_s",
        ),
        (
            f"devices: [{{name: {DEVICE}}}]\nlinks:\n  pairs:\n    - {{from: {DEVICE}, to: /job:x/task:0/cpu:0, "
            "latency_seconds: 1, bytes_per_second: 1}",
            r"line 4: links\.pairs\[0\]\.to names device .* which is not there",
        ),
        (f"devices:\n  - name: {DEVICE}\n    name: {DEVICE}", r"line 3: devices\[0\]\.name is given twice"),
    ],
)
def test_malformed_files_say_where(text: str, message: str) -> None:
    with pytest.raises(PlacementError, match=message):
        parse_cluster(text, "c.yaml")


def test_malformed_json_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(PlacementError, match=r"c\.json is no JSON: .*line 1"):
        parse_cluster('{"devices": ', "c.json")
    with pytest.raises(PlacementError, match=r"c\.json, line 3: devices\[0\]\.streams"):
        parse_cluster(f'{{"devices": [\n {{"name": "{DEVICE}",\n  "streams": 0}}]}}', "c.json")
    with pytest.raises(PlacementError, match="cannot read cluster file"):
        Cluster.load(tmp_path / "none.yaml")


def test_a_thousand_devices() -> None:
    data = {"devices": [{"name": "/job:w/task:{i//8}/device:GPU:{i%8}", "count": 1000, "node": "m{i//8}"}]}
    cluster = Cluster.from_dict(json.loads(json.dumps(data)))
    assert len(cluster.devices) == 1000
    assert len({d.node for d in cluster.devices}) == 125
