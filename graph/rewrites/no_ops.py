"""Nodes that hand their input on as it is are left out."""

from __future__ import annotations

import numpy as np

from ..ir import Node
from .sweep import Replacement, Rule, Sweep

__all__ = ["NO_OP_RULES"]


def _pass_on(sweep: Sweep, node: Node) -> Replacement:
    return None if node.types[0].kind == "r" else (node.inputs[0],)


def _same_shape(sweep: Sweep, node: Node) -> Replacement:
    """Reshape, Squeeze, BroadcastTo, Tile, Pad, Slice: nothing happens where the shape stays what it was."""
    before, after = sweep.shape(node.inputs[0]), node.shapes[0]
    return (node.inputs[0],) if after.is_fully_defined() and before.dims == after.dims else None


def _over_no_axes(sweep: Sweep, node: Node) -> Replacement:
    axes = sweep.value(node.inputs[1])
    return (node.inputs[0],) if axes is not None and not axes.size else None


def _of_size_one(sweep: Sweep, node: Node) -> Replacement:
    """A reduction whose reduced dimensions all are 1 is a reshape."""
    axes, shape = sweep.value(node.inputs[1]), sweep.shape(node.inputs[0])
    if axes is None or shape.rank is None or any(shape[int(a)] != 1 for a in axes.reshape(-1)):
        return None
    if not node.shapes[0].is_fully_defined():
        return None
    dims = np.array(node.shapes[0].known(), dtype=np.int32)
    from ..dtypes import int32

    asked = sweep.constant(node, dims, int32, output=0)
    attrs = {"T": node.types[0], "Tshape": int32}
    return sweep.node(node, "Reshape", [node.inputs[0], (asked.name, 0)], attrs)


def _same_order(sweep: Sweep, node: Node) -> Replacement:
    perm = sweep.value(node.inputs[1])
    return (node.inputs[0],) if perm is not None and np.array_equal(perm, np.arange(perm.size)) else None


def _same_type(sweep: Sweep, node: Node) -> Replacement:
    return (node.inputs[0],) if node.attrs["SrcT"] is node.attrs["DstT"] else None


def _of_one(sweep: Sweep, node: Node) -> Replacement:
    """AddN or ConcatV2 of one tensor."""
    return (node.inputs[0],) if node.attrs["N"] == 1 else None


_REDUCTIONS = ("Sum", "Prod", "Max", "Min", "Mean", "All", "Any")

NO_OP_RULES: dict[str, list[Rule]] = {
    **{op: [_pass_on] for op in ("Identity", "StopGradient", "PreventGradient")},
    **{op: [_same_shape] for op in ("Reshape", "Squeeze", "BroadcastTo", "Tile", "Pad", "PadV2", "Slice")},
    **{op: [_over_no_axes] for op in _REDUCTIONS},
    "Transpose": [_same_order],
    "Cast": [_same_type],
    "AddN": [_of_one],
    "ConcatV2": [_of_one],
}
for _op in ("Sum", "Prod", "Max", "Min", "Mean"):
    NO_OP_RULES[_op].append(_of_size_one)
