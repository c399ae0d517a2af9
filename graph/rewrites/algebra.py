"""Algebraic identities that give the same numbers with less work."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..ir import Node, Ref
from ..shapes import TensorShape
from .sweep import Replacement, Rule, Sweep

__all__ = ["ALGEBRA_RULES"]


def _is_all(sweep: Sweep, ref: Ref, number: int) -> bool:
    """Whether every element is that number, as far as constants and what spreads them say."""
    node = sweep.nodes[ref[0]]
    if node.op in ("ZerosLike", "OnesLike"):
        return number == (node.op == "OnesLike")
    if node.op in ("Fill", "BroadcastTo", "Reshape"):
        return _is_all(sweep, node.inputs[1 if node.op == "Fill" else 0], number)
    value = sweep.value(ref)
    return (
        value is not None and value.dtype.kind != "O" and bool(value.size) and bool(np.all(value == number))
    )


def _keeps_shape(sweep: Sweep, node: Node, kept: Ref, dropped: Ref) -> bool:
    """Whether broadcasting against `dropped` leaves the shape of `kept` what it is."""
    if sweep.shape(dropped).rank == 0:
        return True
    shape = node.shapes[0]
    return shape.is_fully_defined() and sweep.shape(kept).dims == shape.dims


def _neutral(number: int, positions: Sequence[int]) -> Rule:
    """The rule for an operand that changes nothing: x * 1, x + 0, x - 0, x / 1."""

    def rule(sweep: Sweep, node: Node) -> Replacement:
        for position in positions:
            kept, dropped = node.inputs[1 - position], node.inputs[position]
            if _is_all(sweep, dropped, number) and _keeps_shape(sweep, node, kept, dropped):
                return (kept,)
        return None

    return rule


def _twice(sweep: Sweep, node: Node) -> Replacement:
    """Neg(Neg(x)) and its like."""
    inner = sweep.producer(node.inputs[0], node.op)
    return (inner.inputs[0],) if inner is not None else None


def _transpose_twice(sweep: Sweep, node: Node) -> Replacement:
    inner = sweep.producer(node.inputs[0], "Transpose")
    if inner is None:
        return None
    outer, first = sweep.value(node.inputs[1]), sweep.value(inner.inputs[1])
    if outer is None or first is None:
        return None
    perm = sweep.constant(node, np.asarray(first[outer], dtype=outer.dtype), node.attrs["Tperm"], output=0)
    return sweep.node(node, "Transpose", [inner.inputs[0], (perm.name, 0)], node.attrs)


def _reshape_twice(sweep: Sweep, node: Node) -> Replacement:
    """Reshape(Reshape(x)), and Reshape of what only adds or drops dimensions of size 1."""
    for op in ("Reshape", "ExpandDims", "Squeeze"):
        inner = sweep.producer(node.inputs[0], op)
        if inner is not None:
            return node.with_(inputs=(inner.inputs[0], node.inputs[1]))
    return None


def _through_transpose(position: int, flag: str) -> Rule:
    """MatMul of a transposed matrix reads it the other way round instead."""

    def rule(sweep: Sweep, node: Node) -> Replacement:
        inner = sweep.producer(node.inputs[position], "Transpose")
        perm = None if inner is None else sweep.value(inner.inputs[1])
        if inner is None or perm is None or perm.tolist() != [1, 0]:
            return None
        inputs = list(node.inputs)
        inputs[position] = inner.inputs[0]
        return node.with_(inputs=tuple(inputs), attrs={**node.attrs, flag: not node.attrs[flag]})

    return rule


def _broadcast_operand(sweep: Sweep, node: Node) -> Replacement:
    """op(BroadcastTo(a), b), where `b` has the whole shape already: the op broadcasts `a` itself."""
    for position, ref in enumerate(node.inputs):
        inner = sweep.producer(ref, "BroadcastTo")
        if inner is None:
            continue
        others = [sweep.shape(r) for i, r in enumerate(node.inputs) if i != position]
        whole = inner.shapes[0]
        if not whole.is_fully_defined() or not any(o.dims == whole.dims for o in others):
            continue
        inputs = list(node.inputs)
        inputs[position] = inner.inputs[0]
        return node.with_(inputs=tuple(inputs))
    return None


def _sink_broadcast(sweep: Sweep, node: Node) -> Replacement:
    """op(BroadcastTo(a), scalar) is BroadcastTo(op(a, scalar)): less to compute, and later ops may absorb it."""
    spread = [sweep.producer(r, "BroadcastTo") for r in node.inputs]
    found = [i for i, inner in enumerate(spread) if inner is not None]
    if len(found) != 1:
        return None
    inner = spread[found[0]]
    assert inner is not None
    rest = [sweep.shape(r) for i, r in enumerate(node.inputs) if i != found[0]]
    small, whole = sweep.shape(inner.inputs[0]), inner.shapes[0]
    if any(r.rank != 0 for r in rest) or not _is_smaller(small, whole) or node.shapes[0].dims != whole.dims:
        return None
    inputs = list(node.inputs)
    inputs[found[0]] = inner.inputs[0]
    op = sweep.node(node, node.op, inputs, node.attrs, new=True)
    attrs = {"T": node.types[0], "Tidx": inner.attrs["Tidx"]}
    return sweep.node(node, "BroadcastTo", [(op.name, 0), inner.inputs[1]], attrs)


def _is_smaller(small: TensorShape, whole: TensorShape) -> bool:
    a, b = small.num_elements(), whole.num_elements()
    return a is not None and b is not None and a < b


def _broadcast_twice(sweep: Sweep, node: Node) -> Replacement:
    inner = sweep.producer(node.inputs[0], "BroadcastTo")
    return node.with_(inputs=(inner.inputs[0], node.inputs[1])) if inner is not None else None


def _broadcast_of_reshape(sweep: Sweep, node: Node) -> Replacement:
    """BroadcastTo(Reshape(x)) where the reshape only puts ones in front, as broadcasting does itself."""
    for op in ("Reshape", "ExpandDims"):
        inner = sweep.producer(node.inputs[0], op)
        if inner is None:
            continue
        before, after = sweep.shape(inner.inputs[0]), inner.shapes[0]
        if not before.is_fully_defined() or not after.is_fully_defined():
            continue
        lacking = len(after) - len(before)
        if lacking >= 0 and after.known() == (1,) * lacking + before.known():
            return node.with_(inputs=(inner.inputs[0], node.inputs[1]))
    return None


def _power(sweep: Sweep, node: Node) -> Replacement:
    """x ** 1 is x, x ** 2 is Square(x)."""
    base, exponent = node.inputs
    if not _keeps_shape(sweep, node, base, exponent):
        return None
    if _is_all(sweep, exponent, 1):
        return (base,)
    if _is_all(sweep, exponent, 2) and node.types[0].name in ("float32", "float64"):
        return sweep.node(node, "Square", [base], {"T": node.attrs["T"]})
    return None


_BROADCASTING = (
    "Add", "AddV2", "Sub", "Mul", "RealDiv", "Div", "Maximum", "Minimum", "SquaredDifference", "Pow",
    "Less", "LessEqual", "Greater", "GreaterEqual", "Equal", "NotEqual", "SelectV2",
)  # fmt: skip
_SINKABLE = (
    "AddV2", "Add", "Sub", "Mul", "RealDiv", "Div", "Neg", "Square", "Sqrt", "Exp", "Log", "Abs", "Cast",
    "Reciprocal", "Rsqrt", "Tanh", "Sigmoid",
)  # fmt: skip

ALGEBRA_RULES: dict[str, list[Rule]] = {}


def _rules(op: str, *rules: Rule) -> None:
    ALGEBRA_RULES.setdefault(op, []).extend(rules)


for _op in ("Add", "AddV2"):
    _rules(_op, _neutral(0, (0, 1)))
_rules("Sub", _neutral(0, (1,)))
_rules("Mul", _neutral(1, (0, 1)))
_rules("RealDiv", _neutral(1, (1,)))
_rules("Div", _neutral(1, (1,)))
_rules("Pow", _power)
for _op in ("Neg", "LogicalNot", "Conj", "Invert"):
    _rules(_op, _twice)
_rules("Transpose", _transpose_twice)
_rules("Reshape", _reshape_twice)
_rules("MatMul", _through_transpose(0, "transpose_a"), _through_transpose(1, "transpose_b"))
_rules("BroadcastTo", _broadcast_twice, _broadcast_of_reshape)
for _op in _BROADCASTING:
    _rules(_op, _broadcast_operand)
for _op in _SINKABLE:
    _rules(_op, _sink_broadcast)
