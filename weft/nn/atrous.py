"""Windows with holes, made by moving space into the batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph.constant_value import constant_value
from ..graph.default_graph import name_scope
from ..graph.elements import Tensor
from ..graph.ops.array import Shape
from ..graph.ops.blocks import BatchToSpaceND, SpaceToBatchND
from ..graph.ops.joining import Pack
from ..graph.ops.math import FloorMod
from .common import tensor
from .conv import conv2d_transpose
from .conv_nd import convolution

__all__ = ["atrous_conv2d", "atrous_conv2d_transpose", "with_space_to_batch"]


def atrous_conv2d(value: Any, filters: Any, rate: int, padding: Any, name: str | None = None) -> Tensor:
    """`conv2d` with `rate - 1` holes between the elements of the filter.

    Args:
        value: `(batch, height, width, channels)`.
        filters: `(height, width, channels, made)`.
        rate: distance of two elements of the filter.
        padding: "SAME" or "VALID".
        name: name scope.

    Source:
        `tf.compat.v1.nn.atrous_conv2d`.
    """
    return convolution(value, filters, padding, dilation_rate=[rate, rate], name=name)


def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: int, padding: str, name: str | None = None
) -> Tensor:
    """The transpose of `atrous_conv2d`.

    Args:
        value: `(batch, height, width, channels)`.
        filters: `(height, width, made, channels)`.
        output_shape: shape of the result, 1-D.
        rate: distance of two elements of the filter.
        padding: "SAME" or "VALID".
        name: name of the op.

    Source:
        `tf.compat.v1.nn.atrous_conv2d_transpose`.
    """
    with name_scope(name, "atrous_conv2d_transpose") as scope:
        return conv2d_transpose(
            value, filters, output_shape, [1, 1, 1, 1], padding, name=scope, dilations=[rate, rate]
        )


def with_space_to_batch(
    input: Any,
    dilation_rate: Any,
    padding: str,
    op: Callable[..., Any],
    filter_shape: Any = None,
    spatial_dims: Sequence[int] | None = None,
    data_format: str | None = None,
) -> Tensor:
    """Runs `op` on windows with holes: space is moved into the batch, so that the holes close.

    Args:
        input: `(batch, *space, ...)`, or `(batch, channels, *space)`.
        dilation_rate: distance of two elements of the window, one per spatial dimension.
        padding: "SAME" or "VALID".
        op: `op(input, num_spatial_dims, padding)`, which slides a window.
        filter_shape: shape of the window, spatial dimensions first; needed for "SAME".
        spatial_dims: which dimensions are meant, counted from 1 and ascending; all by default.
        data_format: `None` or `N...C` for channels last, `NC...` for channels second.

    Source:
        `tf.compat.v1.nn.with_space_to_batch`.
    """
    x = tensor(input, name="input")
    rates = [int(r) for r in np.ravel(_known(dilation_rate, "dilation_rate"))]
    count = len(rates)
    if any(r < 1 for r in rates):
        raise ValueError(f"dilation_rate must be positive, got {rates}.")
    start = 2 if data_format is not None and data_format.startswith("NC") else 1
    dims = list(range(start, start + count)) if spatial_dims is None else [int(d) for d in spatial_dims]
    if sorted(dims) != dims or any(d < 1 for d in dims):
        raise ValueError(f"spatial_dims must be ascending and at least 1, got {dims}.")
    if all(r == 1 for r in rates):
        return op(x, num_spatial_dims=count, padding=padding)  # type: ignore[no-any-return]
    margins = _base_paddings(padding, rates, filter_shape)
    paddings, crops = _paddings(x, dims, rates, margins)
    block, paddings, crops = _from_first(dims, rates, paddings, crops)
    inner = op(SpaceToBatchND(x, block, paddings), num_spatial_dims=count, padding="VALID")
    return BatchToSpaceND(inner, block, crops)  # type: ignore[no-any-return]


def _known(value: Any, name: str) -> Any:
    found = constant_value(value) if isinstance(value, Tensor) else value
    if found is None:
        raise ValueError(f"{name} must be known while the graph is built.")
    return np.asarray(found)


def _base_paddings(padding: str, rates: Sequence[int], filter_shape: Any) -> list[tuple[int, int]]:
    """What "SAME" adds around each dimension."""
    if padding == "VALID":
        return [(0, 0)] * len(rates)
    if padding != "SAME":
        raise ValueError(f'padding must be "SAME" or "VALID", got {padding!r}.')
    if filter_shape is None:
        raise ValueError('filter_shape must be given for padding "SAME".')
    sizes = [int(s) for s in np.ravel(_known(filter_shape, "filter_shape"))[: len(rates)]]
    extra = [(size - 1) * rate for size, rate in zip(sizes, rates, strict=True)]
    return [(e // 2, e - e // 2) for e in extra]


def _paddings(
    x: Tensor, dims: Sequence[int], rates: Sequence[int], margins: Sequence[tuple[int, int]]
) -> tuple[list[list[Any]], list[list[Any]]]:
    """Margins that make each dimension a multiple of its rate, and what to cut off afterwards."""
    paddings, crops = [], []
    dynamic = None
    for dim, rate, (before, after) in zip(dims, rates, margins, strict=True):
        size: Any = x.shape[dim]
        if size is None:
            dynamic = Shape(x) if dynamic is None else dynamic
            size = dynamic[dim]
            extra = FloorMod(-(size + before + after), rate)
        else:
            extra = -(size + before + after) % rate
        paddings.append([before, after + extra])
        crops.append([0, extra])
    return paddings, crops


def _from_first(
    dims: Sequence[int], rates: Sequence[int], paddings: list[list[Any]], crops: list[list[Any]]
) -> tuple[list[int], Any, Any]:
    """The same for all dimensions from the first one on, as the ops want it."""
    block = [1] * dims[-1]
    padding_rows: list[list[Any]] = [[0, 0] for _ in block]
    crop_rows: list[list[Any]] = [[0, 0] for _ in block]
    for dim, rate, padding, crop in zip(dims, rates, paddings, crops, strict=True):
        block[dim - 1], padding_rows[dim - 1], crop_rows[dim - 1] = rate, padding, crop
    return block, _matrix(padding_rows), _matrix(crop_rows)


def _matrix(rows: list[list[Any]]) -> Any:
    if any(isinstance(v, Tensor) for row in rows for v in row):
        return Pack([Pack([tensor(v, "int32") for v in row]) for row in rows])
    return np.array(rows, np.int32)
