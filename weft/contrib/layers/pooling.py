"""Windows reduced to one element each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import layers as core
from ...graph.elements import Tensor
from ..arguments import add_arg_scope
from .common import collected

__all__ = ["avg_pool2d", "avg_pool3d", "max_pool2d", "max_pool3d"]


def _layout(data_format: str | None) -> str:
    return "channels_first" if data_format and data_format.startswith("NC") else "channels_last"


@add_arg_scope
def max_pool2d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """Greatest element of each window of pictures.

    Args:
        inputs: a tensor of shape `(batch, height, width, channels)`, or channels first with "NCHW".
        kernel_size: height and width of the window, or one number for both.
        stride: steps of the window.
        padding: "VALID" or "SAME".
        data_format: "NHWC" or "NCHW".
        outputs_collections: collections of the output.
        scope: name scope of the ops.
    """
    return _pooled(core.MaxPooling2D, "MaxPool2D", locals())


@add_arg_scope
def avg_pool2d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """Mean of each window of pictures; arguments as `max_pool2d`."""
    return _pooled(core.AveragePooling2D, "AvgPool2D", locals())


@add_arg_scope
def max_pool3d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NDHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """Greatest element of each window of volumes; arguments as `max_pool2d`."""
    return _pooled(core.MaxPooling3D, "MaxPool3D", locals())


@add_arg_scope
def avg_pool3d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NDHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """Mean of each window of volumes; arguments as `max_pool2d`."""
    return _pooled(core.AveragePooling3D, "AvgPool3D", locals())


def _pooled(cls: Any, default: str, a: Mapping[str, Any]) -> Tensor:
    layer = cls(
        a["kernel_size"], a["stride"], padding=a["padding"], data_format=_layout(a["data_format"]),
        name=a["scope"] or default,
    )  # fmt: skip
    return collected(a["outputs_collections"], None, layer(a["inputs"]))
