"""The first examples: a line, digits, parameter servers; each learns, small, on several devices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft as tf

TARGETS = ["local", pytest.param("ray", marks=pytest.mark.ray)]


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    return str(request.param)


@pytest.mark.ray
def test_a_line_on_ray(ray_cluster: Any, tmp_path: Path) -> None:
    from examples import linear_regression

    line = linear_regression.fit_fed("ray", 100)
    assert abs(line.slope - linear_regression.SLOPE) < 0.05
    linear_regression.write_csv(tmp_path / "points.csv")
    assert len(linear_regression.fit_csv("ray", tmp_path / "points.csv", 3, tmp_path).losses) == 3


def test_a_line_from_memory_and_from_a_file(tmp_path: Path) -> None:
    from examples import linear_regression

    target = "local"
    assert linear_regression.main([f"--target={target}", "--steps=150", f"--out={tmp_path}"]) == 0
    assert (tmp_path / "lines.png").stat().st_size > 5000
    assert list(tmp_path.glob("events.out.tfevents.*"))


@pytest.mark.parametrize(("kind", "rate", "least"), [("softmax", 0.05, 0.9), ("conv", 0.005, 0.92)])
def test_digits_with_tensorboard(tmp_path: Path, kind: str, rate: float, least: float) -> None:
    from examples import softmax_and_conv as example

    data = example.load_digits()
    model = example.build(kind, rate)
    with tf.Session("local", cluster=example.CLUSTER) as session:
        losses, accuracy = example.train(session, model, data, 100, tmp_path)
        devices = {d.name for d in session.list_devices()}
        used = set(
            session.plan(
                model.train, example.feed(model, data.train_x[:8], data.train_y[:8])
            ).placement.values()
        )
    assert used == devices
    assert np.mean(losses[-10:]) < 0.4 * losses[0] and accuracy > least
    events = [e for p in tmp_path.glob("events.*") for e in tf.train.summary_iterator(p)]
    tags = {v.tag for e in events for v in e.summary.value}
    assert {"loss", "accuracy", "digits/image/0"} <= tags
    assert any(t.endswith("kernel") for t in tags)
    assert {e.WhichOneof("what") for e in events} >= {"graph_def", "tagged_run_metadata", "summary"}
    traced = tf.RunMetadata()
    traced.ParseFromString(
        next(
            e for e in events if e.WhichOneof("what") == "tagged_run_metadata"
        ).tagged_run_metadata.run_metadata
    )
    for device in traced.step_stats.dev_stats:
        for node in device.node_stats:
            # Without these TensorBoard shows no compute times at all.
            assert node.all_start_micros > 0 and node.all_end_rel_micros > 0
            assert all(o.tensor_description.HasField("shape") for o in node.output)
    codes = np.loadtxt(tmp_path / "codes.tsv")
    assert len(codes) == len((tmp_path / "labels.tsv").read_text(encoding="utf-8").split())


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_parameter_servers(target: str, mode: str) -> None:
    from examples import async_ps

    result: Any = async_ps.run(target, mode, workers=3, steps=60)
    assert result.accuracy > 0.85
    assert result.updates == (180 if mode == "async" else 60)
    for losses in result.losses:
        assert len(losses) == 60 and np.mean(losses[-10:]) < 0.5 * losses[0]
