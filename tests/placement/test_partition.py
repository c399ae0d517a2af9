"""The cut: one transfer per tensor and destination, copies of constants and feeds, order that cannot deadlock."""

from __future__ import annotations

import pytest

from weft.graph import dtypes
from weft.graph.errors import InternalError
from weft.graph.ir import Subgraph
from weft.graph.shapes import TensorShape
from weft.placement import (
    Partition,
    Plan,
    check_partitions,
    local_cluster,
    make_plan,
    partition,
    rendezvous_key,
)

from .steps import CPU0, CPU1, CPU2, cluster, everything, feed, op, random_step, step, variable


def cut(subgraph: Subgraph) -> tuple[Plan, dict[str, Partition]]:
    plan = make_plan(subgraph, cluster(), supports=everything)
    parts = partition(subgraph, plan)
    check_partitions(subgraph, plan, parts)
    return plan, parts


def ops(part: Partition) -> list[str]:
    return [n.op for n in part.nodes]


def test_one_send_and_one_recv_whatever_the_number_of_consumers() -> None:
    nodes = [
        op("a", device=CPU0),
        *(op(f"b{i}", ["a"], device=CPU1) for i in range(3)),
        op("c", ["a"], device=CPU2),
    ]
    plan, parts = cut(step(nodes))
    assert ops(parts[CPU0]) == ["Fill", "_Send", "_Send"]
    assert ops(parts[CPU1]) == ["_Recv", "Neg", "Neg", "Neg"]
    assert ops(parts[CPU2]) == ["_Recv", "Neg"]
    assert [(t.tensor, t.src, t.dst, t.bytes) for t in plan.transfers] == [
        ("a:0", CPU0, CPU1, 64 * 64 * 4.0),
        ("a:0", CPU0, CPU2, 64 * 64 * 4.0),
    ]
    recv = parts[CPU1].nodes[0]
    assert rendezvous_key(recv) == f"a:0;{CPU0};{CPU1}"
    assert recv.shapes == (TensorShape([64, 64]),) and recv.types == (dtypes.float32,)
    assert {n.inputs for n in parts[CPU1].nodes[1:]} == {((recv.name, 0),)}
    assert {rendezvous_key(n) for n in parts[CPU0].nodes if n.op == "_Send"} == {
        rendezvous_key(p.nodes[0]) for p in (parts[CPU1], parts[CPU2])
    }


def test_control_edge_travels_as_an_empty_tensor() -> None:
    _, parts = cut(step([op("a", device=CPU0), op("b", device=CPU1, control=["a"])]))
    send, recv = parts[CPU0].nodes[1], parts[CPU1].nodes[0]
    assert send.op == "_Send" and send.inputs == () and send.control == ("a",)
    assert recv.shapes == (TensorShape([0]),) and recv.attrs["tensor_name"] == "^a"
    assert parts[CPU1].nodes[1].control == (recv.name,) and parts[CPU1].nodes[1].inputs == ()


def test_a_tensor_that_is_taken_implies_its_control_edge() -> None:
    _, parts = cut(step([op("a", device=CPU0), op("b", ["a"], device=CPU1, control=["a"])]))
    assert ops(parts[CPU0]) == ["Fill", "_Send"]


def test_constants_and_feeds_are_copied() -> None:
    nodes = [
        feed("x"),
        op("k", kind="Const"),
        op("a", ["x", "k"], device=CPU0),
        op("b", ["x", "k"], device=CPU1),
    ]
    plan, parts = cut(step(nodes, [("x", 0)]))
    assert plan.transfers == ()
    assert sorted(ops(parts[CPU0])) == sorted(ops(parts[CPU1])) == ["Const", "MatMul", "_Feed"]


def test_a_constant_that_waits_is_sent() -> None:
    nodes = [
        op("a", device=CPU0),
        op("k", kind="Const", control=["a"], device=CPU0),
        op("b", ["k"], device=CPU1),
    ]
    _, parts = cut(step(nodes))
    assert ops(parts[CPU0]) == ["Fill", "Const", "_Send"]


