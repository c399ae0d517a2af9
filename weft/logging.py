"""Logging in TensorFlow's form: `tf.logging`."""

from __future__ import annotations

import logging as _logging
import sys
import threading
from typing import Any

__all__ = [
    "DEBUG",
    "ERROR",
    "FATAL",
    "INFO",
    "WARN",
    "TaskLevelStatusMessage",
    "debug",
    "error",
    "fatal",
    "flush",
    "get_verbosity",
    "info",
    "log",
    "log_every_n",
    "log_first_n",
    "log_if",
    "set_verbosity",
    "vlog",
    "warn",
    "warning",
]

DEBUG = _logging.DEBUG
INFO = _logging.INFO
WARN = _logging.WARNING
ERROR = _logging.ERROR
FATAL = _logging.CRITICAL

_LOCK = threading.Lock()
_COUNTS: dict[tuple[str, int], int] = {}
_READY = False


class _Handler(_logging.StreamHandler[Any]):
    """Writes to whatever `sys.stderr` is at the moment."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: _logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def get_logger() -> _logging.Logger:
    """The logger of the name "weft"; a handler for the terminal is added where the program has none."""
    global _READY
    logger = _logging.getLogger("weft")
    with _LOCK:
        if not _READY:
            _READY = True
            if not logger.handlers and not _logging.getLogger().handlers:
                handler = _Handler()
                handler.setFormatter(_logging.Formatter("%(levelname)s:weft:%(message)s"))
                logger.addHandler(handler)
            if logger.level == _logging.NOTSET:
                logger.setLevel(_logging.WARNING)
    return logger


def log(level: int, msg: str, *args: Any, **kwargs: Any) -> None:
    """Logs at a level of the caller's choice.

    Args:
        level: one of `DEBUG`, `INFO`, `WARN`, `ERROR`, `FATAL`.
        msg: the message, with % places for the arguments.
        *args, **kwargs: the arguments, and those of `logging.Logger.log`.
    """
    get_logger().log(level, msg, *args, **kwargs)


def debug(msg: str, *args: Any, **kwargs: Any) -> None:
    """Logs what helps to find faults.

    Args:
        msg: the message, with % places for the arguments.
        *args, **kwargs: the arguments, and those of `logging.Logger.log`.
    """
    get_logger().debug(msg, *args, **kwargs)


def info(msg: str, *args: Any, **kwargs: Any) -> None:
    """Logs what goes on.

    Args:
        msg: the message, with % places for the arguments.
        *args, **kwargs: the arguments, and those of `logging.Logger.log`.
    """
    get_logger().info(msg, *args, **kwargs)


def warning(msg: str, *args: Any, **kwargs: Any) -> None:
    """Logs what may be wrong.

    Args:
        msg: the message, with % places for the arguments.
        *args, **kwargs: the arguments, and those of `logging.Logger.log`.
    """
    get_logger().warning(msg, *args, **kwargs)


warn = warning


def error(msg: str, *args: Any, **kwargs: Any) -> None:
    """Logs what went wrong.

    Args:
        msg: the message, with % places for the arguments.
        *args, **kwargs: the arguments, and those of `logging.Logger.log`.
    """
    get_logger().error(msg, *args, **kwargs)


def fatal(msg: str, *args: Any, **kwargs: Any) -> None:
    """Logs what the program cannot go on after; it goes on nevertheless.

    Args:
        msg: the message, with % places for the arguments.
        *args, **kwargs: the arguments, and those of `logging.Logger.log`.
    """
    get_logger().critical(msg, *args, **kwargs)


def vlog(level: int, msg: str, *args: Any, **kwargs: Any) -> None:
    """Logs at a level of the caller's choice.

    Args:
        level: one of `DEBUG`, `INFO`, `WARN`, `ERROR`, `FATAL`.
        msg: the message, with % places for the arguments.
        *args, **kwargs: the arguments, and those of `logging.Logger.log`.
    """
    get_logger().log(level, msg, *args, **kwargs)


def log_if(level: int, msg: str, condition: Any, *args: Any) -> None:
    """Logs where the condition is true.

    Args:
        level: level of the message.
        msg: the message, with % places for the arguments.
        condition: whether it is logged.
        *args: further arguments, as there.
    """
    if condition:
        vlog(level, msg, *args)


def _count() -> int:
    """How often the line that called the caller has come here before."""
    frame = sys._getframe(2)
    key = (frame.f_code.co_filename, frame.f_lineno)
    with _LOCK:
        _COUNTS[key] = _COUNTS.get(key, -1) + 1
        return _COUNTS[key]


def log_every_n(level: int, msg: str, n: int, *args: Any) -> None:
    """Logs the first time that a line is reached, and every n-th time after.

    Args:
        level: level of the message.
        msg: the message, with % places for the arguments.
        n: the number.
        *args: further arguments, as there.
    """
    log_if(level, msg, _count() % n == 0, *args)


def log_first_n(level: int, msg: str, n: int, *args: Any) -> None:
    """Logs the first n times that a line is reached.

    Args:
        level: level of the message.
        msg: the message, with % places for the arguments.
        n: the number.
        *args: further arguments, as there.
    """
    log_if(level, msg, _count() < n, *args)


def get_verbosity() -> int:
    """The level below which nothing is logged."""
    return get_logger().getEffectiveLevel()


def set_verbosity(v: int | str) -> None:
    """Sets the level below which nothing is logged.

    Args:
        v: the level.
    """
    get_logger().setLevel(v)


def flush() -> None:
    """Brings what was logged to its place."""
    for handler in get_logger().handlers:
        handler.flush()


def TaskLevelStatusMessage(msg: str) -> None:
    """Logs as `error` does.

    Args:
        msg: the message.
    """
    error(msg)
