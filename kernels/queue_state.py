"""Queues as they live on a device: elements, and threads that wait for room or for elements.

Several that wait are served in the order in which they came. A wait ends when the queue is closed, when its step is
given up, or when the device is shut down; what was taken so far goes back then.
"""

from __future__ import annotations

import heapq
import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph.dtypes import DType
from ..graph.errors import CancelledError, InvalidArgumentError, OutOfRangeError
from ..graph.shapes import TensorShape
from .philox import Stream

__all__ = ["FIFOQueue", "PaddingFIFOQueue", "PriorityQueue", "RandomShuffleQueue"]

Element = tuple[Any, ...]
Cancelled = Callable[[], bool]

_LOOK = 0.1
"""Seconds between looks at whether a waiting step was given up."""


class FIFOQueue:
    """A queue whose elements come out in order.

    Args:
        name: for messages.
        capacity: most elements; -1 for any number.
        types: element type of each component.
        shapes: static shape of each component; empty where they may differ.
    """

    kind = "FIFOQueue"

    def __init__(
        self, name: str, capacity: int, types: Sequence[DType], shapes: Sequence[TensorShape]
    ) -> None:
        self.name = name
        self.capacity = capacity if capacity >= 0 else None
        self.types = tuple(types)
        self.shapes = tuple(shapes)
        self.closed = False
        self._refusing = False
        self._shut = False
        self._changed = threading.Condition()
        self._putters: deque[object] = deque()
        self._takers: deque[object] = deque()
        self._items: Any = deque()

    # What a subclass changes: how elements lie.

    def _push(self, element: Element) -> None:
        self._items.append(element)

    def _pop(self) -> Element:
        return self._items.popleft()  # type: ignore[no-any-return]

    def _give_back(self, taken: list[Element]) -> None:
        self._items.extendleft(reversed(taken))

    def _available(self) -> int:
        """How many elements may be taken now."""
        return len(self._items)

    def __len__(self) -> int:
        with self._changed:
            return len(self._items)

    def put(self, elements: Sequence[Element], cancelled: Cancelled) -> None:
        """Puts elements in, waiting for room.

        Raises:
            CancelledError: the queue is closed, or the wait is given up.
            InvalidArgumentError: an element does not fit the queue.
        """
        for element in elements[:1]:
            self._check(element)
        ticket = object()
        with self._changed:
            if self.closed:
                raise CancelledError(None, f"{self.kind} '{self.name}' is closed.")
            self._putters.append(ticket)
            try:
                for element in elements:
                    if not self._refusing and not self._may_put(ticket):
                        # Others are woken once for all that was put in, not for each element.
                        self._changed.notify_all()
                        self._wait(lambda: self._refusing or self._may_put(ticket), cancelled, "Enqueue")
                    if self._refusing:
                        raise CancelledError(None, f"{self.kind} '{self.name}' is closed.")
                    self._push(element)
            finally:
                self._putters.remove(ticket)
                self._changed.notify_all()

    def _may_put(self, ticket: object) -> bool:
        return self._putters[0] is ticket and (self.capacity is None or len(self._items) < self.capacity)

    def take(self, count: int, cancelled: Cancelled, allow_fewer: bool = False) -> list[Element]:
        """Takes elements out, waiting for them.

        Args:
            count: how many.
            cancelled: whether the step is given up.
            allow_fewer: whether what is left of a closed queue will do.

        Raises:
            OutOfRangeError: the queue is closed and has too few.
            CancelledError: the wait is given up.
        """
        ticket = object()
        taken: list[Element] = []
        with self._changed:
            self._takers.append(ticket)
            try:
                while len(taken) < count:
                    self._wait(lambda: self._may_take(ticket), cancelled, "Dequeue")
                    if not self._available():
                        if allow_fewer and taken:
                            break
                        raise OutOfRangeError(
                            None,
                            f"{self.kind} '{self.name}' is closed and has insufficient elements "
                            f"(requested {count}, current size {len(taken) + len(self._items)})",
                        )
                    while len(taken) < count and self._available():
                        taken.append(self._pop())
                    self._changed.notify_all()
            except BaseException:
                self._give_back(taken)
                raise
            finally:
                self._takers.remove(ticket)
                self._changed.notify_all()
        return taken

    def _may_take(self, ticket: object) -> bool:
        done = self.closed and not self._putters
        return self._takers[0] is ticket and (self._available() > 0 or done)

    def _wait(self, ready: Callable[[], bool], cancelled: Cancelled, what: str) -> None:
        while not ready():
            if self._shut or cancelled():
                raise CancelledError(None, f"{what} operation was cancelled")
            self._changed.wait(_LOOK)

    def close(self, cancel_pending: bool) -> None:
        """Lets nothing more in; with `cancel_pending` not even what waits for room."""
        with self._changed:
            self.closed = True
            self._refusing = self._refusing or cancel_pending
            self._changed.notify_all()

    def shut_down(self) -> None:
        """Ends all waits: the device is closed."""
        with self._changed:
            self._shut = True
            self._changed.notify_all()

    def _check(self, element: Element) -> None:
        if len(element) != len(self.types):
            raise InvalidArgumentError(
                None, f"{self.kind} '{self.name}' takes {len(self.types)} components, got {len(element)}"
            )
        for position, (value, shape) in enumerate(zip(element, self.shapes, strict=False)):
            if not shape.is_compatible_with(np.shape(value)):
                raise InvalidArgumentError(
                    None,
                    f"{self.kind} '{self.name}': shape mismatch in component {position}: expected {shape}, "
                    f"got {list(np.shape(value))}",
                )

    def joined(self, elements: Sequence[Element]) -> tuple[Any, ...]:
        """Elements as one array per component, with a new first dimension."""
        if not elements:
            shapes = self.shapes or (TensorShape([]),) * len(self.types)
            empty = ((0, *(d or 0 for d in s)) for s in shapes)
            return tuple(np.empty(s, t.np) for s, t in zip(empty, self.types, strict=True))
        return tuple(self._stacked(column, i) for i, column in enumerate(zip(*elements, strict=True)))

    def _stacked(self, column: Sequence[Any], position: int) -> Any:
        try:
            return np.stack(column)
        except ValueError:
            shapes = sorted({np.shape(v) for v in column})
            raise InvalidArgumentError(
                None,
                f"{self.kind} '{self.name}': elements of shapes {shapes} in component {position} cannot be taken "
                "out together; a padding queue can do so",
            ) from None


