"""`weft plan` and `weft calibrate --show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import weft as tf
from weft.__main__ import main
from weft.placement import Plan

CLUSTER = """
devices:
  - {name: "/job:worker/task:{i}/device:CPU:0", count: 3, node: host, process: "p{i}", memory_bytes: 1 GiB}
"""


@pytest.fixture()
def files(tmp_path: Path) -> Path:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 256], name="x")
        parts = [tf.layers.dense(x, 256, activation=tf.nn.relu, name=f"branch{i}") for i in range(3)]
        loss = tf.reduce_mean(tf.add_n(parts), name="loss")
        tf.train.GradientDescentOptimizer(0.1).minimize(loss, name="train")
        tf.train.write_graph(graph, str(tmp_path), "graph.pb", as_text=False)
        tf.train.write_graph(graph, str(tmp_path), "graph.pbtxt", as_text=True)
        tf.train.export_meta_graph(str(tmp_path / "graph.meta"))
    (tmp_path / "c.yaml").write_text(CLUSTER)
    return tmp_path


@pytest.mark.parametrize("name", ["graph.pb", "graph.pbtxt", "graph.meta"])
def test_plans_a_graph(files: Path, name: str, capsys: Any) -> None:
    out = [f"--{k}={files / v}" for k, v in
           {"picture": "p.svg", "trace": "t.json", "output": "o.pb", "json": "plan.json"}.items()]  # fmt: skip
    command = [
        "plan",
        str(files / name),
        "--cluster",
        str(files / "c.yaml"),
        "--fetch",
        "train",
        "--budget",
        "0.3",
    ]
    assert main([*command, *out]) == 0
    text = capsys.readouterr().out
    for word in ("predicted by auto", "best single device", "lower bound", "load", "peak memory"):
        assert word in text
    assert (files / "p.svg").read_text().startswith("<svg")
    assert json.loads((files / "t.json").read_text())["traceEvents"]
    plan = Plan.from_json((files / "plan.json").read_text())
    written = tf.GraphDef()
    written.ParseFromString((files / "o.pb").read_bytes())
    placed = {n.name: n.device for n in written.node if n.device}
    assert placed["train"] == plan.placement["train"]
    assert set(placed.values()) <= set(plan.devices)


def test_plans_a_workload(tmp_path: Path, capsys: Any) -> None:
    rows = ["id,cpuLatency,fpgaLatency,successors,cost,maxFPGAs,maxSizePerFPGA"]
    rows += [f"{i},10,1,{i + 1 if i < 5 else ''},0.1,2,1e9" for i in range(6)]
    (tmp_path / "w.csv").write_text("\n".join(rows))
    assert main(["plan", str(tmp_path / "w.csv"), "--budget", "0.2"]) == 0
    assert "GPU:0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"\xff\x00junk", "g.pb", "neither a GraphDef nor a MetaGraphDef"),
        (b"{", "w.json", "cannot read workload"),
        (b"a,b\n1,2\n", "w.csv", "needs the columns id, cpuLatency"),
        (b"id,cpuLatency,fpgaLatency,successors\n0,x,1,\n", "w.csv", "line 2"),
        (b"id,cpuLatency,fpgaLatency,successors\n0,-1,1,\n", "w.csv", "must be at least 0"),
    ],
)
def test_malformed_graphs(tmp_path: Path, content: bytes, name: str, words: str, capsys: Any) -> None:
    (tmp_path / name).write_bytes(content)
    assert main(["plan", str(tmp_path / name)]) == 1
    assert words in capsys.readouterr().err


def test_bad_arguments(files: Path, capsys: Any) -> None:
    graph = str(files / "graph.pb")
    for more, words in (
        (["--fetch", "nothing"], "has no node 'nothing'"),
        (["--planner", "magic"], "there is no planner 'magic'"),
        (["--budget", "-1"], "budget"),
        (["--batch", "0"], "--batch"),
        (["--cluster", str(files / "none.yaml")], "cannot read cluster file"),
    ):
        assert main(["plan", graph, *more]) == 1
        assert words in capsys.readouterr().err
    assert main(["plan", str(files / "none.pb")]) == 1


def test_nothing_was_measured(capsys: Any) -> None:
    assert main(["calibrate", "--show"]) == 1
    assert "weft calibrate" in capsys.readouterr().out
