"""How much memory each device needs while a simulated step runs.

A device holds its variables and its copies of constants and feeds all the time, a tensor from when the op
that yields it starts until its last user has ended and its last transfer has left, and a received tensor from
when its transfer starts until its last user there has ended.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .events import Run
from .problem import Floats, Ints, Problem

__all__ = ["MemoryUse", "memory_use", "resident_bytes"]


@dataclass(frozen=True, eq=False)
class MemoryUse:
    """Memory over time.

    Attributes:
        peak: most bytes that each device holds at once.
        resident: bytes that each device holds all the time.
        device, time, held: a device's use from a time on, in bytes; sorted by device, then time.
    """

    peak: Floats
    resident: Floats
    device: Ints
    time: Floats
    held: Floats


def resident_bytes(problem: Problem, assignment: Ints) -> Floats:
    """Bytes of variables, and of constants and feeds, on each device."""
    found = np.zeros(problem.devices)
    np.add.at(found, assignment, problem.resident)
    copies = np.repeat(np.arange(len(problem.copied_bytes)), np.diff(problem.copied_start))
    pairs = np.unique(copies * problem.devices + assignment[problem.copied_users])
    sizes = problem.copied_bytes[pairs // problem.devices]
    np.add.at(found, pairs % problem.devices, sizes)
    return found


def memory_use(problem: Problem, assignment: Ints, run: Run) -> MemoryUse:
    """Memory over time, and its peak, of one simulated step."""
    moves = run.moves
    _, user, tensor = problem.edges
    remote = moves.arrival_of >= 0
    freed = run.end[problem.source].copy()
    np.maximum.at(freed, tensor[~remote], run.end[user[~remote]])
    np.maximum.at(freed, moves.tensor, run.move_end)
    freed[problem.kept] = run.step_seconds
    for view in np.flatnonzero(problem.viewed >= 0)[::-1].tolist():
        base = problem.viewed[view]
        if assignment[problem.source[base]] == assignment[problem.source[view]]:
            freed[base] = max(freed[base], freed[view])
    moved_freed = run.move_end.copy()
    np.maximum.at(moved_freed, moves.arrival_of[remote], run.end[user[remote]])
    sizes = np.concatenate((problem.held, problem.bytes[moves.tensor]))
    real = sizes > 0
    sizes = sizes[real]
    device = np.concatenate((assignment[problem.source], moves.device))[real]
    taken = np.concatenate((run.begin[problem.source], run.move_begin))[real]
    returned = np.concatenate((freed, moved_freed))[real]
    return _sweep(resident_bytes(problem, assignment), device, taken, returned, sizes)


def _sweep(resident: Floats, device: Ints, taken: Floats, returned: Floats, sizes: Floats) -> MemoryUse:
    devices = np.concatenate((device, device))
    times = np.concatenate((taken, returned))
    change = np.concatenate((sizes, -sizes))
    # What is freed at a time makes room for what is taken at that time.
    order = np.lexsort((change, times, devices))
    devices, times, change = devices[order], times[order], change[order]
    total = np.cumsum(change)
    # Every device's changes add up to nothing, so one running sum serves them all.
    held = total + resident[devices]
    peak = resident.copy()
    np.maximum.at(peak, devices, held)
    return MemoryUse(peak, resident, devices, times, held)
