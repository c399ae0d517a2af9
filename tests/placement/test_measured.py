"""Costs from step statistics, predictions of the runtime's step, replays, traces."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft.graph.errors import PlacementError
from weft.placement import Cluster, Costs, Link, Plan, device_info, make_plan, predict_step, replay, simulate
from weft.placement.measured import links_of_statistics, transfer_seconds
from weft.placement.op_times import OpTimes, device_seconds, fit_times
from weft.placement.trace import chrome_trace

from .steps import CPU0, CPU1, CPU2, cluster, everything, op, random_step, step, uneven_cluster

MS = 1e-3


def by_hand(count: int = 2, **known: Any) -> Cluster:
    made = cluster(count, flops={"float32": 1e30}, bytes_per_second=1e30, op_seconds=MS)
    return dataclasses.replace(made, same_node=Link(0.5 * MS, 4 * 2**20 / MS), **known)


def traced(target: str = "local") -> tuple[Plan, Any, Any]:
    """A step over two devices, traced."""
    with tf.Graph().as_default():
        with tf.device("/job:worker/task:0"):
            x = tf.placeholder(tf.float32, [None, 64])
            h = tf.tanh(tf.matmul(x, tf.ones([64, 64])))
        with tf.device("/job:worker/task:1"):
            picked = tf.boolean_mask(h, h > 0)
            out = tf.reduce_sum(picked * 2.0)
        with tf.Session(target, cluster={"worker": 2}) as session:
            feeds = {x: np.ones((32, 64), np.float32)}
            session.run(out, feeds)
            metadata = tf.RunMetadata()
            session.run(out, feeds, tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), metadata)
            return session.plan(out, feeds), metadata, session._target.cluster


def test_costs_of_a_traced_step() -> None:
    plan, metadata, devices = traced()
    costs = Costs.of_statistics(metadata)
    ran = {name for name, _ in costs.seconds}
    assert ran <= set(plan.placement)
    assert all(plan.placement[n] == d for n, d in costs.seconds)
    assert any("Tanh" in n or "MatMul" in n for n in ran)
    # The number of elements that the mask keeps is known once a step has run.
    assert (2048,) in {dims for ref, dims in costs.shapes.items() if "boolean_mask" in ref[0]}
    again = Costs.from_json(costs.to_json())
    assert again == costs
    sent = transfer_seconds(metadata)
    assert set(sent) <= {(t.tensor, t.src, t.dst) for t in plan.transfers}
    assert sent
    linked = links_of_statistics(metadata, plan, devices)
    assert set(linked.pairs) == {(src, dst) for _, src, dst in sent}


def test_a_replay_lists_what_differs_most_first() -> None:
    plan, metadata, devices = traced()
    found = replay(plan, [metadata, metadata], devices)
    gaps = [abs(r.predicted - r.measured) for r in found.rows]
    assert gaps == sorted(gaps, reverse=True)
    assert found.measured_seconds > 0
    text = found.text(most=2)
    assert "ratio" in text
    assert f"and {len(found.rows) - 2} that differ less" in text
    exact = {name: next(s.measured for s in found.rows if s.name == name) for name in plan.op_seconds
             if any(s.name == name for s in found.rows)}  # fmt: skip
    same = dataclasses.replace(plan, op_seconds=exact)
    assert all(r.ratio == pytest.approx(1.0) for r in replay(same, metadata).rows)


def test_statistics_that_are_none() -> None:
    with pytest.raises(PlacementError, match="trace_level"):
        Costs.of_statistics(tf.RunMetadata())
    with pytest.raises(PlacementError, match="RunMetadata"):
        Costs.of_statistics({"a": 1})
    plan, _, _ = traced()
    other = tf.RunMetadata()
    device = other.step_stats.dev_stats.add()
    device.device = CPU0
    device.node_stats.add().node_name = "elsewhere"
    with pytest.raises(PlacementError, match="of another step"):
        replay(plan, other)
    for text in ("[]", "{", '{"seconds": 1}'):
        with pytest.raises(PlacementError, match="no costs"):
            Costs.from_json(text)


def test_stages_wait_for_all_that_they_receive() -> None:
    # a and b are computed on one device; c needs only a, but what a stage sends leaves when it ends.
    nodes = [op("a", shape=(1024, 1024), device=CPU0), op("b", device=CPU0), op("c", ["a"], device=CPU1)]
    subgraph = step(nodes)
    on = by_hand()
    plan = make_plan(subgraph, on, supports=everything)
    assert simulate(subgraph, plan, on).step_seconds == pytest.approx((1 + 1.5 + 1) * MS)
    found = predict_step(subgraph, plan, on)
    assert found.step_seconds == pytest.approx((2 + 1.5 + 1) * MS)
    slow = dataclasses.replace(on, stage_seconds=MS, step_seconds=10 * MS)
    assert predict_step(subgraph, plan, slow).step_seconds == pytest.approx((10 + 3 + 1.5 + 2) * MS)


def test_devices_that_share_a_processor_take_turns() -> None:
    subgraph = step([op(n, device=d) for n, d in zip("abc", (CPU0, CPU1, CPU2), strict=True)])
    on = by_hand(3)
    turns = tuple(dataclasses.replace(d, turns="host") for d in on.devices)
    plan = make_plan(subgraph, on, supports=everything)
    for processors, rounds in ((1, 3), (2, 2), (3, 1)):
        shared = dataclasses.replace(on, devices=turns, processors={"host": processors})
        assert predict_step(subgraph, plan, shared).step_seconds == pytest.approx(rounds * MS)
    assert predict_step(subgraph, plan, on).step_seconds == pytest.approx(MS)


@pytest.mark.parametrize("seed", range(12))
def test_the_runtime_is_never_faster_than_the_event_model_without_queues(seed: int) -> None:
    subgraph, on = random_step(seed), uneven_cluster(seed)
    on = dataclasses.replace(
        on,
        devices=tuple(dataclasses.replace(d, streams=1) for d in on.devices),
        same_node=Link(1e-4, 1e30),
        between_nodes=Link(5e-4, 1e30),
    )
    plan = make_plan(subgraph, on, supports=everything, planner="heft")
    predicted = predict_step(subgraph, plan, on)
    assert predicted.step_seconds >= 0.999 * simulate(subgraph, plan, on).step_seconds
    ran = [s.name for s in predicted.timeline if s.kind == "op"]
    assert sorted(ran) == sorted(predicted.op_seconds)


def test_fitted_times_meet_what_was_measured() -> None:
    truth = OpTimes(2e-6, per_flop=1e-10, per_byte=3e-11)
    flops = np.array([10.0, 1e4, 1e6, 1e8])
    moved = np.array([1e3, 1e5, 1e6, 1e7])
    seconds = truth.of(flops, moved)
    fit = fit_times(list(zip(flops, moved, seconds, strict=True)))
    np.testing.assert_allclose(fit.of(flops, moved), seconds, rtol=0.02)
    odd = seconds * np.array([1.0, 3.0, 1.0, 1.0])
    bent = fit_times(list(zip(flops, moved, odd, strict=True)))
    np.testing.assert_allclose(bent.of(flops, moved), odd, rtol=0.15)
    with pytest.raises(PlacementError, match="at least 0"):
        OpTimes(-1.0)
    with pytest.raises(PlacementError, match="per_flop"):
        OpTimes(0.0, per_flop=float("nan"))


def test_measured_op_types_replace_the_roofline() -> None:
    known = device_info(CPU0, op_times={"Neg:float32": OpTimes(0.5)}, op_seconds=1.0, flops={"float32": 1e30})
    kinds = {("Neg", "float32"): [0], ("Exp", "float32"): [1]}
    found = device_seconds(known, kinds, np.zeros(3), np.zeros(3))
    assert found.tolist() == [0.5, 1.0, 0.0]
    assert known.seconds(0, 0, "float32", "Neg") == 0.5


def test_a_trace_is_what_perfetto_reads() -> None:
    subgraph, on = random_step(3), uneven_cluster(3)
    plan = make_plan(subgraph, on, supports=everything, planner="heft")
    simulation = simulate(subgraph, plan, on)
    data = json.loads(json.dumps(chrome_trace(plan, simulation, subgraph)))
    events = data["traceEvents"]
    assert {e["ph"] for e in events} <= {"X", "M", "C"}
    complete = [e for e in events if e["ph"] == "X"]
    assert len(complete) == len(simulation.timeline)
    assert all(e["dur"] >= 0 and isinstance(e["pid"], int) and isinstance(e["tid"], int) for e in complete)
    rows: dict[tuple[int, int], float] = {}
    for event in sorted(complete, key=lambda e: (e["ts"], e["ts"] + e["dur"])):
        row = event["pid"], event["tid"]
        assert event["ts"] >= rows.get(row, 0.0) - 1e-6
        rows[row] = event["ts"] + event["dur"]


def test_a_traced_training_step_times_every_node_and_updates_as_others_do() -> None:
    with tf.Graph().as_default():
        w = tf.get_variable("w", [512, 64], initializer=tf.ones_initializer())
        loss = tf.reduce_sum(tf.square(tf.tanh(w)))
        train = tf.train.AdamOptimizer(0.1).minimize(loss)
        metadata = tf.RunMetadata()
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        values = []
        for traced_steps in (0, 3):
            with tf.Session() as session:
                session.run(tf.global_variables_initializer())
                for i in range(4):
                    if i < traced_steps:
                        session.run(train, None, options, metadata)
                    else:
                        session.run(train)
                values.append(session.run(w))
        np.testing.assert_array_equal(values[0], values[1])
    assert any("Adam" in n.node_name for d in metadata.step_stats.dev_stats for n in d.node_stats)
