"""Graphs travel: what TensorFlow wrote runs in weft, what weft wrote runs in TensorFlow, to the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft

from .travel import Written, assert_same, in_tensorflow, in_weft, send_back, write

pytestmark = pytest.mark.tensorflow

X = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
Y = np.random.default_rng(1).normal(size=(8, 2)).astype(np.float32)
LABELS = np.array([0, 1, 1, 0, 1, 0, 0, 1])

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "descent": lambda tf: tf.train.GradientDescentOptimizer(0.1),
    "momentum": lambda tf: tf.train.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda tf: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adam": lambda tf: tf.train.AdamOptimizer(0.05),
    "adagrad": lambda tf: tf.train.AdagradOptimizer(0.1),
    "adadelta": lambda tf: tf.train.AdadeltaOptimizer(0.1),
    "rmsprop": lambda tf: tf.train.RMSPropOptimizer(0.05, momentum=0.5),
    "centered": lambda tf: tf.train.RMSPropOptimizer(0.05, centered=True),
    "ftrl": lambda tf: tf.train.FtrlOptimizer(0.1, l1_regularization_strength=0.01),
}


def _training(tf: Any, optimizer: Callable[[Any], Any], use_resource: bool) -> list[Any]:
    """A small network, an embedding included, and a step of its training."""
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    labels = tf.placeholder(tf.int64, [None], name="labels")
    with tf.variable_scope("net", use_resource=use_resource):
        rows = np.linspace(-1, 1, 8).reshape(2, 4).astype(np.float32)
        table = tf.get_variable("table", initializer=rows)
        w = tf.get_variable("w", initializer=np.linspace(-0.5, 0.5, 12).reshape(3, 4).astype(np.float32))
        v = tf.get_variable("v", initializer=np.linspace(0.5, -0.5, 8).reshape(4, 2).astype(np.float32))
        hidden = tf.nn.relu(tf.matmul(x, w)) + tf.gather(table, labels)
        logits = tf.matmul(hidden, v)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    step = tf.get_variable("step", initializer=np.int64(0), trainable=False, use_resource=use_resource)
    train = optimizer(tf).minimize(loss, global_step=step, name="train")
    tf.group(tf.global_variables_initializer(), name="setup")
    with tf.control_dependencies([train]):
        after = tf.identity(step.read_value(), name="after")
    return [tf.identity(loss, name="loss"), after]


STEPS = [{"x:0": X, "labels:0": LABELS}, {"x:0": X[:5], "labels:0": LABELS[:5]}] * 3


@pytest.mark.parametrize("use_resource", [False, True], ids=["references", "resources"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training(optimizer: str, use_resource: bool, tf1: Any) -> None:
    written = write(tf1, lambda tf: _training(tf, OPTIMIZERS[optimizer], use_resource))
    expected = in_tensorflow(tf1, written, STEPS, ["setup"])
    assert_same(in_weft(written, STEPS, ["setup"]), expected, rtol=1e-4)
    assert_same(in_tensorflow(tf1, send_back(written), STEPS, ["setup"]), expected, rtol=1e-4)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_that_weft_wrote(optimizer: str, tf1: Any) -> None:
    graph = weft.Graph()
    with graph.as_default():
        outputs = _training(weft, OPTIMIZERS[optimizer], True)
    written = Written(graph.as_graph_def(), [o.name for o in outputs])
    assert_same(in_weft(written, STEPS, ["setup"]), in_tensorflow(tf1, written, STEPS, ["setup"]), rtol=1e-4)


def test_variables_are_fetched_by_name_as_before(tf1: Any) -> None:
    written = write(tf1, lambda tf: _training(tf, OPTIMIZERS["descent"], False))
    fetches = Written(written.graph_def, ["net/w:0", "net/w/Assign:0", "net/w/read:0"])
    assert_same(in_weft(fetches, [{}], ["setup"]), in_tensorflow(tf1, fetches, [{}], ["setup"]))


def _old_variables(tf: Any) -> list[Any]:
    """Ops that change reference variables, chained and in the order that control inputs ask for."""
    v = tf.get_variable("v", initializer=np.arange(6, dtype=np.float32).reshape(3, 2), use_resource=False)
    n = tf.get_variable("n", initializer=np.int32(0), use_resource=False)
    doubled = tf.assign(v, v * 2)
    with tf.control_dependencies([doubled]):
        seen = v.read_value()
        direct = tf.add(v._ref(), 1.0)
    chained = tf.assign_sub(
        tf.assign_add(tf.get_variable("c", initializer=1.0, use_resource=False), 5.0), 2.0
    )
    scattered = tf.scatter_update(v, [0, 2], [[9.0, 9.0], [8.0, 8.0]])
    with tf.control_dependencies([scattered]):
        nd = tf.scatter_nd_add(v, [[1, 1]], [100.0])
    counted = tf.count_up_to(n, 5)
    ready = tf.is_variable_initialized(n)
    tf.group(tf.global_variables_initializer(), name="setup")
    return [seen, direct, chained, nd, counted, ready]


@pytest.mark.parametrize("fetch", range(6))
def test_old_variables(fetch: int, tf1: Any) -> None:
    written = write(tf1, _old_variables)
    one = Written(written.graph_def, [written.fetches[fetch]])
    expected = in_tensorflow(tf1, one, [{}] * 3, ["setup"])
    assert_same(in_weft(one, [{}] * 3, ["setup"]), expected)
    assert_same(in_tensorflow(tf1, send_back(one), [{}] * 3, ["setup"]), expected)


def _many_types(tf: Any) -> list[Any]:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    return [
        tf.cast(x, tf.bfloat16),
        tf.cast(x, tf.float16) + tf.constant(0.1, tf.float16),
        tf.complex(x, x * 2),
        tf.cast(x * 100, tf.int8),
        tf.constant(np.array([[b"a", b"bc"]], dtype=object)),
        tf.string_join([tf.constant(["a", "b"]), tf.constant("z")]),
        tf.constant([True, False]),
        tf.constant(2**63 + 5, tf.uint64),
        tf.zeros([2, 0, 3]),
        tf.fill([100, 100], 3.5),
        tf.concat([x, x], 1)[:, ::2],
    ]


def test_types_and_constants(tf1: Any) -> None:
    written = write(tf1, _many_types)
    expected = in_tensorflow(tf1, written, [{"x:0": X}])
    assert_same(in_weft(written, [{"x:0": X}]), expected)
    assert_same(in_tensorflow(tf1, send_back(written), [{"x:0": X}]), expected)


def test_meta_graph_that_tensorflow_wrote(tf1: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "model.meta")
    for use_resource in (False, True):
        with tf1.Graph().as_default():
            outputs = _training(tf1, OPTIMIZERS["adam"], use_resource)
            tf1.add_to_collection("outputs", outputs[0])
            tf1.train.export_meta_graph(path)
            with tf1.Session() as sess:
                sess.run("setup")
                expected = [sess.run([o.name for o in outputs], s) for s in STEPS]
                names = [v.name for v in tf1.global_variables()]
                trained = sess.run(tf1.trainable_variables())
        with weft.Graph().as_default():
            weft.train.import_meta_graph(path)
            assert [v.name for v in weft.global_variables()] == names
            assert [v.name for v in weft.trainable_variables()] == names[:3]
            with weft.Session() as sess:
                sess.run(weft.global_variables_initializer())
                fetches = [weft.get_collection("outputs")[0], outputs[1].name]
                assert_same([sess.run(fetches, s) for s in STEPS], expected, rtol=1e-4)
                assert_same([sess.run(weft.trainable_variables())], [trained], rtol=1e-4)
                variable = weft.trainable_variables()[0]
                sess.run(variable.assign(np.zeros((2, 4), np.float32)))
                assert not sess.run(variable).any()


def test_meta_graph_that_weft_wrote(tf1: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "model.meta")
    with weft.Graph().as_default():
        outputs = _training(weft, OPTIMIZERS["momentum"], True)
        weft.add_to_collection("outputs", outputs[0])
        weft.train.export_meta_graph(path)
        with weft.Session() as sess:
            sess.run("setup")
            expected = [sess.run([o.name for o in outputs], s) for s in STEPS]
            names = [v.name for v in weft.global_variables()]
    with tf1.Graph().as_default():
        tf1.train.import_meta_graph(path)
        assert [v.name for v in tf1.global_variables()] == names
        with tf1.Session() as sess:
            sess.run(tf1.global_variables_initializer())
            got = [sess.run([tf1.get_collection("outputs")[0], outputs[1].name], s) for s in STEPS]
            assert_same(got, expected, rtol=1e-4)


def test_frozen_graphs(tf1: Any) -> None:
    with tf1.Graph().as_default() as graph:
        _training(tf1, OPTIMIZERS["adam"], True)
        with tf1.Session() as sess:
            sess.run("setup")
            sess.run("train", STEPS[0])
            frozen = tf1.graph_util.convert_variables_to_constants(sess, graph.as_graph_def(), ["loss"])
    written = Written(frozen, ["loss:0"])
    assert_same(in_weft(written, STEPS), in_tensorflow(tf1, written, STEPS))
    with weft.Graph().as_default() as ours:
        _training(weft, OPTIMIZERS["adam"], True)
        with weft.Session() as session:
            session.run("setup")
            session.run("train", STEPS[0])
            frozen = weft.graph_util.convert_variables_to_constants(session, ours.as_graph_def(), ["loss"])
    written = Written(frozen, ["loss:0"])
    assert not any("Variable" in n.op for n in frozen.node)
    assert_same(in_weft(written, STEPS), in_tensorflow(tf1, written, STEPS))


def test_tensorflow_reads_the_op_list(tf1: Any) -> None:
    """The OpDefs that travel with a MetaGraphDef say what TensorFlow's own say."""
    from tensorflow.python.framework import op_def_registry

    with weft.Graph().as_default():
        _training(weft, OPTIMIZERS["adam"], True)
        ops = weft.train.export_meta_graph().meta_info_def.stripped_op_list.op
    for op in ops:
        theirs = op_def_registry.get(op.name)
        assert [a.name for a in op.input_arg] == [a.name for a in theirs.input_arg]
        attrs = {a.name: a for a in theirs.attr}
        for attr in op.attr:
            expected = attrs[attr.name].default_value.SerializeToString(deterministic=True)
            assert attr.default_value.SerializeToString(deterministic=True) == expected, (op.name, attr.name)
