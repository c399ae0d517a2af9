"""Strings and encodings: every sample row through every check, and the helpers below them."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from weft.graph.ops import encoding, strings
from weft.kernels import hashing, regex
from weft.kernels.text_format import summary

from .harness import OpTests


class TestStrings(OpTests):
    family = strings


class TestEncoding(OpTests):
    family = encoding


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", 0x9AE16A3B2F90404F),
        (b"a", 0xB3454265B6DF75E3),
        (b"abcdefgh", 4533385575889643785),
        (b"abcdefghijk" * 2, 3872284184876077150),
    ],
)
def test_farm_hash(text: bytes, expected: int) -> None:
    assert hashing.farm_hash64(text) % 2**62 == expected % 2**62


@pytest.mark.parametrize(
    ("pattern", "rewrite", "text", "expected"),
    [
        (b"", b"-", b"aabb", b"-a-a-b-b-"),
        (b"x*", b"-", b"abxd", b"-a-b-d-"),
        (rb"\Qa.b\E", b"!", b"a.b axb", b"! axb"),
        (b"$", b"!", b"a\n", b"a\n!"),
        (b"[]a]", b"-", b"]ab", b"--b"),
        (b"[^[:digit:]]+", b"", b"a1b22", b"122"),
        (rb"\xff", b"y", "ÿ".encode(), b"y"),
        (b".", b"z", b"\xff\xfe", b"zz"),
    ],
)
def test_replaces_as_re2(pattern: bytes, rewrite: bytes, text: bytes, expected: bytes) -> None:
    assert regex.replace(regex.compile_pattern(pattern), rewrite, text, True) == expected


@pytest.mark.parametrize("pattern", [b"(", rb"\pL", b"[[:nothing:]]"])
def test_bad_pattern(pattern: bytes) -> None:
    with pytest.raises(ValueError, match="pattern"):
        regex.compile_pattern(pattern)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32([1e-7, 1e10, 1 / 3, np.nan]), "[1e-07 1e+10 0.333333343 nan]"),
        (np.array([0.5, 1 / 3], ml_dtypes.bfloat16), "[0.5 0.333984375]"),
        (np.array(1 / 3), "0.33333333333333331"),
        (np.array([True, False]), "[1 0]"),
        (np.arange(7), "[0 1 2 ... 4 5 6]"),
        (np.zeros((0, 3)), "[]"),
        (np.complex64(1 + 2j), "(1,2)"),
        (np.array([b"a", "é".encode(), b'\n"'], object), r'["a" "é" "\n\""]'),
        (np.zeros((2, 1, 2)), "[[[0 0]]\n\n [[0 0]]]"),
    ],
)
def test_tensors_as_text(value: object, expected: str) -> None:
    assert summary(value, 3) == expected
