"""Datasets and iterators; declared in `graph/ops/datasets.py`, implemented in `kernels/pipeline`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError, NotFoundError, OutOfRangeError
from .handles import ResourceHandle
from .io import scalar_string, text_of, texts_of
from .optional import OptionalValue
from .pipeline.base import Dataset, IteratorState, Run
from .pipeline.batching import Batched, PaddedBatched, Unbatched
from .pipeline.functions import Function
from .pipeline.mapped import Filtered, Grouped, Interleaved, Mapped, ParallelMapped
from .pipeline.sources import Files, Generated, Range, Rows, Single, fixed_length, lines, records
from .pipeline.threads import Prefetched
from .pipeline.transforms import (
    Cached,
    CachedInFile,
    Concatenated,
    Repeated,
    Sharded,
    Shuffled,
    Skipped,
    Taken,
    Windows,
    WithoutErrors,
    Zipped,
)
from .queues import make_resource, resource_of
from .registry import KernelContext, kernel

_KIND = "iterator"


def _own(value: Any) -> Any:
    """A copy: elements must not change with the memory that they came from."""
    return np.array(value)


def _function(c: KernelContext, attr: str, captured: Sequence[Any]) -> Function:
    return Function(c.attrs[attr].name, c.functions, captured, c.runtime)


# --- sources ------------------------------------------------------------------------------------------


@kernel("TensorDataset", host=True)
def tensor_dataset(c: KernelContext, *components: Any) -> Any:
    return Single(tuple(_own(v) for v in components))


@kernel("TensorSliceDataset", host=True)
def tensor_slice_dataset(c: KernelContext, *components: Any) -> Any:
    return Rows(tuple(_own(v) for v in components))


@kernel("RangeDataset", host=True)
def range_dataset(c: KernelContext, start: Any, stop: Any, step: Any) -> Any:
    return Range(int(start), int(stop), int(step), c.attrs["output_types"][0].np)


@kernel("GeneratorDataset", host=True)
def generator_dataset(c: KernelContext, *captured: Any) -> Any:
    counts = [len(c.attrs[f"T{part}_func_args"]) for part in ("init", "next", "finalize")]
    parts, at = [], 0
    for name, count in zip(("init_func", "next_func", "finalize_func"), counts, strict=True):
        parts.append(_function(c, name, captured[at : at + count]))
        at += count
    return Generated(*parts)


@kernel("TextLineDataset", host=True)
def text_line_dataset(c: KernelContext, filenames: Any, compression: Any, buffer: Any) -> Any:
    kind = text_of(compression)
    return Files(texts_of(filenames), lambda path: lines(path, kind))


@kernel("TFRecordDataset", host=True)
def tf_record_dataset(c: KernelContext, filenames: Any, compression: Any, buffer: Any) -> Any:
    kind = text_of(compression)
    return Files(texts_of(filenames), lambda path: records(path, kind))


@kernel("FixedLengthRecordDatasetV2", host=True)
def fixed_length_dataset(
    c: KernelContext, filenames: Any, header: Any, record: Any, footer: Any, buffer: Any, compression: Any
) -> Any:
    sizes, kind = (int(header), int(record), int(footer)), text_of(compression)
    if sizes[1] < 1 or min(sizes) < 0:
        raise InvalidArgumentError(
            c.node.name, f"record_bytes must be positive, header_bytes and footer_bytes not negative: {sizes}"
        )
    return Files(texts_of(filenames), lambda path: fixed_length(path, *sizes, kind))


# --- datasets made of others --------------------------------------------------------------------------


@kernel("BatchDatasetV2", "BatchDataset", host=True)
def batch_dataset(c: KernelContext, source: Dataset, size: Any, drop: Any = False) -> Any:
    return Batched(source, int(size), bool(drop))


@kernel("PaddedBatchDatasetV2", host=True)
def padded_batch_dataset(c: KernelContext, source: Dataset, size: Any, *rest: Any) -> Any:
    count = c.attrs["N"]
    shapes = [tuple(int(d) for d in np.asarray(s).reshape(-1)) for s in rest[:count]]
    return PaddedBatched(source, int(size), shapes, rest[count : 2 * count], bool(rest[2 * count]))


@kernel("UnbatchDataset", host=True)
def unbatch_dataset(c: KernelContext, source: Dataset) -> Any:
    return Unbatched(source)


@kernel("ShuffleDataset", host=True)
def shuffle_dataset(c: KernelContext, source: Dataset, size: Any, seed: Any, seed2: Any) -> Any:
    return Shuffled(source, int(size), (int(seed), int(seed2)), c.attrs["reshuffle_each_iteration"])


@kernel("RepeatDataset", host=True)
def repeat_dataset(c: KernelContext, source: Dataset, count: Any) -> Any:
    return Repeated(source, int(count))


@kernel("ZipDataset", host=True)
def zip_dataset(c: KernelContext, *sources: Dataset) -> Any:
    return Zipped(sources)


@kernel("ConcatenateDataset", host=True)
def concatenate_dataset(c: KernelContext, first: Dataset, second: Dataset) -> Any:
    return Concatenated(first, second)


@kernel("TakeDataset", host=True)
def take_dataset(c: KernelContext, source: Dataset, count: Any) -> Any:
    return Taken(source, int(count))


@kernel("SkipDataset", host=True)
def skip_dataset(c: KernelContext, source: Dataset, count: Any) -> Any:
    return Skipped(source, int(count))


@kernel("ShardDataset", host=True)
def shard_dataset(c: KernelContext, source: Dataset, shards: Any, index: Any) -> Any:
    return Sharded(source, int(shards), int(index))


@kernel("CacheDataset", host=True)
def cache_dataset(c: KernelContext, source: Dataset, filename: Any) -> Any:
    path = text_of(filename)
    return CachedInFile(source, path, len(c.attrs["output_types"])) if path else Cached(source)


@kernel("PrefetchDataset", host=True)
def prefetch_dataset(c: KernelContext, source: Dataset, size: Any) -> Any:
    return Prefetched(source, int(size))


@kernel("WindowDataset", host=True)
def window_dataset(c: KernelContext, source: Dataset, size: Any, shift: Any, stride: Any, drop: Any) -> Any:
    return Windows(source, int(size), int(shift), int(stride), bool(drop))


@kernel("IgnoreErrorsDataset", host=True)
def ignore_errors_dataset(c: KernelContext, source: Dataset) -> Any:
    return WithoutErrors(source)


# --- functions of elements ----------------------------------------------------------------------------


@kernel("MapDataset", host=True)
def map_dataset(c: KernelContext, source: Dataset, *captured: Any) -> Any:
    return Mapped(source, _function(c, "f", captured))


def _threads(number: Any) -> int:
    """How many threads a number of parallel calls means; -1 leaves it to the machine."""
    return (os.cpu_count() or 1) if int(number) == -1 else int(number)


@kernel("ParallelMapDatasetV2", host=True)
def parallel_map_dataset(c: KernelContext, source: Dataset, *rest: Any) -> Any:
    return ParallelMapped(source, _function(c, "f", rest[:-1]), _threads(rest[-1]))


@kernel("FlatMapDataset", host=True)
def flat_map_dataset(c: KernelContext, source: Dataset, *captured: Any) -> Any:
    return Interleaved(source, _function(c, "f", captured))


@kernel("InterleaveDataset", host=True)
def interleave_dataset(c: KernelContext, source: Dataset, *rest: Any) -> Any:
    return Interleaved(source, _function(c, "f", rest[:-2]), int(rest[-2]), int(rest[-1]))


@kernel("ParallelInterleaveDatasetV2", host=True)
def parallel_interleave_dataset(c: KernelContext, source: Dataset, *rest: Any) -> Any:
    cycle, block, calls = (int(n) for n in rest[-3:])
    return Interleaved(source, _function(c, "f", rest[:-3]), _threads(cycle), block, _threads(calls) > 1)


@kernel("FilterDataset", "TakeWhileDataset", host=True)
def filter_dataset(c: KernelContext, source: Dataset, *captured: Any) -> Any:
    return Filtered(source, _function(c, "predicate", captured), c.node.op == "TakeWhileDataset")


@kernel("GroupByWindowDataset", host=True)
def group_by_window_dataset(c: KernelContext, source: Dataset, *captured: Any) -> Any:
    functions, at = [], 0
    for part in ("key", "reduce", "window_size"):
        count = len(c.attrs[f"T{part}_func_other_arguments"])
        functions.append(_function(c, f"{part}_func", captured[at : at + count]))
        at += count
    return Grouped(source, *functions)


@kernel("ReduceDataset", host=True)
def reduce_dataset(c: KernelContext, source: Dataset, *rest: Any) -> Any:
    count = len(c.attrs["Tstate"])
    state: Sequence[Any] = tuple(rest[:count])
    run = Run()
    call = _function(c, "f", rest[count:]).bound(run)
    run.cancelled = c.runtime.cancelled
    elements = source.start(run)
    try:
        for element in elements:
            state = call([*state, *element])
    finally:
        run.closed.set()
        elements.close()
    return tuple(state)


@kernel("DatasetToSingleElement", host=True)
def single_element(c: KernelContext, source: Dataset) -> Any:
    run = Run()
    run.cancelled = c.runtime.cancelled
    elements = source.start(run)
    try:
        found = next(elements, None)
        if found is None:
            raise InvalidArgumentError(c.node.name, "Dataset was empty.")
        if next(elements, None) is not None:
            raise InvalidArgumentError(c.node.name, "Dataset had more than one element.")
    finally:
        run.closed.set()
        elements.close()
    return found


# --- iterators ----------------------------------------------------------------------------------------


@kernel("IteratorV2", "Iterator", host=True)
def iterator(c: KernelContext) -> Any:
    return make_resource(c, _KIND, lambda name: IteratorState(name, c.attrs["output_shapes"]))


@kernel("OneShotIterator", host=True)
def one_shot_iterator(c: KernelContext) -> Any:
    def make(name: str) -> IteratorState:
        state = IteratorState(name, c.attrs["output_shapes"])
        factory = _function(c, "dataset_factory", ())
        state.begin(factory.bound(Run())(())[0])
        return state

    return make_resource(c, _KIND, make)


@kernel("MakeIterator", host=True)
def make_iterator(c: KernelContext, dataset: Dataset, handle: Any) -> None:
    resource_of(c, handle).begin(dataset)


@kernel("IteratorGetNext", "IteratorGetNextSync", host=True)
def get_next(c: KernelContext, handle: Any) -> Any:
    found = resource_of(c, handle).next(c.runtime.cancelled)
    _check(c, found)
    return found


def _check(c: KernelContext, element: Sequence[Any]) -> None:
    """An element must be what the iterator promises.

    Raises:
        InvalidArgumentError: it has other components, types or shapes.
    """
    types, shapes = c.attrs["output_types"], c.attrs["output_shapes"]
    if len(element) != len(types):
        raise InvalidArgumentError(
            c.node.name, f"The iterator's elements have {len(element)} components, {len(types)} are expected"
        )
    for at, (value, dtype, shape) in enumerate(zip(element, types, shapes, strict=True)):
        if isinstance(value, Dataset):
            continue
        if dtype.kind != "s" and value.dtype != dtype.np:
            raise InvalidArgumentError(
                c.node.name, f"Number {at} of an element is {value.dtype}, {dtype.name} is expected"
            )
        if not shape.is_compatible_with(np.shape(value)):
            raise InvalidArgumentError(
                c.node.name,
                f"Incompatible shapes at component {at}: expected {shape} but got {list(np.shape(value))}",
            )


@kernel("IteratorGetNextAsOptional", host=True)
def get_next_as_optional(c: KernelContext, handle: Any) -> Any:

    try:
        return OptionalValue(tuple(resource_of(c, handle).next(c.runtime.cancelled)))
    except OutOfRangeError:
        return OptionalValue(None)


@kernel("IteratorToStringHandle", host=True)
def to_string_handle(c: KernelContext, handle: ResourceHandle) -> Any:
    resource_of(c, handle)
    text = json.dumps({"iterator": handle.name, "container": handle.container, "device": c.runtime.device})
    return scalar_string(text.encode())


@kernel("IteratorFromStringHandleV2", "IteratorFromStringHandle", host=True)
def from_string_handle(c: KernelContext, text: Any) -> Any:
    try:
        found = json.loads(text_of(text))
        handle = ResourceHandle(_KIND, str(found["container"]), str(found["iterator"]))
        device = str(found["device"])
    except (ValueError, KeyError, TypeError):
        raise InvalidArgumentError(
            c.node.name, f"{text_of(text)!r} is not what IteratorToStringHandle gives", "", c.node.source
        ) from None
    if device != c.runtime.device or handle.key not in c.runtime.resources:
        raise NotFoundError(
            c.node.name,
            f"iterator '{handle.name}' lives on {device}, and is asked for on {c.runtime.device}",
            "",
            c.node.source,
        )
    return handle
