"""Files and checkpoints; declared in `graph/ops/io.py`."""

from __future__ import annotations

import contextlib
import os
import uuid
from typing import Any

import numpy as np

from ..graph.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnknownError,
)
from .registry import KernelContext, kernel

__all__ = ["file_error", "text_of"]


def text_of(value: Any) -> str:
    """A scalar string as text."""
    if isinstance(value, np.ndarray):
        value = value.item() if value.size == 1 else value.reshape(-1)[0]
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def texts_of(values: Any) -> list[str]:
    return [text_of(v) for v in np.asarray(values, object).reshape(-1)]


def file_error(c: KernelContext, path: str, error: OSError) -> OpError:
    """An error of the file system as TensorFlow's class for it."""
    reason = f"{path}: {error.strerror or error}"
    kinds: tuple[tuple[type[OSError], type[OpError]], ...] = (
        (FileNotFoundError, NotFoundError),
        (PermissionError, PermissionDeniedError),
        (IsADirectoryError, FailedPreconditionError),
        (NotADirectoryError, FailedPreconditionError),
    )
    for mine, theirs in kinds:
        if isinstance(error, mine):
            return theirs(c.node.name, reason, "", c.node.source)
    if error.errno in (28, 122):  # no space on the device, quota exceeded
        return ResourceExhaustedError(c.node.name, reason, "", c.node.source)
    return UnknownError(c.node.name, reason, "", c.node.source)


def scalar_string(value: bytes) -> Any:
    """A string as the 0-d array that a kernel returns."""
    result = np.empty((), object)
    result[()] = value
    return result


@kernel("SaveV2", host=True)
def save_v2(c: KernelContext, prefix: Any, names: Any, specs: Any, *tensors: Any) -> None:
    from .files.checkpoint import write_checkpoint

    path = text_of(prefix)
    try:
        write_checkpoint(path, texts_of(names), texts_of(specs), [np.asarray(t) for t in tensors])
    except OSError as error:
        raise file_error(c, path, error) from error


@kernel("RestoreV2", host=True)
def restore_v2(c: KernelContext, prefix: Any, names: Any, specs: Any) -> Any:
    from .files.checkpoint import open_checkpoint

    reader = open_checkpoint(text_of(prefix))
    listed = texts_of(names)
    missing = [n for n in listed if not reader.has_tensor(n)]
    if missing:
        raise NotFoundError(
            c.node.name, f"Key {missing[0]} not found in checkpoint {reader.prefix}: it has none of "
            f"{', '.join(missing[:8])}", "", c.node.source,
        )  # fmt: skip
    expected = c.attrs.get("_expected_shapes") or [None] * len(listed)
    results = []
    for name, spec, dtype, shape in zip(listed, texts_of(specs), c.attrs["dtypes"], expected, strict=True):
        stored = reader.dtype(name)
        if stored is not dtype:
            raise InvalidArgumentError(
                c.node.name,
                f"{name} is {stored.name} in checkpoint {reader.prefix}, the variable is {dtype.name}",
                "",
                c.node.source,
            )
        value = reader.read(name, spec)
        if shape is not None:
            value = _shaped(c, name, value, shape, reader.prefix)
        results.append(value)
    return tuple(results)


def _shaped(c: KernelContext, name: str, value: Any, shape: str, prefix: str) -> Any:
    """A restored value in the shape of its variable."""
    wanted = tuple(int(d) for d in shape.split(",") if d)
    if value.shape == wanted:
        return value
    if c.attrs.get("_reshape") and value.size == np.prod(wanted, dtype=np.int64):
        return value.reshape(wanted)
    raise InvalidArgumentError(
        c.node.name,
        f"{name} has shape {list(value.shape)} in checkpoint {prefix}, the variable has shape {list(wanted)}",
        "",
        c.node.source,
    )


@kernel("MergeV2Checkpoints", host=True)
def merge_v2_checkpoints(c: KernelContext, prefixes: Any, destination: Any) -> None:
    from .files.checkpoint import merge_checkpoints

    target = text_of(destination)
    try:
        merge_checkpoints(texts_of(prefixes), target)
    except OSError as error:
        raise file_error(c, target, error) from error


@kernel("ShardedFilename", host=True)
def sharded_filename(c: KernelContext, basename: Any, shard: Any, number: Any) -> Any:
    return scalar_string(f"{text_of(basename)}-{int(shard):05d}-of-{int(number):05d}".encode())


@kernel("ShardedFilespec", host=True)
def sharded_filespec(c: KernelContext, basename: Any, number: Any) -> Any:
    return scalar_string(f"{text_of(basename)}-?????-of-{int(number):05d}".encode())


@kernel("ReadFile", host=True)
def read_file(c: KernelContext, filename: Any) -> Any:
    path = text_of(filename)
    try:
        with open(path, "rb") as file:
            return scalar_string(file.read())
    except OSError as error:
        raise file_error(c, path, error) from error


@kernel("WriteFile", host=True)
def write_file(c: KernelContext, filename: Any, contents: Any) -> None:
    path = text_of(filename)
    temporary = f"{path}.{uuid.uuid4().hex[:8]}.tmp"
    data = contents.item() if isinstance(contents, np.ndarray) else contents
    try:
        if os.path.dirname(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise file_error(c, path, error) from error


@kernel("MatchingFiles", host=True)
def matching_files(c: KernelContext, pattern: Any) -> Any:
    import glob

    found = sorted({name for p in texts_of(pattern) for name in glob.glob(p)})
    result = np.empty(len(found), object)
    result[:] = [name.encode("utf-8", "surrogateescape") for name in found]
    return result
