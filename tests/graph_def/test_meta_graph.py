"""MetaGraphDefs: graphs with their collections."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import weft as tf
from weft.graph.default_graph import get_default_graph
from weft.graph.meta_graph import (
    export_meta_graph,
    import_scoped_meta_graph,
    prepend_name_scope,
    register_proto_function,
    strip_name_scope,
)
from weft.graph.protos import protos


def _model() -> None:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    with tf.name_scope("layer"), tf.device("/device:CPU:0"):
        w = tf.get_variable("w", initializer=np.array([[1.0], [2.0]], np.float32))
        step = tf.get_variable("step", initializer=np.int64(0), trainable=False)
        y = tf.matmul(x, w, name="y")
    tf.add_to_collection("outputs", y)
    tf.add_to_collection("ops", step.assign_add(1).op)
    tf.add_to_collection("counts", 3)
    tf.add_to_collection("rates", 0.5)
    tf.add_to_collection("names", "one")
    tf.add_to_collection("objects", object())
    tf.group(tf.global_variables_initializer(), name="init")


def _check_model(scope: str = "") -> None:
    graph = get_default_graph()
    (y,) = tf.get_collection("outputs")
    assert y.name == f"{scope}layer/y:0"
    assert [v.name for v in tf.global_variables()] == [f"{scope}w:0", f"{scope}step:0"]
    assert tf.trainable_variables() == tf.global_variables()[:1]
    assert graph.get_operation_by_name(f"{scope}w").device == "/device:CPU:0"
    with tf.Session() as sess:
        sess.run(f"{scope}init")
        assert sess.run(y, {f"{scope}x:0": [[1.0, 1.0]]}) == [[3.0]]
        sess.run(tf.get_collection("ops"))
        assert sess.run(tf.global_variables()[1]) == 1


def test_round_trip_in_memory() -> None:
    _model()
    message = export_meta_graph()
    assert "objects" not in message.collection_def
    with tf.Graph().as_default():
        found = import_scoped_meta_graph(message)
        assert sorted(found.variables) == ["step:0", "w:0"]
        assert tf.get_collection("counts") == [3]
        assert tf.get_collection("rates") == [0.5]
        assert tf.get_collection("names") == [b"one"]
        _check_model()
        again = export_meta_graph()
    del message.collection_def["names"], again.collection_def["names"]
    assert {
        k: v for k, v in again.collection_def.items() if k != "ops"
    }.keys() <= message.collection_def.keys()


@pytest.mark.parametrize("as_text", [False, True])
def test_round_trip_through_a_file(as_text: bool, tmp_path: Path) -> None:
    _model()
    path = tmp_path / "model.meta"
    export_meta_graph(str(path), as_text=as_text)
    with tf.Graph().as_default():
        import_scoped_meta_graph(path)
        _check_model()


def test_import_scope() -> None:
    _model()
    message = export_meta_graph()
    with tf.Graph().as_default():
        assert import_scoped_meta_graph(message, import_scope="a").scope == "a"
        _check_model("a/")
        assert import_scoped_meta_graph(message, import_scope="a").scope == "a_1"
        assert [v.name for v in tf.global_variables()] == ["a/w:0", "a/step:0", "a_1/w:0", "a_1/step:0"]


def test_clear_devices() -> None:
    _model()
    message = export_meta_graph(clear_devices=True)
    assert {n.device for n in message.graph_def.node} == {""}
    message = export_meta_graph()
    with tf.Graph().as_default() as graph:
        import_scoped_meta_graph(message, clear_devices=True)
        assert {op.device for op in graph.get_operations()} == {""}


def test_stripped_default_attrs_come_back() -> None:
    _model()
    message = export_meta_graph(strip_default_attrs=True)
    (node,) = [n for n in message.graph_def.node if n.op == "MatMul"]
    assert "transpose_a" not in node.attr
    op = {o.name: o for o in message.meta_info_def.stripped_op_list.op}["MatMul"]
    assert [a.name for a in op.input_arg] == ["a", "b"]
    with tf.Graph().as_default():
        import_scoped_meta_graph(message)
        _check_model()


def test_export_scope() -> None:
    with tf.name_scope("one"):
        a = tf.constant(1.0, name="a")
    with tf.name_scope("two"), tf.control_dependencies([a]):
        b = tf.add(a, 2.0, name="b")
    tf.add_to_collection("all", a)
    tf.add_to_collection("all", b)
    message = export_meta_graph(export_scope="two")
    names = [n.name for n in message.graph_def.node]
    assert names[0] == "unbound_0"
    assert "b" in names
    assert list(message.collection_def["all"].node_list.value) == ["b:0"]
    with tf.Graph().as_default():
        found = import_scoped_meta_graph(
            message, input_map={"unbound_0:0": tf.constant(5.0)}, return_elements=["b:0"]
        )
        with tf.Session() as sess:
            assert sess.run(found.elements[0]) == 7
    with pytest.raises(ValueError, match="no operation under the export scope 'three'"):
        export_meta_graph(export_scope="three")


def test_some_collections_only() -> None:
    _model()
    message = export_meta_graph(collection_list=["counts", "rates"])
    assert sorted(message.collection_def) == ["counts", "rates"]
    with tf.Graph().as_default():
        import_scoped_meta_graph(message, restore_collections_predicate=lambda key: key == "rates")
        assert tf.get_collection("counts") == []


def test_registered_messages() -> None:
    register_proto_function(
        "test_pairs",
        lambda: protos().QueueRunnerDef,
        lambda pair, export_scope: protos().QueueRunnerDef(queue_name=pair[0], enqueue_op_name=[pair[1]]),
        lambda message, import_scope: (message.queue_name, *message.enqueue_op_name),
    )
    tf.add_to_collection("test_pairs", ("a", "b"))
    message = export_meta_graph()
    with tf.Graph().as_default():
        import_scoped_meta_graph(message)
        assert tf.get_collection("test_pairs") == [("a", "b")]


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(tf.errors.NotFoundError, match="no MetaGraphDef at"):
        import_scoped_meta_graph(str(tmp_path / "nothing"))
    with pytest.raises(tf.errors.NotFoundError):
        import_scoped_meta_graph(str(tmp_path))
    (tmp_path / "bad").write_bytes(b"\xff\xfe not a message")
    with pytest.raises(tf.errors.DataLossError, match="holds no MetaGraphDef"):
        import_scoped_meta_graph(tmp_path / "bad")


def test_collections_that_name_nothing() -> None:
    _model()
    message = export_meta_graph()
    message.collection_def["outputs"].node_list.value.append("gone:0")
    with (
        tf.Graph().as_default(),
        pytest.raises(tf.errors.InvalidArgumentError, match="'outputs' names 'gone:0'"),
    ):
        import_scoped_meta_graph(message)
    message = export_meta_graph()
    message.collection_def["variables"].bytes_list.value.append(b"\xff\xff")
    with tf.Graph().as_default(), pytest.raises(tf.errors.InvalidArgumentError, match="malformed member"):
        import_scoped_meta_graph(message)


def test_names_and_scopes() -> None:
    assert strip_name_scope("a/b:0", "a") == "b:0"
    assert strip_name_scope("^a/b", "a") == "^b"
    assert strip_name_scope("loc:@a/b", "a/") == "loc:@b"
    assert strip_name_scope("ab/c", "a") == "ab/c"
    assert prepend_name_scope("b:0", "a") == "a/b:0"
    assert prepend_name_scope("^b", "a/") == "^a/b"
    assert prepend_name_scope("loc:@b", "a") == "loc:@a/b"
    assert prepend_name_scope("b", None) == "b"
