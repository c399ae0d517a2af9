"""Keeps freed arrays' memory with the process instead of returning it to the system after every step.

glibc gives each block of more than 128 KiB its own mapping and unmaps it when it is freed, so a step would fault
in every page of every temporary again: for arrays of a megabyte that takes several times longer than the
arithmetic.
"""

from __future__ import annotations

import ctypes
import functools
import sys

__all__ = ["keep_freed_memory"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_MAPPED_FROM_BYTES = 32 << 20
_KEPT_BYTES = 256 << 20


@functools.cache
def keep_freed_memory() -> bool:
    """Asks the allocator to keep up to 256 MiB of free memory; gives whether it understood.

    Blocks of 32 MiB and more are still returned at once.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _MAPPED_FROM_BYTES) and mallopt(_TRIM_THRESHOLD, _KEPT_BYTES))
