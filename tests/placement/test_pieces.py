"""The latency model of accelerators that hold contiguous pieces, and the search for placements in it."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from weft.errors import PlacementError
from weft.placement.piece_search import search_latency
from weft.placement.pieces import latency_of, pieces_of
from weft.placement.workload import read_workload


def workload(seed: int, nodes: int, accelerators: int = 2, memory: float = 6.0) -> dict[str, Any]:
    """A random layered graph in the format of the device-placement workloads."""
    rng = np.random.default_rng(seed)
    made = [
        {
            "id": i,
            "cpuLatency": float(rng.uniform(5, 20)),
            "fpgaLatency": float(rng.uniform(1, 4)),
            "size": float(rng.uniform(0.2, 1.0)),
            "supportedOnFpga": bool(rng.random() < 0.9),
            "isBackwardNode": False,
        }
        for i in range(nodes)
    ]
    edges = [
        {"sourceId": int(s), "destId": i, "cost": float(rng.uniform(0.1, 1.0))}
        for i in range(1, nodes)
        for s in sorted(set(rng.integers(max(0, i - 3), i, 2).tolist()))
    ]
    return {
        "maxFPGAs": accelerators, "maxCPUs": 1, "maxSizePerFPGA": memory, "nodes": made, "edges": edges,
    }  # fmt: skip


def best_by_trying_all(problem: Any) -> float:
    """The shortest latency over all assignments of the units to devices that fit."""
    best = np.inf
    for places in itertools.product(range(-1, problem.accelerators), repeat=problem.units):
        device = np.array(places, dtype=np.int64)
        if (~problem.can & (device >= 0)).any():
            continue
        used = [problem.size[device == d].sum() for d in range(problem.accelerators)]
        if max(used) <= problem.memory:
            best = min(best, latency_of(problem, pieces_of(problem, device)))
    return float(best)


@pytest.mark.parametrize("seed", range(4))
def test_the_search_is_as_good_as_trying_all(seed: int) -> None:
    problem = read_workload(workload(seed, 7)).problem
    result = search_latency(problem, budget_seconds=1.0, seed=1)
    assert result.value <= best_by_trying_all(problem) + 1e-9
    assert result.value >= result.bound - 1e-9
    assert result.value == pytest.approx(latency_of(problem, result.pieces))


def test_what_it_finds_can_be_run() -> None:
    problem = read_workload(workload(9, 60, accelerators=3, memory=14.0)).problem
    result = search_latency(problem, budget_seconds=1.0)
    device = result.pieces.device
    assert not (~problem.can & (device >= 0)).any()
    for accelerator in range(problem.accelerators):
        assert problem.size[device == accelerator].sum() <= problem.memory + 1e-9
    alone = latency_of(problem, pieces_of(problem, np.full(problem.units, -1, dtype=np.int64)))
    assert result.value <= alone


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda w: w.pop("nodes"), "nodes"),
        (lambda w: w["nodes"][0].update(cpuLatency=-1.0), "-1"),
        (lambda w: w["nodes"][0].update(cpuLatency=float("nan")), "nan"),
        (lambda w: w["edges"].append({"sourceId": 6, "destId": 0, "cost": 1.0}), "cycle"),
        (lambda w: w["edges"].append({"sourceId": 0, "destId": 99, "cost": 1.0}), "99"),
    ],
)
def test_malformed_workloads(change: Any, text: str) -> None:
    made = workload(0, 7)
    change(made)
    with pytest.raises(PlacementError, match=text):
        read_workload(made)
