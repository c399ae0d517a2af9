"""Graphs as GraphDefs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import weft as tf
from weft.graph.protos import from_text, protos, to_text


def _graph() -> tf.Graph:
    graph = tf.Graph()
    with graph.as_default(), graph.device("/job:ps/task:1"):
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        with tf.name_scope("layer"):
            w = tf.constant(np.ones((3, 2), np.float32), name="w")
            y = tf.matmul(x, w, name="mm")
        with graph.control_dependencies([y.op]), graph.colocate_with(w.op):
            tf.identity(w, name="after")
    return graph


def test_nodes_carry_everything() -> None:
    nodes = {n.name: n for n in _graph().as_graph_def().node}
    assert list(nodes) == ["x", "layer/w", "layer/mm", "after"]
    assert list(nodes["layer/mm"].input) == ["x", "layer/w"]
    assert list(nodes["after"].input) == ["layer/w", "^layer/mm"]
    assert list(nodes["after"].attr["_class"].list.s) == [b"loc:@layer/w"]
    assert nodes["x"].device == "/job:ps/task:1"
    assert [d.size for d in nodes["x"].attr["shape"].shape.dim] == [-1, 3]
    assert nodes["layer/mm"].attr["T"].type == 1


def test_defaults_are_written() -> None:
    node = _graph().get_operation_by_name("layer/mm").node_def
    assert set(node.attr) == {"T", "transpose_a", "transpose_b", "grad_a", "grad_b"}
    assert node.attr["transpose_a"].WhichOneof("value") == "b"


def test_output_shapes_and_versions() -> None:
    message = _graph().as_graph_def(add_shapes=True)
    shapes = message.node[2].attr["_output_shapes"].list.shape
    assert [[d.size for d in s.dim] for s in shapes] == [[-1, 2]]
    assert message.versions.producer > 0
    assert "_output_shapes" not in _graph().as_graph_def().node[2].attr


def test_from_version_leaves_out_what_was_there() -> None:
    graph = _graph()
    before = graph.version
    with graph.as_default():
        tf.constant(1.0, name="new")
    assert [n.name for n in graph.as_graph_def(from_version=before).node] == ["new"]


def test_write_graph(tmp_path: Path) -> None:
    from weft.graph.graph_def import write_graph

    graph = _graph()
    text = write_graph(graph, str(tmp_path / "sub"), "g.pbtxt")
    binary = write_graph(graph.as_graph_def(), str(tmp_path / "sub"), "g.pb", as_text=False)
    message = graph.as_graph_def()
    assert from_text("GraphDef", Path(text).read_text()) == message
    assert protos().GraphDef.FromString(Path(binary).read_bytes()) == message
    assert sorted(p.name for p in (tmp_path / "sub").iterdir()) == ["g.pb", "g.pbtxt"]


def test_text_form_of_a_message() -> None:
    message = _graph().as_graph_def()
    assert from_text("GraphDef", to_text(message)) == message
    with pytest.raises(tf.errors.InvalidArgumentError, match="text form"):
        from_text("GraphDef", "node { name: ")
