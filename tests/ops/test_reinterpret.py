"""Bits, places, distances and quantization: every sample row through every check."""

import pytest

from weft.graph.ops import quantization, reinterpret
from weft.kernels.reinterpret import levenshtein

from .harness import OpTests


class TestReinterpret(OpTests):
    family = reinterpret


class TestQuantization(OpTests):
    family = quantization


@pytest.mark.parametrize(
    ("a", "b", "count"), [("", "", 0), ("kitten", "sitting", 3), ("", "abc", 3), ("flaw", "lawn", 2)]
)
def test_levenshtein(a: str, b: str, count: int) -> None:
    assert levenshtein(a, b) == levenshtein(b, a) == count
