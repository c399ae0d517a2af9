from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from weft.graph.ops.math import AddV2, Mul
from weft.kernels import choose
from weft.kernels.backend import get_backend
from weft.kernels.choose import ChoosingBackend

from .segments import traced

SEGMENT = traced(lambda x: AddV2(Mul(x, x), x), ("float32", [3]))
X = np.arange(3, dtype=np.float32)


class Other:
    """A backend whose programs take a set time and count their runs."""

    def __init__(self, seconds: float, fails: bool = False) -> None:
        self.seconds, self.fails, self.runs = seconds, fails, 0

    def compile(self, segment: Any) -> Any:
        def run(values: Any) -> Any:
            if self.fails:
                raise RuntimeError("no")
            self.runs += 1
            time.sleep(self.seconds)
            return [values[0] * values[0] + values[0]]

        return run


def chosen(monkeypatch: pytest.MonkeyPatch, numpy_seconds: float, other: Other) -> Any:
    """A segment that takes so long on NumPy, with `other` to choose from, once it has been settled."""
    monkeypatch.setattr(
        choose, "get_backend", lambda name: get_backend("numpy") if name == "numpy" else other
    )
    program = ChoosingBackend("other").compile(SEGMENT)
    plain = program.ours

    def slow(values: Any) -> Any:
        time.sleep(numpy_seconds)
        return plain(values)

    program.ours = slow
    for _ in range(200):
        (result,) = program([X])
        np.testing.assert_array_equal(result, X * X + X)
        if program.settled is not None:
            break
        time.sleep(0.002)
    assert program.settled is not None
    return program


def test_small_segments_stay_on_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Other(0)
    program = chosen(monkeypatch, 0, other)
    assert program.settled is program.ours and other.runs == 0


def test_the_faster_one_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = chosen(monkeypatch, 0.02, Other(0))
    assert quick.settled is not quick.ours
    slow = chosen(monkeypatch, 0.002, Other(0.05))
    assert slow.settled is slow.ours


def test_what_cannot_be_compiled_stays_on_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    program = chosen(monkeypatch, 0.002, Other(0, fails=True))
    assert program.settled is program.ours


def test_the_real_thing_gives_the_same_numbers() -> None:
    backend = get_backend("numpy:choose")
    assert isinstance(backend, ChoosingBackend)
    program = backend.compile(SEGMENT)
    program.started = True
    program._prepare([X])
    for _ in range(12):
        (result,) = program([X])
        assert isinstance(result, np.ndarray)
        np.testing.assert_array_equal(result, X * X + X)
    assert program.settled is not None
