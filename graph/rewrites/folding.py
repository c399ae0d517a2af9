"""Constant folding: a pure node whose inputs are all constants becomes a constant."""

from __future__ import annotations

import numpy as np

from ..dtypes import DType
from ..ir import FEED, Node
from .sweep import Array, Evaluate, Replacement, Rule, Sweep

__all__ = ["folding_rule"]

_LARGEST_BYTES = 1 << 20
"""A larger result is computed in every step instead of being carried around with the program."""


def folding_rule(evaluate: Evaluate) -> Rule:
    """The rule that computes nodes with `evaluate`; a node that fails is left, to fail when the step runs."""

    def fold(sweep: Sweep, node: Node) -> Replacement:
        if node.op == FEED or not node.types or node.state.kind != "pure":
            return None
        if not node.inputs or node.decl.runs_functions or any(t.kind in "rv" for t in node.types):
            return None
        values = []
        for ref in node.inputs:
            value = sweep.value(ref)
            if value is None:
                return None
            values.append(value)
        if _is_large(node):
            return None
        try:
            with np.errstate(all="ignore"):
                results = evaluate(node, values)
        except Exception:
            return None
        return _as_constants(sweep, node, [np.asarray(r) for r in results])

    return fold


def _is_large(node: Node) -> bool:
    for shape, dtype in zip(node.shapes, node.types, strict=True):
        count = shape.num_elements()
        if count is not None and count * dtype.size > _LARGEST_BYTES:
            return True
    return False


def _as_constants(sweep: Sweep, node: Node, results: list[Array]) -> Replacement:
    for value, dtype in zip(results, node.types, strict=True):
        if value.dtype != dtype.np or value.nbytes > _LARGEST_BYTES:
            return None
    if len(results) == 1:
        return sweep.constant(node, _owned(results[0], node.types[0]), node.types[0])
    return tuple(
        (sweep.constant(node, _owned(value, dtype), dtype, output=i).name, 0)
        for i, (value, dtype) in enumerate(zip(results, node.types, strict=True))
    )


def _owned(value: Array, dtype: DType) -> Array:
    """The value in memory of its own: a view would keep alive what it is a view of."""
    return value if value.flags.owndata else np.array(value, dtype=dtype.np)
