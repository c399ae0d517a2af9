"""Checkpoints: safetensors files with an index beside them.

A checkpoint is named by a prefix. `<prefix>.index` is JSON: for every tensor its type, shape and parts; for every
part the file it is in, which region of the tensor it is, and its checksum. The index is written last and put in its
place in one move, so that a checkpoint is there completely or not at all; the files it names have names of their
own each time, so that saving over a checkpoint does not touch it until the new one is complete.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph.dtypes import DType, as_dtype
from ...graph.errors import DataLossError, InvalidArgumentError, NotFoundError
from .safetensors import SafetensorsFile, write_safetensors
from .strings import pack_strings, unpack_strings

__all__ = [
    "CheckpointReader",
    "Region",
    "checkpoint_exists",
    "merge_checkpoints",
    "open_checkpoint",
    "remove_checkpoint_files",
    "write_checkpoint",
]

Array = np.ndarray[Any, Any]
_FORMAT = "weft-checkpoint"
_TYPES = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool complex64"
_PLAIN = frozenset(_TYPES.split())
"""Types that safetensors files hold as they are; others are stored as bytes."""


@dataclass(frozen=True)
class Region:
    """A rectangular part of a tensor.

    Attributes:
        full_shape: shape of the whole.
        offset: where the part begins.
        shape: shape of the part.
    """

    full_shape: tuple[int, ...]
    offset: tuple[int, ...]
    shape: tuple[int, ...]

    @classmethod
    def parse(cls, spec: str) -> Region | None:
        """Reads TensorFlow's notation, `10 4 0,5:0,4` (`-` for a whole dimension); None for "".

        Raises:
            InvalidArgumentError: it is not of that form.
        """
        if not spec.strip():
            return None
        try:
            *dims, extents = spec.split()
            full = tuple(int(d) for d in dims)
            offset, shape = [], []
            for dim, extent in zip(full, extents.split(":"), strict=True):
                begin, size = (0, dim) if extent == "-" else (int(x) for x in extent.split(","))
                offset.append(begin)
                shape.append(size)
        except ValueError:
            raise InvalidArgumentError(None, f"cannot read the slice {spec!r}") from None
        return cls(full, tuple(offset), tuple(shape))

    @property
    def slices(self) -> tuple[slice, ...]:
        return tuple(slice(o, o + s) for o, s in zip(self.offset, self.shape, strict=True))


def write_checkpoint(
    prefix: str, names: Sequence[str], specs: Sequence[str], arrays: Sequence[Array]
) -> None:
    """Writes a checkpoint; nothing is left behind where it fails.

    Args:
        prefix: path and beginning of the files' names; folders are made.
        names: name of each tensor.
        specs: which part of the tensor an array is, in the notation of `Region.parse`; "" for the whole.
        arrays: the values; strings as object arrays of bytes.

    Raises:
        InvalidArgumentError: a part does not fit to its array.
    """
    folder = os.path.dirname(prefix)
    if folder:
        os.makedirs(folder, exist_ok=True)
    file = f"{os.path.basename(prefix)}-{uuid.uuid4().hex[:8]}.safetensors"
    stored: dict[str, Array] = {}
    tensors: dict[str, Any] = {}
    for name, spec, array in zip(names, specs, arrays, strict=True):
        array = np.asarray(array)
        region = Region.parse(spec) or Region(array.shape, (0,) * array.ndim, array.shape)
        if region.shape != array.shape:
            raise InvalidArgumentError(
                None, f"{name}: the slice {spec!r} is not of the value's shape {array.shape}"
            )
        key = name if not spec.strip() else f"{name} {spec}"
        dtype = as_dtype(array.dtype) if array.dtype != object else as_dtype("string")
        stored[key] = _stored(array, dtype)
        part = {
            "file": file,
            "key": key,
            "offset": list(region.offset),
            "shape": list(region.shape),
            "crc32": zlib.crc32(memoryview(np.ascontiguousarray(stored[key]).reshape(-1).view(np.uint8))),
        }
        row = tensors.setdefault(name, {"dtype": dtype.name, "shape": list(region.full_shape), "parts": []})
        row["parts"].append(part)
    path = os.path.join(folder, file)
    before = _files_of(prefix)
    try:
        write_safetensors(path, stored, {"format": _FORMAT})
        _write_index(prefix, tensors)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(path)
        raise
    for old in before:
        _remove(os.path.join(folder, old))


def _stored(array: Array, dtype: DType) -> Array:
    """The array as a safetensors file can hold it."""
    if dtype.name in _PLAIN:
        return array
    if dtype.kind == "s":
        return pack_strings(array)
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _loaded(array: Array, dtype: DType, shape: Sequence[int]) -> Array:
    if dtype.name in _PLAIN:
        return array
    if dtype.kind == "s":
        return unpack_strings(array, shape)
    return array.view(dtype.np).reshape(tuple(shape))


def _write_index(prefix: str, tensors: Mapping[str, Any]) -> None:
    text = json.dumps({"format": _FORMAT, "version": 1, "tensors": tensors}, indent=0)
    temporary = f"{prefix}.index.{uuid.uuid4().hex[:8]}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, f"{prefix}.index")
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise


def merge_checkpoints(prefixes: Iterable[str], destination: str) -> None:
    """Makes one checkpoint of several, which are gone then; what the destination held before is removed.

    Raises:
        NotFoundError: one is not there; where devices are on several machines, their folder must be shared.
    """
    sources = list(dict.fromkeys(prefixes))
    tensors: dict[str, Any] = {}
    for source in sources:
        try:
            index = _read_index(source)
        except NotFoundError:
            raise NotFoundError(
                None,
                f"a part of the checkpoint, {source}, cannot be seen from here. Devices on several machines "
                "need a folder that all of them share.",
            ) from None
        for name, row in index["tensors"].items():
            tensors.setdefault(name, {**row, "parts": []})["parts"].extend(row["parts"])
    before = _files_of(destination)
    now = {p["file"] for row in tensors.values() for p in row["parts"]}
    folder = os.path.dirname(destination)
    for source in sources:
        _move_files(os.path.dirname(source), folder, now)
    _write_index(destination, tensors)
    for source in sources:
        if source != destination:
            _remove(f"{source}.index")
        if os.path.dirname(source) != folder:
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(source))
    for file in before - now:
        _remove(os.path.join(folder, file))


def _move_files(source: str, target: str, files: Iterable[str]) -> None:
    if source == target:
        return
    if target:
        os.makedirs(target, exist_ok=True)
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            os.replace(os.path.join(source, file), os.path.join(target, file))


def _files_of(prefix: str) -> set[str]:
    """Names of the files that a checkpoint consists of, its index excepted."""
    try:
        index = _read_index(prefix)
    except (NotFoundError, DataLossError):
        return set()
    return {p["file"] for row in index["tensors"].values() for p in row["parts"]}


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


def _read_index(prefix: str) -> Any:
    path = f"{prefix}.index"
    try:
        with open(path, encoding="utf-8") as file:
            index = json.load(file)
    except FileNotFoundError:
        raise NotFoundError(None, f"there is no checkpoint {prefix}: {path} does not exist") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise DataLossError(None, f"{path} is damaged: {error}") from None
    if not isinstance(index, dict) or index.get("format") != _FORMAT:
        raise DataLossError(None, f"{path} is no index of a checkpoint")
    return index


def checkpoint_exists(prefix: str) -> bool:
    """Whether there is a checkpoint of that prefix, weft's or TensorFlow's."""
    return os.path.isfile(f"{prefix}.index")


def remove_checkpoint_files(prefix: str) -> None:
    """Removes a checkpoint, index first."""
    files = _files_of(prefix)
    folder = os.path.dirname(prefix)
    base = os.path.basename(prefix)
    with contextlib.suppress(FileNotFoundError):
        files |= {f for f in os.listdir(folder or ".") if f.startswith(f"{base}.data-")}
    _remove(f"{prefix}.index")
    for file in files:
        _remove(os.path.join(folder, file))


class CheckpointReader:
    """The tensors of a checkpoint.

    Args:
        prefix: path and beginning of the names of its files.

    Raises:
        NotFoundError: there is no such checkpoint.
        DataLossError: its index is damaged.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._rows: dict[str, Any] = _read_index(prefix)["tensors"]
        self._files: dict[str, SafetensorsFile] = {}

    def names(self) -> list[str]:
        return sorted(self._rows)

    def has_tensor(self, name: str) -> bool:
        return name in self._rows

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._row(name)["shape"])

    def dtype(self, name: str) -> DType:
        return as_dtype(self._row(name)["dtype"])

    def _row(self, name: str) -> Any:
        row = self._rows.get(name)
        if row is None:
            raise NotFoundError(None, f"Key {name} not found in checkpoint {self.prefix}")
        return row

    def read(self, name: str, spec: str = "") -> Array:
        """A tensor, or the part of it that `spec` names in the notation of `Region.parse`.

        Raises:
            NotFoundError: the checkpoint has no such tensor, or a file of it is gone.
            InvalidArgumentError: the part is of a tensor of another shape.
            DataLossError: the checksum does not fit, a file is cut short, or parts of the tensor are missing.
        """
        row = self._row(name)
        dtype, full = as_dtype(row["dtype"]), tuple(row["shape"])
        wanted = Region.parse(spec)
        if wanted is not None and wanted.full_shape != full:
            raise InvalidArgumentError(
                None, f"{name} has shape {list(full)} in checkpoint {self.prefix}, asked for is a part of "
                f"{list(wanted.full_shape)}"
            )  # fmt: skip
        wanted = wanted or Region(full, (0,) * len(full), full)
        for part in row["parts"]:
            if tuple(part["offset"]) == wanted.offset and tuple(part["shape"]) == wanted.shape:
                return self._part(name, part, dtype)
        return self._assembled(name, row["parts"], dtype, wanted)

    def _assembled(self, name: str, parts: Sequence[Any], dtype: DType, wanted: Region) -> Array:
        result = np.empty(wanted.shape, dtype.np)
        covered = np.zeros(wanted.shape, np.bool_)
        for part in parts:
            target, source = [], []
            for o, s, w, n in zip(part["offset"], part["shape"], wanted.offset, wanted.shape, strict=True):
                begin, end = max(o, w), min(o + s, w + n)
                target.append(slice(begin - w, end - w))
                source.append(slice(begin - o, end - o))
            if all(t.start < t.stop for t in target):
                result[tuple(target)] = self._part(name, part, dtype)[tuple(source)]
                covered[tuple(target)] = True
        if not covered.all():
            raise DataLossError(None, f"checkpoint {self.prefix} lacks parts of {name}")
        return result

    def _part(self, name: str, part: Any, dtype: DType) -> Array:
        file = part["file"]
        if file not in self._files:
            self._files[file] = SafetensorsFile(os.path.join(os.path.dirname(self.prefix), file))
        raw = self._files[file].read(part["key"])
        if zlib.crc32(memoryview(np.ascontiguousarray(raw).reshape(-1).view(np.uint8))) != part["crc32"]:
            raise DataLossError(
                None, f"{self._files[file].path}: the checksum of {name} does not fit: the file is damaged"
            )
        return _loaded(raw, dtype, part["shape"])


def open_checkpoint(prefix: str) -> Any:
    """A reader of a checkpoint, weft's own or TensorFlow's.

    Raises:
        NotFoundError: there is no such checkpoint.
        DataLossError: its index is damaged.
    """
    path = f"{prefix}.index"
    try:
        with open(path, "rb") as file:
            first = file.read(1)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(None, f"there is no checkpoint {prefix}: {path} does not exist") from None
    if first == b"{":
        return CheckpointReader(prefix)
    from .tensor_bundle import TensorBundleReader

    return TensorBundleReader(prefix)
