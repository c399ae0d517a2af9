"""Branches and loops inside what is compiled: `lax.cond`, `lax.switch`, `lax.while_loop`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import functional as shared
from ..registry import KernelContext, kernel
from .pieces import CannotTrace

Body = Callable[[Sequence[Any]], Sequence[Any]]


def _is_traced(c: KernelContext) -> bool:
    """Whether the kernel runs while a program is compiled, where no value can be looked at."""
    return c.runtime is None and isinstance(jnp.zeros(()) + 0, jax.core.Tracer)


@kernel("FakeParam", on="jax")
def fake_param(c: KernelContext) -> Any:
    return None if _is_traced(c) else shared.fake_param(c)


@kernel("If", "StatelessIf", on="jax")
def if_(c: KernelContext, condition: Any, *inputs: Any) -> Any:
    if not _is_traced(c):
        return shared.if_(c, condition, *inputs)
    names = [c.attrs["else_branch"].name, c.attrs["then_branch"].name]
    return _chosen(c, jnp.asarray(_holds(condition)).astype(jnp.int32), names, inputs)


@kernel("Case", "StatelessCase", on="jax")
def case(c: KernelContext, index: Any, *inputs: Any) -> Any:
    if not _is_traced(c):
        return shared.case(c, index, *inputs)
    names = [ref.name for ref in c.attrs["branches"]]
    last = len(names) - 1
    index = jnp.asarray(index)
    return _chosen(c, jnp.where((index < 0) | (index > last), last, index), names, inputs)


def _holds(condition: Any) -> Any:
    return bool(np.size(condition)) if np.ndim(condition) else condition != 0


def _chosen(c: KernelContext, index: Any, names: Sequence[str], inputs: Sequence[Any]) -> tuple[Any, ...]:
    branches = [c.functions[name] for name in names]
    moving, rebuilt = _split(c, inputs, 1)
    found = [jax.eval_shape(lambda *given, b=b: list(b(rebuilt(given))), *moving) for b in branches]
    outputs = [_common(c, alternatives) for alternatives in zip(*found, strict=True)]
    functions = [_like(branch, outputs, rebuilt) for branch in branches]
    results = jax.lax.switch(index, functions, *moving)
    count = len(c.out_types)
    return (*results[count:], *results[:count])


def _split(
    c: KernelContext, inputs: Sequence[Any], first: int
) -> tuple[list[Any], Callable[[Sequence[Any]], list[Any]]]:
    """The inputs that are traced, and how to put the bodies' arguments together from them.

    Inputs that shapes follow from stay as they are.

    Args:
        c: context of the op.
        inputs: the bodies' arguments.
        first: position of the first of them among the op's inputs.
    """
    hosts = {p - first for p in c.attrs.get("_hosts", ())}
    fixed = {p: v for p, v in enumerate(inputs) if p in hosts or v is None}
    moving = [jnp.asarray(v) for p, v in enumerate(inputs) if p not in fixed]

    def rebuilt(given: Sequence[Any]) -> list[Any]:
        left = iter(given)
        return [fixed[p] if p in fixed else next(left) for p in range(len(inputs))]

    return moving, rebuilt


def _common(c: KernelContext, alternatives: Sequence[Any]) -> Any:
    """Shape and type of a result that every branch gives, or stands in for."""
    known = [a for a in alternatives if a is not None]
    if not known:
        return jax.ShapeDtypeStruct((), np.float32)
    if any(k.shape != known[0].shape for k in known):
        shapes = " and ".join(str(list(k.shape)) for k in known)
        raise CannotTrace(f"the branches of '{c.node.name}' give the shapes {shapes}")
    return known[0]


def _like(branch: Body, outputs: Sequence[Any], rebuilt: Callable[[Sequence[Any]], list[Any]]) -> Any:
    def run(*given: Any) -> tuple[Any, ...]:
        return tuple(
            jnp.zeros(o.shape, o.dtype) if r is None else jnp.asarray(r, o.dtype)
            for r, o in zip(branch(rebuilt(given)), outputs, strict=True)
        )

    return run


@kernel("While", "StatelessWhile", on="jax")
def while_(c: KernelContext, *inputs: Any) -> Any:
    if not _is_traced(c):
        return shared.while_(c, *inputs)
    return tuple(_compiled_loop(c, list(inputs)))


def _compiled_loop(c: KernelContext, inputs: list[Any]) -> list[Any]:
    condition, body = c.functions[c.attrs["cond"].name], c.functions[c.attrs["body"].name]
    written, count = shared.written_positions(c), len(inputs)
    segment = body.segment  # type: ignore[attr-defined]
    same = {p for p, (a, b) in enumerate(zip(segment.inputs, segment.outputs, strict=False)) if a == b}
    moving = [p for p in range(count) if p not in same or p in written]
    start = tuple(jnp.asarray(inputs[p]) for p in moving)

    def rebuilt(carried: Sequence[Any]) -> list[Any]:
        values = list(inputs)
        for p, value in zip(moving, carried, strict=True):
            values[p] = value
        return values

    def holds(carried: Sequence[Any]) -> Any:
        return jnp.asarray(_holds(condition(rebuilt(carried))[0]))

    def following(carried: Sequence[Any]) -> tuple[Any, ...]:
        results = list(body(rebuilt(carried)))
        for p, value in zip(written, results[count:], strict=True):
            results[p] = value
        made = tuple(jnp.asarray(results[p], s.dtype) for p, s in zip(moving, start, strict=True))
        for p, before, after in zip(moving, start, made, strict=True):
            if before.shape != after.shape:
                raise CannotTrace(
                    f"loop variable {p} of '{c.node.name}' changes from shape {before.shape} to {after.shape}"
                )
        return made

    values = rebuilt(jax.lax.while_loop(holds, following, start))
    return [values[p] for p in written] + values
