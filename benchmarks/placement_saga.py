"""Against the list schedulers of the public package `anrg-saga`, on random instances of its own generators.

`python -m benchmarks.placement_saga` (`pip install anrg-saga`) draws trees and chains over random networks, with the
package's generators and normally distributed weights, plans each with weft's search, rebuilds the schedule with the
package's own start times, and compares its makespan with those of all its list schedulers. Schedules of the package
that break its own rules (tasks left out, or started before their inputs have come) do not count.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import math
import random
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from weft.placement.cluster import LinkMatrices
from weft.placement.list_schedule import Schedule
from weft.placement.planners import PlannerContext
from weft.placement.problem import Problem, flatten, starts
from weft.placement.search import search

EXCLUDED = ("BruteForceScheduler", "SMTScheduler", "HybridScheduler", "DPSScheduler")
"""Exhaustive search, and schedulers that only combine others."""


def problem_of(network: Any, graph: Any) -> tuple[Problem, list[str], list[str]]:
    """An instance as a problem, the names of its tasks in topological order and those of its nodes."""
    tasks = [t.name for t in graph.topological_sort()]
    nodes = sorted(n.name for n in network.nodes)
    number = {name: i for i, name in enumerate(tasks)}
    cost = {t.name: t.cost for t in graph.tasks}
    speed = {n.name: n.speed for n in network.nodes}
    seconds = np.array([[cost[t] / speed[n] for n in nodes] for t in tasks])
    # Every dependency is a transfer of its own there, so each is a tensor with one user.
    edges = sorted((number[d.source], number[d.target], d.size) for d in graph.dependencies)
    source = np.array([e[0] for e in edges], dtype=np.int64)
    users = np.array([e[1] for e in edges], dtype=np.int64)
    size = np.array([e[2] for e in edges], dtype=np.float64)
    count, devices, uses = len(tasks), len(nodes), len(edges)
    links = {frozenset((e.source, e.target)): e.speed for e in network.edges}
    per_byte = np.zeros((devices, devices))
    for i, a in enumerate(nodes):
        for j, b in enumerate(nodes):
            if i != j:
                per_byte[i, j] = 1.0 / links[frozenset((a, b))]
    copied_start, copied_users = flatten([])
    problem = Problem(
        names=tasks,
        seconds=seconds,
        device_class=np.arange(devices),
        group=np.arange(count),
        choice=np.zeros(count, dtype=np.int64),
        allowed=np.ones((1, devices), dtype=np.bool_),
        out_start=starts(np.bincount(source, minlength=count)),
        source=source,
        output=np.zeros(uses, dtype=np.int64),
        bytes=size,
        held=np.zeros(uses),
        viewed=np.full(uses, -1, dtype=np.int64),
        kept=np.zeros(uses, dtype=np.bool_),
        user_start=np.arange(uses + 1),
        users=users,
        in_start=starts(np.bincount(users, minlength=count)),
        inputs=np.argsort(users, kind="stable"),
        resident=np.zeros(count),
        copied_bytes=np.zeros(0),
        copied_start=copied_start,
        copied_users=copied_users,
        # Transfers do not wait for each other there.
        links=LinkMatrices(np.zeros((devices, devices)), per_byte, np.full((devices, devices), -1), 0),
        memory=np.full(devices, math.inf),
        streams=np.ones(devices, dtype=np.int64),
    )
    return problem, tasks, nodes


def makespan_of(
    network: Any, graph: Any, schedule: Schedule, tasks: Sequence[str], nodes: Sequence[str]
) -> float:
    """Length of the schedule by the package's own rules: each task as early as it lets it start."""
    import saga

    built = saga.Schedule(graph, network)
    speed = {n.name: n.speed for n in network.nodes}
    cost = {t.name: t.cost for t in graph.tasks}
    for t in schedule.order.tolist():
        name, node = tasks[t], nodes[int(schedule.assignment[t])]
        start = built.get_earliest_start_time(task=name, node=node, append_only=True)
        built.add_task(
            saga.ScheduledTask(node=node, name=name, start=start, end=start + cost[name] / speed[node])
        )
    return float(built.makespan)


