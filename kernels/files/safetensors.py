"""Reading and writing safetensors files: a JSON header, then the tensors' bytes.

Source:
    https://huggingface.co/docs/safetensors/index#format
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np

from ...graph.errors import DataLossError, InvalidArgumentError, NotFoundError

__all__ = ["SafetensorsFile", "write_safetensors"]

Array = np.ndarray[Any, Any]

_TYPES: dict[str, Any] = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": ml_dtypes.bfloat16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U64": np.uint64,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
    "BOOL": np.bool_,
    "C64": np.complex64,
}
_NAMES = {np.dtype(t): name for name, t in _TYPES.items()}
_LARGEST_HEADER = 100_000_000


def write_safetensors(
    path: str, tensors: Mapping[str, Array], metadata: Mapping[str, str] | None = None
) -> int:
    """Writes tensors to a file, complete on the disk when it returns.

    Args:
        path: the file; one that is there is replaced.
        tensors: arrays by name, of types that the format has.
        metadata: further strings.

    Returns:
        Size of the file in bytes.

    Raises:
        InvalidArgumentError: an array's type is not in the format.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    for name, array in tensors.items():
        kind = _NAMES.get(array.dtype)
        if kind is None:
            raise InvalidArgumentError(None, f"{name} is {array.dtype}, which safetensors files cannot hold")
        end = position + array.nbytes
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [position, end]}
        position = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for array in tensors.values():
            file.write(memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8)))
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


class SafetensorsFile:
    """A safetensors file, of which tensors are read one by one.

    Args:
        path: the file.

    Raises:
        NotFoundError: it is not there.
        DataLossError: it is no safetensors file, or is cut short.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            size = os.path.getsize(path)
            with open(path, "rb") as file:
                start = file.read(8)
                length = struct.unpack("<Q", start)[0] if len(start) == 8 else -1
                if not 0 < length <= min(size - 8, _LARGEST_HEADER):
                    raise DataLossError(None, f"{path} is no safetensors file, or is cut short")
                header = json.loads(file.read(length))
        except FileNotFoundError:
            raise NotFoundError(None, f"{path}: no such file") from None
        except (ValueError, UnicodeDecodeError) as error:
            raise DataLossError(None, f"{path}: the header is damaged: {error}") from None
        self._base = 8 + length
        self._size = size
        self.metadata: dict[str, str] = header.pop("__metadata__", {})
        self.entries: dict[str, Any] = header

    def read(self, name: str) -> Array:
        """The tensor of that name.

        Raises:
            NotFoundError: there is none.
            DataLossError: the file ends before it does, or its entry makes no sense.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise NotFoundError(None, f"{self.path} has no tensor {name!r}")
        try:
            dtype = np.dtype(_TYPES[entry["dtype"]])
            begin, end = entry["data_offsets"]
            shape = tuple(entry["shape"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataLossError(None, f"{self.path}: the entry of {name!r} is damaged: {error!r}") from None
        count = int(np.prod(shape, dtype=np.int64))
        if end - begin != count * dtype.itemsize:
            raise DataLossError(None, f"{self.path}: the entry of {name!r} contradicts itself")
        if self._base + end > self._size:
            raise DataLossError(
                None, f"{self.path} is cut short: {name!r} ends at byte {self._base + end} of {self._size}"
            )
        array: Array = np.fromfile(self.path, dtype, count, offset=self._base + begin)
        return array.reshape(shape)
