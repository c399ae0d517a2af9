"""Datasets of what Python generators yield."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph import dtypes
from ..graph.convert import convert_to_tensor, make_array
from ..graph.elements import Tensor
from ..graph.func_graph import FuncGraph
from ..graph.ops.datasets import GeneratorDataset
from ..graph.ops.script import PyFunc, register_function
from ..graph.shapes import TensorShape
from .dataset import Dataset
from .structure import flat, shapes_of, types_of, up_to

__all__ = ["from_generator"]

_BEGIN, _NEXT, _FINISH = 0, 1, 2


class _Generators:
    """The running generators of one dataset, by number; travels to other processes without them.

    Args:
        make: gives an iterable of elements.
        spec: the form of the elements.
    """

    def __init__(self, make: Callable[..., Any], spec: Any) -> None:
        self.make = make
        self.spec = spec
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._running: dict[int, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"make": self.make, "spec": self.spec}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()

    def __call__(self, what: Any, *args: Any) -> Any:
        if int(what) == _BEGIN:
            iterator = iter(self.make(*args))
            with self._lock:
                number = next(self._numbers)
                self._running[number] = iterator
            return np.int64(number)
        number = int(args[0])
        if int(what) == _NEXT:
            return self._converted(next(self._running[number]))
        with self._lock:
            iterator = self._running.pop(number, None)
        close = getattr(iterator, "close", None)
        if close is not None:
            close()
        return np.int64(number)

    def _converted(self, value: Any) -> list[Any]:
        """What the generator yielded, as arrays.

        Raises:
            TypeError, ValueError: it has another form, or cannot be made what is expected.
        """
        try:
            parts = up_to(self.spec, value)
        except TypeError as error:
            raise TypeError(f"`generator` yielded an element of another form: {error}") from None
        arrays = []
        for part, spec in zip(parts, flat(self.spec), strict=True):
            try:
                array = make_array(part, spec.dtype)
            except (TypeError, ValueError) as error:
                raise TypeError(
                    f"`generator` yielded an element that could not be converted to the expected type: {part!r} to "
                    f"{spec.dtype.name}: {error}"
                ) from None
            if not spec.shape.is_compatible_with(array.shape):
                raise ValueError(
                    f"`generator` yielded an element of shape {array.shape} where an element of shape {spec.shape} "
                    "was expected."
                )
            arrays.append(array)
        return arrays


def from_generator(make: Callable[..., Any], spec: Any, args: Sequence[Any]) -> Dataset:
    """The dataset; see `Dataset.from_generator`."""
    token = register_function(_Generators(make, spec))

    def body(
        label: str, what: int, types: Sequence[Any], inputs: Callable[[FuncGraph], list[Tensor]]
    ) -> FuncGraph:
        made = FuncGraph(f"Dataset_generator_{label}")
        given = inputs(made)
        with made.as_default():
            called = PyFunc([convert_to_tensor(what, dtypes.int64), *given], token=token, Tout=list(types))
            made.outputs = list(called) if isinstance(called, (list, tuple)) else [called]
        made.capture_all(made.captures)
        return made

    def number(graph: FuncGraph) -> list[Tensor]:
        return [graph.add_argument(dtypes.int64, _SCALAR, "number")]

    def build() -> Tensor:
        tensors = [convert_to_tensor(a) for a in args]
        first = body("init", _BEGIN, [dtypes.int64], lambda graph: [graph.capture(t) for t in tensors])
        following = body("next", _NEXT, types_of(spec), number)
        last = body("finalize", _FINISH, [dtypes.int64], number)
        made: Tensor = GeneratorDataset(
            list(first.captures),
            [],
            [],
            init_func=first.name,
            next_func=following.name,
            finalize_func=last.name,
            output_types=types_of(spec),
            output_shapes=shapes_of(spec),
        )
        return made

    return Dataset(spec, build)


_SCALAR = TensorShape([])
