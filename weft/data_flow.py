"""Queues that live on devices, as objects."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from .graph.convert import convert_to_tensor
from .graph.default_graph import get_default_graph, name_scope
from .graph.dtypes import DType, as_dtype
from .graph.elements import Operation, Tensor
from .graph.opdef import get_op
from .graph.shapes import TensorShape, as_shape
from .random import get_seed

__all__ = ["FIFOQueue", "PaddingFIFOQueue", "PriorityQueue", "QueueBase", "RandomShuffleQueue"]


class QueueBase:
    """What all queues share.

    Several sessions, steps and threads may put elements in and take them out at once. A step that takes from an
    empty queue waits, and so does one that puts into a full queue.

    Args:
        dtypes: element types of the components.
        shapes: static shapes of the components; None where they may differ.
        names: names of the components; elements are then dictionaries.
        queue_ref: the queue's handle.
    """

    def __init__(
        self,
        dtypes: Sequence[Any],
        shapes: Sequence[TensorShape] | None,
        names: Sequence[str] | None,
        queue_ref: Tensor,
    ) -> None:
        self._dtypes = [as_dtype(d) for d in dtypes]
        if shapes is None:
            self._shapes = [TensorShape(None)] * len(self._dtypes)
        elif len(shapes) != len(self._dtypes):
            raise ValueError(f"A queue of {len(self._dtypes)} components was given {len(shapes)} shapes.")
        else:
            self._shapes = [as_shape(s) for s in shapes]
        if names is not None and len(names) != len(self._dtypes):
            raise ValueError(f"A queue of {len(self._dtypes)} components was given {len(names)} names.")
        self._names = None if names is None else list(names)
        self._queue_ref = queue_ref

    @staticmethod
    def from_list(index: Any, queues: Sequence[QueueBase]) -> QueueBase:
        """One of several queues of equal components, chosen when a step runs.

        Args:
            index: int32 scalar tensor.
            queues: the queues.

        Raises:
            TypeError: `queues` is no list of queues, or their components differ.
        """
        if not queues or not all(isinstance(q, QueueBase) for q in queues):
            raise TypeError("from_list takes a list of queues.")
        first = queues[0]
        if any(q.dtypes != first.dtypes or q.names != first.names for q in queues):
            raise TypeError("The queues do not have components of equal types and names.")
        shapes = [
            a if all(q.shapes[i] == a for q in queues) else TensorShape(None)
            for i, a in enumerate(first.shapes)
        ]
        chosen = get_op("GatherV2")(get_op("Pack")([q.queue_ref for q in queues]), index, 0)
        return QueueBase(first.dtypes, shapes, first.names, chosen)

    @property
    def queue_ref(self) -> Tensor:
        """The resource tensor that names the queue."""
        return self._queue_ref

    @property
    def name(self) -> str:
        return self._queue_ref.op.name

    @property
    def dtypes(self) -> list[DType]:
        return self._dtypes

    @property
    def shapes(self) -> list[TensorShape]:
        return self._shapes

    @property
    def names(self) -> list[str] | None:
        return self._names

    def _components(self, vals: Any, many: bool) -> list[Tensor]:
        """An element, or a batch of them, as tensors."""
        if isinstance(vals, Mapping):
            if self._names is None:
                raise ValueError("The queue's components have no names; give a list.")
            if sorted(vals) != sorted(self._names):
                raise ValueError(f"The element has {sorted(vals)}, the queue {sorted(self._names)}.")
            listed = [vals[n] for n in self._names]
        else:
            if self._names is not None:
                raise ValueError("The queue's components have names; give a dictionary.")
            listed = list(vals) if isinstance(vals, (list, tuple)) else [vals]
        if len(listed) != len(self._dtypes) and len(self._dtypes) == 1:
            listed = [vals]
        if len(listed) != len(self._dtypes):
            raise ValueError(f"The queue has {len(self._dtypes)} components, got {len(listed)}.")
        tensors = []
        for i, (value, dtype, shape) in enumerate(zip(listed, self._dtypes, self._shapes, strict=True)):
            tensor = convert_to_tensor(value, dtype, name=f"component_{i}")
            row = tensor.shape[1:] if many else tensor.shape
            if not row.is_compatible_with(shape):
                raise ValueError(f"Component {i} has shape {row}, the queue takes {shape}.")
            tensors.append(tensor)
        return tensors

    def _returned(self, tensors: Sequence[Tensor], rows: int | None = -1) -> Any:
        """What dequeuing gives: a tensor, list or dictionary, with the shapes that are known."""
        for tensor, shape in zip(tensors, self._shapes, strict=True):
            tensor.set_shape(shape if rows == -1 else TensorShape([rows]).concatenate(shape))
        if self._names is not None:
            return dict(zip(self._names, tensors, strict=True))
        return tensors[0] if len(tensors) == 1 else list(tensors)

    def _beside(self) -> contextlib.AbstractContextManager[None]:
        graph = get_default_graph()
        if graph is not self._queue_ref.graph:
            return contextlib.nullcontext()
        return graph.colocate_with(self._queue_ref.op, ignore_existing=True)

    def enqueue(self, vals: Any, name: str | None = None) -> Operation:
        """An operation that puts in an element, waiting for room.

        Args:
            vals: a tensor, a list of them, or, where components have names, a dictionary.
            name: name of the operation.

        Raises:
            CancelledError: when run, if the queue is closed.
        """
        with name_scope(name, f"{self.name}_enqueue") as scope:
            tensors = self._components(vals, many=False)
            with self._beside():
                return get_op("QueueEnqueueV2")(self._queue_ref, tensors, name=scope)  # type: ignore[no-any-return]

    def enqueue_many(self, vals: Any, name: str | None = None) -> Operation:
        """An operation that puts in the rows of tensors; arguments as `enqueue`."""
        with name_scope(name, f"{self.name}_EnqueueMany") as scope:
            tensors = self._components(vals, many=True)
            with self._beside():
                return get_op("QueueEnqueueManyV2")(self._queue_ref, tensors, name=scope)  # type: ignore[no-any-return]

    def dequeue(self, name: str | None = None) -> Any:
        """Takes out an element, waiting for one.

        Returns:
            A tensor, a list of them, or, where components have names, a dictionary.

        Raises:
            OutOfRangeError: when run, if the queue is closed and empty.
        """
        with self._beside():
            made = get_op("QueueDequeueV2")(
                self._queue_ref, component_types=self._dtypes, name=name or f"{self.name}_Dequeue"
            )
        return self._returned(made)

    def dequeue_many(self, n: Any, name: str | None = None) -> Any:
        """Takes out n elements, waiting for them, joined along a new first dimension.

        Raises:
            ValueError: the shapes of the components are not known.
            OutOfRangeError: when run, if the queue is closed and has fewer.
        """
        self._need_shapes("dequeue_many")
        with self._beside():
            made = get_op("QueueDequeueManyV2")(
                self._queue_ref, n, component_types=self._dtypes, name=name or f"{self.name}_DequeueMany"
            )
        return self._returned(made, n if isinstance(n, int) else None)

    def dequeue_up_to(self, n: Any, name: str | None = None) -> Any:
        """Takes out n elements, or what is left of a closed queue, joined along a new first dimension."""
        self._need_shapes("dequeue_up_to")
        with self._beside():
            made = get_op("QueueDequeueUpToV2")(
                self._queue_ref, n, component_types=self._dtypes, name=name or f"{self.name}_DequeueUpTo"
            )
        return self._returned(made, None)

    def _need_shapes(self, what: str) -> None:
        if not all(s.is_fully_defined() for s in self._shapes):
            raise ValueError(f"{what} needs a queue with known shapes: give shapes to {self.name}.")

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Operation:
        """An operation that closes the queue.

        Args:
            cancel_pending_enqueues: whether what waits for room is refused too.
            name: name of the operation.
        """
        with self._beside():
            return get_op("QueueCloseV2")(  # type: ignore[no-any-return]
                self._queue_ref,
                cancel_pending_enqueues=cancel_pending_enqueues,
                name=name or f"{self.name}_Close",
            )

    def is_closed(self, name: str | None = None) -> Tensor:
        """A boolean scalar: whether the queue is closed."""
        with self._beside():
            return get_op("QueueIsClosedV2")(self._queue_ref, name=name or f"{self.name}_is_closed")  # type: ignore[no-any-return]

    def size(self, name: str | None = None) -> Tensor:
        """An int32 scalar: number of elements in the queue."""
        with self._beside():
            return get_op("QueueSizeV2")(self._queue_ref, name=name or f"{self.name}_Size")  # type: ignore[no-any-return]


def _listed(dtypes: Any) -> list[Any]:
    return list(dtypes) if isinstance(dtypes, (list, tuple)) else [dtypes]


def _shapes(shapes: Any, number: int) -> list[TensorShape] | None:
    if shapes is None:
        return None
    if number == 1 and not (isinstance(shapes, (list, tuple)) and shapes and _is_shape(shapes[0])):
        return [as_shape(shapes)]
    return [as_shape(s) for s in shapes]


def _is_shape(value: Any) -> bool:
    return isinstance(value, (list, tuple, TensorShape))


def _names(names: Any) -> list[str] | None:
    return None if not names else [names] if isinstance(names, str) else list(names)


class FIFOQueue(QueueBase):
    """A queue whose elements come out in order.

    Args:
        capacity: most elements.
        dtypes: element types of the components, or one.
        shapes: static shapes of the components, needed to take out several elements together.
        names: names of the components; elements are then dictionaries.
        shared_name: a name under which sessions on the same devices share the queue.
        name: name of the operation.
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "fifo_queue",
    ) -> None:
        types = _listed(dtypes)
        known = _shapes(shapes, len(types))
        handle = get_op("FIFOQueueV2")(
            component_types=types,
            shapes=known or [],
            capacity=capacity,
            shared_name=shared_name or "",
            name=name,
        )
        super().__init__(types, known, _names(names), handle)


