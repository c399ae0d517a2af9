"""Files and folders: `tf.gfile`. Paths are of this machine; failures are errors of TensorFlow's classes."""

from __future__ import annotations

import contextlib
import errno
import glob as _glob
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .graph import errors

__all__ = [
    "Copy",
    "DeleteRecursively",
    "Exists",
    "FastGFile",
    "FileStatistics",
    "GFile",
    "Glob",
    "IsDirectory",
    "ListDirectory",
    "MakeDirs",
    "MkDir",
    "Open",
    "Remove",
    "Rename",
    "Stat",
    "Walk",
    "copy",
    "exists",
    "glob",
    "isdir",
    "listdir",
    "makedirs",
    "mkdir",
    "remove",
    "rename",
    "rmtree",
    "stat",
    "walk",
]

Path = str | bytes | os.PathLike[str]

_CLASSES: dict[int, type[errors.OpError]] = {
    errno.ENOENT: errors.NotFoundError,
    errno.EEXIST: errors.AlreadyExistsError,
    errno.EACCES: errors.PermissionDeniedError,
    errno.EPERM: errors.PermissionDeniedError,
    errno.EROFS: errors.PermissionDeniedError,
    errno.ENOSPC: errors.ResourceExhaustedError,
    errno.EDQUOT: errors.ResourceExhaustedError,
    errno.ENOTDIR: errors.FailedPreconditionError,
    errno.EISDIR: errors.FailedPreconditionError,
    errno.ENOTEMPTY: errors.FailedPreconditionError,
    errno.EBADF: errors.PermissionDeniedError,
}


@contextlib.contextmanager
def _translated(path: str) -> Iterator[None]:
    """Turns errors of the operating system into TensorFlow's."""
    try:
        yield
    except OSError as error:
        kind = _CLASSES.get(error.errno or 0, errors.UnknownError)
        raise kind(None, f"{path}: {error.strerror or error}") from None


def _text(path: Path) -> str:
    return os.fsdecode(os.fspath(path)).removeprefix("file://")


class GFile:
    """A file that is opened when it is first read or written.

    Args:
        name: path.
        mode: "r", "w", "a", "r+", "w+" or "a+", with "b" for bytes in the place of text (UTF-8).

    Raises:
        InvalidArgumentError: there is no such mode.
        NotFoundError, PermissionDeniedError, FailedPreconditionError: at the first use, it cannot be opened.

    Source:
        tf.gfile.GFile
    """

    def __init__(self, name: Path, mode: str = "r") -> None:
        if mode.replace("b", "") not in ("r", "w", "a", "r+", "w+", "a+"):
            raise errors.InvalidArgumentError(
                None, f"mode {mode!r} is not one of r, w, a, r+, w+, a+, with b or not"
            )
        self._name = _text(name)
        self._mode = mode
        self._open: Any = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def mode(self) -> str:
        return self._mode

    def _file(self) -> Any:
        if self._open is None:
            binary = "b" in self._mode
            with _translated(self._name):
                self._open = open(  # noqa: SIM115 - closed by close()
                    self._name,
                    self._mode,
                    encoding=None if binary else "utf-8",
                    newline=None if binary else "",
                )
        return self._open

    def _reading(self) -> Any:
        if self._mode.replace("b", "") in ("w", "a"):
            raise errors.PermissionDeniedError(None, f"{self._name}: opened for writing, not for reading")
        return self._file()

    def size(self) -> int:
        """Bytes in the file."""
        return Stat(self._name).length

    def read(self, n: int = -1) -> Any:
        """The next `n` bytes or characters; all that is left for -1."""
        with _translated(self._name):
            return self._reading().read(n)

    def readline(self) -> Any:
        """The next line with its end; empty at the end of the file."""
        with _translated(self._name):
            return self._reading().readline()

    def readlines(self) -> list[Any]:
        """The lines that are left, with their ends."""
        with _translated(self._name):
            return list(self._reading().readlines())

    def __iter__(self) -> GFile:
        return self

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def write(self, file_content: Any) -> None:
        """Writes text, or bytes in a mode with "b"."""
        if self._mode.replace("b", "") == "r":
            raise errors.PermissionDeniedError(None, f"{self._name}: opened for reading, not for writing")
        if "b" in self._mode and isinstance(file_content, str):
            file_content = file_content.encode("utf-8")
        elif "b" not in self._mode and isinstance(file_content, bytes):
            file_content = file_content.decode("utf-8")
        with _translated(self._name):
            self._file().write(file_content)

    def seek(self, offset: int | None = None, whence: int = 0, position: int | None = None) -> None:
        """Goes to a place in the file.

        Args:
            offset: bytes from the place that `whence` names.
            whence: 0 for the beginning, 1 for here, 2 for the end.
            position: old name of `offset`.
        """
        target = position if offset is None else offset
        if target is None:
            raise TypeError("seek() needs an offset.")
        with _translated(self._name):
            self._reading().seek(target, whence)

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        """Where the file is, in bytes."""
        return int(self._file().tell())

    def flush(self) -> None:
        """Brings what was written to the file."""
        if self._open is not None:
            with _translated(self._name):
                self._open.flush()

    def close(self) -> None:
        """Ends writing and closes the file; may be called twice."""
        if self._open is None:
            if self._mode[0] == "w":
                self._file()
            else:
                return
        with _translated(self._name):
            self._open.close()
        self._open, self._mode = None, "r" if "b" not in self._mode else "rb"

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        # As in TensorFlow, a file that is forgotten is closed without a word.
        if getattr(self, "_open", None) is not None:
            self._open.close()


