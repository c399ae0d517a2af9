"""Arrays of tensors that loops read and write, element by element."""

from __future__ import annotations

from typing import Any

from .graph import dtypes
from .graph.constant_value import constant_value
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import DType, as_dtype
from .graph.elements import Operation, Tensor
from .graph.nest import register_composite
from .graph.ops import tensor_list as ops
from .graph.ops.control import Identity, NoOp
from .graph.shapes import TensorShape, as_shape

__all__ = ["TensorArray"]


class TensorArray:
    """An array of tensors of one type.

    It is a value: `write` and its like give another array, which is the one to go on with. In a loop it is a loop
    variable like any other.

    Args:
        dtype: element type.
        size: number of elements; an int32 scalar.
        dynamic_size: whether writing behind the end makes it longer.
        clear_after_read: accepted for TensorFlow's sake; elements can be read again and again.
        tensor_array_name: accepted for TensorFlow's sake.
        handle: another array's `handle`, to be looked at in another way.
        flow: the same, of an array's `flow`.
        infer_shape: whether the shape of the first element written or given holds for all.
        element_shape: shape of all elements, as far as known.
        colocate_with_first_write_call: accepted for TensorFlow's sake.
        name: name scope of the ops.

    Raises:
        ValueError: neither a size nor an array to look at is given.

    Source:
        TensorFlow `TensorListReserve`, `tf.compat.v1.TensorArray`.
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Tensor | None = None,
        flow: Tensor | None = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        del clear_after_read, tensor_array_name, colocate_with_first_write_call
        self._dtype = as_dtype(dtype)
        self._dynamic_size = bool(dynamic_size)
        self._infer_shape = infer_shape or element_shape is not None
        # What a loop's body learns about the elements holds for the array outside as well.
        self._known = [as_shape(element_shape)]
        given = flow if flow is not None else handle
        if given is not None:
            if size is not None:
                raise ValueError("Cannot provide both an existing array and a size.")
            self._flow = given
            self._size: int | None = None
            return
        if size is None and not self._dynamic_size:
            raise ValueError("A TensorArray needs a size, or dynamic_size=True.")
        with name_scope(name, "TensorArray", [size]) as scope:
            count = convert_to_tensor(0 if size is None else size, dtypes.int32, name="size")
            if count.shape.rank not in (None, 0):
                raise ValueError(f"The size of a TensorArray must be a scalar, got shape {count.shape}.")
            value = constant_value(count)
            self._size = None if value is None or self._dynamic_size else int(value)
            self._flow = ops.TensorListReserve(
                ops.list_shape(self._known[0]), count, element_dtype=self._dtype, name=scope
            )

    def _with(self, flow: Tensor) -> TensorArray:
        """An array like this one of other elements."""
        made = TensorArray.__new__(TensorArray)
        made._dtype, made._dynamic_size = self._dtype, self._dynamic_size
        made._infer_shape, made._known, made._size = self._infer_shape, self._known, self._size
        made._flow = flow
        return made

    def _learn(self, shape: TensorShape) -> None:
        known = self._known[0]
        if not known.is_compatible_with(shape):
            raise ValueError(f"Inconsistent shapes: saw {shape} but expected {known} for an element.")
        if self._infer_shape:
            self._known[0] = known.merge_with(shape)

    def _element(self) -> Tensor:
        return ops.list_shape(self._known[0])

    @property
    def dtype(self) -> DType:
        """Element type."""
        return self._dtype

    @property
    def flow(self) -> Tensor:
        """The array as a tensor of type variant."""
        return self._flow

    @property
    def handle(self) -> Tensor:
        """The array as a tensor of type variant."""
        return self._flow

    @property
    def dynamic_size(self) -> bool:
        """Whether writing behind the end makes it longer."""
        return self._dynamic_size

    @property
    def element_shape(self) -> TensorShape:
        """What is known of the shape of the elements."""
        return self._known[0]

    def identity(self) -> TensorArray:
        """An array of the same elements, which waits for the control dependencies around."""
        return self._with(Identity(self._flow))

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """One element; one that was never written is zero, where its shape is known.

        Args:
            index: an int32 scalar.
            name: name of the op.
        """
        made: Tensor = ops.TensorListGetItem(
            self._flow, index, self._element(), element_dtype=self._dtype, name=name or "TensorArrayReadV3"
        )
        return made

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with another element.

        Args:
            index: an int32 scalar.
            value: the element.
            name: name scope of the ops.

        Raises:
            ValueError: its shape is not that of the elements.
        """
        with name_scope(name, "TensorArrayWrite", [index, value]):
            value = convert_to_tensor(value, self._dtype, name="value")
            self._learn(value.shape)
            return self._with(
                ops.TensorListSetItem(
                    self._flow, index, value, resize_if_index_out_of_bounds=self._dynamic_size
                )
            )

    def stack(self, name: str | None = None) -> Tensor:
        """The elements as the rows of one tensor."""
        with name_scope(name, "TensorArrayStack"):
            count = -1 if self._size is None else self._size
            made: Tensor = ops.TensorListStack(
                self._flow, self._element(), element_dtype=self._dtype, num_elements=count
            )
            return made

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """Some elements as the rows of one tensor.

        Args:
            indices: a 1-D int32 tensor.
            name: name of the op.
        """
        made: Tensor = ops.TensorListGather(
            self._flow, indices, self._element(), element_dtype=self._dtype, name=name
        )
        return made

    def concat(self, name: str | None = None) -> Tensor:
        """The elements joined along their first dimension."""
        known = self._known[0]
        shape = known if known.rank is None else TensorShape([None, *known.as_list()[1:]])
        leading = convert_to_tensor([], dtypes.int64, name="leading_dims")
        made, _ = ops.TensorListConcatV2(
            self._flow, ops.list_shape(shape), leading, element_dtype=self._dtype, name=name
        )
        return made  # type: ignore[no-any-return]

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """The array whose elements are the rows of a tensor."""
        with name_scope(name, "TensorArrayUnstack", [value]):
            value = convert_to_tensor(value, self._dtype, name="value")
            if value.shape.rank is not None:
                self._learn(TensorShape(value.shape.as_list()[1:]))
            made = self._with(ops.TensorListFromTensor(value, self._element()))
            if value.shape.rank is not None and value.shape[0] is not None:
                made._size = int(value.shape[0])
            return made

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with the rows of a tensor in some of its places.

        Args:
            indices: the places, a 1-D int32 tensor.
            value: the rows.
            name: name scope of the ops.
        """
        with name_scope(name, "TensorArrayScatter", [value, indices]):
            value = convert_to_tensor(value, self._dtype, name="value")
            if value.shape.rank is not None:
                self._learn(TensorShape(value.shape.as_list()[1:]))
            return self._with(ops.TensorListScatterIntoExistingList(self._flow, value, indices))

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """The array whose elements are parts of a tensor along its first dimension.

        Args:
            value: the tensor.
            lengths: how many rows each part has, a 1-D integer tensor.
            name: name scope of the ops.
        """
        from .graph.ops.math import Cast

        with name_scope(name, "TensorArraySplit", [value, lengths]):
            value = convert_to_tensor(value, self._dtype, name="value")
            sizes = convert_to_tensor(lengths, name="lengths")
            sizes = sizes if sizes.dtype is dtypes.int64 else Cast(sizes, DstT=dtypes.int64)
            known = value.shape
            shape = known if known.rank is None else TensorShape([None, *known.as_list()[1:]])
            self._known = [shape]
            return self._with(ops.TensorListSplit(value, ops.list_shape(shape), sizes))

    def size(self, name: str | None = None) -> Tensor:
        """How many elements there are; an int32 scalar."""
        if self._size is not None:
            return convert_to_tensor(self._size, dtypes.int32, name=name)
        made: Tensor = ops.TensorListLength(self._flow, name=name)
        return made

    def close(self, name: str | None = None) -> Operation:
        """An operation that does nothing: the array is gone when nobody needs it."""
        made: Operation = NoOp(name=name)
        return made

    def __repr__(self) -> str:
        return f"<weft.TensorArray {self._dtype.name}{self._known[0]}>"


register_composite(TensorArray, lambda array: [array.flow], lambda array, parts: array._with(parts[0]))
