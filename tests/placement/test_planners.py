"""Laws that every planner keeps to: valid plans, memory, equal plans for equal seeds, never worse than one device."""

from __future__ import annotations

import dataclasses
import importlib.util
import itertools
import math

import numpy as np
import pytest

from weft.graph.errors import InvalidArgumentError, PlacementError
from weft.placement import Cluster, Link, check_partitions, device_info, make_plan, partition, simulate
from weft.placement.baechi import favourite_children
from weft.placement.bounds import lower_bound
from weft.placement.coarsen import coarsened
from weft.placement.events import run_events
from weft.placement.list_schedule import Lists, Schedule
from weft.placement.memory import memory_use
from weft.placement.planners import PlannerContext, get_planner, single_schedules
from weft.placement.problem import Problem
from weft.placement.search import search_best
from weft.placement.throughput import fastest_pipeline, loads, period, period_bound

from .problems import random_problem
from .steps import CPU0, CPU1, cluster, everything, op, random_step, step, uneven_cluster, variable

PLANNERS = ["single", "heft", "cpop", "m_etf", "m_sct", "search", "auto", "pipeline"]


def check(problem: Problem, schedule: Schedule) -> float:
    """Checks a schedule; returns how long its step is."""
    device, order = schedule.assignment, schedule.order
    assert sorted(order.tolist()) == list(range(problem.tasks))
    position = np.empty(problem.tasks, dtype=np.int64)
    position[order] = np.arange(problem.tasks)
    maker, user, _ = problem.edges
    assert (position[maker] < position[user]).all()
    assert problem.allowed[problem.choice[problem.group], device].all()
    for g in range(problem.groups):
        members = problem.members[problem.group_start[g] : problem.group_start[g + 1]]
        assert len(set(device[members].tolist())) == 1
    run = run_events(problem, device, order)
    assert (run.end > 0).sum() >= 0 and math.isfinite(run.step_seconds)
    return run.step_seconds


def best_single(problem: Problem) -> float:
    return min(run_events(problem, s.assignment, s.order).step_seconds for s in single_schedules(problem))


@pytest.mark.parametrize("name", PLANNERS)
def test_schedules_are_valid(name: str) -> None:
    for seed, (channels, streams) in enumerate([("pair", 1), ("one", 1), ("source", 2), ("none", 1)]):
        problem = random_problem(seed, tasks=30, channels=channels, streams=streams)
        check(problem, get_planner(name)(problem, PlannerContext(0.2, seed)))


@pytest.mark.parametrize("seed", range(6))
def test_search_is_never_worse_than_where_it_starts(seed: int) -> None:
    channels = ["pair", "one", "none"][seed % 3]
    problem = random_problem(seed, tasks=50, devices=2 + seed % 3, channels=channels)
    found = check(problem, search_best(problem, PlannerContext(0.4, seed)).schedule)
    assert found <= best_single(problem)
    for name in ("heft", "m_etf", "cpop"):
        schedule = get_planner(name)(problem, PlannerContext(0.1))
        assert found <= run_events(problem, schedule.assignment, schedule.order).step_seconds * (1 + 1e-12)
    assert found >= lower_bound(problem) * (1 - 1e-9)


def test_equal_seeds_give_equal_plans() -> None:
    problem = random_problem(7, tasks=40)
    # A budget so large for so few rounds that the clock cannot matter.
    first, second, other = (search_best(problem, PlannerContext(1.0, s)) for s in (3, 3, 4))
    assert (first.schedule.assignment == second.schedule.assignment).all()
    assert (first.schedule.order == second.schedule.order).all()
    assert other.seconds <= best_single(problem)


