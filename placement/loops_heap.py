"""Heaps in two arrays, one of keys and one of items; see `jit.py`."""

from __future__ import annotations

from typing import Any

from .jit import jit


@jit
def push(time: Any, item: Any, base: int, count: int, at: float, what: int) -> int:
    """Adds to the heap that begins at `base`, ordered by (time, item); returns its new size."""
    i = count
    while i > 0:
        parent = (i - 1) // 2
        p = base + parent
        if time[p] < at or (time[p] == at and item[p] <= what):
            break
        time[base + i] = time[p]
        item[base + i] = item[p]
        i = parent
    time[base + i] = at
    item[base + i] = what
    return count + 1


@jit
def drop(time: Any, item: Any, base: int, count: int) -> int:
    """Takes the first off a heap, after it has been read; returns its new size."""
    count -= 1
    at = time[base + count]
    what = item[base + count]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= count:
            break
        c = base + child
        if child + 1 < count and (
            time[c + 1] < time[c] or (time[c + 1] == time[c] and item[c + 1] < item[c])
        ):
            child += 1
            c += 1
        if at < time[c] or (at == time[c] and what <= item[c]):
            break
        time[base + i] = time[c]
        item[base + i] = item[c]
        i = child
    time[base + i] = at
    item[base + i] = what
    return count
