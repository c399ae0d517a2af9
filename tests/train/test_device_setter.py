"""Layouts by `replica_device_setter`: in turn, by bytes, by a load of the caller's own; data-parallel towers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import weft as tf
from weft.graph.ops.state import VarHandleOp
from weft.train.device_setter import GreedyLoadBalancingStrategy, byte_size_load_fn

SHAPES = ([100, 100], [10], [10], [50, 50], [10], [60, 60])


def _servers(strategy: Any, count: int = 2) -> list[int]:
    with tf.Graph().as_default(), tf.device(tf.train.replica_device_setter(count, ps_strategy=strategy)):
        made = [tf.get_variable(f"v{i}", shape) for i, shape in enumerate(SHAPES)]
    return [int(v.device.split("task:")[1].split("/")[0]) for v in made]


def test_in_turn() -> None:
    assert _servers(None) == [0, 1, 0, 1, 0, 1]
    assert _servers(None, 3) == [0, 1, 2, 0, 1, 2]


def test_by_bytes() -> None:
    found = _servers(GreedyLoadBalancingStrategy(2, byte_size_load_fn))
    assert found == [0, 1, 1, 1, 1, 1]
    load = [sum(np.prod(s) * 4 for s, f in zip(SHAPES, found, strict=True) if f == task) for task in (0, 1)]
    assert abs(load[0] - load[1]) <= 4 * 10_000


def test_by_a_load_of_ones_own() -> None:
    assert _servers(GreedyLoadBalancingStrategy(2, lambda op: 1.0)) == [0, 1, 0, 1, 0, 1]
    heavy = {"v0": 5.0}
    assert _servers(GreedyLoadBalancingStrategy(2, lambda op: heavy.get(op.name, 1.0))) == [0, 1, 1, 1, 1, 1]


def test_by_bytes_of_unknown_size() -> None:
    with tf.Graph().as_default():
        handle = VarHandleOp(dtype=tf.float32, shape=tf.TensorShape([None, 2]))
        with pytest.raises(ValueError, match="is not known"):
            byte_size_load_fn(handle.op)


def test_a_strategy_must_be_a_function() -> None:
    with pytest.raises(TypeError, match="must be a function"):
        tf.train.replica_device_setter(2, ps_strategy=3)
    assert tf.train.replica_device_setter(0) is None


def _train(towers: int, servers: int) -> tuple[np.ndarray[Any, Any], Any]:
    """Data-parallel training: towers on workers, weights on parameter servers by bytes."""
    x = np.random.default_rng(0).standard_normal((24, 8)).astype(np.float32)
    with tf.Graph().as_default():
        strategy = GreedyLoadBalancingStrategy(servers, byte_size_load_fn)
        losses = []
        for task in range(towers):
            setter = tf.train.replica_device_setter(
                servers, worker_device=f"/job:worker/task:{task}", ps_strategy=strategy
            )
            with tf.device(setter), tf.variable_scope("net", reuse=tf.AUTO_REUSE):
                w = tf.get_variable("w", [8, 4], initializer=tf.ones_initializer())
                b = tf.get_variable("b", [4], initializer=tf.zeros_initializer())
                part = tf.constant(np.split(x, towers)[task])
                losses.append(tf.reduce_sum(tf.square(tf.matmul(part, w) + b)) / 24)
        train = tf.train.GradientDescentOptimizer(0.05).minimize(tf.add_n(losses))
        with tf.Session(cluster={"ps": servers, "worker": towers}) as session:
            session.run(tf.global_variables_initializer())
            for _ in range(5):
                session.run(train)
            return session.run(w), session.plan(train)


def test_data_parallel_towers_give_what_one_does() -> None:
    alone, _ = _train(1, 1)
    for towers, servers in ((2, 1), (3, 2)):
        found, plan = _train(towers, servers)
        np.testing.assert_allclose(found, alone, rtol=1e-5)
        jobs = {d.split("/")[1] for d in plan.placement.values()}
        assert jobs == {"job:ps", "job:worker"}
        for name, device in plan.placement.items():
            if name in ("net/w", "net/b"):
                assert "/job:ps/" in device