@pytest.mark.parametrize("seed", range(8))
def test_plans_are_cut_and_simulated_alike(seed: int) -> None:
    subgraph, on = random_step(seed, 30), uneven_cluster(seed)
    for name in ("auto", "m_sct", "pipeline"):
        plan = make_plan(subgraph, on, supports=everything, planner=name, budget_seconds=0.3, seed=seed)
        check_partitions(subgraph, plan, partition(subgraph, plan))
        sent = [(t.tensor, t.dst) for t in plan.transfers]
        assert len(sent) == len(set(sent))
        assert simulate(subgraph, plan, on).step_seconds == plan.step_seconds
        if name == "auto":
            assert plan.single_seconds is None or plan.step_seconds <= plan.single_seconds * (1 + 1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_memory_is_a_limit(seed: int) -> None:
    loose = random_problem(seed, tasks=30, devices=4)
    schedule = search_best(loose, PlannerContext(0.3)).schedule
    peak = memory_use(loose, schedule.assignment, run_events(loose, schedule.assignment, schedule.order)).peak
    total = loose.resident.sum() + loose.copied_bytes.sum()
    weights = np.bincount(loose.group, loose.resident, loose.groups).max()
    room = max(0.9 * float(peak.max()), 0.6 * total, 1.3 * weights)
    tight = dataclasses.replace(loose, memory=np.full(4, room))
    found = search_best(tight, PlannerContext(1.0))
    if found.over == 0:
        run = run_events(tight, found.schedule.assignment, found.schedule.order)
        assert (memory_use(tight, found.schedule.assignment, run).peak <= room * (1 + 1e-9)).all()
    else:
        assert found.schedule is not None
    check(tight, found.schedule)


def test_weights_are_spread_where_one_device_is_too_small() -> None:
    nodes = [n for i in range(6) for n in variable(f"v{i}", (1024, 1024), order=2 * i)]
    nodes += [op(f"y{i}", [f"v{i}/read"], shape=(4,)) for i in range(6)]
    on = cluster(3, memory_bytes=2.2 * 4 * 2**20)
    plan = make_plan(step(nodes), on, supports=everything, budget_seconds=0.5)
    assert all(peak <= 2.2 * 4 * 2**20 for peak in plan.peak_bytes.values())
    assert len({plan.placement[f"v{i}"] for i in range(6)}) == 3


# --- other planners ---------------------------------------------------------------------------------------


def test_coarse_problems_keep_work_groups_and_bounds() -> None:
    for seed in range(4):
        problem = random_problem(seed, tasks=400)
        levels = coarsened(problem, 60, compiled=False)
        assert levels[-1].problem.tasks < problem.tasks
        for fine, coarse in itertools.pairwise(levels):
            assert fine.unit is not None
            maker, user, _ = fine.problem.edges
            assert (fine.unit[maker] <= fine.unit[user]).all()
            np.testing.assert_allclose(coarse.problem.seconds.sum(0), problem.seconds.sum(0))
            np.testing.assert_allclose(coarse.problem.resident.sum(), problem.resident.sum())
            same = fine.problem.group[:, None] == fine.problem.group[None, :]
            group = coarse.problem.group[fine.unit]
            assert (group[:, None] == group[None, :])[same].all()
            able = coarse.problem.allowed[coarse.problem.choice[group]]
            assert not (able & ~fine.problem.allowed[fine.problem.choice[fine.problem.group]]).any()


def test_a_favourite_is_one_task_alone() -> None:
    problem = random_problem(2, tasks=30)
    found = favourite_children(problem, Lists(problem, False))
    chosen = found[found >= 0]
    assert len(chosen) and len(chosen) == len(set(chosen.tolist()))
    maker, user, _ = problem.edges
    pairs = set(zip(maker.tolist(), user.tolist(), strict=True))
    assert all((i, j) in pairs for i, j in enumerate(found.tolist()) if j >= 0)


@pytest.mark.parametrize("seed", range(3))
def test_throughput(seed: int) -> None:
    problem = random_problem(seed, tasks=40, devices=4)
    cut = get_planner("pipeline")(problem, PlannerContext(0.2))
    better = fastest_pipeline(problem, PlannerContext(0.3))
    check(problem, cut)
    check(problem, better)
    single = min(period(problem, s.assignment) for s in single_schedules(problem))
    assert period(problem, better.assignment) <= period(problem, cut.assignment) <= single
    assert period_bound(problem) <= period(problem, better.assignment) * (1 + 1e-9)
    assert loads(problem, cut.assignment).shape == (4 + problem.links.channels,)


def test_stages_of_a_chain_are_contiguous() -> None:
    nodes = [op("n0")]
    nodes += [op(f"n{i}", [f"n{i - 1}"], order=i) for i in range(1, 12)]
    fast = Cluster(cluster(3).devices, same_node=Link(1e-9, 1e15))
    plan = make_plan(step(nodes), fast, supports=everything, planner="pipeline", objective="throughput")
    used = [plan.placement[f"n{i}"] for i in range(12)]
    assert len(set(used)) == 3 and sum(a != b for a, b in itertools.pairwise(used)) == 2
    assert any("a step ends every" in note for note in plan.notes)


@pytest.mark.skipif(
    importlib.util.find_spec("ortools") is None, reason="OR-tools is not installed (weft[exact])"
)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_better_than_exact(seed: int) -> None:
    from weft.placement.exact import solve

    problem = random_problem(seed, tasks=8, devices=2)
    found = solve(problem, PlannerContext(4.0))
    check(problem, found.schedule)
    for name in ("single", "heft", "m_etf", "m_sct", "search"):
        schedule = get_planner(name)(problem, PlannerContext(0.3))
        seconds = run_events(problem, schedule.assignment, schedule.order).step_seconds
        assert found.bound <= seconds * (1 + 1e-4)
        assert found.seconds <= seconds * (1 + 1e-9)


@pytest.mark.skipif(importlib.util.find_spec("ortools") is not None, reason="OR-tools is installed")
def test_exact_says_what_it_needs() -> None:
    with pytest.raises(PlacementError, match=r"weft\[exact\]"):
        make_plan(step([op("a"), op("b")]), cluster(), supports=everything, planner="exact")


# --- what is said -----------------------------------------------------------------------------------------


def test_a_variable_larger_than_any_device() -> None:
    nodes = variable("big", (1024, 1024))
    with pytest.raises(PlacementError, match=r"'big' \(4 MiB\).*one device.*has 1 MiB.*Split the variable"):
        make_plan(step(nodes), cluster(memory_bytes=2.0**20), supports=everything)


def test_weights_larger_than_all_devices_together() -> None:
    nodes = [n for i in range(5) for n in variable(f"v{i}", (1024, 1024))]
    with pytest.raises(
        PlacementError, match=r"weights take 20 MiB.*'v\d' \(4 MiB\).*3 devices.*15 MiB together"
    ):
        make_plan(step(nodes), cluster(memory_bytes=5 * 2.0**20), supports=everything)


def test_activations_that_fit_nowhere() -> None:
    nodes = [op("a", shape=(1024, 1024)), op("b", ["a"], shape=(1024, 1024)), op("c", ["b"], shape=(4,))]
    with pytest.raises(
        PlacementError, match=r"no plan was found that fits.*at once on .*'[ab]' \(4 MiB\).*Feed"
    ):
        make_plan(step(nodes), cluster(2, memory_bytes=3 * 2.0**20), supports=everything, budget_seconds=0.2)


@pytest.mark.parametrize("budget", [-1.0, float("nan"), float("inf")])
def test_impossible_budgets(budget: float) -> None:
    with pytest.raises(InvalidArgumentError, match="budget_seconds"):
        make_plan(step([op("a")]), cluster(), supports=everything, budget_seconds=budget)


def test_unknown_objective() -> None:
    with pytest.raises(InvalidArgumentError, match="'latency' or 'throughput'"):
        make_plan(step([op("a")]), cluster(), supports=everything, objective="speed")  # type: ignore[arg-type]


def test_progress_and_interrupt() -> None:
    problem = random_problem(1, tasks=40)
    seen: list[tuple[float, float]] = []

    def report(elapsed: float, best: float) -> None:
        seen.append((elapsed, best))
        if len(seen) == 3:
            raise KeyboardInterrupt

    schedule = search_best(problem, PlannerContext(5.0, report=report)).schedule
    assert check(problem, schedule) <= best_single(problem)
    assert seen[-1][0] < 0 and len(seen) == 4


def test_devices_that_are_alike_count_once() -> None:
    names = [f"/job:w/task:{i}/cpu:0" for i in range(300)]
    on = Cluster(tuple(device_info(n, process=n) for n in names))
    plan = make_plan(
        random_step(3, 30, (CPU0, CPU1)[:0] or ("",)), on, supports=everything, budget_seconds=0.3
    )
    assert plan.single_seconds is not None and plan.step_seconds <= plan.single_seconds
