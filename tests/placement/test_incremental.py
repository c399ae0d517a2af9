"""The incremental simulator equals the full one after every change, taken or refused, compiled or plain."""

from __future__ import annotations

import numpy as np
import pytest

from weft.placement import jit
from weft.placement.events import run_events
from weft.placement.incremental import Incremental
from weft.placement.memory import memory_use
from weft.placement.problem import Problem

from .problems import random_problem

COMPILED = [
    False,
    pytest.param(
        True,
        marks=pytest.mark.skipif(
            not jit.compiler_available() or not jit.is_cached("loops_plan"),
            reason="the loops are not compiled: python -m weft.placement.compile",
        ),
    ),
]

KINDS = [("pair", 1), ("source", 1), ("none", 2), ("one", 1), ("pair", 2), ("one", 3)]


def change(play: Incremental, problem: Problem, r: np.random.Generator) -> None:
    """Moves a group to another device, or a task to another position."""
    if r.random() < 0.5:
        g = int(r.integers(problem.groups))
        play.move(g, int(r.choice(np.flatnonzero(problem.allowed[problem.choice[g]]))))
        return
    t = int(r.integers(problem.tasks))
    position = np.array(play.state.position)
    makers = problem.source[problem.inputs[problem.in_start[t] : problem.in_start[t + 1]]]
    first, last = problem.user_start[problem.out_start[t : t + 2]]
    low = max(position[makers].tolist(), default=-1) + 1
    high = min(position[problem.users[first:last]].tolist(), default=problem.tasks) - 1
    play.shift(t, int(r.integers(low, high + 1)))


@pytest.mark.parametrize("compiled", COMPILED)
@pytest.mark.parametrize(("channels", "streams"), KINDS)
def test_every_change_is_as_if_played_from_the_start(channels: str, streams: int, compiled: bool) -> None:
    for seed in range(3):
        problem = random_problem(seed, channels=channels, streams=streams)
        r = np.random.default_rng(seed)
        device = np.array([r.choice(np.flatnonzero(problem.allowed[c])) for c in problem.choice])
        play = Incremental(problem, device[problem.group], np.arange(problem.tasks), compiled)
        present = play.step_seconds
        for _ in range(40):
            for _ in range(int(r.integers(1, 4))):
                change(play, problem, r)
            limit = present if r.random() < 0.3 else 1e299
            found = play.play(limit)
            run = run_events(problem, play.assignment, play.order)
            if found == np.inf:
                assert run.step_seconds > limit
                play.refuse()
                continue
            assert found == run.step_seconds
            assert (play.end == run.end).all()
            np.testing.assert_allclose(
                play.peaks(), memory_use(problem, play.assignment, run).peak, rtol=1e-9
            )
            if r.random() < 0.5:
                play.accept()
                present = found
            else:
                play.refuse()
        if play.play() < np.inf:
            assert play.play() == run_events(problem, play.assignment, play.order).step_seconds == present


@pytest.mark.parametrize("compiled", COMPILED)
def test_empty_and_single(compiled: bool) -> None:
    problem = random_problem(0, tasks=1, devices=1)
    play = Incremental(problem, np.zeros(1, np.int64), np.arange(1), compiled)
    assert play.step_seconds == problem.seconds[0, problem.device_class[0]]