def valid(schedule: Any, network: Any, graph: Any) -> bool:
    """Whether a schedule keeps to the package's rules: every task, on time for every input, one at a time."""
    speed = {frozenset((e.source, e.target)): e.speed for e in network.edges}
    found = {task.name: task for _, tasks in schedule.items() for task in tasks}
    if len(found) < len(graph.tasks):
        return False
    for d in graph.dependencies:
        a, b = found[d.source], found[d.target]
        if b.start < a.end + d.size / speed[frozenset((a.node, b.node))] - 1e-6:
            return False
    lines = [sorted((t.start, t.end) for t in tasks) for _, tasks in schedule.items()]
    return all(x[1] <= y[0] + 1e-6 for line in lines for x, y in itertools.pairwise(line))


def instance(seed: int) -> tuple[Any, Any]:
    """A random network and task graph."""
    from saga.schedulers.data import random as made

    random.seed(seed)
    np.random.seed(seed)

    def weight(*_: Any) -> float:
        return min(max(random.gauss(1.0, 1.0 / 3.0), 1e-9), 2.0)

    kind = seed % 3
    if kind == 0:
        (graph,) = made.gen_out_trees(1, random.randint(2, 4), random.randint(2, 3), weight, weight)
    elif kind == 1:
        (graph,) = made.gen_in_trees(1, random.randint(2, 4), random.randint(2, 3), weight, weight)
    else:
        (graph,) = made.gen_parallel_chains(1, random.randint(2, 5), random.randint(2, 8), weight, weight)
    (network,) = made.gen_random_networks(1, random.randint(3, 8), weight, weight)
    return network, graph


def schedulers() -> dict[str, Any]:
    """The package's list schedulers, by name."""
    import saga.schedulers as found

    names = [n for n in dir(found) if n.endswith("Scheduler") and n not in EXCLUDED]
    return {n.removesuffix("Scheduler"): getattr(found, n)() for n in names}


def attempt(scheduler: Any, network: Any, graph: Any) -> Any:
    """What a scheduler of the package makes; None where it fails on the instance."""
    try:
        return scheduler.schedule(network, graph)
    except (KeyError, ValueError, IndexError):
        return None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--instances", type=int, default=500)
    parser.add_argument(
        "--budget", type=float, default=0.5, help="seconds per instance (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    begin = time.monotonic()
    table = schedulers()
    ratio: dict[str, list[float]] = {n: [] for n in table}
    won = 0
    spent = 0.0
    for number in range(args.instances):
        network, graph = instance(args.seed + number)
        problem, tasks, nodes = problem_of(network, graph)
        start = time.monotonic()
        ours = makespan_of(network, graph, search(problem, PlannerContext(args.budget)), tasks, nodes)
        spent += time.monotonic() - start
        made = {n: s for n, s in ((n, attempt(s, network, graph)) for n, s in table.items()) if s is not None}
        theirs = {n: float(s.makespan) for n, s in made.items() if valid(s, network, graph)}
        won += ours <= min(theirs.values()) * (1 + 1e-6)
        for name, value in theirs.items():
            ratio[name].append(ours / value)
        if (number + 1) % 25 == 0:
            mean = math.exp(float(np.mean(np.log(ratio["Heft"]))))
            print(
                f"{number + 1:4} instances, {time.monotonic() - begin:4.0f} s: at or below the best of them on "
                f"{100 * won / (number + 1):.1f} %, {mean:.4f} of HEFT (geometric mean)",
                flush=True,
            )
    print(
        f"\nsearch took {spent / args.instances:.2f} s per instance\n\nscheduler      weft / it (geometric mean)  valid"
    )
    for name, values in sorted(
        ((n, r) for n, r in ratio.items() if r), key=lambda item: -float(np.mean(np.log(item[1])))
    ):
        print(f"{name:14} {math.exp(float(np.mean(np.log(values)))):.4f}  {len(values):24}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
