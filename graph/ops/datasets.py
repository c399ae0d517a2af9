"""Datasets: descriptions of sequences of elements, and iterators that live on a device and give them.

A dataset is a tensor of type variant. The ops that make one only describe it; work is done when a step takes an
element from an iterator.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..infer import InferContext, free, moves
from ..opdef import EFFECT, NoGradient, OpDecl, declare
from ..shapes import TensorShape

__all__ = [
    "BatchDataset",
    "BatchDatasetV2",
    "CacheDataset",
    "ConcatenateDataset",
    "DatasetToSingleElement",
    "FilterDataset",
    "FixedLengthRecordDatasetV2",
    "FlatMapDataset",
    "GeneratorDataset",
    "GroupByWindowDataset",
    "IgnoreErrorsDataset",
    "InterleaveDataset",
    "Iterator",
    "IteratorFromStringHandle",
    "IteratorFromStringHandleV2",
    "IteratorGetNext",
    "IteratorGetNextAsOptional",
    "IteratorGetNextSync",
    "IteratorToStringHandle",
    "IteratorV2",
    "MakeIterator",
    "MapDataset",
    "OneShotIterator",
    "PaddedBatchDatasetV2",
    "ParallelInterleaveDatasetV2",
    "ParallelMapDatasetV2",
    "PrefetchDataset",
    "RangeDataset",
    "ReduceDataset",
    "RepeatDataset",
    "ShardDataset",
    "ShuffleDataset",
    "SkipDataset",
    "TFRecordDataset",
    "TakeDataset",
    "TakeWhileDataset",
    "TensorDataset",
    "TensorSliceDataset",
    "TextLineDataset",
    "UnbatchDataset",
    "WindowDataset",
    "ZipDataset",
]

_NO_GRADIENT = NoGradient("elements of a dataset are not computed from the graph's tensors")
_SCALAR = TensorShape([])
_OUT = ("output_types: list(type) >= 1", "output_shapes: list(shape) >= 1")
_TYPED = ("Toutput_types: list(type) >= 1", "output_shapes: list(shape) >= 1")
_METADATA = "metadata: string = ''"


def _one_handle(c: InferContext) -> Sequence[TensorShape]:
    types = c.attrs.get("output_types", c.attrs.get("Toutput_types"))
    shapes = c.attrs.get("output_shapes")
    if types is not None and shapes is not None and len(types) != len(shapes):
        c.fail(f"output_types has {len(types)} entries, output_shapes has {len(shapes)}")
    return [_SCALAR]


def _dataset(name: str, inputs: str, doc: str, *attrs: str, out: Sequence[str] = _OUT) -> OpDecl:
    return declare(
        name,
        inputs=inputs,
        outputs="handle: variant",
        attrs=(*attrs, *out, _METADATA),
        infer=_one_handle,
        gradient=_NO_GRADIENT,
        cost=free,
        state=EFFECT,
        samples=list,
        doc=doc,
    )


_FUNCTION = ("f: func", "Targuments: list(type) >= 0")
_PREDICATE = ("predicate: func", "Targuments: list(type) >= 0")
_IN = "input_dataset: variant"
_ARGUMENTS = "other_arguments: Targuments"
_SPLIT = "replicate_on_split: bool = false"

TensorDataset = _dataset(
    "TensorDataset", "components: Toutput_types", "A dataset of one element.", out=_TYPED
)
TensorSliceDataset = _dataset(
    "TensorSliceDataset",
    "components: Toutput_types",
    "A dataset whose elements are the rows of tensors.",
    "is_files: bool = false",
    _SPLIT,
    out=_TYPED,
)
RangeDataset = _dataset(
    "RangeDataset", "start: int64, stop: int64, step: int64", "A dataset of numbers in steps.", _SPLIT
)
GeneratorDataset = _dataset(
    "GeneratorDataset",
    "init_func_other_args: Tinit_func_args, next_func_other_args: Tnext_func_args, "
    "finalize_func_other_args: Tfinalize_func_args",
    "A dataset of what a function gives until it raises OutOfRange.",
    "init_func: func",
    "next_func: func",
    "finalize_func: func",
    "Tinit_func_args: list(type) >= 0",
    "Tnext_func_args: list(type) >= 0",
    "Tfinalize_func_args: list(type) >= 0",
)
_FILES = "filenames: string, compression_type: string, buffer_size: int64"
TextLineDataset = _dataset("TextLineDataset", _FILES, "The lines of text files.", out=())
TFRecordDataset = _dataset("TFRecordDataset", _FILES, "The records of TFRecord files.", out=())
FixedLengthRecordDatasetV2 = _dataset(
    "FixedLengthRecordDatasetV2",
    "filenames: string, header_bytes: int64, record_bytes: int64, footer_bytes: int64, buffer_size: int64, "
    "compression_type: string",
    "Pieces of equal length of files.",
    out=(),
)
BatchDatasetV2 = _dataset(
    "BatchDatasetV2",
    f"{_IN}, batch_size: int64, drop_remainder: bool",
    "Elements joined along a new first dimension, so many at a time.",
    "parallel_copy: bool = false",
)
BatchDataset = _dataset("BatchDataset", f"{_IN}, batch_size: int64", "Elements joined, so many at a time.")
PaddedBatchDatasetV2 = _dataset(
    "PaddedBatchDatasetV2",
    f"{_IN}, batch_size: int64, padded_shapes: N * int64, padding_values: Toutput_types, drop_remainder: bool",
    "Elements padded to one shape and joined along a new first dimension.",
    "parallel_copy: bool = false",
    "N: int >= 1",
    out=_TYPED,
)
UnbatchDataset = _dataset("UnbatchDataset", _IN, "The rows of each element, one after the other.")
ShuffleDataset = _dataset(
    "ShuffleDataset",
    f"{_IN}, buffer_size: int64, seed: int64, seed2: int64",
    "Elements in random order, each drawn from a buffer.",
    "reshuffle_each_iteration: bool = true",
)
RepeatDataset = _dataset("RepeatDataset", f"{_IN}, count: int64", "A dataset several times over.")
ZipDataset = _dataset(
    "ZipDataset", "input_datasets: N * variant", "Elements of several datasets side by side.", "N: int >= 1"
)
ConcatenateDataset = _dataset(
    "ConcatenateDataset", f"{_IN}, another_dataset: variant", "A dataset, then another one."
)
TakeDataset = _dataset("TakeDataset", f"{_IN}, count: int64", "The first elements.")
SkipDataset = _dataset("SkipDataset", f"{_IN}, count: int64", "All but the first elements.")
ShardDataset = _dataset(
    "ShardDataset",
    f"{_IN}, num_shards: int64, index: int64",
    "Every so many-th element.",
    "require_non_empty: bool = false",
)
CacheDataset = _dataset(
    "CacheDataset", f"{_IN}, filename: string", "Elements kept, in memory or in a file, once they were made."
)
PrefetchDataset = _dataset(
    "PrefetchDataset",
    f"{_IN}, buffer_size: int64",
    "Elements made ahead by a thread of their own.",
    "slack_period: int = 0",
    "legacy_autotune: bool = true",
    "buffer_size_min: int = 0",
)
WindowDataset = _dataset(
    "WindowDataset",
    f"{_IN}, size: int64, shift: int64, stride: int64, drop_remainder: bool",
    "Datasets of neighbouring elements.",
)
MapDataset = _dataset(
    "MapDataset",
    f"{_IN}, {_ARGUMENTS}",
    "What a function gives for each element.",
    *_FUNCTION,
    "use_inter_op_parallelism: bool = true",
    "preserve_cardinality: bool = false",
    "force_synchronous: bool = false",
)
ParallelMapDatasetV2 = _dataset(
    "ParallelMapDatasetV2",
    f"{_IN}, {_ARGUMENTS}, num_parallel_calls: int64",
    "What a function gives for each element, computed for several at a time.",
    *_FUNCTION,
    "use_inter_op_parallelism: bool = true",
    "deterministic: string = 'default'",
    "preserve_cardinality: bool = false",
    "use_unbounded_threadpool: bool = false",
)
FlatMapDataset = _dataset(
    "FlatMapDataset",
    f"{_IN}, {_ARGUMENTS}",
    "The elements of the datasets that a function gives, one dataset after the other.",
    *_FUNCTION,
)
InterleaveDataset = _dataset(
    "InterleaveDataset",
    f"{_IN}, {_ARGUMENTS}, cycle_length: int64, block_length: int64",
    "The elements of the datasets that a function gives, from several of them in turn.",
    *_FUNCTION,
)
ParallelInterleaveDatasetV2 = _dataset(
    "ParallelInterleaveDatasetV2",
    f"{_IN}, {_ARGUMENTS}, cycle_length: int64, block_length: int64, num_parallel_calls: int64",
    "The elements of the datasets that a function gives, from several in turn, each read ahead.",
    *_FUNCTION,
    "sloppy: bool = false",
)
FilterDataset = _dataset(
    "FilterDataset", f"{_IN}, {_ARGUMENTS}", "The elements for which a function gives true.", *_PREDICATE
)
TakeWhileDataset = _dataset(
    "TakeWhileDataset",
    f"{_IN}, {_ARGUMENTS}",
    "The elements before the first one for which a function gives false.",
    *_PREDICATE,
)
GroupByWindowDataset = _dataset(
    "GroupByWindowDataset",
    f"{_IN}, key_func_other_arguments: Tkey_func_other_arguments, "
    "reduce_func_other_arguments: Treduce_func_other_arguments, "
    "window_size_func_other_arguments: Twindow_size_func_other_arguments",
    "Elements of one key gathered, and a function's dataset for each so many of them.",
    "key_func: func",
    "reduce_func: func",
    "window_size_func: func",
    "Tkey_func_other_arguments: list(type) >= 0",
    "Treduce_func_other_arguments: list(type) >= 0",
    "Twindow_size_func_other_arguments: list(type) >= 0",
)
IgnoreErrorsDataset = declare(
    "IgnoreErrorsDataset",
    inputs=_IN,
    outputs="handle: variant",
    attrs=(*_OUT, "log_warning: bool = false"),
    infer=_one_handle,
    gradient=_NO_GRADIENT,
    cost=free,
    state=EFFECT,
    samples=list,
    doc="The elements that could be made.",
)


def _given_shapes(c: InferContext) -> Sequence[TensorShape]:
    _one_handle(c)
    return list(c.attr("output_shapes"))


def _elements(name: str, inputs: str, doc: str, *attrs: str) -> OpDecl:
    return declare(
        name,
        inputs=inputs,
        outputs="components: output_types",
        attrs=(*attrs, *_OUT),
        infer=_given_shapes,
        gradient=_NO_GRADIENT,
        cost=moves,
        state=EFFECT,
        samples=list,
        doc=doc,
    )


ReduceDataset = _elements(
    "ReduceDataset",
    f"{_IN}, initial_state: Tstate, {_ARGUMENTS}",
    "What is left when a function takes in all elements one after the other.",
    "f: func",
    "Tstate: list(type) >= 1",
    "Targuments: list(type) >= 0",
    "use_inter_op_parallelism: bool = true",
    _METADATA,
)
DatasetToSingleElement = _elements(
    "DatasetToSingleElement", "dataset: variant", "The one element of a dataset.", _METADATA
)
IteratorGetNext = _elements("IteratorGetNext", "iterator: resource", "The next element of an iterator.")
IteratorGetNextSync = _elements(
    "IteratorGetNextSync", "iterator: resource", "The next element of an iterator."
)


def _iterator(name: str, inputs: str, outputs: str, doc: str, *attrs: str) -> OpDecl:
    return declare(
        name,
        inputs=inputs,
        outputs=outputs,
        attrs=attrs,
        infer=_one_handle if outputs else lambda c: [],
        gradient=_NO_GRADIENT,
        cost=free,
        state=EFFECT,
        samples=list,
        doc=doc,
    )


_HANDLE = "handle: resource"
OneShotIterator = _iterator(
    "OneShotIterator",
    "",
    _HANDLE,
    "An iterator over the dataset that a function gives; it goes through it once.",
    "dataset_factory: func",
    *_OUT,
    "container: string = ''",
    "shared_name: string = ''",
)
_NAMED = ("shared_name: string", "container: string")
IteratorV2 = _iterator("IteratorV2", "", _HANDLE, "An iterator that is given a dataset.", *_NAMED, *_OUT)
Iterator = _iterator("Iterator", "", _HANDLE, "An iterator that is given a dataset.", *_NAMED, *_OUT)
MakeIterator = _iterator(
    "MakeIterator", "dataset: variant, iterator: resource", "", "Sets an iterator to the start of a dataset."
)
IteratorToStringHandle = _iterator(
    "IteratorToStringHandle",
    "resource_handle: resource",
    "string_handle: string",
    "The name of an iterator, to be fed.",
)
_MAYBE = ("output_types: list(type) = []", "output_shapes: list(shape) = []")
IteratorFromStringHandleV2 = _iterator(
    "IteratorFromStringHandleV2",
    "string_handle: string",
    "resource_handle: resource",
    "The iterator of that name, on this device.",
    *_MAYBE,
)
IteratorFromStringHandle = _iterator(
    "IteratorFromStringHandle",
    "string_handle: string",
    "resource_handle: resource",
    "The iterator of that name, on this device.",
    *_MAYBE,
)
IteratorGetNextAsOptional = _iterator(
    "IteratorGetNextAsOptional",
    "iterator: resource",
    "optional: variant",
    "The next element of an iterator, or the news that there is none.",
    *_OUT,
)
