"""Pools."""

from __future__ import annotations

from typing import Any

from ..graph.graph import Tensor, name_scope
from ..graph.ops import pool as ops
from .common import either, tensor
from .conv import per_dimension, split_padding

__all__ = ["avg_pool", "avg_pool2d", "max_pool", "max_pool2d"]


def _window_attrs(ksize: Any, strides: Any, padding: Any, data_format: str) -> dict[str, Any]:
    channels = 1 if data_format.startswith("NC") else 3
    kind, explicit = split_padding(padding)
    attrs: dict[str, Any] = {
        "ksize": per_dimension(ksize, 2, channels, "ksize"),
        "strides": per_dimension(strides, 2, channels, "strides"),
        "padding": kind,
        "data_format": data_format,
    }
    return {**attrs, "explicit_paddings": explicit} if explicit else attrs


def max_pool(
    value: Any = None,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """Greatest element of each window.

    Args:
        value: `(batch, height, width, channels)`, or `(batch, channels, height, width)`.
        ksize: size of the window: a number, one per spatial dimension, or one per dimension.
        strides: steps of the window, given as `ksize` is.
        padding: "SAME", "VALID", or a pair of numbers per dimension.
        data_format: "NHWC" or "NCHW".
        name: name of the op.
        input: other name of `value`.

    Source:
        TensorFlow's op `MaxPool`.
    """
    x = either("input", input, "value", value)
    with name_scope(name, "MaxPool") as scope:
        attrs = _window_attrs(ksize, strides, padding, data_format)
        return ops.MaxPool(tensor(x, name="value"), name=scope, **attrs)  # type: ignore[no-any-return]


def avg_pool(
    value: Any = None,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """Mean of each window; what lies outside the input does not count.

    Args:
        value: `(batch, height, width, channels)`, or `(batch, channels, height, width)`.
        ksize: size of the window: a number, one per spatial dimension, or one per dimension.
        strides: steps of the window, given as `ksize` is.
        padding: "SAME" or "VALID".
        data_format: "NHWC" or "NCHW".
        name: name of the op.
        input: other name of `value`.

    Source:
        TensorFlow's op `AvgPool`.
    """
    x = either("input", input, "value", value)
    with name_scope(name, "AvgPool") as scope:
        attrs = _window_attrs(ksize, strides, padding, data_format)
        return ops.AvgPool(tensor(x, name="value"), name=scope, **attrs)  # type: ignore[no-any-return]


max_pool2d = max_pool
avg_pool2d = avg_pool
