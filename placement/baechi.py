"""m-ETF and m-SCT: earliest start first, within the memory of each device.

m-ETF takes, of all ready tasks and devices with room, always the pair that can start first. m-SCT gives tasks a
favourite child besides, which should follow on the same device at once, and keeps the device free for it. Favourites
come from the linear program of Hanen and Munier where SciPy is installed and the graph is not too large; else the child
on the longest path through each task is its favourite.

Source: B. Jeon et al., "Baechi: Fast Device Placement of Machine Learning Graphs", SoCC 2020.
"""

from __future__ import annotations

import importlib.util

import numpy as np

from .list_schedule import Lists, Schedule
from .planners import PlannerContext, planner
from .problem import Floats, Ints, Problem

__all__ = ["favourite_children", "m_etf", "m_sct"]

_LARGEST_PROGRAM = 4000
"""Edges up to which the linear program is solved."""


@planner("m_etf")
def m_etf(problem: Problem, context: PlannerContext) -> Schedule:
    """Earliest task first, within memory."""
    return Lists(problem, _compiled(problem, context)).earliest_start()


@planner("m_sct")
def m_sct(problem: Problem, context: PlannerContext) -> Schedule:
    """Small communication times, within memory."""
    lists = Lists(problem, _compiled(problem, context))
    return lists.earliest_start(favourite_children(problem, lists))


def _compiled(problem: Problem, context: PlannerContext) -> bool:
    from .search import use_compiled

    return use_compiled(problem, context)


def favourite_children(problem: Problem, lists: Lists) -> Ints:
    """For each task the one that should follow it on its device at once, or -1; no task is the favourite of two."""
    edges, cost = _carried(problem, lists)
    if not len(edges):
        return np.full(problem.tasks, -1, dtype=np.int64)
    if len(edges) <= _LARGEST_PROGRAM and importlib.util.find_spec("scipy") is not None:
        wish = _program(problem, lists, edges, cost)
    else:
        # How much longer the longest path through the edge is than that through any other.
        wish = -(lists.down[edges[:, 0]] + lists.mean[edges[:, 0]] + cost + lists.up[edges[:, 1]])
    found = np.full(problem.tasks, -1, dtype=np.int64)
    taken = np.zeros(problem.tasks, dtype=np.bool_)
    for e in np.lexsort((np.arange(len(edges)), wish)).tolist():
        i, j = int(edges[e, 0]), int(edges[e, 1])
        if found[i] < 0 and not taken[j]:
            found[i] = j
            taken[j] = True
    return found


def _carried(problem: Problem, lists: Lists) -> tuple[Ints, Floats]:
    """Pairs of tasks that one follows the other, and what it would cost to separate each."""
    maker, user, tensor = problem.edges
    latency, per_byte = lists.link
    cost = latency + problem.bytes[tensor] * per_byte
    pairs, inverse = np.unique(maker * max(problem.tasks, 1) + user, return_inverse=True)
    total = np.bincount(inverse, cost, len(pairs)).astype(np.float64)
    edges = np.stack((pairs // max(problem.tasks, 1), pairs % max(problem.tasks, 1)), axis=1)
    return edges.astype(np.int64), total


def _program(problem: Problem, lists: Lists, edges: Ints, cost: Floats) -> Floats:
    """How far each edge is from being that to a favourite, 0 to 1, from the relaxed program.

    Source: C. Hanen, A. Munier, "An approximation algorithm for scheduling dependent tasks on m processors with
    small communication delays", 1995.
    """
    from scipy.optimize import linprog
    from scipy.sparse import coo_matrix

    n, m = problem.tasks, len(edges)
    i, j = edges[:, 0], edges[:, 1]
    e = np.arange(m)
    # Variables: x per edge, start w per task, the end of all.
    after = coo_matrix(
        (np.concatenate((cost, np.ones(m), -np.ones(m))), (np.tile(e, 3), np.concatenate((e, m + i, m + j)))),
        shape=(m, m + n + 1),
    )
    ends = coo_matrix(
        (
            np.concatenate((np.ones(n), -np.ones(n))),
            (np.tile(np.arange(n), 2), np.concatenate((m + np.arange(n), np.full(n, m + n)))),
        ),
        shape=(n, m + n + 1),
    )
    one_child = coo_matrix((-np.ones(m), (i, e)), shape=(n, m + n + 1))
    one_parent = coo_matrix((-np.ones(m), (j, e)), shape=(n, m + n + 1))
    from scipy.sparse import vstack

    seconds = lists.mean
    limits = np.concatenate(
        (
            -seconds[i],
            -seconds,
            1.0 - np.bincount(i, minlength=n),
            1.0 - np.bincount(j, minlength=n),
        )
    )
    goal = np.zeros(m + n + 1)
    goal[-1] = 1.0
    bounds = [(0.0, 1.0)] * m + [(0.0, None)] * (n + 1)
    scale = max(float(seconds.max(initial=0.0)), float(cost.max(initial=0.0)), 1e-30)
    matrix = vstack((after, ends, one_child, one_parent)).tocsr()
    # Times in units of the longest, so that the solver's tolerances fit.
    matrix[:m, :m] = matrix[:m, :m] / scale
    limits[: m + n] /= scale
    found = linprog(goal, A_ub=matrix, b_ub=limits, bounds=bounds, method="highs")
    if found.x is None:
        return -cost
    values: Floats = np.asarray(found.x[:m], dtype=np.float64)
    return values
