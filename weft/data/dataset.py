"""Datasets: sequences of elements that steps take one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph import dtypes
from ..graph.constant_value import constant_value
from ..graph.convert import convert_to_tensor
from ..graph.default_graph import get_default_graph
from ..graph.dtypes import as_dtype
from ..graph.elements import Tensor
from ..graph.ops import datasets as ops
from ..graph.random_seed import get_seed
from ..graph.shapes import TensorShape, as_shape
from .structure import (
    DatasetSpec,
    TensorSpec,
    components_of,
    flat,
    given_specs,
    mapped,
    packed,
    shapes_of,
    spec_of,
    types_of,
    up_to,
)
from .tracing import Traced, trace_function

__all__ = ["AUTOTUNE", "Dataset", "VariantDataset"]

AUTOTUNE = -1
"""Leaves a number of threads to the machine, or a number of elements to weft."""

_CYCLE = 4
"""From how many datasets `interleave` takes in turn where it is not said: the same on every machine."""

Function = Callable[..., Any]


class Dataset:
    """A sequence of elements; each is a tensor, or tuples and dictionaries of tensors.

    A dataset is a description. Its ops are made where an iterator over it is made, on the device of that iterator;
    work is done on the host of that device when a step takes an element.

    Args:
        spec: the form of the elements.
        build: makes the op that describes it, in the default graph.
    """

    def __init__(self, spec: Any, build: Callable[[], Tensor]) -> None:
        self._spec = spec
        self._build = build

    @property
    def element_spec(self) -> Any:
        """The form of the elements: a structure of `TensorSpec`."""
        return self._spec

    @property
    def output_types(self) -> Any:
        """Element types of the components, in the form of the elements."""
        return mapped(lambda s: s.dtype, self._spec)

    @property
    def output_shapes(self) -> Any:
        """Shapes of the components, in the form of the elements."""
        return mapped(lambda s: s.shape, self._spec)

    @property
    def output_classes(self) -> Any:
        """Python classes of the components, in the form of the elements."""
        return mapped(lambda s: Dataset if isinstance(s, DatasetSpec) else Tensor, self._spec)

    def _variant(self) -> Tensor:
        """The dataset as a tensor of the default graph."""
        return self._build()

    def _flat(self) -> dict[str, Any]:
        return {"output_types": types_of(self._spec), "output_shapes": shapes_of(self._spec)}

    def _made(self, spec: Any, op: Any, *numbers: tuple[Any, Any], **attrs: Any) -> Dataset:
        """A dataset made of this one by an op with some numbers as further inputs."""

        def build() -> Tensor:
            inputs = [convert_to_tensor(value, dtype) for value, dtype in numbers]
            made: Tensor = op(
                self._variant(), *inputs, output_types=types_of(spec), output_shapes=shapes_of(spec), **attrs
            )
            return made

        return Dataset(spec, build)

    # --- sources ------------------------------------------------------------------------------------------

    @staticmethod
    def from_tensors(tensors: Any) -> Dataset:
        """A dataset of one element.

        Args:
            tensors: the element.
        """
        components = components_of(tensors)
        spec = packed(tensors, [spec_of(c) for c in components])
        return Dataset(spec, _over(ops.TensorDataset, components, spec))

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """A dataset whose elements are the rows of tensors.

        Args:
            tensors: `(rows, ...)`, or a structure of such with as many rows each.

        Raises:
            ValueError: a tensor is a scalar, or they have other numbers of rows.
        """
        components = components_of(tensors)
        rows: Any = None
        leaves = []
        for component in components:
            whole = spec_of(component)
            if whole.shape.rank == 0:
                raise ValueError(f"Only tensors with rows can be sliced, got a scalar of {whole.dtype.name}.")
            if whole.shape.rank is not None and whole.shape[0] is not None:
                if rows not in (None, int(whole.shape[0])):
                    raise ValueError(
                        f"All tensors must have as many rows, got {rows} and {int(whole.shape[0])}."
                    )
                rows = int(whole.shape[0])
            leaves.append(TensorSpec(whole.dtype, whole.shape[1:]))
        spec = packed(tensors, leaves)
        return Dataset(spec, _over(ops.TensorSliceDataset, components, spec))

    @staticmethod
    def from_generator(
        generator: Function, output_types: Any, output_shapes: Any = None, args: Sequence[Any] | None = None
    ) -> Dataset:
        """A dataset of what a Python generator yields.

        It runs on the host of the iterator's device; for a device in another process it is sent there.

        Args:
            generator: called without arguments (or with the values of `args`) at the start of every epoch; gives an
                iterable of elements.
            output_types: structure of element types, the form of the elements.
            output_shapes: structure of shapes; nothing is known of them by default.
            args: tensors whose values the generator is called with.

        Raises:
            TypeError: `generator` cannot be called.
        """
        from .generator import from_generator

        if not callable(generator):
            raise TypeError("`generator` must be callable.")
        return from_generator(generator, given_specs(output_types, output_shapes), args or ())

    @staticmethod
    def range(*args: Any) -> Dataset:
        """A dataset of int64 numbers; arguments as for Python's `range`, numbers or scalar tensors."""
        if not 1 <= len(args) <= 3:
            raise ValueError(f"range takes one to three arguments, got {len(args)}.")
        begin, stop, step = (0, args[0], 1) if len(args) == 1 else (*args, 1)[:3]
        spec = TensorSpec(dtypes.int64, TensorShape([]))

        def build() -> Tensor:
            numbers = [convert_to_tensor(v, dtypes.int64) for v in (begin, stop, step)]
            made: Tensor = ops.RangeDataset(
                *numbers, output_types=types_of(spec), output_shapes=shapes_of(spec)
            )
            return made

        return Dataset(spec, build)

    @staticmethod
    def zip(datasets: Any) -> Dataset:
        """Elements of several datasets side by side, as many as the shortest has.

        Args:
            datasets: a structure of datasets; the elements have its form.

        Raises:
            TypeError: a leaf is no dataset.
        """
        leaves = flat(datasets)
        if isinstance(datasets, list) or not all(isinstance(d, Dataset) for d in leaves):
            raise TypeError(f"zip takes a tuple or dictionary of datasets, got {datasets!r}.")
        spec = packed(datasets, [d.element_spec for d in leaves])

        def build() -> Tensor:
            made: Tensor = ops.ZipDataset(
                [d._variant() for d in leaves], output_types=types_of(spec), output_shapes=shapes_of(spec)
            )
            return made

        return Dataset(spec, build)

    @staticmethod
    def list_files(file_pattern: Any, shuffle: bool | None = None, seed: int | None = None) -> Dataset:
        """The names of the files that match patterns.

        Args:
            file_pattern: a pattern such as `data/*.csv`, or several.
            shuffle: whether they come in random order; True by default.
            seed: seed of the order.

        Raises:
            InvalidArgumentError: when an iterator is made, if no file matches.
        """
        from .files import matched_files

        names = matched_files(file_pattern)
        return names.shuffle(-1, seed=seed) if shuffle is None or shuffle else names

    # --- elements as they are -----------------------------------------------------------------------------

    def concatenate(self, dataset: Dataset) -> Dataset:
        """This dataset, then another of the same form.

        Raises:
            TypeError: form or types differ.
        """
        if self.output_types != dataset.output_types:
            raise TypeError(
                f"Two datasets to concatenate have different types {self.output_types} and {dataset.output_types}"
            )
        pairs = zip(flat(self._spec), flat(dataset.element_spec), strict=True)
        spec = packed(self._spec, [_common(a, b) for a, b in pairs])

        def build() -> Tensor:
            made: Tensor = ops.ConcatenateDataset(
                self._variant(),
                dataset._variant(),
                output_types=types_of(spec),
                output_shapes=shapes_of(spec),
            )
            return made

        return Dataset(spec, build)

    def repeat(self, count: Any = None) -> Dataset:
        """This dataset `count` times; without end for None or -1."""
        return self._made(self._spec, ops.RepeatDataset, (-1 if count is None else count, dtypes.int64))

    def take(self, count: Any) -> Dataset:
        """The first `count` elements; all for -1."""
        return self._made(self._spec, ops.TakeDataset, (count, dtypes.int64))

    def skip(self, count: Any) -> Dataset:
        """All but the first `count` elements; none for -1."""
        return self._made(self._spec, ops.SkipDataset, (count, dtypes.int64))

    def shard(self, num_shards: Any, index: Any) -> Dataset:
        """Elements number `index`, `index + num_shards`, ...: the part of one of several workers.

        Raises:
            ValueError: there is no such shard.
        """
        if isinstance(num_shards, int) and isinstance(index, int) and not 0 <= index < num_shards:
            raise ValueError(f"index must be from 0 to num_shards - 1, got {index} of {num_shards}")
        numbers = ((num_shards, dtypes.int64), (index, dtypes.int64))
        return self._made(self._spec, ops.ShardDataset, *numbers)

    def shuffle(
        self, buffer_size: Any, seed: int | None = None, reshuffle_each_iteration: bool | None = None
    ) -> Dataset:
        """The elements in random order, each drawn from a buffer of the next ones.

        The semantics are TensorFlow's; the numbers are not: for the same seeds the order differs from TensorFlow's.

        Args:
            buffer_size: elements in the buffer: as many as there are for an even order.
            seed: seed of the order; see `set_random_seed`.
            reshuffle_each_iteration: whether every epoch of a `repeat` has an order of its own; True by default.
        """
        first, second = get_seed(seed)
        numbers = ((buffer_size, dtypes.int64), (first or 0, dtypes.int64), (second or 0, dtypes.int64))
        again = True if reshuffle_each_iteration is None else reshuffle_each_iteration
        return self._made(self._spec, ops.ShuffleDataset, *numbers, reshuffle_each_iteration=again)

    def cache(self, filename: str = "") -> Dataset:
        """The elements kept, in memory or in a file, once all of them were made."""
        return self._made(self._spec, ops.CacheDataset, (filename, dtypes.string))

    def prefetch(self, buffer_size: Any) -> Dataset:
        """Elements made ahead by a thread of their own, up to `buffer_size` of them."""
        return self._made(self._spec, ops.PrefetchDataset, (buffer_size, dtypes.int64))

    def enumerate(self, start: int = 0) -> Dataset:
        """Pairs of a number, counted from `start`, and an element."""
        return Dataset.zip((Dataset.range(start, np.iinfo(np.int64).max), self))

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """What a function from datasets to datasets makes of this one.

        Raises:
            TypeError: it gives something else.
        """
        made = transformation_func(self)
        if not isinstance(made, Dataset):
            raise TypeError("`transformation_func` must return a Dataset.")
        return made

    def with_options(self, options: Any) -> Dataset:
        """This dataset; options are accepted for TensorFlow's sake."""
        del options
        return self

    # --- batches ------------------------------------------------------------------------------------------

    def batch(self, batch_size: Any, drop_remainder: Any = False) -> Dataset:
        """So many elements at a time, joined along a new first dimension.

        Args:
            batch_size: how many.
            drop_remainder: whether a smaller last batch is left out; the batches' shape is then known.
        """
        rows = _number(batch_size) if _number(drop_remainder) else None
        spec = mapped(
            lambda s: s if isinstance(s, DatasetSpec) else TensorSpec(s.dtype, TensorShape([rows]) + s.shape),
            self._spec,
        )
        numbers = ((batch_size, dtypes.int64), (drop_remainder, dtypes.bool))
        return self._made(spec, ops.BatchDatasetV2, *numbers)

    def padded_batch(
        self,
        batch_size: Any,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: Any = False,
    ) -> Dataset:
        """So many elements at a time, padded to one shape and joined along a new first dimension.

        Args:
            batch_size: how many.
            padded_shapes: structure of shapes, None (or -1) for the largest size in the batch; by default what is
                known of the elements' shapes.
            padding_values: structure of scalars that is padded with; zeros and empty strings by default.
            drop_remainder: whether a smaller last batch is left out.

        Raises:
            ValueError: the rank of an element is not known.
        """
        leaves = flat(self._spec)
        given = [s.shape for s in leaves] if padded_shapes is None else up_to(self._spec, padded_shapes)
        shapes = [_padded_shape(s) for s in given]
        values = [None] * len(leaves)
        if padding_values is not None:
            values = up_to(self._spec, padding_values) if _matches(self._spec, padding_values) else None  # type: ignore[assignment]
            if values is None:
                values = [padding_values] * len(leaves)
        fillers = [_filler(v, s.dtype) for v, s in zip(values, leaves, strict=True)]
        rows = _number(batch_size) if _number(drop_remainder) else None
        known = [TensorShape([rows, *(None if d == -1 else d for d in s)]) for s in shapes]
        spec = packed(self._spec, [TensorSpec(s.dtype, k) for s, k in zip(leaves, known, strict=True)])

        def build() -> Tensor:
            made: Tensor = ops.PaddedBatchDatasetV2(
                self._variant(),
                convert_to_tensor(batch_size, dtypes.int64),
                [convert_to_tensor(np.asarray(s, np.int64)) for s in shapes],
                [convert_to_tensor(f, s.dtype) for f, s in zip(fillers, leaves, strict=True)],
                convert_to_tensor(drop_remainder, dtypes.bool),
                output_shapes=shapes_of(spec),
            )
            return made

        return Dataset(spec, build)

    def unbatch(self) -> Dataset:
        """The rows of the elements, one after the other."""
        return self._made(mapped(lambda s: TensorSpec(s.dtype, s.shape[1:]), self._spec), ops.UnbatchDataset)

    def window(self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: Any = False) -> Dataset:
        """Datasets of neighbouring elements; a dataset for each component.

        Args:
            size: elements in a window.
            shift: by how many elements the next window begins later; `size` by default.
            stride: from an element of a window to the next.
            drop_remainder: whether smaller windows at the end are left out.
        """
        numbers = (
            (size, dtypes.int64),
            (size if shift is None else shift, dtypes.int64),
            (stride, dtypes.int64),
            (drop_remainder, dtypes.bool),
        )
        return self._made(mapped(DatasetSpec, self._spec), ops.WindowDataset, *numbers)

    # --- functions of elements ----------------------------------------------------------------------------

    def _with_function(
        self, label: str, op: Any, function: Function, *numbers: tuple[Any, Any], **wish: Any
    ) -> tuple[Traced, Callable[[Any], Dataset]]:
        traced = trace_function(label, function, [self._spec])
        attr = wish.pop("attr", "f")

        def finish(spec: Any) -> Dataset:
            def build() -> Tensor:
                with get_default_graph().control_dependencies(traced.body.control_captures):
                    made: Tensor = op(
                        self._variant(),
                        traced.captured,
                        *(convert_to_tensor(v, t) for v, t in numbers),
                        output_types=types_of(spec),
                        output_shapes=shapes_of(spec),
                        **{attr: traced.name},
                    )
                return made

            return Dataset(spec, build)

        return traced, finish

    def map(
        self, map_func: Function, num_parallel_calls: Any = None, deterministic: bool | None = None
    ) -> Dataset:
        """What a function gives for each element.

        Args:
            map_func: from an element (its parts as arguments, where it is a tuple) to an element. It is traced once;
                what it draws at random depends on the number of the element alone.
            num_parallel_calls: how many elements are computed at a time; `AUTOTUNE` for one per processor.
            deterministic: accepted for TensorFlow's sake; elements always keep their order.
        """
        del deterministic
        if num_parallel_calls is None:
            traced, finish = self._with_function("Dataset_map", ops.MapDataset, map_func)
        else:
            calls = (num_parallel_calls, dtypes.int64)
            traced, finish = self._with_function("Dataset_map", ops.ParallelMapDatasetV2, map_func, calls)
        return finish(traced.spec)

    def flat_map(self, map_func: Function) -> Dataset:
        """The elements of the datasets that a function gives, one dataset after the other.

        Raises:
            TypeError: the function gives no dataset.
        """
        traced, finish = self._with_function("Dataset_flat_map", ops.FlatMapDataset, map_func)
        return finish(_inner(traced))

    def interleave(
        self,
        map_func: Function,
        cycle_length: Any = AUTOTUNE,
        block_length: Any = 1,
        num_parallel_calls: Any = None,
        deterministic: bool | None = None,
    ) -> Dataset:
        """The elements of the datasets that a function gives, from several of them in turn.

        Args:
            map_func: from an element to a dataset.
            cycle_length: from how many datasets at a time; 4 by default.
            block_length: how many elements come from one before it is the next one's turn.
            num_parallel_calls: whether each dataset is read ahead by a thread: with any number above 1, or `AUTOTUNE`.
            deterministic: accepted for TensorFlow's sake; elements always keep their order.

        Raises:
            TypeError: the function gives no dataset.
        """
        del deterministic
        cycle = _CYCLE if isinstance(cycle_length, int) and cycle_length == AUTOTUNE else cycle_length
        numbers = [(cycle, dtypes.int64), (block_length, dtypes.int64)]
        op: Any = ops.InterleaveDataset
        if num_parallel_calls is not None:
            op = ops.ParallelInterleaveDatasetV2
            numbers.append((num_parallel_calls, dtypes.int64))
        traced, finish = self._with_function("Dataset_interleave", op, map_func, *numbers)
        return finish(_inner(traced))

    def filter(self, predicate: Function) -> Dataset:
        """The elements for which a function gives true.

        Raises:
            ValueError: the function does not give a boolean scalar.
        """
        traced, finish = self._with_function("Dataset_filter", ops.FilterDataset, predicate, attr="predicate")
        _check_predicate(traced)
        return finish(self._spec)

    def take_while(self, predicate: Function) -> Dataset:
        """The elements before the first one for which a function gives false.

        Raises:
            ValueError: the function does not give a boolean scalar.
        """
        traced, finish = self._with_function(
            "Dataset_take_while", ops.TakeWhileDataset, predicate, attr="predicate"
        )
        _check_predicate(traced)
        return finish(self._spec)

    def group_by_window(
        self,
        key_func: Function,
        reduce_func: Function,
        window_size: int | None = None,
        window_size_func: Any = None,
    ) -> Dataset:
        """Elements of one key gathered, and a function's dataset for each so many of them.

        Args:
            key_func: from an element to an int64 scalar.
            reduce_func: from a key and a dataset of its elements to a dataset: `lambda key, d: d.padded_batch(8)`, say.
            window_size: how many are gathered.
            window_size_func: from a key to how many; in the place of `window_size`.

        Raises:
            ValueError: neither or both of the last two are given.
        """
        from .grouping import group_by_window

        return group_by_window(self, key_func, reduce_func, window_size, window_size_func)

    def reduce(self, initial_state: Any, reduce_func: Function) -> Any:
        """What is left when a function takes in all elements one after the other.

        Args:
            initial_state: what there is at first: tensors of any form.
            reduce_func: from what there is so far and an element to the next, of the same form, types and shapes.

        Returns:
            Tensors in the form of `initial_state`.

        Raises:
            TypeError: the function gives another form or other types.
        """
        from .grouping import reduced

        return reduced(self, initial_state, reduce_func)

    # --- iterators ----------------------------------------------------------------------------------------

    def make_one_shot_iterator(self, shared_name: str | None = None) -> Any:
        """An iterator that goes through the dataset once and needs no initialization.

        Args:
            shared_name: a name under which sessions on the same devices share it.

        Raises:
            ValueError: the dataset uses tensors of the graph: placeholders, variables, tables.
        """
        from .iterators import one_shot_iterator

        return one_shot_iterator(self, shared_name)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Any:
        """An iterator whose `initializer` goes to the start of the dataset.

        Args:
            shared_name: a name under which sessions on the same devices share it.
        """
        from .iterators import initializable_iterator

        return initializable_iterator(self, shared_name)

    def __iter__(self) -> Any:
        raise RuntimeError(
            "A dataset is gone through by an iterator's get_next(): make one with make_one_shot_iterator()."
        )

    def __repr__(self) -> str:
        return f"<weft.data.Dataset shapes: {self.output_shapes}, types: {self.output_types}>"


