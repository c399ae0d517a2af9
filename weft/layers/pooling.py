"""Pooling layers over one, two and three spatial dimensions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import nn
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from ..graph.shapes import TensorShape, as_shape
from .base import InputSpec, Layer, call_layer
from .convolution import checked_format, checked_padding, output_length, per_dimension

__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "average_pooling1d",
    "average_pooling2d",
    "average_pooling3d",
    "max_pooling1d",
    "max_pooling2d",
    "max_pooling3d",
]


class _Pooling(Layer):
    """The base of all pooling layers.

    Args:
        rank: number of spatial dimensions.
        largest: whether the greatest element of a window is taken, rather than the mean.
        pool_size: size of the window, one number per spatial dimension or one for all.
        strides: steps of the window, as many.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first".
        name: name of the layer.
    """

    def __init__(
        self,
        rank: int,
        largest: bool,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str | None = "channels_last",
        name: str | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__(name=name, **keywords)
        self.rank = rank
        self.largest = largest
        self.pool_size = per_dimension(pool_size, rank, "pool_size")
        self.strides = per_dimension(pool_size if strides is None else strides, rank, "strides")
        self.padding = checked_padding(padding)
        self.data_format = checked_format(data_format)
        self.input_spec = InputSpec(ndim=rank + 2)

    def call(self, inputs: Tensor, **arguments: Any) -> Tensor:
        size, strides, rank = self.pool_size, self.strides, self.rank
        axis = 2 if self.data_format == "channels_first" else 1
        if rank == 1:
            inputs = get_op("ExpandDims")(inputs, axis)
            size, strides, rank = (1, *size), (1, *strides), 2
        letters = "HW" if rank == 2 else "DHW"
        outputs = self._function(rank)(
            inputs,
            ksize=self._around(size),
            strides=self._around(strides),
            padding=self.padding.upper(),
            data_format=f"NC{letters}" if self.data_format == "channels_first" else f"N{letters}C",
            name="MaxPool" if self.largest else "AvgPool",
        )
        return get_op("Squeeze")(outputs, squeeze_dims=[axis]) if self.rank == 1 else outputs

    def _function(self, rank: int) -> Callable[..., Any]:
        if rank == 2:
            return nn.max_pool if self.largest else nn.avg_pool
        return nn.max_pool3d if self.largest else nn.avg_pool3d  # type: ignore[no-any-return]

    def _around(self, values: Any) -> list[int]:
        return [1, 1, *values] if self.data_format == "channels_first" else [1, *values, 1]

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        shape = as_shape(input_shape)
        first = 2 if self.data_format == "channels_first" else 1
        dims = list(shape)
        for i in range(self.rank):
            dims[first + i] = output_length(
                shape[first + i], self.pool_size[i], self.padding, self.strides[i]
            )
        return TensorShape(dims)


class MaxPooling1D(_Pooling):
    """Greatest element of each window of sequences; see `max_pooling1d`."""

    def __init__(self, pool_size: Any, strides: Any, *args: Any, **keywords: Any) -> None:
        super().__init__(1, True, pool_size, strides, *args, **keywords)


class MaxPooling2D(_Pooling):
    """Greatest element of each window of pictures; see `max_pooling2d`."""

    def __init__(self, pool_size: Any, strides: Any, *args: Any, **keywords: Any) -> None:
        super().__init__(2, True, pool_size, strides, *args, **keywords)


class MaxPooling3D(_Pooling):
    """Greatest element of each window of volumes; see `max_pooling3d`."""

    def __init__(self, pool_size: Any, strides: Any, *args: Any, **keywords: Any) -> None:
        super().__init__(3, True, pool_size, strides, *args, **keywords)


class AveragePooling1D(_Pooling):
    """Mean of each window of sequences; see `average_pooling1d`."""

    def __init__(self, pool_size: Any, strides: Any, *args: Any, **keywords: Any) -> None:
        super().__init__(1, False, pool_size, strides, *args, **keywords)


class AveragePooling2D(_Pooling):
    """Mean of each window of pictures; see `average_pooling2d`."""

    def __init__(self, pool_size: Any, strides: Any, *args: Any, **keywords: Any) -> None:
        super().__init__(2, False, pool_size, strides, *args, **keywords)


class AveragePooling3D(_Pooling):
    """Mean of each window of volumes; see `average_pooling3d`."""

    def __init__(self, pool_size: Any, strides: Any, *args: Any, **keywords: Any) -> None:
        super().__init__(3, False, pool_size, strides, *args, **keywords)


def max_pooling1d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """Greatest element of each window of sequences.

    Args:
        inputs: a tensor of shape `(batch, length, channels)`, or `(batch, channels, length)`.
        pool_size: length of the window.
        strides: steps of the window.
        padding: "valid": windows lie inside; "same": they reach beyond the ends.
        data_format: "channels_last" or "channels_first".
        name: name of the layer.

    Returns:
        A tensor of shape `(batch, new length, channels)`, or channels first.
    """
    return call_layer(MaxPooling1D, locals())  # type: ignore[no-any-return]


def max_pooling2d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """Greatest element of each window of pictures.

    Args:
        inputs: a tensor of shape `(batch, height, width, channels)`, or `(batch, channels, height, width)`.
        pool_size: height and width of the window, or one number for both.
        strides: steps of the window, down and across, or one number for both.
        padding, data_format, name: as for `max_pooling1d`.

    Returns:
        A tensor of shape `(batch, new height, new width, channels)`, or channels first.
    """
    return call_layer(MaxPooling2D, locals())  # type: ignore[no-any-return]


def max_pooling3d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """Greatest element of each window of volumes; arguments as `max_pooling2d`, of three dimensions."""
    return call_layer(MaxPooling3D, locals())  # type: ignore[no-any-return]


def average_pooling1d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """Mean of each window of sequences; arguments as `max_pooling1d`."""
    return call_layer(AveragePooling1D, locals())  # type: ignore[no-any-return]


def average_pooling2d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """Mean of each window of pictures; arguments as `max_pooling2d`."""
    return call_layer(AveragePooling2D, locals())  # type: ignore[no-any-return]


def average_pooling3d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """Mean of each window of volumes; arguments as `max_pooling2d`, of three dimensions."""
    return call_layer(AveragePooling3D, locals())  # type: ignore[no-any-return]
