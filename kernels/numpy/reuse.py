"""Which operand's memory a node may write its result into."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from ..segment import Segment, SegmentNode

__all__ = ["FRESH", "BufferReuse"]

_WORTH_BYTES = 32 * 1024
"""Smaller arrays come from the allocator's own lists, where reuse saves nothing."""


FRESH = frozenset(
    {
        "BatchMatMul",
        "BatchMatMulV2",
        "BiasAddGrad",
        "ConcatV2",
        "Conv2D",
        "Conv2DBackpropFilter",
        "Conv2DBackpropInput",
        "LogSoftmax",
        "MatMul",
        "MaxPool",
        "MaxPoolGrad",
        "Mean",
        "Relu",
        "ReluGrad",
        "Sigmoid",
        "SigmoidGrad",
        "Softmax",
        "SoftmaxCrossEntropyWithLogits",
        "SparseSoftmaxCrossEntropyWithLogits",
        "SquaredDifference",
        "Sum",
        "Tanh",
        "TanhGrad",
    }
)
"""Ops whose NumPy kernels never give a view of an input."""


class BufferReuse:
    """Follows which slots share memory, and gives out arrays that the segment made and no longer needs.

    The result of a ufunc is memory of its own, and so is that of the ops in `FRESH`; that of any other kernel
    may be a view of its inputs, so it is counted as sharing theirs.

    Args:
        segment: the segment.
        dead: for each node's index, the slots that nothing needs after it.
        ufuncs: indices of the nodes that a ufunc computes.
    """

    def __init__(self, segment: Segment, dead: Mapping[int, Sequence[int]], ufuncs: Collection[int]) -> None:
        self._static = _static_results(segment)
        self._fresh: set[int] = set()
        self._group: dict[int, int] = {}
        forever = len(segment.nodes)
        ends = {slot: index for index, slots in dead.items() for slot in slots}
        self._last: dict[int, int] = {}
        for index, row in enumerate(segment.nodes):
            outs = [s for s in row.outs if s is not None]
            if index in ufuncs or row.node.op in FRESH or (row.node.op == "AddN" and len(row.args) > 1):
                self._fresh.update(outs)
            else:
                self._join([*outs, *(s for s in row.args if s is not None)])
            for slot in outs:
                self._last[slot] = ends.get(slot, forever if slot in segment.outputs else index)
        for slot in (*segment.inputs, *segment.constants):
            self._last[slot] = forever
        self._group_last: dict[int, int] = {}
        for slot, last in self._last.items():
            root = self._root(slot)
            self._group_last[root] = max(last, self._group_last.get(root, 0))

    def take(self, index: int, row: SegmentNode) -> int | None:
        """The argument slot that ufunc number `index` may write into, or None."""
        (out,) = row.outs
        if out is None or out not in self._static:
            return None
        shape, dtype = self._static[out]
        if int(np.prod(shape, dtype=np.int64)) * dtype.itemsize < _WORTH_BYTES:
            return None
        for slot in row.args:
            if slot in self._fresh and self._static.get(slot) == (shape, dtype):
                root = self._root(slot)
                if self._group_last[root] <= index:
                    self._hand_over(slot, out)
                    return slot
        return None

    def _hand_over(self, slot: int, out: int) -> None:
        """From now on the memory is `out`'s: who shares memory with `out` keeps it alive."""
        old, new = self._root(slot), self._root(out)
        last = self._group_last[new]
        if old != new:
            self._group[old] = new
        self._group_last[new] = last

    def _root(self, slot: int) -> int:
        group = self._group
        while group.get(slot, slot) != slot:
            group[slot] = group.get(group[slot], group[slot])
            slot = group[slot]
        return slot

    def _join(self, slots: Sequence[int]) -> None:
        if slots:
            root = self._root(slots[0])
            for slot in slots[1:]:
                self._group[self._root(slot)] = root


def _static_results(segment: Segment) -> dict[int, tuple[tuple[int, ...], np.dtype]]:
    """Shape and element type of the slots where both are settled."""
    found = {}
    for row in segment.nodes:
        outputs = row.outs[len(row.outs) - len(row.node.types) :]
        for slot, shape, dtype in zip(outputs, row.node.shapes, row.node.types, strict=True):
            if slot is not None and shape.is_fully_defined():
                found[slot] = (shape.known(), dtype.np)
    return found
