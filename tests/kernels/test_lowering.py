from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from weft.graph.ops.windows import Geometry
from weft.kernels import conv, lowering

GEOMETRIES = {
    "same": Geometry((9, 11), (5, 5), (1, 1), (1, 1), ((2, 2), (2, 2)), (9, 11)),
    "valid": Geometry((9, 11), (3, 5), (1, 1), (1, 1), ((0, 0), (0, 0)), (7, 7)),
    "strides": Geometry((9, 11), (5, 3), (2, 3), (1, 1), ((1, 2), (0, 1)), (4, 4)),
}


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("chunk", [1, 1 << 30])
def test_lowered_convolutions_are_those_over_patches(
    monkeypatch: pytest.MonkeyPatch, name: str, chunk: int
) -> None:
    g = GEOMETRIES[name]
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(6, *g.sizes, 16)), rng.normal(size=(*g.ksizes, 16, 24))
    grad = rng.normal(size=(6, *g.outputs, 24))
    monkeypatch.setattr(lowering, "_LEAST_PRODUCT", 1)
    monkeypatch.setattr(lowering, "_LEAST_RUN", 1)
    monkeypatch.setattr(lowering, "_CHUNK_BYTES", chunk)
    used: list[bool] = []

    def both(use: bool) -> list[Any]:
        def choose(*args: Any) -> bool:
            used.append(use and lowering.suits(*args))
            return used[-1]

        monkeypatch.setattr(conv, "suits", choose)
        return [
            conv.conv(np, x, w, g),
            conv.conv_filter_grad(np, x, w.shape, grad, g),
            conv.conv_input_grad(np, x.shape, w, grad, g),
        ]

    for lowered, patches in zip(both(True), both(False), strict=True):
        np.testing.assert_allclose(lowered, patches, rtol=1e-10, atol=1e-10)
    assert any(used)


def test_what_does_not_suit() -> None:
    g = GEOMETRIES["same"]
    assert lowering.suits(np, g, 64, 32)
    assert not lowering.suits(np, g, 2, 32)
    assert not lowering.suits(np, g, 64, 1)
    dilated = Geometry((9, 11), (3, 3), (1, 1), (2, 1), ((2, 2), (1, 1)), (9, 11))
    assert not lowering.suits(np, dilated, 64, 32)
