"""Test data for op declarations: the same numbers every time, made only when a test asks for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .opdef import Sample

__all__ = ["Built", "Variable", "bools", "built", "floats", "ints", "sample", "var"]

Array = np.ndarray[Any, Any]


def floats(
    *shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0, dtype: Any = np.float32
) -> Array:
    """Evenly distributed numbers in [low, high)."""
    return np.random.default_rng(seed).uniform(low, high, shape).astype(dtype)


def ints(*shape: int, low: int = 0, high: int = 10, seed: int = 0, dtype: Any = np.int32) -> Array:
    """Whole numbers in [low, high)."""
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


def bools(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 2, shape).astype(np.bool_)


def sample(*inputs: Any, grad: Any = None, tolerance: Any = 1.0, **attrs: Any) -> Sample:
    """A row of test data; see `opdef.Sample`."""
    return Sample(inputs, attrs, None if grad is None else tuple(grad), tolerance)


@dataclass(frozen=True)
class Variable:
    """A variable in the place of a resource input; see `var`."""

    value: Array


@dataclass(frozen=True)
class Built:
    """An input that other ops make; see `built`."""

    make: Callable[[], Any]


def var(value: Any) -> Variable:
    """A variable that holds `value`, for a resource input of an op with `variable(...)` state.

    `sample(var(floats(3)), floats(3, seed=1))` is a row for `AssignAddVariableOp`: the harness makes a handle
    of the value's shape and type, gives the kernel the value (or None, where the op does not read the
    variable), and checks the new values of the written variables, which the kernel returns first.
    """
    return Variable(np.asarray(value))


def built(make: Callable[[], Any]) -> Built:
    """An input that `make()` builds in the default graph, for what no array can stand for.

    `sample(built(lambda: FIFOQueueV2(component_types=["float"])), ...)` gives a queue's handle. The ops that
    it makes run first, each on its own, with the same runtime as the op of the row.
    """
    return Built(make)
