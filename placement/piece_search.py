"""Search for placements in the pieces model that are fast, anytime."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..graph.errors import PlacementError
from . import jit
from .piece_coarsen import coarsened
from .piece_start import cut_line, lines
from .pieces import PieceProblem, Pieces, latency_of, pieces_of
from .problem import Floats, Ints

__all__ = ["SearchResult", "search_latency"]

Report = Callable[[float, float], None]
"""Called with the elapsed seconds and the best value so far."""

_COMPILE_SECONDS = 15.0
"""What compiling the loops takes at most, once per machine; a shorter budget is not spent on it."""


@dataclass(frozen=True)
class SearchResult:
    """A placement and what is known of it.

    Attributes:
        pieces: the placement.
        value: its latency, in the problem's unit.
        bound: no placement has less.
        rounds: how many moves were tried.
    """

    pieces: Pieces
    value: float
    bound: float
    rounds: int


def search_latency(
    problem: PieceProblem, budget_seconds: float = 5.0, seed: int = 0, report: Report | None = None
) -> SearchResult:
    """Looks for a placement with a short latency.

    Args:
        problem: the graph.
        budget_seconds: when to stop; an interrupt (Ctrl-C) stops at once. Either way the best one so far is returned.
        seed: of the random choices.
        report: called now and then.

    Raises:
        PlacementError: a unit that cannot run on an accelerator must.
    """
    begin = time.monotonic()
    deadline = begin + budget_seconds
    _check_host(problem)
    compiled = use_compiled("loops_pieces", budget_seconds)
    coarse, unit = coarsened(problem, 400 if compiled else 90)
    starts = _starts(coarse, seed, begin + 0.3 * budget_seconds)
    search = _Annealing(coarse, starts, seed, compiled, deadline, report, begin)
    search.run(share=0.55 if unit.max(initial=-1) + 1 < problem.units else 1.0)
    pieces = search.best()
    rounds = search.rounds
    if coarse.units < problem.units:
        fine = Pieces(pieces.piece[unit], pieces.where)
        search = _Annealing(problem, [fine], seed + 1, compiled, deadline, report, begin)
        search.run(share=1.0)
        pieces, rounds = search.best(), rounds + search.rounds
    return SearchResult(pieces, latency_of(problem, pieces), latency_bound(problem), rounds)


def use_compiled(name: str, budget_seconds: float) -> bool:
    """Whether to run a module of loops compiled: if that is cached, or the budget allows for compiling it."""
    return jit.compiler_available() and (jit.is_cached(name) or budget_seconds >= 2 * _COMPILE_SECONDS)


def latency_bound(problem: PieceProblem) -> float:
    """The longest path, every unit where it is fastest and transfers free but those that a unit's memory forces."""
    fastest = np.where(problem.movable, np.minimum(problem.fast, problem.slow), problem.slow)
    if problem.accelerators == 0:
        fastest = problem.slow
    pred_start, preds = (a.tolist() for a in problem.preds)
    end: list[float] = []
    for u, seconds in enumerate(fastest.tolist()):
        end.append(seconds + max((end[p] for p in preds[pred_start[u] : pred_start[u + 1]]), default=0.0))
    return max(end, default=0.0)


def _check_host(problem: PieceProblem) -> None:
    stuck = np.flatnonzero(~problem.movable & ~np.isfinite(problem.slow))
    if len(stuck):
        name = problem.names[int(stuck[0])]
        raise PlacementError(
            str(name),
            f"node {name} can run neither on the host nor on an accelerator: it or its group needs more than the "
            f"{problem.memory:.3g} bytes that an accelerator holds",
        )


def _starts(problem: PieceProblem, seed: int, deadline: float) -> list[Pieces]:
    """Placements to begin with, best first: everything on the host, and lines cut into pieces."""
    host = np.full(problem.units, -1, dtype=np.int64)
    found = [pieces_of(problem, host)]
    for line in lines(problem, 12, seed) if problem.accelerators else []:
        device = cut_line(problem, line, bottleneck=False)
        if device is not None:
            found.append(pieces_of(problem, device))
        if time.monotonic() > deadline:
            break
    return sorted(found, key=lambda p: latency_of(problem, p))[:4]


