"""Slices scaled without `ufunc.at`, as CuPy needs it, give what NumPy's `ufunc.at` gives."""

from __future__ import annotations

import numpy as np
import pytest

from weft.kernels.updates import _scaled_in_rounds


@pytest.mark.parametrize("how", ["mul", "div"])
@pytest.mark.parametrize(
    ("index", "shape"),
    [
        ((np.array([2, 0, 2, 2]),), (4, 3)),
        ((np.array([[1], [1]]),), (2, 1, 3)),
        ((np.array([1, 1, 0]), np.array([2, 2, 2])), (3,)),
        ((np.zeros(0, np.int64),), (0, 3)),
        ((np.array([3, 3]),), ()),
    ],
)
def test_scaled_in_rounds(how: str, index: tuple[np.ndarray, ...], shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    start, updates = random.uniform(1, 2, (4, 3)), random.uniform(1, 2, shape)
    got, expected = start.copy(), start.copy()
    _scaled_in_rounds(np, got, index, updates, how)
    (np.multiply if how == "mul" else np.divide).at(expected, index, updates)
    np.testing.assert_allclose(got, expected)
