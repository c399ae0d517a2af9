"""Parts of graphs, and graphs with their variables frozen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import weft as tf
from weft.graph import graph_util
from weft.graph.protos import from_text


def _nodes(*rows: str) -> Any:
    """A GraphDef of `name op input input ...` rows."""
    parts = []
    for row in rows:
        name, op, *inputs = row.split()
        parts.append(f'node {{ name: "{name}" op: "{op}" ' + " ".join(f'input: "{i}"' for i in inputs) + " }")
    return from_text("GraphDef", "\n".join(parts) + " versions { producer: 7 }")


def _rows(graph_def: Any) -> list[str]:
    return [" ".join([n.name, n.op, *n.input]) for n in graph_def.node]


def test_extract_sub_graph() -> None:
    graph = _nodes("a Const", "b Neg a", "c Neg b", "d Split a", "e Neg d:1 ^c", "f Neg e")
    assert _rows(graph_util.extract_sub_graph(graph, ["c"])) == ["a Const", "b Neg a", "c Neg b"]
    part = graph_util.extract_sub_graph(graph, ["e"])
    assert [n.name for n in part.node] == ["a", "b", "c", "d", "e"]
    assert part.versions.producer == 7
    with pytest.raises(TypeError, match="not a string"):
        graph_util.extract_sub_graph(graph, "c")
    with pytest.raises(AssertionError, match="z is not in graph"):
        graph_util.extract_sub_graph(graph, ["z"])


def test_remove_training_nodes() -> None:
    graph = _nodes(
        "a Const", "i Identity a", "n CheckNumerics i", "j Identity n", "k Identity j ^a", "w Identity k", "z Neg w ^j"
    )  # fmt: skip
    after = graph_util.remove_training_nodes(graph, protected_nodes=["w"])
    assert _rows(after) == ["a Const", "j Identity a", "k Identity j ^a", "w Identity k", "z Neg w ^j"]
    after = graph_util.remove_training_nodes(_nodes("a Const", "n CheckNumerics a", "b Neg a ^n"))
    assert _rows(after) == ["a Const", "b Neg a ^a"]


def _linear() -> tuple[Any, Any]:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    w = tf.get_variable("w", initializer=np.array([[1.0], [2.0]], np.float32))
    b = tf.get_variable("b", initializer=np.array([0.5], np.float32))
    tf.identity(tf.matmul(x, w) + b, name="y")
    tf.global_variables_initializer()
    return w, b


def test_freezing_variables() -> None:
    w, _ = _linear()
    data = np.array([[1.0, 1.0], [2.0, 0.0]], np.float32)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(w.assign([[3.0], [4.0]]))
        expected = sess.run("y:0", {"x:0": data})
        frozen = graph_util.convert_variables_to_constants(sess, sess.graph.as_graph_def(), ["y"])
    assert {n.op for n in frozen.node} == {"Placeholder", "Const", "Identity", "MatMul", "AddV2"}
    with tf.Graph().as_default():
        tf.import_graph_def(frozen, name="")
        with tf.Session() as sess:
            np.testing.assert_array_equal(sess.run("y:0", {"x:0": data}), expected)
    np.testing.assert_array_equal(expected, [[7.5], [6.5]])


def test_freezing_only_some() -> None:
    _linear()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        graph_def = sess.graph.as_graph_def()
        some = graph_util.convert_variables_to_constants(
            sess, graph_def, ["y"], variable_names_whitelist=["w"]
        )
        rest = graph_util.convert_variables_to_constants(
            sess, graph_def, ["y"], variable_names_blacklist=["w"]
        )
    assert [n.name for n in some.node if n.op == "VarHandleOp"] == ["b"]
    assert [n.name for n in rest.node if n.op == "VarHandleOp"] == ["w"]


def test_what_changes_a_variable_cannot_be_frozen() -> None:
    w, _ = _linear()
    update = w.assign_add([[1.0], [1.0]])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="changes a variable"):
            graph_util.convert_variables_to_constants(sess, sess.graph.as_graph_def(), [update.op.name])


def test_an_uninitialized_variable_cannot_be_frozen() -> None:
    _linear()
    with tf.Session() as sess, pytest.raises(tf.errors.FailedPreconditionError, match="w"):
        graph_util.convert_variables_to_constants(sess, sess.graph.as_graph_def(), ["y"])
