"""The plan as text, JSON, HTML and picture; clusters."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ElementTree

import pytest

from weft.graph.errors import NotFoundError, PlacementError
from weft.placement import Cluster, Link, Plan, device_info, full_name, local_cluster, make_plan, simulate
from weft.placement.picture import plan_svg

from .steps import CPU0, CPU1, CPU2, cluster, everything, op, random_step, step


def test_json_round_trip() -> None:
    plan = make_plan(random_step(1), cluster(), supports=everything)
    assert Plan.from_json(plan.to_json()) == plan
    for text in ("", "[]", "{}", plan.to_json()[:200]):
        with pytest.raises(PlacementError, match="not a plan"):
            Plan.from_json(text)


def test_text_names_what_matters() -> None:
    plan = make_plan(
        step([op("a", device=CPU0), op("b", ["a"], device=CPU2)]), cluster(), supports=everything
    )
    text = str(plan)
    assert "/task:0/CPU:0" in text and "16 KiB" in text and "(1 idle)" in text
    assert [line.split() for line in text.splitlines() if line.startswith("b ")] == [["b", "/task:2/CPU:0"]]
    assert "<table>" in plan._repr_html_()
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.planner = "other"  # type: ignore[misc]


def test_diff() -> None:
    def made(device: str) -> Plan:
        return make_plan(step([op("a"), op("b", ["a"], device=device)]), cluster(), supports=everything)

    assert "b: /task:1/CPU:0 -> /task:2/CPU:0" in made(CPU1).diff(made(CPU2))
    assert made(CPU1).diff(made(CPU1)) == "the placements are the same"


def test_unknown_planner() -> None:
    with pytest.raises(NotFoundError, match="there is no planner 'best'; there are auto"):
        make_plan(step([op("a")]), cluster(), supports=everything, planner="best")


@pytest.mark.parametrize("count", [5, 400])
def test_picture(count: int) -> None:
    subgraph = random_step(3, count)
    plan = make_plan(subgraph, cluster(), supports=everything)
    root = ElementTree.fromstring(plan_svg(subgraph, plan, simulate(subgraph, plan, cluster())))
    titles = [e.text or "" for e in root.iter() if e.tag.endswith("title")]
    assert any(" on /task:0/CPU:0" in t for t in titles)
    assert any("→" in t for t in titles) == bool(plan.transfers)


def test_empty_step() -> None:
    plan = make_plan(step([]), cluster(), supports=everything)
    assert plan.step_seconds == 0 and plan.placement == {}
    assert str(plan)


# --- clusters ---------------------------------------------------------------------------------------------


def test_links_by_pair() -> None:
    def gpu(i: int, node: str) -> object:
        return device_info(f"/job:w/task:0/gpu:{i}", node=node, process=f"{i}")

    devices = (
        gpu(0, "a"),
        gpu(1, "a"),
        gpu(2, "b"),
        device_info("/job:w/task:0/cpu:0", node="a", process="0"),
    )
    special = Link(1e-9, 1e15)
    names = [d.name for d in devices]  # type: ignore[attr-defined]
    on = Cluster(devices, gpu_to_gpu=Link(1e-5, 5e10), pairs={(names[0], names[2]): special})  # type: ignore[arg-type]
    assert on.link(names[0], names[1]) == Link(1e-5, 5e10)
    assert on.link(names[0], names[3]) == on.same_process
    assert on.link(names[1], names[3]) == on.same_node
    assert on.link(names[0], names[2]) == special
    assert on.link(names[1], names[2]).shared == "nic:a"
    assert on.matrices.latency[1, 2] == on.between_nodes.latency_seconds
    assert on.matrices.channel[1, 2] == on.matrices.channel[3, 2] != on.matrices.channel[2, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flops": {"float32": -1.0}}, r"flops\['float32'\] must be above 0"),
        ({"flops": {}}, "at least one element type"),
        ({"bytes_per_second": 0.0}, "bytes_per_second must be above 0"),
        ({"memory_bytes": float("nan")}, "memory_bytes must be at least 0"),
        ({"streams": 0}, "streams must be at least 1"),
        ({"op_seconds": "fast"}, "op_seconds must be a number"),
    ],
)
def test_impossible_devices(change: dict[str, object], message: str) -> None:
    with pytest.raises(PlacementError, match=message):
        device_info("/job:w/task:0/cpu:0", **change)


def test_impossible_clusters() -> None:
    with pytest.raises(PlacementError, match="at least one device"):
        Cluster(())
    one = device_info("/job:w/task:0/cpu:0")
    with pytest.raises(PlacementError, match="named twice"):
        Cluster((one, one))
    with pytest.raises(PlacementError, match="leaves parts open"):
        full_name("/job:w/cpu:0")
    with pytest.raises(PlacementError, match="there is no device 'x'"):
        local_cluster(2).device("x")