class FastGFile(GFile):
    """`GFile` under the name of its variant without locks.

    Args:
        mode: FAN_IN, FAN_OUT or FAN_AVG.
    """


Open = GFile


@dataclass(frozen=True)
class FileStatistics:
    """What `Stat` tells.

    Attributes:
        length: bytes in the file.
        mtime_nsec: when it was written, in nanoseconds since 1970.
        is_directory: whether it is a folder.
    """

    length: int
    mtime_nsec: int
    is_directory: bool


def Exists(filename: Path) -> bool:
    """Whether there is a file or folder at a path.

    Args:
        filename: the file.
    """
    return os.path.exists(_text(filename))


def IsDirectory(dirname: Path) -> bool:
    """Whether there is a folder at a path.

    Args:
        dirname: the folder.
    """
    return os.path.isdir(_text(dirname))


def Glob(filename: Path | Sequence[Path]) -> list[str]:
    """The paths that fit a pattern (`*`, `?`, `[...]`), or one of several patterns, in order.

    Args:
        filename: a pattern or a list of patterns.
    """
    patterns = [filename] if isinstance(filename, (str, bytes, os.PathLike)) else filename
    return [p for pattern in patterns for p in sorted(_glob.glob(_text(pattern)))]


def ListDirectory(dirname: Path) -> list[str]:
    """Names of what is in a folder, without "." and "..".

    Args:
        dirname: the folder.

    Raises:
        NotFoundError: there is no such folder.
    """
    path = _text(dirname)
    if not os.path.isdir(path):
        raise errors.NotFoundError(None, f"{path}: there is no such folder")
    with _translated(path):
        return sorted(os.listdir(path))


def MkDir(dirname: Path) -> None:
    """Makes a folder in one that is there.

    Args:
        dirname: the folder.

    Raises:
        NotFoundError: the folder around it is not there.
        AlreadyExistsError: it is there.
    """
    path = _text(dirname)
    with _translated(path):
        os.mkdir(path)


def MakeDirs(dirname: Path) -> None:
    """Makes a folder and those around it, where they are not there.

    Args:
        dirname: the folder.

    Raises:
        AlreadyExistsError, FailedPreconditionError: there is a file of that name.
        PermissionDeniedError: it may not be made.
    """
    path = _text(dirname)
    with _translated(path):
        os.makedirs(path, exist_ok=True)


def Remove(filename: Path) -> None:
    """Removes a file.

    Args:
        filename: the file.

    Raises:
        NotFoundError: there is none.
        FailedPreconditionError: it is a folder.
    """
    path = _text(filename)
    with _translated(path):
        os.remove(path)


def DeleteRecursively(dirname: Path) -> None:
    """Removes a folder with all that is in it, or a file.

    Args:
        dirname: the folder.

    Raises:
        NotFoundError: there is none.
    """
    path = _text(dirname)
    with _translated(path):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.remove(path)


def Copy(oldpath: Path, newpath: Path, overwrite: bool = False) -> None:
    """Copies a file.

    Args:
        oldpath, newpath: from where to where.
        overwrite: whether a file that is there is replaced.

    Raises:
        NotFoundError: there is nothing to copy.
        AlreadyExistsError: the new path is taken.
    """
    source, target = _text(oldpath), _text(newpath)
    _refuse_taken(target, overwrite)
    with _translated(source):
        shutil.copyfile(source, target)


def Rename(oldname: Path, newname: Path, overwrite: bool = False) -> None:
    """Moves a file or folder; arguments and errors as for `Copy`."""
    source, target = _text(oldname), _text(newname)
    _refuse_taken(target, overwrite)
    with _translated(source):
        os.replace(source, target)


def _refuse_taken(target: str, overwrite: bool) -> None:
    if not overwrite and os.path.exists(target):
        raise errors.AlreadyExistsError(None, f"{target}: there is a file of that name")


def Stat(filename: Path) -> FileStatistics:
    """Size, time and kind of a file.

    Args:
        filename: the file.

    Raises:
        NotFoundError: there is none.
    """
    path = _text(filename)
    with _translated(path):
        found = os.stat(path)
    return FileStatistics(found.st_size, found.st_mtime_ns, os.path.isdir(path))


def Walk(top: Path, in_order: bool = True, **kwargs: Any) -> Iterator[tuple[str, list[str], list[str]]]:
    """The folders under a folder: each as (path, names of folders, names of files).

    Args:
        top: where to begin.
        in_order: whether a folder comes before those in it.
        **kwargs: `topdown`, another name of `in_order`; `onerror`, called with errors.
    """
    order = kwargs.pop("topdown", in_order)
    onerror: Callable[[OSError], Any] | None = kwargs.pop("onerror", None)
    if kwargs:
        raise TypeError(f"Walk() has no argument {next(iter(kwargs))!r}.")
    for folder, folders, files in os.walk(_text(top), topdown=order, onerror=onerror):
        if order:
            folders.sort()
        yield folder, sorted(folders), sorted(files)


exists, isdir, glob, listdir, mkdir, makedirs = Exists, IsDirectory, Glob, ListDirectory, MkDir, MakeDirs
remove, rmtree, copy, rename, stat = Remove, DeleteRecursively, Copy, Rename, Stat


def walk(
    top: Path, topdown: bool = True, onerror: Callable[[OSError], Any] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """`Walk` with the argument names of `tf.io.gfile.walk`."""
    return Walk(top, topdown, onerror=onerror)
