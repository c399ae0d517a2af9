"""Images: every sample row gives TensorFlow's values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft
from weft.graph.opdef import OpDecl, Sample
from weft.graph.ops import boxes, color, crop_resize, image_codecs, image_patches, resize
from weft.graph.samples import ints

from .test_nn import check_gradients, check_values, rows

pytestmark = pytest.mark.tensorflow

FAMILIES = (boxes, color, crop_resize, image_patches, resize)


@pytest.mark.parametrize(("decl", "row"), rows(FAMILIES))
def test_values(decl: OpDecl, row: Sample) -> None:
    check_values(decl, row)


@pytest.mark.parametrize(("decl", "row"), rows(FAMILIES))
def test_gradients(decl: OpDecl, row: Sample) -> None:
    check_gradients(decl, row)


def _jpeg() -> bytes:
    import io

    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    pixels = np.kron(ints(6, 8, 3, high=256, dtype=np.uint8), np.ones((4, 4, 1), np.uint8))
    out = io.BytesIO()
    image.fromarray(pixels).save(out, "jpeg", quality=90)
    return out.getvalue()


def _value(tf1: Any, make: Callable[[], Any]) -> Any:
    """What TensorFlow gives, whether or not another test has turned eager execution off."""
    with tf1.Graph().as_default(), tf1.Session() as session:
        return session.run(make())


@pytest.mark.parametrize("attrs", [{}, {"channels": 1}, {"channels": 3}, {"ratio": 2}, {"ratio": 8}], ids=str)
def test_jpeg_pixels(attrs: dict[str, int], tf1: Any) -> None:
    """The pixels that TensorFlow gives with exact arithmetic; its default is a faster approximation."""
    data = _jpeg()
    with weft.Graph().as_default(), weft.Session() as session:
        got = session.run(image_codecs.DecodeJpeg(data, **attrs))
    expected = _value(tf1, lambda: tf1.io.decode_jpeg(data, dct_method="INTEGER_ACCURATE", **attrs))
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [0, 1, 3, 4])
def test_16_bit_png_pixels(dtype: str, channels: int, tf1: Any) -> None:
    data = _value(tf1, lambda: tf1.io.encode_png(ints(9, 7, 3, high=65536, dtype=np.uint16)))
    with weft.Graph().as_default(), weft.Session() as session:
        got = session.run(image_codecs.DecodePng(data, channels=channels, dtype=dtype))
    expected = _value(tf1, lambda: tf1.io.decode_png(data, channels=channels, dtype=dtype))
    # Grey is a mean whose last bits are a matter of rounding.
    slack = 0 if channels != 1 else 2 if dtype == "uint8" else 300
    assert np.abs(got.astype(int) - expected.astype(int)).max() <= slack
