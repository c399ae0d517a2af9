"""Functions over the rows of tensors: `map_fn`, `foldl`, `foldr`, `scan`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import as_dtype
from .graph.elements import Tensor
from .graph.nest import assert_same_structure, flatten, map_structure, pack_sequence_as
from .graph.ops.array import Shape
from .graph.shapes import TensorShape
from .loops import while_loop
from .tensor_array import TensorArray

__all__ = ["foldl", "foldr", "map_fn", "scan"]


class _Rows:
    """The tensors that a function is applied to row by row.

    Args:
        elems: a tensor or a structure of them, all with the same number of rows.
    """

    def __init__(self, elems: Any) -> None:
        self.structure = elems
        self.flat = [convert_to_tensor(e, name="elem") for e in flatten(elems)]
        for tensor in self.flat:
            if tensor.shape.rank == 0:
                raise ValueError("Elements must be at least 1-D, got a scalar.")
        self.static: int | None = None
        for tensor in self.flat:
            if tensor.shape.rank is not None and tensor.shape[0] is not None:
                rows = int(tensor.shape[0])
                if self.static not in (None, rows):
                    raise ValueError(
                        f"All elements must have the same number of rows, got {self.static} and {rows}."
                    )
                self.static = rows
        count: Any = Shape(self.flat[0])[0] if self.static is None else self.static
        self.count: Tensor = convert_to_tensor(count, dtypes.int32, name="n")
        self.arrays = [TensorArray(t.dtype, size=self.count, infer_shape=True).unstack(t) for t in self.flat]

    def read(self, index: Any) -> Any:
        """One row of each, in the form that they came in."""
        return pack_sequence_as(self.structure, [array.read(index) for array in self.arrays])

    def with_rows(self, tensor: Tensor) -> Tensor:
        """Says of a result that it has as many rows."""
        if self.static is not None:
            tensor.set_shape(TensorShape([self.static]).concatenate(TensorShape(None)))
        return tensor


def _require_callable(fn: Any) -> None:
    if not callable(fn):
        raise TypeError(f"fn must be callable, got {fn!r}.")


def map_fn(
    fn: Callable[[Any], Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    """A function's values for each row of tensors.

    Args:
        fn: from one row of each tensor to a tensor or a structure of them.
        elems: a tensor `(rows, ...)` or a structure of such.
        dtype: element types of the values, in their form; by default types and form of `elems`.
        parallel_iterations, swap_memory: accepted for TensorFlow's sake.
        back_prop: whether gradients flow through it.
        infer_shape: whether all values have one shape.
        name: name scope of the ops.
        fn_output_signature: another name of `dtype`.

    Returns:
        The values, each `(rows, ...)`, in their form.

    Raises:
        TypeError: `fn` cannot be called, or its values are not of the types or the form given.
        ValueError: a tensor is a scalar, or they have other numbers of rows.
    """
    del swap_memory
    _require_callable(fn)
    signature = dtype if fn_output_signature is None else fn_output_signature
    with name_scope(name, "map", flatten(elems)):
        rows = _Rows(elems)
        like = rows.structure if signature is None else signature
        types = (
            [t.dtype for t in rows.flat] if signature is None else [as_dtype(t) for t in flatten(signature)]
        )
        results = tuple(TensorArray(t, size=rows.count, infer_shape=infer_shape) for t in types)

        def step(i: Tensor, arrays: Any) -> Any:
            values = fn(rows.read(i))
            assert_same_structure(like, values)
            written = [
                array.write(i, _of_type(value, array))
                for array, value in zip(arrays, flatten(values), strict=True)
            ]
            return i + 1, tuple(written)

        _, results = while_loop(
            lambda i, _: i < rows.count,
            step,
            (convert_to_tensor(0, name="i"), results),
            parallel_iterations=parallel_iterations or 10,
            back_prop=back_prop,
            maximum_iterations=rows.count,
        )
        return pack_sequence_as(like, [rows.with_rows(array.stack()) for array in results])


def _of_type(value: Any, array: TensorArray) -> Tensor:
    tensor = convert_to_tensor(value, preferred_dtype=array.dtype)
    if tensor.dtype is not array.dtype:
        raise TypeError(
            f"fn gives {tensor.dtype.name} where {array.dtype.name} is expected; say so with dtype=."
        )
    return tensor


def foldl(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """What is left when a function takes in the rows of tensors one after the other, first to last.

    Args:
        fn: from what there is so far and one row of each tensor to the next.
        elems: a tensor `(rows, ...)` or a structure of such.
        initializer: what there is at first; the first row by default.
        parallel_iterations, swap_memory: accepted for TensorFlow's sake.
        back_prop: whether gradients flow through it.
        name: name scope of the ops.
    """
    del swap_memory
    with name_scope(name, "foldl", flatten(elems)):
        return _fold(fn, elems, initializer, parallel_iterations, back_prop, backwards=False)


def foldr(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """What is left when a function takes in the rows of tensors one after the other, last to first; see `foldl`."""
    del swap_memory
    with name_scope(name, "foldr", flatten(elems)):
        return _fold(fn, elems, initializer, parallel_iterations, back_prop, backwards=True)


def _fold(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any,
    parallel_iterations: int,
    back_prop: bool,
    backwards: bool,
) -> Any:
    _require_callable(fn)
    rows = _Rows(elems)
    first = convert_to_tensor(0, name="i")
    if initializer is None:
        start = rows.read(rows.count - 1 if backwards else first)
        first = first + 1
    else:
        start = map_structure(convert_to_tensor, initializer)

    def step(i: Tensor, so_far: Any) -> Any:
        return i + 1, fn(so_far, rows.read(rows.count - 1 - i if backwards else i))

    _, result = while_loop(
        lambda i, _: i < rows.count,
        step,
        (first, start),
        parallel_iterations=parallel_iterations,
        back_prop=back_prop,
        maximum_iterations=rows.count,
    )
    return result


def scan(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """All that a function gives on the way, as it takes in the rows of tensors one after the other.

    Args:
        fn: from what there is so far and one row of each tensor to the next.
        elems: a tensor `(rows, ...)` or a structure of such.
        initializer: what there is at first; by default the first row, which is then the first result.
        parallel_iterations, swap_memory: accepted for TensorFlow's sake.
        back_prop: whether gradients flow through it.
        infer_shape: whether all results have one shape.
        reverse: goes from the last row to the first.
        name: name scope of the ops.

    Returns:
        The results, each `(rows, ...)`, in the form of `initializer`, or of `elems`.
    """
    del swap_memory
    _require_callable(fn)
    with name_scope(name, "scan", flatten(elems)):
        rows = _Rows(elems)
        last = rows.count - 1
        edge: Any = last if reverse else convert_to_tensor(0, name="first")
        start = rows.read(edge) if initializer is None else map_structure(convert_to_tensor, initializer)
        arrays = tuple(
            TensorArray(
                t.dtype,
                size=rows.count,
                element_shape=t.shape if infer_shape else None,
                infer_shape=infer_shape,
            )
            for t in flatten(start)
        )
        done = 0
        if initializer is None:
            arrays = tuple(a.write(edge, v) for a, v in zip(arrays, flatten(start), strict=True))
            done = 1

        def step(i: Tensor, so_far: Any, written: Sequence[TensorArray]) -> Any:
            place = last - i if reverse else i
            following = fn(so_far, rows.read(place))
            assert_same_structure(start, following)
            values = [
                convert_to_tensor(v, preferred_dtype=a.dtype)
                for v, a in zip(flatten(following), written, strict=True)
            ]
            kept = tuple(a.write(place, v) for a, v in zip(written, values, strict=True))
            return i + 1, pack_sequence_as(start, values), kept

        _, _, arrays = while_loop(
            lambda i, *_: i < rows.count,
            step,
            (convert_to_tensor(done, name="i"), start, arrays),
            parallel_iterations=parallel_iterations,
            back_prop=back_prop,
            maximum_iterations=rows.count,
        )
        return pack_sequence_as(start, [rows.with_rows(a.stack()) for a in arrays])
