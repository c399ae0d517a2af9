"""Files that lie beside the program's own: `tf.resource_loader`."""

from __future__ import annotations

import os
import sys

from .graph.errors import NotFoundError

__all__ = [
    "get_data_files_path",
    "get_path_to_datafile",
    "get_root_dir_with_all_resources",
    "load_resource",
    "readahead_file_path",
]


def _folder(depth: int) -> str:
    return os.path.dirname(os.path.abspath(sys._getframe(depth).f_code.co_filename))


def get_data_files_path() -> str:
    """The folder of the file that calls this."""
    return _folder(2)


def get_root_dir_with_all_resources() -> str:
    """The folder of the file that calls this."""
    return _folder(2)


def get_path_to_datafile(path: str) -> str:
    """A path relative to the file that calls this, made complete.

    Args:
        path: the relative path.
    """
    return os.path.join(_folder(2), path)


def load_resource(path: str) -> bytes:
    """What a file beside the file that calls this holds.

    Args:
        path: relative path of the file.

    Raises:
        NotFoundError: there is no such file.
    """
    full = os.path.join(_folder(2), path)
    try:
        with open(full, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise NotFoundError(None, f"{full}: no such file") from None


def readahead_file_path(path: str, readahead: str = "128M") -> str:
    """The path itself.

    Args:
        path: a path.
        readahead: accepted for TensorFlow's sake.
    """
    del readahead
    return path
