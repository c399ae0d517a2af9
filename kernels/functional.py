"""Branches, loops and calls; declared in `graph/ops/functional.py`.

The compiled bodies in `c.functions` take the values of variables where the op has handles, and return the new values
of those that are written behind their results. An op whose bodies have effects runs through `Sequence`s instead; it
then takes handles and goes to the runtime for the values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph.errors import CancelledError
from .handles import ResourceHandle
from .registry import KernelContext, kernel
from .sequence import EffectBodies

__all__ = ["branch_of", "run_branch", "run_loop", "truth", "with_state", "written_positions"]

Body = Callable[[Sequence[Any]], Sequence[Any]]


def truth(value: Any) -> bool:
    """Whether a condition of any type holds: a scalar that is not zero or empty, or an array that has elements."""
    if type(value) is np.bool_:
        return bool(value)
    if np.ndim(value):
        return bool(np.size(value))
    value = value.get() if hasattr(value, "get") else np.asarray(value)
    return bool(value.item()) if value.dtype == object else bool(value)


def written_positions(c: KernelContext) -> list[int]:
    """Positions among the op's inputs of the variables that it writes."""
    state = c.node.state
    if not state.writes:
        return []
    slices = c.node.decl.arg_slices(c.node.attrs)
    return [slices[name].start for name in state.writes]


def with_state(
    c: KernelContext, inputs: Sequence[Any], run: Callable[[list[Any]], list[Any]]
) -> tuple[Any, ...]:
    """Runs bodies over inputs that may be handles of variables.

    Args:
        c: context of the op.
        inputs: the op's inputs.
        run: from the inputs, with variables' values for handles, to the new values of written variables and the
            outputs behind them.
    """
    if c.runtime is None:
        return tuple(run(list(inputs)))
    if not isinstance(c.functions, EffectBodies):
        c.functions = EffectBodies(c.functions, c.backend, c.runtime)
    state = c.node.state
    slices = c.node.decl.arg_slices(c.node.attrs)
    handles = {slices[name].start for name in (*state.reads, *state.writes)}
    handles = {p for p in handles if isinstance(inputs[p], ResourceHandle)}
    values = list(inputs)
    for p in handles:
        values[p] = c.runtime.read_variable(inputs[p]) if c.runtime.has_variable(inputs[p]) else None
    results = run(values)
    written = written_positions(c)
    if not all(p in handles for p in written):
        return tuple(results)
    for p, value in zip(written, results[: len(written)], strict=True):
        if value is not None and value is not values[p]:
            c.runtime.write_variable(inputs[p], value)
    return tuple(results[len(written) :])


def run_branch(c: KernelContext, name: str, inputs: Sequence[Any]) -> list[Any]:
    """New values of written variables, and results, of one function applied to the inputs."""
    results = list(c.functions[name](list(inputs)))
    count = len(c.out_types)
    return results[count:] + results[:count]


@kernel("If", "StatelessIf")
def if_(c: KernelContext, condition: Any, *inputs: Any) -> Any:
    name = c.attrs["then_branch" if truth(condition) else "else_branch"].name
    return with_state(c, (condition, *inputs), lambda values: run_branch(c, name, values[1:]))


def branch_of(index: Any, count: int) -> int:
    """The branch of that number; the last one for a number that no branch has."""
    return int(index) if 0 <= int(index) < count else count - 1


@kernel("Case", "StatelessCase")
def case(c: KernelContext, index: Any, *inputs: Any) -> Any:
    branches = c.attrs["branches"]
    name = branches[branch_of(index, len(branches))].name
    return with_state(c, (index, *inputs), lambda values: run_branch(c, name, values[1:]))


@kernel("PartitionedCall", "StatefulPartitionedCall")
def call(c: KernelContext, *inputs: Any) -> Any:
    return with_state(c, inputs, lambda values: run_branch(c, c.attrs["f"].name, values))


@kernel("While", "StatelessWhile")
def while_(c: KernelContext, *inputs: Any) -> Any:
    return with_state(c, inputs, lambda values: run_loop(c, values))


def run_loop(c: KernelContext, values: list[Any]) -> list[Any]:
    """New values of written variables, and the loop variables, after the loop."""
    condition, body = c.functions[c.attrs["cond"].name], c.functions[c.attrs["body"].name]
    written, count = written_positions(c), len(values)
    runtime = c.runtime
    while True:
        holds = condition(values)[0]
        if not (holds if type(holds) is np.bool_ else truth(holds)):
            break
        if runtime is not None and runtime.cancelled():
            raise CancelledError(c.node.name, f"{c.node.op} '{c.node.name}': the step was given up")
        results = body(values)
        if not written:
            values = results  # type: ignore[assignment]
            continue
        values = list(results[:count])
        for p, value in zip(written, results[count:], strict=True):
            values[p] = value
    return [values[p] for p in written] + list(values)


@kernel("FakeParam")
def fake_param(c: KernelContext) -> Any:
    shape = c.attrs["shape"]
    dims = () if shape.rank is None else tuple(d or 0 for d in shape.as_list())
    return np.zeros(dims, c.out_dtype) if c.out_types[0].kind not in "rv" else None
