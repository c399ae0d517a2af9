"""Geometry of sliding windows: how convolutions and pools step over the spatial dimensions of their input.

Shape rules and kernels use the same few functions, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..constant_value import constant_value
from ..elements import Tensor
from ..infer import InferContext
from ..shapes import Dimension, TensorShape

__all__ = [
    "Geometry",
    "channel_axis",
    "is_zeros",
    "pick",
    "spatial_axes",
    "window_output",
    "window_padding",
    "windows_infer",
]


def channel_axis(data_format: str, rank: int) -> int:
    """Axis of the channels: 1 for `NCHW` and its like, the last for `NHWC`."""
    return 1 if data_format.startswith("NC") else rank - 1


def spatial_axes(data_format: str, rank: int) -> tuple[int, ...]:
    """Axes over which windows slide."""
    return tuple(range(2, rank)) if data_format.startswith("NC") else tuple(range(1, rank - 1))


def pick(values: Sequence[Any], axes: Sequence[int]) -> tuple[Any, ...]:
    """The members of a per-dimension attribute that belong to `axes`."""
    return tuple(values[a] for a in axes)


def window_output(
    size: int, ksize: int, stride: int, dilation: int, padding: str, pads: tuple[int, int] = (0, 0)
) -> int:
    """How many windows of `ksize` elements, `dilation` apart, fit at `stride`; negative where none does."""
    if padding == "SAME":
        return -(-size // stride)
    extent = (ksize - 1) * dilation + 1
    room = size + (sum(pads) if padding == "EXPLICIT" else 0) - extent
    return room // stride + 1 if room >= 0 else (0 if room + stride >= 0 else -1)


def window_padding(
    size: int, ksize: int, stride: int, dilation: int, padding: str, pads: tuple[int, int] = (0, 0)
) -> tuple[int, int]:
    """Elements that are thought to lie before and after the input; `SAME` puts the odd one after."""
    if padding == "VALID":
        return 0, 0
    if padding == "EXPLICIT":
        return pads
    extent = (ksize - 1) * dilation + 1
    total = max((window_output(size, ksize, stride, dilation, padding) - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2


@dataclass(frozen=True)
class Geometry:
    """The windows of one op over all spatial dimensions, all sizes known.

    Attributes:
        sizes: elements of the input per spatial dimension.
        ksizes: elements of the window.
        strides: steps between windows.
        dilations: steps within a window.
        pads: elements thought to lie before and after the input.
        outputs: windows per spatial dimension.
    """

    sizes: tuple[int, ...]
    ksizes: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    outputs: tuple[int, ...]

    @classmethod
    def of(
        cls,
        attrs: Mapping[str, Any],
        sizes: Sequence[int],
        ksizes: Sequence[int],
        data_format: str,
    ) -> Geometry:
        """Reads `strides`, `padding`, `explicit_paddings` and `dilations`, as far as the op has them.

        Args:
            attrs: attributes of the op.
            sizes, ksizes: input and window per spatial dimension.
            data_format: the op's.
        """
        rank = len(sizes) + 2
        axes = spatial_axes(data_format, rank)
        strides = pick(attrs["strides"], axes)
        dilations = pick(attrs["dilations"], axes) if attrs.get("dilations") else (1,) * len(axes)
        explicit = explicit_pads(attrs, axes)
        padding = attrs["padding"]
        rows = list(zip(sizes, ksizes, strides, dilations, [padding] * len(axes), explicit, strict=True))
        return cls(
            tuple(sizes),
            tuple(ksizes),
            strides,
            dilations,
            tuple(window_padding(*row) for row in rows),
            tuple(window_output(*row) for row in rows),
        )


def explicit_pads(attrs: Mapping[str, Any], axes: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The `explicit_paddings` of those axes; zeros where the op has none."""
    given = attrs.get("explicit_paddings") or ()
    if attrs["padding"] != "EXPLICIT":
        return ((0, 0),) * len(axes)
    return tuple((given[2 * a], given[2 * a + 1]) for a in axes)


def windows_infer(
    c: InferContext,
    sizes: Sequence[Dimension],
    ksizes: Sequence[Dimension],
    rank: int,
    attrs: Mapping[str, Any] | None = None,
) -> list[Dimension]:
    """Checks the window attributes of an op and gives how many windows there are per spatial dimension.

    Args:
        c: the op.
        sizes, ksizes: input and window per spatial dimension, where known.
        rank: rank of the op's input; its attributes have one member per dimension.
        attrs: attributes to go by in the place of the op's own.
    """
    attrs = c.attrs if attrs is None else attrs
    data_format = attrs.get("data_format", "NHWC")
    axes = spatial_axes(data_format, rank)
    _check_attrs(c, attrs, rank, axes)
    strides = pick(attrs["strides"], axes)
    dilations = pick(attrs["dilations"], axes) if attrs.get("dilations") else (1,) * len(axes)
    outputs: list[Dimension] = []
    for size, ksize, stride, dilation, pads in zip(
        sizes, ksizes, strides, dilations, explicit_pads(attrs, axes), strict=True
    ):
        if size is None or (ksize is None and attrs["padding"] != "SAME"):
            outputs.append(None)
            continue
        count = window_output(size, ksize or 1, stride, dilation, attrs["padding"], pads)
        if count < 0:
            c.fail(
                f"a window of {ksize} elements (dilation {dilation}) does not fit into {size} with "
                f"padding {attrs['padding']}"
            )
        outputs.append(count)
    return outputs


def _check_attrs(c: InferContext, attrs: Mapping[str, Any], rank: int, axes: Sequence[int]) -> None:
    for name in ("strides", "dilations", "ksize"):
        given = attrs.get(name)
        if not given:
            continue
        if len(given) != rank:
            c.fail(f"{name} must have {rank} members, got {list(given)}")
        if any(v < 1 for v in given):
            c.fail(f"{name} must be positive, got {list(given)}")
        if name != "ksize" and any(v != 1 for i, v in enumerate(given) if i not in axes):
            c.fail(f"{name} over batch and channels must be 1, got {list(given)}")
    explicit = attrs.get("explicit_paddings") or ()
    if attrs["padding"] == "EXPLICIT":
        if len(explicit) != 2 * rank or any(p < 0 for p in explicit):
            c.fail(f"explicit_paddings must be {2 * rank} numbers >= 0, got {list(explicit)}")
        if any(p for i, p in enumerate(explicit) if i // 2 not in axes):
            c.fail(f"explicit_paddings over batch and channels must be 0, got {list(explicit)}")
    elif explicit:
        c.fail(f"explicit_paddings go with padding EXPLICIT only, not {attrs['padding']}")


def joined(
    data_format: str, batch: Dimension, spatial: Sequence[Dimension], channels: Dimension
) -> TensorShape:
    """A shape put together in the order of `data_format`."""
    if data_format.startswith("NC"):
        return TensorShape([batch, channels, *spatial])
    return TensorShape([batch, *spatial, channels])


def is_zeros(x: Tensor) -> bool:
    """Whether a tensor is visibly all zeros, as the gradient of an output that nobody uses is."""
    if x.op.type == "ZerosLike":
        return True
    value = constant_value(x.op.inputs[1]) if x.op.type == "Fill" else None
    return value is not None and not value.any()
