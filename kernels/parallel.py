"""Large work on host arrays, shared by a few threads: NumPy's loops and BLAS let go of the interpreter.

What a result's bits depend on (how a sum is divided) must not depend on the number of threads; callers divide the
work by its size alone, and only who does which part is settled here.
"""

from __future__ import annotations

import ctypes
import functools
import glob
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import numpy as np

__all__ = [
    "WORTH_PRODUCTS",
    "dividing_products",
    "product_parts",
    "products_are_divided",
    "run_parts",
    "thread_count",
]

WORTH_PRODUCTS = 1 << 26
"""Multiplications in a product of matrices from which threads of our own lose less than BLAS's."""

_local = threading.local()
_tasks: SimpleQueue[tuple[Callable[[], None], Any]] = SimpleQueue()
_starting = threading.Lock()
_started = 0


@functools.cache
def thread_count() -> int:
    """Threads that one op may use: OMP_NUM_THREADS where it is set, else the processors of this process."""
    set_to = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if set_to.isdigit() and int(set_to) > 0:
        return int(set_to)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_parts(work: Callable[[int], None], count: int) -> None:
    """Calls `work(0)` to `work(count - 1)`, in any order and at the same time; returns when all are done.

    Args:
        work: what to do; it writes its results into arrays.
        count: number of parts.

    Raises:
        Exception: what a part raised; with several, any of them.
    """
    helpers = min(thread_count(), count) - 1
    if helpers < 1 or getattr(_local, "is_helper", False):
        for index in range(count):
            work(index)
        return
    _start(helpers)
    shared = _Shared(work, count)
    locks = []
    for _ in range(helpers):
        done = threading.Lock()
        done.acquire()
        locks.append(done)
        _tasks.put((shared.run, done))
    try:
        shared.run()
    finally:
        for done in locks:
            done.acquire()
    if shared.error is not None:
        raise shared.error


class _Shared:
    """Parts that several threads take one by one."""

    def __init__(self, work: Callable[[int], None], count: int) -> None:
        self.work = work
        self.count = count
        self.following = itertools.count()
        self.error: BaseException | None = None

    def run(self) -> None:
        while self.error is None and (index := next(self.following)) < self.count:
            try:
                self.work(index)
            except BaseException as error:
                self.error = error


def _start(helpers: int) -> None:
    global _started
    if _started >= helpers:
        return
    with _starting:
        while _started < helpers:
            threading.Thread(target=_help, daemon=True, name=f"weft-kernels-{_started}").start()
            _started += 1


def _help() -> None:
    _local.is_helper = True
    np.seterr(all="ignore")
    while True:
        run, done = _tasks.get()
        try:
            run()
        finally:
            done.release()
            del run, done


def product_parts(work: Callable[[int], None], count: int) -> None:
    """`run_parts` for work that multiplies matrices, where products are divided (`dividing_products`).

    Elsewhere the parts run one after the other, each with BLAS's own threads.
    """
    if products_are_divided():
        run_parts(work, count)
        return
    for index in range(count):
        work(index)


def products_are_divided() -> bool:
    """Whether BLAS is kept to one thread just now, so that large products are for us to divide."""
    return _users > 0


_users = 0
_before = 0
_setting = threading.Lock()


@contextmanager
def dividing_products() -> Iterator[None]:
    """Keeps BLAS to one thread for a while.

    BLAS's own threads divide a product once, evenly, and go on waiting actively after it; parts that are taken one
    by one, with the copying that belongs to them, lose less. The two kinds of threads must not meet: each would
    wait for processors that the other holds. Does nothing where there is one thread, or where BLAS cannot be told.
    """
    global _users, _before
    library = _blas() if thread_count() > 1 else None
    if library is None:
        yield
        return
    get, put = library
    with _setting:
        if not _users:
            _before = get()
            put(1)
        _users += 1
    try:
        yield
    finally:
        with _setting:
            _users -= 1
            if not _users:
                put(_before)


@functools.cache
def _blas() -> tuple[Callable[[], int], Callable[[int], Any]] | None:
    """How to ask and tell the BLAS that NumPy brings how many threads it may use; None for another one."""
    package = os.path.dirname(np.__file__)
    places = (os.path.join(package, os.pardir, "numpy.libs"), os.path.join(package, ".dylibs"))
    for path in (p for place in places for p in sorted(glob.glob(os.path.join(place, "*openblas*")))):
        try:
            library = ctypes.CDLL(path)
        except OSError:
            continue
        for form in (
            "scipy_openblas_{}_num_threads64_",
            "openblas_{}_num_threads64_",
            "openblas_{}_num_threads",
        ):
            if hasattr(library, form.format("set")):
                return getattr(library, form.format("get")), getattr(library, form.format("set"))
    return None
