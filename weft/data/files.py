"""Datasets of what files hold."""

from __future__ import annotations

from typing import Any

from ..graph import dtypes
from ..graph.convert import convert_to_tensor
from ..graph.default_graph import get_default_graph
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from ..graph.ops import datasets as ops
from ..graph.ops.array import Size
from ..graph.ops.control import Identity
from ..graph.shapes import TensorShape
from .dataset import Dataset
from .structure import TensorSpec, component_of, shapes_of

__all__ = ["FixedLengthRecordDataset", "TFRecordDataset", "TextLineDataset", "matched_files"]

_TEXT = TensorSpec(dtypes.string, TensorShape([]))
_BUFFER = 256 * 1024


def matched_files(pattern: Any) -> Dataset:
    """The names of the files that match, in order."""
    given = component_of(pattern)

    def build() -> Tensor:
        names = get_op("MatchingFiles")(convert_to_tensor(given, dtypes.string))
        found = Size(names) > 0
        check = get_op("Assert")(found, [convert_to_tensor("No files matched pattern: "), given])
        with get_default_graph().control_dependencies([check]):
            listed = Identity(names)
        made: Tensor = ops.TensorSliceDataset([listed], is_files=True, output_shapes=shapes_of(_TEXT))
        return made

    return Dataset(_TEXT, build)


class _FileDataset(Dataset):
    """The records of files.

    Args:
        filenames: a name, several, or a dataset of names.
        describe: from a tensor of names to the op.
    """

    def __init__(self, filenames: Any, describe: Any) -> None:
        if isinstance(filenames, Dataset):
            if filenames.output_types is not dtypes.string:
                raise TypeError(f"`filenames` must be a dataset of strings, got {filenames!r}.")
            whole = filenames.flat_map(lambda name: Dataset(_TEXT, lambda: describe(name)))
            super().__init__(_TEXT, whole._variant)
            return
        given = component_of(filenames)
        super().__init__(_TEXT, lambda: describe(convert_to_tensor(given, dtypes.string)))


def _numbers(*values: Any) -> list[Tensor]:
    return [convert_to_tensor(v, dtypes.int64) for v in values]


class TextLineDataset(_FileDataset):
    """The lines of text files, without their ends.

    Args:
        filenames: a name, several, or a dataset of names.
        compression_type: "", "GZIP" or "ZLIB".
        buffer_size: accepted for TensorFlow's sake.

    Raises:
        NotFoundError: when an element is taken, if there is no such file.
    """

    def __init__(self, filenames: Any, compression_type: str | None = None, buffer_size: Any = None) -> None:
        def describe(names: Tensor) -> Tensor:
            kind = convert_to_tensor(compression_type or "", dtypes.string)
            made: Tensor = ops.TextLineDataset(names, kind, *_numbers(buffer_size or _BUFFER))
            return made

        super().__init__(filenames, describe)


class TFRecordDataset(_FileDataset):
    """The records of TFRecord files.

    Args:
        filenames: a name, several, or a dataset of names.
        compression_type: "", "GZIP" or "ZLIB".
        buffer_size: accepted for TensorFlow's sake.
        num_parallel_reads: how many files are read at a time, each by a thread; their records then come in turn.

    Raises:
        NotFoundError: when an element is taken, if there is no such file.
        DataLossError: when an element is taken, if a record is damaged or cut off.
    """

    def __init__(
        self,
        filenames: Any,
        compression_type: str | None = None,
        buffer_size: Any = None,
        num_parallel_reads: int | None = None,
    ) -> None:
        def describe(names: Tensor) -> Tensor:
            kind = convert_to_tensor(compression_type or "", dtypes.string)
            made: Tensor = ops.TFRecordDataset(names, kind, *_numbers(buffer_size or _BUFFER))
            return made

        if num_parallel_reads is None:
            super().__init__(filenames, describe)
            return
        names = filenames
        if not isinstance(filenames, Dataset):
            given = component_of(filenames)
            names = Dataset.from_tensor_slices(given if given.shape else given.reshape(1))
        whole = names.interleave(
            lambda name: Dataset(_TEXT, lambda: describe(name)),
            cycle_length=num_parallel_reads,
            num_parallel_calls=num_parallel_reads,
        )
        Dataset.__init__(self, _TEXT, whole._variant)


class FixedLengthRecordDataset(_FileDataset):
    """Pieces of equal length of files.

    Args:
        filenames: a name, several, or a dataset of names.
        record_bytes: bytes of a piece.
        header_bytes, footer_bytes: bytes to leave out at the start and the end of each file.
        buffer_size: accepted for TensorFlow's sake.
        compression_type: "", "GZIP" or "ZLIB".

    Raises:
        NotFoundError: when an element is taken, if there is no such file.
        DataLossError: when an element is taken, if a file is no whole number of pieces.
    """

    def __init__(
        self,
        filenames: Any,
        record_bytes: Any,
        header_bytes: Any = None,
        footer_bytes: Any = None,
        buffer_size: Any = None,
        compression_type: str | None = None,
    ) -> None:
        def describe(names: Tensor) -> Tensor:
            kind = convert_to_tensor(compression_type or "", dtypes.string)
            sizes = _numbers(header_bytes or 0, record_bytes, footer_bytes or 0, buffer_size or _BUFFER)
            made: Tensor = ops.FixedLengthRecordDatasetV2(names, *sizes, kind)
            return made

        super().__init__(filenames, describe)