def test_fetched_constant_that_nobody_uses() -> None:
    plan, parts = cut(step([op("a", device=CPU1), op("k", kind="Const")], [("k", 0)]))
    assert "k" in {n.name for n in parts[plan.placement["k"]].nodes}


def test_recv_stands_right_before_its_first_user_and_send_right_after_its_maker() -> None:
    nodes = [
        op("a", device=CPU0, order=0),
        op("b", ["a"], device=CPU0, order=1),
        op("slow", device=CPU1, order=2, shape=(900, 900)),
        op("c", ["slow"], device=CPU1, order=3),
        op("d", ["c", "a"], device=CPU1, order=4),
    ]
    _, parts = cut(step(nodes))
    assert [n.name for n in parts[CPU0].nodes] == ["a", "_Send/a_0/1", "b"]
    assert [n.op for n in parts[CPU1].nodes][-2:] == ["_Recv", "MatMul"]


def test_handles_are_never_sent() -> None:
    _, parts = cut(step([*variable("v", device=CPU1), op("y", ["v/read"], device=CPU0)]))
    assert [n.attrs["tensor_name"] for n in parts[CPU1].nodes if n.op == "_Send"] == ["v/read:0"]


def test_single_device_has_no_transfer() -> None:
    subgraph = step([op("a"), op("b", ["a"]), op("c", ["a", "b"])])
    plan = make_plan(subgraph, local_cluster(), supports=everything)
    parts = partition(subgraph, plan)
    assert [n.name for p in parts.values() for n in p.nodes] == ["a", "b", "c"]
    assert plan.planner == "single" and plan.step_seconds == plan.single_seconds


@pytest.mark.parametrize("seed", range(30))
def test_random_steps_are_cut_right(seed: int) -> None:
    plan, parts = cut(random_step(seed))
    pairs = [
        (n.attrs["tensor_name"], n.attrs["recv_device"])
        for p in parts.values()
        for n in p.nodes
        if n.op == "_Send"
    ]
    assert len(pairs) == len(set(pairs))
    assert sorted(pairs) == sorted((t.tensor, t.dst) for t in plan.transfers)


def test_the_checker_finds_what_is_wrong() -> None:
    subgraph = step([op("a", device=CPU0), op("b", ["a"], device=CPU1)])
    plan, parts = cut(subgraph)

    def broken(device: str, nodes: object) -> dict[str, Partition]:
        return {**parts, device: Partition(device, tuple(nodes))}  # type: ignore[arg-type]

    with pytest.raises(InternalError, match="differ"):
        check_partitions(subgraph, plan, broken(CPU0, parts[CPU0].nodes[:1]))
    with pytest.raises(InternalError, match="before its input"):
        check_partitions(subgraph, plan, broken(CPU1, parts[CPU1].nodes[::-1]))
    with pytest.raises(InternalError, match="on no device"):
        check_partitions(subgraph, plan, broken(CPU1, parts[CPU1].nodes[:1]))
    with pytest.raises(InternalError, match="two _Send"):
        twice = parts[CPU0].nodes[1].with_(name="again")
        check_partitions(subgraph, plan, broken(CPU0, [*parts[CPU0].nodes, twice]))


def test_the_checker_finds_a_deadlock() -> None:
    nodes = [
        op("a", device=CPU0),
        op("b", device=CPU1),
        op("c", ["a", "b"], device=CPU0),
        op("d", ["a", "b"], device=CPU1),
    ]
    subgraph = step(nodes)
    plan, parts = cut(subgraph)
    late = {
        d: Partition(d, tuple(sorted(p.nodes, key=lambda n: {"_Recv": 0, "_Send": 2}.get(n.op, 1))))
        for d, p in parts.items()
    }
    with pytest.raises(InternalError, match="wait for each other"):
        check_partitions(subgraph, plan, late)
