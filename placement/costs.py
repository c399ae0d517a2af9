"""What each op and each tensor of a step costs: estimated from declarations, or measured."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..graph.dtypes import DType
from ..graph.errors import PlacementError
from ..graph.infer import CostContext, elements
from ..graph.ir import Node, Ref, Subgraph
from ..graph.opdef import Cost, find_op
from ..graph.shapes import TensorShape
from .cluster import DeviceInfo, device_info

if TYPE_CHECKING:
    from .plan import Plan

__all__ = ["Costs", "OpWork", "predicted_seconds", "tensor_bytes", "work_of"]

_BY_REFERENCE = 64.0
"""Bytes that a string, handle or variant is taken to have."""


@dataclass(frozen=True)
class Costs:
    """What is known beyond the declarations.

    Attributes:
        shapes: dimensions that a tensor had when it was last seen, for those whose static shape leaves some
            open.
        seconds: measured time of an op on a device, in seconds, by (node name, device name).
        resident: bytes that a node holds between steps, by name, where the declaration does not say.
        batch: what an unknown first dimension is taken to be where it was never seen.
        dimension: what any other unknown dimension is taken to be.
    """

    shapes: Mapping[Ref, tuple[int, ...]] = field(default_factory=dict)
    seconds: Mapping[tuple[str, str], float] = field(default_factory=dict)
    resident: Mapping[str, float] = field(default_factory=dict)
    batch: int = 32
    dimension: int = 32

    def __post_init__(self) -> None:
        for (node, device), seconds in self.seconds.items():
            if not (math.isfinite(seconds) and seconds >= 0):
                raise PlacementError(
                    node, f"the cost of '{node}' on {device} must be a time in seconds, got {seconds!r}"
                )
        for node, size in self.resident.items():
            if not (math.isfinite(size) and size >= 0):
                raise PlacementError(node, f"the memory of '{node}' must be at least 0 bytes, got {size!r}")
        for ref, shape in self.shapes.items():
            if any(d < 0 for d in shape):
                raise PlacementError(ref[0], f"the shape of {ref[0]}:{ref[1]} is negative: {list(shape)}")

    @classmethod
    def of_statistics(cls, run_metadata: Any, known: Costs | None = None) -> Costs:
        """What traced steps say about costs; see `measured.costs_of_statistics`.

        Args:
            run_metadata: the RunMetadata of one or several steps.
            known: costs to start from.
        """
        from .measured import costs_of_statistics

        return costs_of_statistics(run_metadata, known)

    def to_json(self) -> str:
        """The costs as JSON text."""
        from .measured import costs_to_dict

        return json.dumps(costs_to_dict(self))

    @classmethod
    def from_json(cls, text: str) -> Costs:
        """Reads what `to_json` wrote.

        Raises:
            PlacementError: the text holds no costs.
        """
        from .measured import costs_from_dict

        try:
            return costs_from_dict(json.loads(text))
        except json.JSONDecodeError as error:
            raise PlacementError(None, f"these are no costs: {error}") from None

    def shape(self, ref: Ref, static: TensorShape) -> tuple[int, ...]:
        """Dimensions of a tensor: the static ones, those last seen, or the assumed ones, in this order."""
        dims = static.dims
        if dims is not None and None not in dims:
            return static.known()
        seen = self.shapes.get(ref)
        if seen is not None and (dims is None or len(seen) == len(dims)):
            return seen
        if dims is None:
            return (self.batch,)
        return tuple(
            d if d is not None else (self.batch if i == 0 else self.dimension) for i, d in enumerate(dims)
        )


@dataclass(frozen=True)
class OpWork:
    """What one run of an op takes: FLOPs, bytes of memory traffic, the element type that it computes in, its type."""

    flops: float
    bytes: float
    dtype: str
    op: str = ""

    def seconds(self, device: DeviceInfo) -> float:
        """Its time on a device, as measured for its type or by the roofline model."""
        return device.seconds(self.flops, self.bytes, self.dtype, self.op)


_NOTHING = OpWork(0.0, 0.0, "float32")


def tensor_bytes(shape: Sequence[int], dtype: DType) -> float:
    """Size of a tensor in bytes."""
    if dtype.kind in "rv" or dtype.name == "string":
        return _BY_REFERENCE * elements(shape)
    return float(elements(shape) * dtype.size)


def work_of(subgraph: Subgraph, node: Node, costs: Costs) -> OpWork:
    """What a node takes by its declaration.

    Raises:
        PlacementError: its cost rule yields what is no amount of work.
    """
    decl = find_op(node.op)
    if decl is None:
        return _NOTHING
    in_shapes: list[tuple[int, ...]] = []
    in_types: list[DType] = []
    for ref in node.inputs:
        maker = subgraph.nodes[ref[0]]
        dtype = maker.types[ref[1]]
        if dtype.kind == "r" and node.handle is not None and decl.state.kind == "variable":
            # The kernel takes the variable's value in the place of its handle.
            in_shapes.append(costs.shape((ref[0], -1), node.handle.shape))
            in_types.append(node.handle.dtype)
        else:
            in_shapes.append(costs.shape(ref, maker.shapes[ref[1]]))
            in_types.append(dtype)
    out_shapes = [costs.shape((node.name, i), s) for i, s in enumerate(node.shapes)]
    cost = decl.cost(CostContext(node.attrs, in_shapes, out_shapes, in_types, node.types))
    return _checked(node, cost, _arithmetic_type(in_types, node.types))


def _checked(node: Node, cost: Cost, dtype: str) -> OpWork:
    if not (math.isfinite(cost.flops) and math.isfinite(cost.bytes) and min(cost.flops, cost.bytes) >= 0):
        raise PlacementError(
            node.name,
            f"{node.op} '{node.name}': its cost must be finite and not negative, got {cost.flops!r} FLOPs "
            f"and {cost.bytes!r} bytes",
            "",
            node.source,
        )
    return OpWork(cost.flops, cost.bytes, dtype, node.op)


def _arithmetic_type(in_types: Sequence[DType], out_types: Sequence[DType]) -> str:
    for dtype in (*in_types, *out_types):
        if dtype.is_floating or dtype.is_complex:
            return dtype.real_dtype.name
    return in_types[0].name if in_types else (out_types[0].name if out_types else "float32")


def predicted_seconds(subgraph: Subgraph, plan: Plan, name: str, costs: Costs | None = None) -> float:
    """Estimated time of one node on the kind of device that a plan has it on, in seconds, at usual rates."""
    node = subgraph.nodes.get(name)
    if node is None:
        return 0.0
    known = costs or Costs()
    device = plan.placement.get(name, "")
    measured = known.seconds.get((name, device))
    if measured is not None:
        return measured
    return work_of(subgraph, node, known).seconds(_usual(device))


@functools.lru_cache(maxsize=4096)
def _usual(device: str) -> DeviceInfo:
    return device_info(device or "/job:localhost/task:0/device:CPU:0")
