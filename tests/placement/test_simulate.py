"""The event model, against times worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from weft.graph.errors import PlacementError
from weft.graph.shapes import TensorShape
from weft.placement import Cluster, Costs, Link, Plan, device_info, make_plan, simulate

from .steps import CPU0, CPU1, CPU2, cluster, everything, op, random_step, step, uneven_cluster, variable

MB = 1024 * 1024 * 4.0
SECONDS = 1e-3


def by_hand(count: int = 2, link: Link | None = None, **known: object) -> Cluster:
    """Devices that need a millisecond for everything, and links of a millisecond a megabyte."""
    made = cluster(count, flops={"float32": 1e30}, bytes_per_second=1e30, op_seconds=SECONDS, **known)
    return Cluster(made.devices, same_node=link or Link(0.5 * SECONDS, MB / SECONDS))


def test_chain_over_two_devices() -> None:
    subgraph = step(
        [op("a", shape=(1024, 1024), device=CPU0), op("b", ["a"], device=CPU1), op("c", ["b"], device=CPU1)]
    )
    plan = make_plan(subgraph, by_hand(), supports=everything)
    assert plan.step_seconds == pytest.approx((1 + 1 + 0.5 + 1 + 1) * SECONDS)
    spans = {(s.kind, s.name): s for s in simulate(subgraph, plan, by_hand()).timeline}
    assert spans["transfer", "a:0"].begin == pytest.approx(1 * SECONDS)
    assert spans["op", "b"].begin == pytest.approx(2.5 * SECONDS)
    assert plan.lower_bound <= plan.step_seconds


def test_transfers_of_one_channel_queue() -> None:
    nodes = [
        op("a", shape=(1024, 1024), device=CPU0),
        op("b", ["a"], device=CPU1),
        op("c", ["a"], device=CPU2),
    ]
    subgraph = step(nodes)
    own = make_plan(subgraph, by_hand(3), supports=everything)
    assert own.step_seconds == pytest.approx((1 + 1.5 + 1) * SECONDS)
    shared = by_hand(3, Link(0.5 * SECONDS, MB / SECONDS, "out:{src}"))
    queued = simulate(subgraph, own, shared)
    # The second tensor leaves when the first one's last byte has left: latencies overlap.
    assert queued.step_seconds == pytest.approx((1 + 2 + 0.5 + 1) * SECONDS)


def test_streams_run_ops_side_by_side() -> None:
    subgraph = step([op("a"), op("b"), op("c"), op("d", ["a", "b", "c"])])
    for streams, rounds in ((1, 4), (2, 3), (3, 2)):
        on = by_hand(1, streams=streams)
        assert make_plan(subgraph, on, supports=everything).step_seconds == pytest.approx(rounds * SECONDS)


def test_memory_over_time() -> None:
    nodes = [
        *variable("v", (1024, 1024), CPU0),
        op("a", ["v/read"], shape=(1024, 1024), device=CPU0),
        op("b", ["a"], shape=(1024, 1024), device=CPU0),
        op("c", ["b"], shape=(1024, 1024), device=CPU0),
    ]
    subgraph = step(nodes, [("c", 0)])
    simulation = simulate(subgraph, make_plan(subgraph, by_hand(), supports=everything), by_hand())
    # The variable, and at any time an op's input and output.
    assert simulation.peak_bytes == {CPU0: 3 * MB}
    assert simulation.memory[CPU0][0] == (0.0, MB)
    assert simulation.memory[CPU0][-1][1] == MB


def test_memory_of_a_received_tensor() -> None:
    subgraph = step([op("a", shape=(1024, 1024), device=CPU0), op("b", ["a"], shape=(4,), device=CPU1)])
    simulation = simulate(subgraph, make_plan(subgraph, by_hand(), supports=everything), by_hand())
    assert simulation.peak_bytes == {CPU0: MB, CPU1: MB + 16}


def test_measured_times_replace_estimates() -> None:
    subgraph = step([op("a"), op("b", ["a"])])
    on = by_hand(1)
    known = Costs(seconds={("a", CPU0): 0.25})
    assert make_plan(subgraph, on, supports=everything, costs=known).step_seconds == pytest.approx(0.251)


def test_unknown_dimensions_take_what_was_seen() -> None:
    made = op("a", device=CPU0).with_(shapes=(TensorShape([None, 8]),))
    subgraph = step([made, op("b", ["a"], device=CPU1)])
    seen = Costs(shapes={("a", 0): (5, 8)})
    on = by_hand()
    assert make_plan(subgraph, on, supports=everything, costs=Costs(batch=7)).transfers[0].bytes == 7 * 8 * 4
    assert make_plan(subgraph, on, supports=everything, costs=seen).transfers[0].bytes == 5 * 8 * 4


@pytest.mark.parametrize("value", [float("nan"), -1.0, float("inf")])
def test_impossible_costs(value: float) -> None:
    with pytest.raises(PlacementError, match="'a'"):
        Costs(seconds={("a", CPU0): value})


def test_a_plan_for_another_step() -> None:
    subgraph = step([op("a"), op("b", ["a"])])
    plan = make_plan(subgraph, cluster(), supports=everything)
    with pytest.raises(PlacementError, match="says nothing of node 'c'"):
        simulate(step([op("c")]), plan, cluster())
    with pytest.raises(PlacementError, match="there is no device"):
        simulate(subgraph, plan, Cluster((device_info("/job:other/task:0/cpu:0"),)))
    turned = Plan(plan.devices, plan.placement, plan.global_order[::-1], plan.order)
    with pytest.raises(PlacementError, match="has 'b' before 'a'"):
        simulate(subgraph, turned, cluster())


@pytest.mark.parametrize("seed", range(20))
def test_laws_of_every_simulation(seed: int) -> None:
    subgraph, on = random_step(seed), uneven_cluster(seed)
    plan = make_plan(subgraph, on, supports=everything)
    simulation = simulate(subgraph, plan, on)
    assert simulation.step_seconds == plan.step_seconds
    assert plan.lower_bound <= plan.step_seconds * (1 + 1e-9)
    ops = {s.name: s for s in simulation.timeline if s.kind == "op"}
    arrived = {(s.name, s.device): s for s in simulation.timeline if s.kind == "transfer"}
    for span in ops.values():
        node = subgraph.nodes[span.name]
        for name, index in node.inputs:
            if name not in ops:
                continue
            here = plan.placement[name] == span.device
            there = ops[name].end if here else arrived[f"{name}:{index}", span.device].end
            assert there <= span.begin
    for device in on.devices:
        mine = [s for s in ops.values() if s.device == device.name and s.end > s.begin]
        for span in mine:
            assert sum(s.begin <= span.begin < s.end for s in mine) <= device.streams
    for bars in simulation.memory.values():
        assert min(held for _, held in bars) >= -1e-6
        assert np.diff([at for at, _ in bars]).min(initial=0) >= 0
