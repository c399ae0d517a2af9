"""Function bodies: what they capture, what they do, and the plain data that they become."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import weft as tf
from weft.graph.default_graph import get_default_graph
from weft.graph.elements import Tensor
from weft.graph.errors import InvalidArgumentError
from weft.graph.func_graph import FuncGraph, init_scope, lift_reads
from weft.graph.ir import FEED, check_subgraph


def _body(name: str = "body") -> FuncGraph:
    return FuncGraph(name)


def test_a_tensor_from_outside_becomes_an_argument_once() -> None:
    x = tf.placeholder(tf.float32, [2, None])
    body = _body()
    with body.as_default():
        y = x * x + x
    assert list(body.captures) == [x]
    (argument,) = body.inputs
    assert argument.op.type == "Placeholder" and argument.shape.as_list() == [2, None]
    assert y.graph is body and get_default_graph() is x.graph


def test_small_constants_are_copied_and_large_ones_passed() -> None:
    small, large = tf.constant([0, 1]), tf.constant(np.zeros(1000, np.float32))
    body = _body()
    with body.as_default():
        tf.reshape(large, [10, 100])
        picked = tf.identity(small)
    assert list(body.captures) == [large]
    assert picked.op.inputs[0].op.type == "Const"


def test_bodies_within_bodies_capture_through_each_other() -> None:
    x = tf.placeholder(tf.float32, [])
    outer = _body("outer")
    with outer.as_default():
        inner = _body("inner")
        with inner.as_default():
            tf.sin(x)
    (between,) = outer.captures.values()
    assert list(inner.captures) == [between] and list(outer.captures) == [x]


def test_names_in_the_library_are_unique() -> None:
    first, second = _body("cond/true"), _body("cond/true")
    assert (first.name, second.name) == ("cond_true", "cond_true_1")
    assert get_default_graph().functions[second.name] is second


def test_what_a_body_computes_is_not_for_outside() -> None:
    kept: list[Tensor] = []

    def body(i: Tensor) -> Tensor:
        kept.append(i * 2)
        return i + 1

    tf.while_loop(lambda i: i < 3, body, [tf.constant(0)])
    with pytest.raises(InvalidArgumentError, match=r"computed inside a branch.*test_func_graph.py"):
        kept[0] + 1
    with pytest.raises(InvalidArgumentError, match="computed inside"):
        tf.cond(tf.placeholder(tf.bool, []), lambda: kept[0], lambda: tf.constant(1))


def test_a_body_as_plain_data() -> None:
    x = tf.placeholder(tf.float32, [3])
    body = _body()
    first = body.add_argument(tf.int32, tf.TensorShape([]), "i")
    with body.as_default():
        tf.exp(x)
        result = tf.cast(first, tf.float32) * x
    body.outputs = [result]
    subgraph = pickle.loads(pickle.dumps(body.to_subgraph()))
    assert [subgraph.nodes[n].types[0] for n in subgraph.feeds.values()] == [tf.int32, tf.float32]
    assert {n.op for n in subgraph.nodes.values()} == {FEED, "Cast", "Mul"}, "Exp is not needed"
    check_subgraph(subgraph)
    assert body.to_subgraph() is body.to_subgraph()
    with body.as_default():
        body.outputs = [result, tf.identity(result)]
    assert len(body.to_subgraph().fetches) == 2


def test_what_a_body_does() -> None:
    v = tf.Variable([1.0, 2.0])
    shape = tf.placeholder(tf.int32, [1])
    body = _body()
    with body.as_default():
        read = v.read_value()
        written = v.assign(read * 2.0)
        body.outputs = [tf.reshape(written, shape), tf.constant(1)]
    places = {t: i for i, t in enumerate(body.captures)}
    traits = body.traits()
    assert traits.reads >= {places[v.handle]} and traits.writes == {places[v.handle]}
    assert traits.hosts == {places[shape]} and not traits.effect
    with body.as_default():
        body.outputs = [tf.random_uniform([2])]
    assert body.traits().effect
    with body.as_default():
        body.outputs = [tf.constant(1)]
    assert not (body.traits().effect or body.traits().reads), "what is not needed does nothing"


def test_variables_that_are_only_read_are_read_outside() -> None:
    v, w = tf.Variable(1.0), tf.Variable(2.0)
    body = _body()
    with body.as_default():
        read = v.read_value() + w.read_value()
        body.outputs = [read, w.assign(5.0)]
    lift_reads([body])
    kinds = {t.op.type for t in body.captures}
    assert kinds == {"ReadVariableOp", "VarHandleOp"}
    assert [t.op.type for t in body.captures if t.dtype is tf.resource] == ["VarHandleOp"]
    assert next(t for t in body.captures if t.dtype is tf.resource) is w.handle
    check_subgraph(body.to_subgraph())


def test_variables_are_made_outside() -> None:
    def body(i: Tensor) -> Tensor:
        v = tf.Variable(3, name="inside")
        assert v.handle.graph is graph
        return i + v

    graph = get_default_graph()
    total = tf.while_loop(lambda i: i < 9, body, [tf.constant(0)])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(total) == 9


def test_init_scope_leaves_bodies_and_control_dependencies() -> None:
    gate = tf.no_op()
    with tf.control_dependencies([gate]), _body().as_default(), init_scope() as graph:
        made = tf.constant(1)
    assert made.graph is graph is gate.graph and not made.op.control_inputs


def test_bodies_wait_for_operations_outside() -> None:
    order: list[str] = []
    v = tf.Variable(1.0)
    add = v.assign_add(1.0)

    def branch() -> Tensor:
        order.append("traced")
        with tf.control_dependencies([add]):
            return v.read_value()

    result = tf.cond(tf.placeholder_with_default(True, []), branch, lambda: tf.constant(0.0))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(result) == 2.0
    assert order == ["traced"]


def test_seeds_of_bodies() -> None:
    tf.set_random_seed(7)
    assert _body().seed == 7