class RandomShuffleQueue(QueueBase):
    """A queue whose elements come out at random.

    Args:
        capacity: most elements.
        min_after_dequeue: elements that stay in it, for better mixing, as long as it is open.
        dtypes, shapes, names, shared_name, name: as for `FIFOQueue`.
        seed: seed of the choice.
    """

    def __init__(
        self,
        capacity: int,
        min_after_dequeue: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        seed: int | None = None,
        shared_name: str | None = None,
        name: str = "random_shuffle_queue",
    ) -> None:
        types = _listed(dtypes)
        known = _shapes(shapes, len(types))
        first, second = get_seed(seed)
        handle = get_op("RandomShuffleQueueV2")(
            component_types=types,
            shapes=known or [],
            capacity=capacity,
            min_after_dequeue=min_after_dequeue,
            seed=first or 0,
            seed2=second or 0,
            shared_name=shared_name or "",
            name=name,
        )
        super().__init__(types, known, _names(names), handle)


class PaddingFIFOQueue(QueueBase):
    """A queue in order whose elements, taken out together, are padded with zeros to the largest of each size.

    Args:
        shapes: shapes of the components, None in the place of sizes that differ.
        capacity, dtypes, names, shared_name, name: as for `FIFOQueue`.
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "padding_fifo_queue",
    ) -> None:
        types = _listed(dtypes)
        known = _shapes(shapes, len(types))
        if known is None or len(known) != len(types):
            raise ValueError(f"A padding queue of {len(types)} components needs as many shapes.")
        handle = get_op("PaddingFIFOQueueV2")(
            component_types=types, shapes=known, capacity=capacity, shared_name=shared_name or "", name=name
        )
        super().__init__(types, known, _names(names), handle)

    def _need_shapes(self, what: str) -> None:
        """Sizes may be unknown: they are padded."""


class PriorityQueue(QueueBase):
    """A queue whose elements come out by their first component, an int64 scalar, smallest first.

    Args:
        types: element types of the components after the first.
        shapes: their static shapes.
        capacity, names, shared_name, name: as for `FIFOQueue`; the first name is the priority's.
    """

    def __init__(
        self,
        capacity: int,
        types: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "priority_queue",
    ) -> None:
        listed = _listed(types)
        known = _shapes(shapes, len(listed))
        handle = get_op("PriorityQueueV2")(
            component_types=listed,
            shapes=known or [],
            capacity=capacity,
            shared_name=shared_name or "",
            name=name,
        )
        every = None if known is None else [TensorShape([]), *known]
        super().__init__(["int64", *listed], every, _names(names), handle)
