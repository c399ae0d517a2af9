"""Queues; declared in `graph/ops/queues.py`, implemented in `kernels/queue_state.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.dtypes import int64
from ..graph.errors import NotFoundError
from ..graph.shapes import TensorShape
from .handles import ResourceHandle
from .queue_state import FIFOQueue, PaddingFIFOQueue, PriorityQueue, RandomShuffleQueue
from .registry import KernelContext, kernel

__all__ = ["make_resource", "resource_of"]


def make_resource(c: KernelContext, kind: str, make: Callable[[str], Any]) -> ResourceHandle:
    """The handle of a stateful object; the object is made where it is not there yet."""
    name = c.attrs.get("shared_name") or c.node.name
    handle = ResourceHandle(kind, c.attrs.get("container", ""), name)
    resources = c.runtime.resources
    if handle.key not in resources:
        # Two steps may come here at once: whoever is first decides.
        resources.setdefault(handle.key, make(name))
    return handle


def resource_of(c: KernelContext, handle: ResourceHandle) -> Any:
    """The stateful object that a handle names.

    Raises:
        NotFoundError: it is gone.
    """
    try:
        return c.runtime.resources[handle.key]
    except KeyError:
        raise NotFoundError(
            c.node.name, f"there is no {handle.kind} {handle.name!r} on this device", "", c.node.source
        ) from None


@kernel("FIFOQueueV2", host=True)
def fifo_queue(c: KernelContext) -> Any:
    a = c.attrs
    return make_resource(c, "queue", lambda n: FIFOQueue(n, a["capacity"], a["component_types"], a["shapes"]))


@kernel("PaddingFIFOQueueV2", host=True)
def padding_fifo_queue(c: KernelContext) -> Any:
    a = c.attrs
    return make_resource(
        c, "queue", lambda n: PaddingFIFOQueue(n, a["capacity"], a["component_types"], a["shapes"])
    )


@kernel("RandomShuffleQueueV2", host=True)
def random_shuffle_queue(c: KernelContext) -> Any:
    a = c.attrs
    return make_resource(
        c,
        "queue",
        lambda n: RandomShuffleQueue(
            n,
            a["capacity"],
            a["component_types"],
            a["shapes"],
            a["min_after_dequeue"],
            (a["seed"], a["seed2"]),
        ),
    )


@kernel("PriorityQueueV2", host=True)
def priority_queue(c: KernelContext) -> Any:
    a = c.attrs
    types = (int64, *a["component_types"])
    shapes = (TensorShape([]), *a["shapes"])
    return make_resource(c, "queue", lambda n: PriorityQueue(n, a["capacity"], types, shapes))


def _own(value: Any) -> Any:
    """A copy: what is in a queue must not change with the memory that it came from."""
    return np.array(value)


@kernel("QueueEnqueueV2", host=True)
def enqueue(c: KernelContext, handle: Any, *components: Any) -> None:
    resource_of(c, handle).put([tuple(_own(v) for v in components)], c.runtime.cancelled)


@kernel("QueueEnqueueManyV2", host=True)
def enqueue_many(c: KernelContext, handle: Any, *components: Any) -> None:
    rows = list(zip(*(_rows(v) for v in components), strict=True))
    resource_of(c, handle).put(rows, c.runtime.cancelled)


def _rows(value: Any) -> list[Any]:
    own = _own(value)
    return [own[i, ...] for i in range(len(own))]


@kernel("QueueDequeueV2", host=True)
def dequeue(c: KernelContext, handle: Any) -> Any:
    (element,) = resource_of(c, handle).take(1, c.runtime.cancelled)
    return element


@kernel("QueueDequeueManyV2", host=True)
def dequeue_many(c: KernelContext, handle: Any, n: Any) -> Any:
    queue = resource_of(c, handle)
    return queue.joined(queue.take(int(n), c.runtime.cancelled))


@kernel("QueueDequeueUpToV2", host=True)
def dequeue_up_to(c: KernelContext, handle: Any, n: Any) -> Any:
    queue = resource_of(c, handle)
    return queue.joined(queue.take(int(n), c.runtime.cancelled, allow_fewer=True))


@kernel("QueueCloseV2", host=True)
def close(c: KernelContext, handle: Any) -> None:
    resource_of(c, handle).close(c.attrs["cancel_pending_enqueues"])


@kernel("QueueSizeV2", host=True)
def size(c: KernelContext, handle: Any) -> Any:
    return np.int32(len(resource_of(c, handle)))


@kernel("QueueIsClosedV2", host=True)
def is_closed(c: KernelContext, handle: Any) -> Any:
    return np.bool_(resource_of(c, handle).closed)
