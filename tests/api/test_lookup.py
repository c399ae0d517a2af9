"""Tables, Python functions and stacks in sessions."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import weft as tf
from weft.graph.ops import stacks
from weft.graph.ops.script import FunctionToken, function_of


def _run(fetches: object, feeds: object = None, *first: object) -> object:
    with tf.Session() as session:
        session.run(tf.tables_initializer())
        for step in first:
            session.run(step)
        return session.run(fetches, feeds)


def test_static_table() -> None:
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1)
    found = table.lookup(tf.constant([["b"], ["z"]]))
    assert found.shape == (2, 1)
    values, size = _run([found, table.size()])
    assert values.tolist() == [[2], [-1]] and size == 2


def test_table_before_it_is_filled() -> None:
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), -1)
    with tf.Session() as session, pytest.raises(tf.errors.FailedPreconditionError, match="not initialized"):
        session.run(table.lookup(tf.constant(["a"])))


def test_two_values_for_a_key() -> None:
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "a"], [1, 2]), -1)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="different value"):
        session.run(table.initializer)


def test_wrong_key_type() -> None:
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), -1)
    with pytest.raises(TypeError, match="string"):
        table.lookup(tf.constant([1]))


def test_vocabulary_with_other_words() -> None:
    table = tf.contrib.lookup.index_table_from_tensor(["x", "y"], num_oov_buckets=3)
    ids, size = _run([table.lookup(tf.constant(["y", "new", "x"])), table.size()])
    assert ids[[0, 2]].tolist() == [1, 0] and 2 <= ids[1] < 5 and size == 5


def test_files(tmp_path: Path) -> None:
    lines = tmp_path / "words.txt"
    lines.write_text("foo\nbar\nbaz\n")
    columns = tmp_path / "columns.txt"
    columns.write_text("a,1\nb,2\n")
    words = tf.contrib.lookup.index_table_from_file(str(lines), vocab_size=2)
    back = tf.contrib.lookup.index_to_string_table_from_file(str(lines))
    pairs = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(str(columns), tf.string, 0, tf.int64, 1, delimiter=","), -1
    )
    found = _run(
        [
            words.lookup(tf.constant(["bar", "baz"])),
            back.lookup(tf.constant([2, 7], tf.int64)),
            pairs.lookup(tf.constant(["b"])),
        ]
    )
    assert [f.tolist() for f in found] == [[1, -1], [b"baz", b"UNK"], [2]]


def test_missing_file() -> None:
    table = tf.contrib.lookup.index_table_from_file("/nowhere/words.txt")
    with tf.Session() as session, pytest.raises(tf.errors.NotFoundError, match=r"words\.txt"):
        session.run(table.initializer)


def test_changing_table() -> None:
    table = tf.contrib.lookup.MutableHashTable(tf.string, tf.float32, [0.0, 0.0])
    keys = tf.placeholder(tf.string, [None])
    with tf.Session() as session:
        session.run(table.insert(["a", "b"], [[1.0, 2.0], [3.0, 4.0]]))
        session.run(table.remove(["b"]))
        assert session.run(table.lookup(keys), {keys: ["a", "b"]}).tolist() == [[1, 2], [0, 0]]
        found = session.run(table.export())
        assert found.keys.tolist() == [b"a"] and found.values.tolist() == [[1, 2]]


def test_dense_table_refuses_its_empty_key() -> None:
    table = tf.contrib.lookup.MutableDenseHashTable(tf.int64, tf.int64, -1, empty_key=0, deleted_key=-7)
    with tf.Session() as session:
        session.run(table.insert(np.array([5]), np.array([50])))
        assert session.run(table.lookup(tf.constant([5, 6], tf.int64))).tolist() == [50, -1]
        with pytest.raises(tf.errors.InvalidArgumentError, match="empty key"):
            session.run(table.insert(np.array([0]), np.array([1])))


def test_sparse_keys() -> None:
    table = tf.contrib.lookup.index_table_from_tensor(["a", "b"])
    found = _run(table.lookup(tf.string_split(["b a", "c"])))
    assert found.values.tolist() == [1, 0, -1] and found.dense_shape.tolist() == [2, 2]


def test_py_func() -> None:
    seen = []
    x = tf.placeholder(tf.float32, [2])
    total, text = tf.py_func(lambda a, b: (a.sum() + b, "é"), [x, tf.constant(1.0)], [tf.float32, tf.string])
    doubled = tf.py_function(lambda a: a.numpy() * 2, [x], tf.float32)
    silent = tf.py_func(lambda a: seen.append(a.tolist()), [x], [])
    with tf.Session() as session:
        values = session.run([total, text, doubled, silent], {x: [1, 2]})
    assert values[0] == 4 and values[1] == "é".encode() and values[2].tolist() == [2, 4] and values[3] is None
    assert seen == [[1, 2]]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: np.float64(1), "float64"),
        (lambda: (1.0, 2.0), "2 values"),
        (lambda: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_py_func_goes_wrong(function: object, message: str) -> None:
    made = tf.py_func(function, [], tf.float32, name="mine")
    with tf.Session() as session, pytest.raises(tf.errors.OpError, match=message) as raised:
        session.run(made)
    assert "mine" in str(raised.value)


def test_a_graph_def_brings_no_python_function() -> None:
    made = tf.py_func(abs, [tf.constant(-1.0)], tf.float32, name="f")
    token = made.op.get_attr("token")
    assert isinstance(token, FunctionToken) and function_of(str(token)) is abs
    graph_def = made.graph.as_graph_def()
    for node in graph_def.node:
        if node.name == "f":
            node.attr["token"].s = b"pyfunc_of_another_program"
    with tf.Graph().as_default():
        tf.import_graph_def(graph_def, name="")
        with (
            tf.Session() as session,
            pytest.raises(tf.errors.FailedPreconditionError, match="no Python function"),
        ):
            session.run("f:0")


def test_a_token_takes_its_function_along() -> None:
    token = pickle.loads(pickle.dumps(FunctionToken("pyfunc_elsewhere", len)))
    assert token == "pyfunc_elsewhere" and token.function is len
    assert function_of("pyfunc_elsewhere") is None


def test_stack() -> None:
    handle = stacks.StackV2(2, elem_type="float32")
    first = stacks.StackPushV2(handle, tf.constant([1.0]))
    with tf.control_dependencies([first]):
        second = stacks.StackPushV2(handle, tf.constant([2.0]))
    with tf.control_dependencies([second]):
        top = stacks.StackPopV2(handle, elem_type="float32")
    with tf.control_dependencies([second]):
        overflow = stacks.StackPushV2(handle, tf.constant([3.0]))
    with tf.Session() as session:
        assert session.run(top).tolist() == [2.0]
        with pytest.raises(tf.errors.InvalidArgumentError, match="overflows"):
            session.run(overflow)
