"""Compiles the planner's inner loops ahead: `python -m weft.placement.compile`.

It takes about half a minute, once per machine. Until then searches within a short budget run in plain Python, which is
right but slow.
"""

from __future__ import annotations

import sys
import time

from . import jit

__all__ = ["compile_loops", "main"]


def compile_loops() -> bool:
    """Compiles all loops that searches use, or loads them where that has been done; False where Numba is missing."""
    if not jit.compiler_available():
        return False
    from .search import load_loops
    from .throughput import load_loads

    load_loops()
    load_loads()
    jit.is_cached.cache_clear()
    return True


def main() -> int:
    begin = time.monotonic()
    print("compiling the planner's loops; this takes about half a minute the first time", file=sys.stderr)
    if not compile_loops():
        print("Numba is not installed (pip install numba), or WEFT_NO_JIT is set", file=sys.stderr)
        return 1
    print(f"done in {time.monotonic() - begin:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
