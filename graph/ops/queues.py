"""Queues: elements that steps put in and take out, waiting where there is no room or nothing there."""

from __future__ import annotations

from collections.abc import Sequence

from ..infer import InferContext, free, moves
from ..opdef import EFFECT, NoGradient, OpDecl, declare
from ..shapes import TensorShape

__all__ = [
    "FIFOQueueV2",
    "PaddingFIFOQueueV2",
    "PriorityQueueV2",
    "QueueCloseV2",
    "QueueDequeueManyV2",
    "QueueDequeueUpToV2",
    "QueueDequeueV2",
    "QueueEnqueueManyV2",
    "QueueEnqueueV2",
    "QueueIsClosedV2",
    "QueueSizeV2",
    "RandomShuffleQueueV2",
]

_NO_GRADIENT = NoGradient("what comes out of a queue went in in another step")
_SCALAR = TensorShape([])


def _queue(name: str, doc: str, *attrs: str, types: str = "component_types: list(type) >= 1") -> OpDecl:
    return declare(
        name,
        inputs="",
        outputs="handle: resource",
        attrs=(types, *attrs, "container: string = ''", "shared_name: string = ''"),
        infer=lambda c: [_SCALAR],
        gradient=_NO_GRADIENT,
        cost=free,
        state=EFFECT,
        samples=list,
        doc=doc,
    )


_SHAPES, _CAPACITY = "shapes: list(shape) = []", "capacity: int = -1"

FIFOQueueV2 = _queue("FIFOQueueV2", "A queue whose elements come out in order.", _SHAPES, _CAPACITY)

RandomShuffleQueueV2 = _queue(
    "RandomShuffleQueueV2",
    "A queue whose elements come out at random.",
    _SHAPES,
    _CAPACITY,
    "min_after_dequeue: int = 0",
    "seed: int = 0",
    "seed2: int = 0",
)

PaddingFIFOQueueV2 = _queue(
    "PaddingFIFOQueueV2",
    "A queue in order whose elements are padded to one size when several come out together.",
    _SHAPES,
    _CAPACITY,
)

PriorityQueueV2 = _queue(
    "PriorityQueueV2",
    "A queue whose elements come out by their first component, smallest first.",
    "shapes: list(shape)",
    _CAPACITY,
    types="component_types: list(type) = []",
)


def _no_outputs(c: InferContext) -> Sequence[TensorShape]:
    c.rank("handle", 0)
    return []


def _rows_in(c: InferContext) -> Sequence[TensorShape]:
    rows = TensorShape([None])
    for shape in c.shape_list("components"):
        if shape.rank == 0:
            c.fail("each component must have a dimension of elements")
        if shape.rank is not None:
            rows = c.merge(rows, shape[:1], "all components must have as many elements")
    return []


def _elements_out(c: InferContext) -> Sequence[TensorShape]:
    c.rank("handle", 0)
    return [TensorShape(None) for _ in c.attr("component_types")]


def _batch_out(c: InferContext) -> Sequence[TensorShape]:
    c.rank("n", 0)
    return _elements_out(c)


QueueEnqueueV2 = declare(
    "QueueEnqueueV2",
    inputs="handle: resource, components: Tcomponents",
    outputs="",
    attrs=("Tcomponents: list(type) >= 1", "timeout_ms: int = -1"),
    infer=_no_outputs,
    gradient=_NO_GRADIENT,
    cost=moves,
    state=EFFECT,
    samples=list,
    doc="Puts an element into a queue.",
)

QueueEnqueueManyV2 = declare(
    "QueueEnqueueManyV2",
    inputs="handle: resource, components: Tcomponents",
    outputs="",
    attrs=("Tcomponents: list(type) >= 1", "timeout_ms: int = -1"),
    infer=_rows_in,
    gradient=_NO_GRADIENT,
    cost=moves,
    state=EFFECT,
    samples=list,
    doc="Puts the rows of its components into a queue.",
)

QueueDequeueV2 = declare(
    "QueueDequeueV2",
    inputs="handle: resource",
    outputs="components: component_types",
    attrs=("component_types: list(type) >= 1", "timeout_ms: int = -1"),
    infer=_elements_out,
    gradient=_NO_GRADIENT,
    cost=moves,
    state=EFFECT,
    samples=list,
    doc="Takes an element out of a queue.",
)

QueueDequeueManyV2 = declare(
    "QueueDequeueManyV2",
    inputs="handle: resource, n: int32",
    outputs="components: component_types",
    attrs=("component_types: list(type) >= 1", "timeout_ms: int = -1"),
    infer=_batch_out,
    gradient=_NO_GRADIENT,
    cost=moves,
    state=EFFECT,
    samples=list,
    doc="Takes n elements out of a queue, joined along a new first dimension.",
)

QueueDequeueUpToV2 = declare(
    "QueueDequeueUpToV2",
    inputs="handle: resource, n: int32",
    outputs="components: component_types",
    attrs=("component_types: list(type) >= 1", "timeout_ms: int = -1"),
    infer=_batch_out,
    gradient=_NO_GRADIENT,
    cost=moves,
    state=EFFECT,
    samples=list,
    doc="Takes n elements out of a queue, or what is left of a closed one.",
)

QueueCloseV2 = declare(
    "QueueCloseV2",
    inputs="handle: resource",
    outputs="",
    attrs="cancel_pending_enqueues: bool = false",
    infer=_no_outputs,
    gradient=_NO_GRADIENT,
    cost=free,
    state=EFFECT,
    samples=list,
    doc="Says that nothing more is put into a queue.",
)

QueueSizeV2 = declare(
    "QueueSizeV2",
    inputs="handle: resource",
    outputs="size: int32",
    attrs="",
    infer=lambda c: [_SCALAR],
    gradient=_NO_GRADIENT,
    cost=free,
    state=EFFECT,
    samples=list,
    doc="Number of elements in a queue.",
)

QueueIsClosedV2 = declare(
    "QueueIsClosedV2",
    inputs="handle: resource",
    outputs="is_closed: bool",
    attrs="",
    infer=lambda c: [_SCALAR],
    gradient=_NO_GRADIENT,
    cost=free,
    state=EFFECT,
    samples=list,
    doc="Whether a queue is closed.",
)
