"""The `checkpoint` file of a folder, which says which checkpoints are in it and which is the latest."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..graph.errors import DataLossError
from ..kernels.files.checkpoint import checkpoint_exists as _exists
from ..kernels.files.checkpoint import open_checkpoint, remove_checkpoint_files

__all__ = [
    "CheckpointReader",
    "CheckpointState",
    "NewCheckpointReader",
    "checkpoint_exists",
    "checkpoints_iterator",
    "generate_checkpoint_state_proto",
    "get_checkpoint_mtimes",
    "get_checkpoint_state",
    "latest_checkpoint",
    "list_variables",
    "load_checkpoint",
    "load_variable",
    "remove_checkpoint",
    "update_checkpoint_state",
]


@dataclass
class CheckpointState:
    """What a `checkpoint` file says.

    Attributes:
        model_checkpoint_path: prefix of the latest checkpoint.
        all_model_checkpoint_paths: prefixes of all that are kept, oldest first.
        all_model_checkpoint_timestamps: when each was written, in seconds since 1970.
        last_preserved_timestamp: when one was last kept for good.
    """

    model_checkpoint_path: str = ""
    all_model_checkpoint_paths: list[str] = field(default_factory=list)
    all_model_checkpoint_timestamps: list[float] = field(default_factory=list)
    last_preserved_timestamp: float = 0.0

    def __str__(self) -> str:
        lines = [f"model_checkpoint_path: {_quoted(self.model_checkpoint_path)}"]
        lines += [f"all_model_checkpoint_paths: {_quoted(p)}" for p in self.all_model_checkpoint_paths]
        lines += [f"all_model_checkpoint_timestamps: {t!r}" for t in self.all_model_checkpoint_timestamps]
        if self.last_preserved_timestamp:
            lines.append(f"last_preserved_timestamp: {self.last_preserved_timestamp!r}")
        return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_LINE = re.compile(r'^\s*(\w+)\s*:\s*(?:"((?:[^"\\]|\\.)*)"|(\S+))\s*$')


def _parsed(text: str, path: str) -> CheckpointState:
    state = CheckpointState()
    for line in text.splitlines():
        if not line.strip():
            continue
        match = _LINE.match(line)
        if match is None:
            raise DataLossError(None, f"{path} is damaged: cannot read {line!r}")
        key, quoted, bare = match.groups()
        text_value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
        if key == "model_checkpoint_path":
            state.model_checkpoint_path = text_value
        elif key == "all_model_checkpoint_paths":
            state.all_model_checkpoint_paths.append(text_value)
        elif key == "all_model_checkpoint_timestamps":
            state.all_model_checkpoint_timestamps.append(float(text_value))
        elif key == "last_preserved_timestamp":
            state.last_preserved_timestamp = float(text_value)
    return state


def _state_file(checkpoint_dir: str, latest_filename: str | None) -> str:
    return os.path.join(checkpoint_dir, latest_filename or "checkpoint")


def get_checkpoint_state(
    checkpoint_dir: str | os.PathLike[str], latest_filename: str | None = None
) -> CheckpointState | None:
    """What the `checkpoint` file of a folder says, paths made complete; None where there is none.

    Args:
        checkpoint_dir: the folder.
        latest_filename: name of the file; "checkpoint" by default.

    Raises:
        DataLossError: the file is damaged.
    """
    folder = os.fspath(checkpoint_dir)
    path = _state_file(folder, latest_filename)
    try:
        with open(path, encoding="utf-8") as file:
            state = _parsed(file.read(), path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise DataLossError(None, f"{path} is damaged: {error}") from None
    if not state.model_checkpoint_path:
        raise DataLossError(None, f"{path} is damaged: it names no checkpoint")
    state.model_checkpoint_path = os.path.join(folder, state.model_checkpoint_path)
    state.all_model_checkpoint_paths = [os.path.join(folder, p) for p in state.all_model_checkpoint_paths]
    return state


def generate_checkpoint_state_proto(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> CheckpointState:
    """The state to be written for a folder, with paths relative to it where they are relative at all.

    Args:
        save_dir: the folder.
        model_checkpoint_path: prefix of the latest checkpoint.
        all_model_checkpoint_paths: prefixes of all that are kept, oldest first.
        all_model_checkpoint_timestamps: when each was written, in seconds since 1970.
        last_preserved_timestamp: when one was last kept for good.

    Raises:
        ValueError: there are not as many times as paths.
    """

    def relative(path: str) -> str:
        return path if os.path.isabs(path) else os.path.relpath(path, save_dir or ".")

    paths = list(all_model_checkpoint_paths or [])
    if not paths or paths[-1] != model_checkpoint_path:
        paths.append(model_checkpoint_path)
    times = list(all_model_checkpoint_timestamps or [])
    if times and len(times) != len(paths):
        raise ValueError(f"There are {len(paths)} checkpoints and {len(times)} times.")
    return CheckpointState(
        relative(model_checkpoint_path), [relative(p) for p in paths], times, last_preserved_timestamp or 0.0
    )


def update_checkpoint_state(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
    save_relative_paths: bool = False,
) -> None:
    """Writes the `checkpoint` file of a folder, in one move.

    Args:
        save_dir: the folder.
        model_checkpoint_path: prefix of the latest checkpoint.
        all_model_checkpoint_paths: prefixes of all that are kept, oldest first.
        latest_filename: name of the file; "checkpoint" by default.
        all_model_checkpoint_timestamps: when each was written, in seconds since 1970.
        last_preserved_timestamp: when one was last kept for good.
        save_relative_paths: whether paths are written relative to the folder, so that it can be moved.
    """
    paths = list(all_model_checkpoint_paths or [])
    if save_relative_paths:
        root = os.path.abspath(save_dir or ".")
        model_checkpoint_path = os.path.join(save_dir, os.path.relpath(model_checkpoint_path, root))
        paths = [os.path.join(save_dir, os.path.relpath(p, root)) for p in paths]
    state = generate_checkpoint_state_proto(
        save_dir, model_checkpoint_path, paths, all_model_checkpoint_timestamps, last_preserved_timestamp
    )
    if save_relative_paths:
        state.model_checkpoint_path = os.path.relpath(model_checkpoint_path, save_dir or ".")
        state.all_model_checkpoint_paths = [
            os.path.relpath(p, save_dir or ".") for p in state.all_model_checkpoint_paths
        ]
    path = _state_file(save_dir, latest_filename)
    if model_checkpoint_path == path:
        raise RuntimeError(f"The checkpoint cannot be called like the file of the folder's state, {path}.")
    temporary = f"{path}.{uuid.uuid4().hex[:8]}.tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(str(state))
    os.replace(temporary, path)


def latest_checkpoint(
    checkpoint_dir: str | os.PathLike[str], latest_filename: str | None = None
) -> str | None:
    """Prefix of the latest checkpoint in a folder; None where there is none.

    Args:
        checkpoint_dir: folder of the checkpoints.
        latest_filename: name of the file that lists them; "checkpoint" by default.
    """
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is not None and checkpoint_exists(state.model_checkpoint_path):
        return state.model_checkpoint_path
    return None


def checkpoint_exists(checkpoint_prefix: str | os.PathLike[str]) -> bool:
    """Whether there is a checkpoint of that prefix, weft's or TensorFlow's.

    Args:
        checkpoint_prefix: prefix of the checkpoint.
    """
    return _exists(os.fspath(checkpoint_prefix))


def get_checkpoint_mtimes(checkpoint_prefixes: Sequence[str]) -> list[float]:
    """When checkpoints were written, in seconds since 1970; those that are gone are left out.

    Args:
        checkpoint_prefixes: prefixes of checkpoints.
    """
    return [os.path.getmtime(f"{p}.index") for p in checkpoint_prefixes if checkpoint_exists(p)]


def remove_checkpoint(
    checkpoint_prefix: str, checkpoint_format_version: int = 2, meta_graph_suffix: str = "meta"
) -> None:
    """Removes a checkpoint with its graph.

    Args:
        checkpoint_prefix: prefix of the checkpoint.
        checkpoint_format_version: accepted for TensorFlow's sake.
        meta_graph_suffix: ending of the file with its graph.
    """
    del checkpoint_format_version
    remove_checkpoint_files(checkpoint_prefix)
    meta = f"{checkpoint_prefix}.{meta_graph_suffix}"
    if os.path.exists(meta):
        os.remove(meta)


def checkpoints_iterator(
    checkpoint_dir: str,
    min_interval_secs: float = 0,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Iterator[str]:
    """Gives each new checkpoint of a folder as it appears.

    Args:
        checkpoint_dir: the folder.
        min_interval_secs: least seconds from one to the next.
        timeout: seconds to wait for a new one; None for ever.
        timeout_fn: called when the time is up; waiting goes on unless it gives True.
    """
    seen: str | None = None
    while True:
        found = _wait_for_new(checkpoint_dir, seen, timeout)
        if found is None:
            if timeout_fn is None or timeout_fn():
                return
            continue
        start = time.time()
        seen = found
        yield found
        wait = start + min_interval_secs - time.time()
        if wait > 0:
            time.sleep(wait)


def _wait_for_new(folder: str, seen: str | None, timeout: float | None) -> str | None:
    end = None if timeout is None else time.time() + timeout
    while True:
        found = latest_checkpoint(folder)
        if found is not None and found != seen:
            return found
        if end is not None and time.time() >= end:
            return None
        time.sleep(0.2)


class CheckpointReader:
    """The tensors of a checkpoint, weft's or TensorFlow's, by name.

    Args:
        filepattern: prefix of the checkpoint.

    Raises:
        NotFoundError: there is no such checkpoint.
        DataLossError: it is damaged.
    """

    def __init__(self, filepattern: str | os.PathLike[str]) -> None:
        self._reader = open_checkpoint(os.fspath(filepattern))

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        return {n: list(self._reader.shape(n)) for n in self._reader.names()}

    def get_variable_to_dtype_map(self) -> dict[str, Any]:
        return {n: self._reader.dtype(n) for n in self._reader.names()}

    def has_tensor(self, tensor_str: str) -> bool:
        return bool(self._reader.has_tensor(tensor_str))

    def get_tensor(self, tensor_str: str) -> Any:
        """The tensor of that name as a NumPy array.

        Raises:
            NotFoundError: there is none.
            DataLossError: its checksum does not fit.
        """
        return self._reader.read(tensor_str)

    def debug_string(self) -> bytes:
        """One line per tensor: name, type, shape."""
        rows = (
            f"{n} ({self._reader.dtype(n).name}) {list(self._reader.shape(n))}" for n in self._reader.names()
        )
        return "\n".join(rows).encode()


NewCheckpointReader = CheckpointReader


def load_checkpoint(ckpt_dir_or_file: str | os.PathLike[str]) -> CheckpointReader:
    """A reader of a checkpoint, or of the latest one in a folder.

    Args:
        ckpt_dir_or_file: prefix of a checkpoint, or a folder whose latest one is taken.

    Raises:
        ValueError: the folder has none.
    """
    return CheckpointReader(_found(os.fspath(ckpt_dir_or_file)))


def _found(path: str) -> str:
    if not os.path.isdir(path):
        return path
    latest = latest_checkpoint(path)
    if latest is None:
        raise ValueError(f"There is no checkpoint in {path}.")
    return latest


def load_variable(ckpt_dir_or_file: str | os.PathLike[str], name: str) -> Any:
    """The value of a variable in a checkpoint; `name` may end in ":0".

    Args:
        ckpt_dir_or_file: prefix of a checkpoint, or a folder whose latest one is taken.
    """
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


def list_variables(ckpt_dir_or_file: str | os.PathLike[str]) -> list[tuple[str, list[int]]]:
    """Names and shapes of the variables in a checkpoint, by name.

    Args:
        ckpt_dir_or_file: prefix of a checkpoint, or a folder whose latest one is taken.
    """
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())