@dataclass(frozen=True, eq=False)
class _State:
    """A placement as the loops see it, empty pieces included, and its value with overfull memory added."""

    piece: Ints
    where: Ints
    value: float


class _Annealing:
    """Simulated annealing from given starts: cycles that grow longer, two at a time where they run compiled."""

    def __init__(
        self,
        problem: PieceProblem,
        starts: list[Pieces],
        seed: int,
        compiled: bool,
        deadline: float,
        report: Report | None,
        begin: float,
    ) -> None:
        self.problem = problem
        self.deadline = deadline
        self.report = report
        self.begin = begin
        self.compiled = compiled
        pieces = max(len(s.where) for s in starts)
        self.slots = max(3 * max(pieces, problem.accelerators) + 1, 3)
        self.rng = np.random.default_rng(seed)
        scale = max(float(problem.fast.sum() + problem.cost.sum()), 1e-9)
        self.penalty = 3.0 * scale / max(problem.memory, 1e-9)
        self.memory = problem.memory * (1 + 1e-12)
        self.chains = [_Chain(self, int(s)) for s in self.rng.integers(1, 2**31 - 2, 2 if compiled else 1)]
        self.starts = [self._spread(s) for s in starts]
        self.top = min(self.starts, key=lambda s: s.value)

    @property
    def rounds(self) -> int:
        """How many moves were tried."""
        return sum(c.rounds for c in self.chains)

    def _spread(self, start: Pieces) -> _State:
        """The start's pieces with empty ones before, between and after them, for the search to fill."""
        where = self.rng.integers(0, max(self.problem.accelerators, 1), self.slots + 1)
        count = len(start.where)
        step = max(self.slots // max(count, 1), 1)
        positions = np.arange(count) * step + step // 2
        where[positions] = start.where
        piece = np.where(start.piece >= 0, positions[np.maximum(start.piece, 0)] if count else -1, -1)
        return self.state(piece.astype(np.int64), where.astype(np.int64))

    def state(self, piece: Ints, where: Ints) -> _State:
        over = np.maximum(self.used(piece, where) - self.memory, 0.0).sum()
        value = latency_of(self.problem, Pieces(piece, where[: self.slots])) + float(over) * self.penalty
        return _State(piece, where, value)

    def used(self, piece: Ints, where: Ints) -> Floats:
        """Memory in use on each accelerator."""
        on = piece >= 0
        found = np.zeros(max(self.problem.accelerators, 1))
        np.add.at(found, where[piece[on]], self.problem.size[on])
        return found

    def best(self) -> Pieces:
        """The best placement so far, without empty pieces."""
        piece, where = self.top.piece, self.top.where
        filled = np.unique(piece[piece >= 0])
        number = np.full(self.slots + 1, -1, dtype=np.int64)
        number[filled] = np.arange(len(filled))
        return Pieces(np.where(piece >= 0, number[np.maximum(piece, 0)], -1), where[filled])

    def run(self, share: float) -> None:
        """Anneals in cycles until nothing better has come up for a while, or the budget's share is spent."""
        if not self.problem.accelerators or not self.problem.units:
            return
        stop = time.monotonic() + share * (self.deadline - time.monotonic())
        rounds = 1500.0 * self.problem.units
        fruitless = 0
        try:
            for cycle in range(24):
                before = self.top.value
                self._cycle(cycle, int(rounds), stop)
                fruitless = 0 if self.top.value < before - 1e-6 * abs(before) else fruitless + 1
                rounds = min(rounds * 1.6, 40_000.0 * self.problem.units)
                if time.monotonic() > stop or (fruitless >= 4 and cycle >= 6):
                    return
        except KeyboardInterrupt:
            return

    def _cycle(self, cycle: int, rounds: int, stop: float) -> None:
        """One annealing on every chain; even cycles begin hot from a start, odd ones warm from the best."""
        count = len(self.chains)
        if cycle % 2 == 0:
            heat = 0.03
            origins = [self.starts[(cycle // 2 * count + i) % len(self.starts)] for i in range(count)]
        else:
            heat = 0.006
            origins = [self.top] * count
        begin = time.monotonic()
        if count == 1:
            found = [self.chains[0].anneal(origins[0], rounds, heat, begin, stop)]
        else:
            with ThreadPoolExecutor(count) as pool:
                jobs = [
                    pool.submit(c.anneal, o, rounds, heat, begin, stop)
                    for c, o in zip(self.chains, origins, strict=True)
                ]
                try:
                    found = [job.result() for job in jobs]
                except KeyboardInterrupt:
                    for chain in self.chains:
                        chain.cancelled = True
                    raise
        self.top = min([self.top, *found], key=lambda s: s.value)
        if self.report is not None:
            self.report(time.monotonic() - self.begin, self.top.value)


class _Chain:
    """One annealing with memory of its own."""

    def __init__(self, owner: _Annealing, seed: int) -> None:
        self.owner = owner
        self.rounds = 0
        self.cancelled = False
        self.loops = jit.loops("loops_pieces", owner.compiled)
        problem, slots = owner.problem, owner.slots
        n = problem.units
        made = self._made
        ints, floats = np.int64, np.float64
        self.random = made([seed, 0], ints)
        self.graph = (
            n,
            made(problem.preds[0], ints), made(problem.preds[1], ints),
            made(problem.succs[0], ints), made(problem.succs[1], ints),
            made(problem.out_start, ints), made(problem.cost, floats),
            made(problem.user_start, ints), made(problem.users, ints),
            made(problem.fast, floats), made(problem.slow, floats), made(problem.size, floats),
            made(problem.movable, np.bool_), made(problem.group, ints),
            made(problem.members[0], ints), made(problem.members[1], ints),
        )  # fmt: skip
        self.scratch = (
            made([0.0] * n, floats), made([0] * n, ints), made([0] * n, ints), made([0] * (slots + 1), ints),
            made([0] * n, ints), made([0] * (slots + 1), ints), made([0.0] * (slots + 1), floats),
            made([0] * (slots + 1), ints), made([0.0] * (problem.accelerators + slots + 1), floats),
        )  # fmt: skip
        self.moves = tuple(made([0] * (n + 1), ints) for _ in range(4))

    def _made(self, values: Any, dtype: Any) -> Any:
        array: npt.NDArray[Any] = np.array(values, dtype=dtype)
        return array if self.owner.compiled else array.tolist()

    def anneal(self, origin: _State, rounds: int, heat: float, begin: float, stop: float) -> _State:
        """Anneals from a placement; cools faster where the time would not suffice."""
        owner, made = self.owner, self._made
        values = made([origin.value, origin.value], np.float64)
        piece, where = made(origin.piece, np.int64), made(origin.where, np.int64)
        best_piece, best_where = made(origin.piece, np.int64), made(origin.where, np.int64)
        used = made(owner.used(origin.piece, origin.where), np.float64)
        hot, cold = heat * origin.value, 2e-5 * origin.value
        chunk = 5000 if owner.compiled else 60
        done, span = 0, max(stop - begin, 1e-3)
        while done < rounds and not self.cancelled:
            cooled = max(done / rounds, (time.monotonic() - begin) / span)
            if cooled >= 1:
                break
            now = max(hot * (cold / max(hot, 1e-12)) ** cooled, 1e-12)
            self.loops.anneal(
                *self.graph,
                owner.problem.accelerators, owner.memory, owner.penalty, owner.slots,
                piece, where, best_piece, best_where, used, self.random, values,
                chunk, now, now, *self.scratch, *self.moves,
            )  # fmt: skip
            done += chunk
        self.rounds += done
        return _State(np.array(best_piece), np.array(best_where), float(values[1]))