class VariantDataset(Dataset):
    """A dataset that a tensor of type variant holds.

    Args:
        tensor: the tensor.
        spec: the form of the elements.
    """

    def __init__(self, tensor: Tensor, spec: Any) -> None:
        super().__init__(spec, lambda: tensor)


def _over(op: Any, components: Sequence[Any], spec: Any) -> Callable[[], Tensor]:
    def build() -> Tensor:
        types = [spec_of(c).dtype for c in components]
        tensors = [convert_to_tensor(c, t) for c, t in zip(components, types, strict=True)]
        made: Tensor = op(tensors, output_shapes=shapes_of(spec))
        return made

    return build


def _common(a: Any, b: Any) -> Any:
    if isinstance(a, DatasetSpec):
        return a
    if a.shape.rank is None or a.shape.rank != b.shape.rank:
        return TensorSpec(a.dtype, TensorShape(None))
    dims = zip(a.shape.as_list(), b.shape.as_list(), strict=True)
    return TensorSpec(a.dtype, TensorShape([x if x == y else None for x, y in dims]))


def _number(value: Any) -> Any:
    """A Python number, where a value is one or a constant tensor."""
    if isinstance(value, Tensor):
        known = constant_value(value)
        return None if known is None else known.item()
    return value


def _padded_shape(shape: Any) -> list[int]:
    if isinstance(shape, (np.ndarray, np.generic)):
        shape = shape.tolist()
    if isinstance(shape, (list, tuple)):
        shape = [None if d == -1 else d for d in shape]
    known = as_shape(shape)
    if known.rank is None:
        raise ValueError("padded_batch needs the ranks of the elements: give padded_shapes.")
    return [-1 if d is None else int(d) for d in known.as_list()]


def _matches(spec: Any, value: Any) -> bool:
    try:
        up_to(spec, value)
    except TypeError:
        return False
    return True


def _filler(value: Any, dtype: Any) -> Any:
    if value is not None:
        return value
    return b"" if dtype is dtypes.string else np.zeros((), as_dtype(dtype).np)


def _inner(traced: Traced) -> Any:
    """The form of the elements of the dataset that a function gives."""
    if not isinstance(traced.spec, DatasetSpec):
        raise TypeError(f"`map_func` must return a Dataset, got {traced.body.structured_outputs!r}.")
    return traced.spec.element


def _check_predicate(traced: Traced) -> None:
    spec = traced.spec
    if not isinstance(spec, TensorSpec) or spec.dtype is not dtypes.bool or spec.shape.rank not in (None, 0):
        raise ValueError("`predicate` must return a scalar boolean tensor.")
