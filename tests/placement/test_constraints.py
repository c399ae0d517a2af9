"""Where ops may run, and what is said when they may not run anywhere."""

from __future__ import annotations

import pytest

from weft.graph.errors import PlacementError
from weft.graph.ir import Subgraph
from weft.placement import Cluster, DeviceInfo, Plan, device_info, make_plan

from .steps import CPU0, CPU1, cluster, everything, op, step, variable

GPU0 = "/job:worker/replica:0/task:0/device:GPU:0"


def mixed() -> Cluster:
    names = ("/job:worker/task:0/cpu:0", "/job:worker/task:0/gpu:0", "/job:ps/task:0/cpu:0")
    return Cluster(tuple(device_info(n, process=n) for n in names))


def no_neg_on_gpu(op_type: str, device: DeviceInfo) -> bool:
    return not (op_type == "Neg" and device.kind == "GPU")


def plan(subgraph: Subgraph, on: Cluster | None = None, **options: object) -> Plan:
    return make_plan(subgraph, on or cluster(), **{"supports": everything, **options})  # type: ignore[arg-type]


def test_full_and_partial_device_strings() -> None:
    made = plan(
        step([op("a", device="/job:ps"), op("b", ["a"], device="/gpu:0"), op("c", ["b"], device=f"{CPU0}")]),
        mixed(),
    )
    assert made.placement["a"] == "/job:ps/replica:0/task:0/device:CPU:0"
    assert made.placement["b"] == GPU0
    assert made.placement["c"] == CPU0


def test_unknown_device_lists_those_that_exist() -> None:
    with pytest.raises(
        PlacementError, match=r"Fill 'a' asks for '/job:ps/task:3'.*the cluster has /job:worker"
    ) as info:
        plan(step([op("a", device="/job:ps/task:3")]))
    assert info.value.node == "a"
    assert info.value.source == "user.py:1"


def test_malformed_device() -> None:
    with pytest.raises(PlacementError, match="'a': malformed device string 'gpu zero'"):
        plan(step([op("a", device="gpu zero")]))


def test_no_kernel_on_the_device_asked_for() -> None:
    asked = step([op("a"), op("b", ["a"], device="/gpu:0")])
    with pytest.raises(
        PlacementError, match=r"Neg 'b' must run on /device:GPU:0, which has no kernel.*allow_soft"
    ):
        plan(asked, mixed(), supports=no_neg_on_gpu)
    made = plan(asked, mixed(), supports=no_neg_on_gpu, allow_soft_placement=True)
    assert "CPU" in made.placement["b"]
    assert "Neg 'b' asked for /device:GPU:0" in made.notes[0]


def test_no_kernel_anywhere() -> None:
    with pytest.raises(PlacementError, match="no device of the cluster has a kernel for Fill 'a'"):
        plan(step([op("a")]), supports=lambda op_type, device: False)


def test_soft_placement_of_a_device_that_is_not_there() -> None:
    asked = step([op("a", device="/job:worker/task:1/gpu:0")])
    with pytest.raises(PlacementError, match="there is no device"):
        plan(asked)
    made = plan(asked, allow_soft_placement=True)
    assert made.placement["a"] == CPU1
    with pytest.raises(PlacementError, match="there is no device"):
        plan(step([op("a", device="/job:nowhere/gpu:0")]), allow_soft_placement=True)


def test_colocation_merges_device_strings() -> None:
    nodes = [op("a", device="/job:worker"), op("b", ["a"], device="/task:1", colocate=["a"])]
    made = plan(step(nodes))
    assert made.placement["a"] == made.placement["b"] == CPU1


def test_contradictory_colocation() -> None:
    nodes = [op("a", device=CPU0), op("b", ["a"], device=CPU1, colocate=["a"])]
    with pytest.raises(
        PlacementError, match=r"Neg 'b' asks for .*task:1.*share a device with Fill 'a'.*colocated"
    ):
        plan(step(nodes))


def test_soft_placement_merges_contradictory_types() -> None:
    nodes = [op("a", device="/task:0/gpu:0"), op("b", ["a"], device="/task:0/cpu:0", colocate=["a"])]
    with pytest.raises(PlacementError):
        plan(step(nodes), mixed())
    made = plan(step(nodes), mixed(), allow_soft_placement=True)
    assert made.placement["a"] == made.placement["b"]
    assert any("must share a device" in n for n in made.notes)


def test_colocation_with_an_op_outside_the_step() -> None:
    nodes = [op("a", device=CPU1, colocate=["gone"]), op("b", colocate=["gone"])]
    made = plan(step(nodes))
    assert made.placement["b"] == CPU1


def test_what_uses_a_variable_stays_with_it() -> None:
    made = plan(step([*variable("v", device=CPU1), op("y", ["v/read"], device=CPU0)]))
    assert made.placement["v"] == made.placement["v/read"] == CPU1
    read = variable("v", device=CPU1)[1].with_(device=CPU0)
    with pytest.raises(PlacementError, match="use the same resource"):
        plan(step([variable("v", device=CPU1)[0], read]))


def test_group_without_a_common_kernel() -> None:
    def split(op_type: str, device: DeviceInfo) -> bool:
        return (op_type == "Neg") == (device.kind == "GPU")

    with pytest.raises(PlacementError, match=r"must share a device with .*no single device has kernels for"):
        plan(step([op("a"), op("b", ["a"], colocate=["a"])]), mixed(), supports=split)


def test_default_device_is_preferred_where_it_can_run_the_op() -> None:
    nodes = [op("a"), op("b", ["a"]), op("c", ["b"], device="/job:ps")]
    made = plan(
        step(nodes), mixed(), supports=no_neg_on_gpu, default_device="/job:worker/task:0/device:GPU:0"
    )
    assert made.placement["a"] == GPU0
    assert made.placement["b"] != GPU0
    assert made.placement["c"].startswith("/job:ps")