class RandomShuffleQueue(FIFOQueue):
    """A queue whose elements come out at random.

    Args:
        name, capacity, types, shapes: as for `FIFOQueue`.
        min_after_dequeue: elements that stay in it, for better mixing, as long as it is open.
        seeds: key and upper counter of the random stream; both zero for another one each time.

    Source:
        The order for a seed is that of TensorFlow's RandomShuffleQueue.
    """

    kind = "RandomShuffleQueue"

    def __init__(
        self,
        name: str,
        capacity: int,
        types: Sequence[DType],
        shapes: Sequence[TensorShape],
        min_after_dequeue: int,
        seeds: tuple[int, int],
    ) -> None:
        super().__init__(name, capacity, types, shapes)
        self.min_after_dequeue = min_after_dequeue
        self._items = []
        key, high = seeds if any(seeds) else (secrets.randbits(63), secrets.randbits(63))
        self._stream = (_words(key), _words(high))
        self._drawn = 0
        self._numbers: list[int] = []

    def _available(self) -> int:
        kept = 0 if self.closed else self.min_after_dequeue
        return max(0, len(self._items) - kept)

    def _random(self) -> int:
        if not self._numbers:
            key, high = self._stream
            words = Stream(np, key, high, np.uint64(self._drawn)).words(256)
            self._drawn += 64
            self._numbers = [int(w) for w in words[::-1]]
        return self._numbers.pop()

    def _pop(self) -> Element:
        items = self._items
        index = self._random() % len(items)
        items[index], items[-1] = items[-1], items[index]
        return items.pop()  # type: ignore[no-any-return]

    def _give_back(self, taken: list[Element]) -> None:
        self._items.extend(taken)


def _words(number: int) -> tuple[Any, Any]:
    return np.uint32(number & 0xFFFFFFFF), np.uint32(number >> 32 & 0xFFFFFFFF)


class PaddingFIFOQueue(FIFOQueue):
    """A queue in order whose elements, taken out together, are padded to the largest of each size."""

    kind = "PaddingFIFOQueue"

    def _stacked(self, column: Sequence[Any], position: int) -> Any:
        shapes = [np.shape(v) for v in column]
        if len(set(shapes)) == 1:
            return np.stack(column)
        largest = tuple(max(sizes) for sizes in zip(*shapes, strict=True))
        dtype = self.types[position].np
        result = np.full((len(column), *largest), b"" if dtype.kind == "O" else 0, dtype)
        for row, value in zip(result, column, strict=True):
            row[tuple(slice(0, d) for d in np.shape(value))] = value
        return result


class PriorityQueue(FIFOQueue):
    """A queue whose elements come out by their first component, an int64 scalar, smallest first."""

    kind = "PriorityQueue"

    def __init__(
        self, name: str, capacity: int, types: Sequence[DType], shapes: Sequence[TensorShape]
    ) -> None:
        super().__init__(name, capacity, types, shapes)
        self._items = []
        self._order = 0

    def _push(self, element: Element) -> None:
        self._order += 1
        heapq.heappush(self._items, (int(element[0]), self._order, element))

    def _pop(self) -> Element:
        return heapq.heappop(self._items)[2]  # type: ignore[no-any-return]

    def _give_back(self, taken: list[Element]) -> None:
        # Earlier than all that are there: the order among equal priorities is kept.
        for number, element in enumerate(taken):
            heapq.heappush(self._items, (int(element[0]), number - len(taken) - self._order, element))
