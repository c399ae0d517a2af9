"""Planning again from measured steps: what moves, and that no number changes."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft.actors.replan import Replanner, ReplanOptions
from weft.graph.errors import InvalidArgumentError

WORKERS = {"worker": 3}


def _network() -> tuple[Any, Any, Any, dict[Any, Any]]:
    tf.set_random_seed(3)
    x = tf.placeholder(tf.float32, [64, 32])
    parts = []
    for i in range(3):
        w = tf.get_variable(f"w{i}", [32, 32], initializer=tf.random_normal_initializer(seed=i))
        parts.append(tf.matmul(tf.tanh(tf.matmul(x, w)), w) + tf.random_normal([64, 32], seed=7 + i))
    loss = tf.reduce_mean(tf.square(tf.add_n(parts)))
    train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    feeds = {x: np.random.default_rng(0).standard_normal((64, 32)).astype(np.float32)}
    return loss, train, tf.global_variables_initializer(), feeds


def _losses(steps: int, target: str, replan: Any, planner: str) -> tuple[list[float], list[Any], int]:
    with tf.Graph().as_default():
        loss, train, init, feeds = _network()
        config = tf.ConfigProto(planner=planner)
        with tf.Session(target, config=config, cluster=WORKERS, replan=replan) as session:
            # Devices of one process take turns, and every change of devices costs: one device is faster than three.
            session._target.cluster = dataclasses.replace(session._target.cluster, stage_seconds=1e-2)
            session.run(init)
            found = [float(session.run([loss, train], feeds)[0]) for _ in range(steps)]
            used = len(set(session.plan([loss, train], feeds).placement.values()))
            return found, session.replans, used


def test_a_spread_step_comes_together_where_devices_take_turns() -> None:
    options = ReplanOptions(warm_steps=2, steps=2, threshold=0.0)
    expected, none, spread = _losses(12, "local", None, "scattered")
    found, replans, used = _losses(12, "local", options, "scattered")
    assert found == expected
    assert none == []
    assert spread > 1
    (replan,) = replans
    assert replan.applied
    assert replan.after < replan.before
    assert used == 1
    assert replan.moved
    assert "variables have moved" in str(replan)


def test_variables_and_random_streams_move_with_their_values() -> None:
    with tf.Graph().as_default():
        loss, train, init, feeds = _network()
        config = tf.ConfigProto(planner="scattered")
        with tf.Session("local", config=config, cluster=WORKERS, replan="auto") as session:
            session.run(init)
            session.run([loss, train], feeds)
            before = session.run(tf.global_variables())
            replanner: Replanner = session._replanner
            (call,) = (c for c in session._made_calls if train in c.mapper.operations)
            arrays = [c(v) for c, v in zip(call.converters, feeds.values(), strict=True)]
            spec = call.spec_for(arrays)
            made = replanner._planned(call, arrays, _nothing_known(), session._target.cluster, "single")
            moved = replanner._apply(call, arrays, spec, made)
            assert moved
            assert {to for _, to in moved.values()} == set(made.plan.placement.values())
            for old, new in zip(before, session.run(tf.global_variables()), strict=True):
                np.testing.assert_array_equal(old, new)
            assert set(session.plan([loss, train], feeds).placement.values()) == set(
                made.plan.placement.values()
            )
            stats = {s["device"]: s["variables"] for s in session.device_stats()}
            assert sum(stats.values()) == 3
            assert max(stats.values()) == 3


def _nothing_known() -> Any:
    from weft.placement import Costs

    return Costs()


@pytest.mark.ray
@pytest.mark.timeout(300)
def test_same_numbers_on_actors(ray_cluster: Any) -> None:
    options = ReplanOptions(warm_steps=1, steps=2, threshold=0.0)
    expected, _, _ = _losses(8, "local", None, "scattered")
    found, replans, _ = _losses(8, "ray", options, "scattered")
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert len(replans) == 1


def test_options_are_checked() -> None:
    with pytest.raises(InvalidArgumentError, match='"auto", "off"'):
        tf.Session(replan="always")
    with pytest.raises(InvalidArgumentError, match="threshold"):
        ReplanOptions(threshold=1.5)


@pytest.fixture(autouse=True)
def _scattered() -> Any:
    """A planner that gives the groups to the devices in turn."""
    from weft.placement.list_schedule import Schedule
    from weft.placement.planners import PLANNERS, planner

    @planner("scattered")
    def scattered(problem: Any, context: Any) -> Schedule:
        choices = [np.flatnonzero(problem.allowed[c]) for c in problem.choice]
        device = np.array([c[g % len(c)] for g, c in enumerate(choices)])
        return Schedule(device[problem.group].astype(np.int64), np.arange(problem.tasks, dtype=np.int64))

    yield
    del PLANNERS["scattered"]
