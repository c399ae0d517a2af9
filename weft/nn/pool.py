"""Pools."""

from __future__ import annotations

from typing import Any

from ..graph.default_graph import name_scope
from ..graph.dtypes import as_dtype, int64
from ..graph.elements import Tensor
from ..graph.ops import pool as ops
from ..graph.ops.array import ExpandDims, Squeeze
from ..graph.ops.fractional import FractionalAvgPool, FractionalMaxPool
from ..graph.ops.pool3d import AvgPool3D, MaxPool3D
from ..graph.ops.pool_argmax import MaxPoolWithArgmax
from ..graph.random_seed import get_seed
from .atrous import with_space_to_batch
from .common import either, tensor
from .conv import per_dimension, split_padding

__all__ = [
    "avg_pool",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "avg_pool_v2",
    "fractional_avg_pool",
    "fractional_max_pool",
    "max_pool",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_pool_v2",
    "max_pool_with_argmax",
    "pool",
]


def _window_attrs(
    ksize: Any, strides: Any, padding: Any, data_format: str, spatial: int = 2
) -> dict[str, Any]:
    channels = 1 if data_format.startswith("NC") else spatial + 1
    kind, explicit = split_padding(padding)
    attrs: dict[str, Any] = {
        "ksize": per_dimension(ksize, spatial, channels, "ksize"),
        "strides": per_dimension(strides, spatial, channels, "strides"),
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


avg_pool2d = avg_pool


def max_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """Greatest element of each window of images.

    Args:
        input: `(batch, height, width, channels)`, or `(batch, channels, height, width)`.
        ksize, strides, padding, data_format: as for `max_pool`.
        name: name of the op.

    Source:
        TensorFlow's op `MaxPool`.
    """
    return max_pool(input, ksize, strides, padding, data_format, name or "MaxPool2d")


def max_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC", name: str | None = None
) -> Tensor:
    """Greatest element of each window of volumes.

    Args:
        input: `(batch, depth, height, width, channels)`, or channels second.
        ksize: size of the window: a number, one per spatial dimension, or one per dimension.
        strides: steps of the window, given as `ksize` is.
        padding: "SAME" or "VALID".
        data_format: "NDHWC" or "NCDHW".
        name: name of the op.

    Source:
        TensorFlow's op `MaxPool3D`.
    """
    with name_scope(name, "MaxPool3D") as scope:
        attrs = _window_attrs(ksize, strides, padding, data_format, 3)
        return MaxPool3D(tensor(input), name=scope, **attrs)  # type: ignore[no-any-return]


def avg_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC", name: str | None = None
) -> Tensor:
    """Mean of each window of volumes; what lies outside the input does not count.

    Args:
        input: `(batch, depth, height, width, channels)`, or channels second.
        ksize: size of the window: a number, one per spatial dimension, or one per dimension.
        strides: steps of the window, given as `ksize` is.
        padding: "SAME" or "VALID".
        data_format: "NDHWC" or "NCDHW".
        name: name of the op.

    Source:
        TensorFlow's op `AvgPool3D`.
    """
    with name_scope(name, "AvgPool3D") as scope:
        attrs = _window_attrs(ksize, strides, padding, data_format, 3)
        return AvgPool3D(tensor(input), name=scope, **attrs)  # type: ignore[no-any-return]


def _pool1d(
    op: Any,
    default: str,
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str,
    name: str | None,
) -> Tensor:
    first = data_format.startswith("NC")
    axis, channels = (2, 1) if first else (1, 2)
    window, steps = per_dimension(ksize, 1, channels, "ksize"), per_dimension(strides, 1, channels, "strides")
    with name_scope(name, default):
        made = op(
            ExpandDims(tensor(input), axis),
            ksize=[*window[:axis], 1, *window[axis:]],
            strides=[*steps[:axis], 1, *steps[axis:]],
            padding=padding.upper(),
            data_format="NCHW" if first else "NHWC",
        )
        return Squeeze(made, squeeze_dims=[axis])  # type: ignore[no-any-return]


def max_pool1d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NWC", name: str | None = None
) -> Tensor:
    """Greatest element of each window of sequences.

    Args:
        input: `(batch, width, channels)`, or `(batch, channels, width)`.
        ksize: size of the window.
        strides: steps of the window.
        padding: "SAME" or "VALID".
        data_format: "NWC" or "NCW".
        name: name scope.

    Source:
        `tf.compat.v1.nn.max_pool1d`.
    """
    return _pool1d(ops.MaxPool, "MaxPool1d", input, ksize, strides, padding, data_format, name)


def avg_pool1d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NWC", name: str | None = None
) -> Tensor:
    """Mean of each window of sequences; what lies outside the input does not count.

    Args:
        input: `(batch, width, channels)`, or `(batch, channels, width)`.
        ksize: size of the window.
        strides: steps of the window.
        padding: "SAME" or "VALID".
        data_format: "NWC" or "NCW".
        name: name scope.

    Source:
        `tf.compat.v1.nn.avg_pool1d`.
    """
    return _pool1d(ops.AvgPool, "AvgPool1D", input, ksize, strides, padding, data_format, name)


def _by_rank(
    functions: Any,
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None,
    name: str | None,
) -> Tensor:
    x = tensor(input)
    if x.shape.rank not in (3, 4, 5):
        raise ValueError(f"The input must have rank 3, 4 or 5, got shape {x.shape}.")
    spatial = x.shape.rank - 2
    layout = data_format or ("NWC", "NHWC", "NDHWC")[spatial - 1]
    return functions[spatial - 1](x, ksize, strides, padding, layout, name)  # type: ignore[no-any-return]


def max_pool_v2(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """Greatest element of each window, over as many dimensions as the input has.

    Args:
        input: rank 3 to 5.
        ksize, strides, padding, data_format: as for `max_pool1d`, `max_pool` and `max_pool3d`.
        name: name of the op.

    Source:
        `tf.compat.v1.nn.max_pool_v2`.
    """
    return _by_rank((max_pool1d, max_pool, max_pool3d), input, ksize, strides, padding, data_format, name)


def avg_pool_v2(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """Mean of each window, over as many dimensions as the input has.

    Args:
        input: rank 3 to 5.
        ksize, strides, padding, data_format: as for `avg_pool1d`, `avg_pool` and `avg_pool3d`.
        name: name of the op.

    Source:
        `tf.compat.v1.nn.avg_pool_v2`.
    """
    return _by_rank((avg_pool1d, avg_pool, avg_pool3d), input, ksize, strides, padding, data_format, name)


def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    Targmax: Any = None,
    name: str | None = None,
    output_dtype: Any = None,
    include_batch_in_index: bool = False,
) -> tuple[Tensor, Tensor]:
    """Greatest element of each window, and its number among the image's elements.

    Args:
        input: `(batch, height, width, channels)`.
        ksize: size of the window, one per dimension.
        strides: steps of the window, one per dimension.
        padding: "SAME" or "VALID".
        data_format: "NHWC".
        Targmax: int64 (the default) or int32.
        name: name of the op.
        output_dtype: other name of `Targmax`.
        include_batch_in_index: whether elements are numbered over the whole batch.

    Returns:
        (maxima, their numbers).

    Raises:
        ValueError: another layout is asked for.

    Source:
        TensorFlow's op `MaxPoolWithArgmax`.
    """
    if data_format != "NHWC":
        raise ValueError(f'`data_format` must be "NHWC", got {data_format!r}.')
    index_type = as_dtype(either("output_dtype", output_dtype, "Targmax", Targmax, int64))
    made = MaxPoolWithArgmax(
        input,
        ksize=per_dimension(ksize, 2, 3, "ksize"),
        strides=per_dimension(strides, 2, 3, "strides"),
        padding=padding,
        Targmax=index_type,
        include_batch_in_index=include_batch_in_index,
        name=name,
    )
    return made  # type: ignore[no-any-return]


def _fractional(
    op: Any,
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool,
    overlapping: bool,
    deterministic: bool,
    seed: int,
    seed2: int,
    name: str | None,
) -> Any:
    if seed and not deterministic:
        # One seed asks for windows that stay the same from run to run.
        graph_seed, op_seed = get_seed(seed)
        seed, seed2, deterministic = graph_seed or 0, op_seed or 0, True
    ratio = [float(r) for r in per_ratio(pooling_ratio)]
    return op(
        value,
        pooling_ratio=ratio,
        pseudo_random=pseudo_random,
        overlapping=overlapping,
        deterministic=deterministic,
        seed=seed,
        seed2=seed2,
        name=name,
    )


def per_ratio(pooling_ratio: Any) -> list[float]:
    """A ratio per dimension, from one number, one per spatial dimension, or one per dimension."""
    values = list(pooling_ratio) if isinstance(pooling_ratio, (list, tuple)) else [pooling_ratio]
    if len(values) == 1:
        values *= 2
    return [1.0, *values, 1.0] if len(values) == 2 else values


def fractional_max_pool(
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> Any:
    """Greatest element of each of the windows that random row and column boundaries make.

    Args:
        value: `(batch, height, width, channels)`.
        pooling_ratio: by how much each dimension shrinks, at least 1; 1 for batch and channels.
        pseudo_random: draws one shift for all boundaries in the place of an order of window sizes.
        overlapping: whether a window takes the next one's first element too.
        deterministic: draws the boundaries once, by the seeds.
        seed, seed2: seeds.
        name: name of the op.

    Returns:
        (output, row boundaries, column boundaries).

    Source:
        Graham 2015, https://arxiv.org/abs/1412.6071; TensorFlow's op `FractionalMaxPool`.
    """
    return _fractional(
        FractionalMaxPool, value, pooling_ratio, pseudo_random, overlapping, deterministic, seed, seed2, name
    )


def fractional_avg_pool(
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> Any:
    """Mean of each of the windows that random row and column boundaries make.

    Args:
        value: `(batch, height, width, channels)`.
        pooling_ratio, pseudo_random, overlapping, deterministic, seed, seed2: as for `fractional_max_pool`.
        name: name of the op.

    Returns:
        (output, row boundaries, column boundaries).

    Source:
        TensorFlow's op `FractionalAvgPool`.
    """
    return _fractional(
        FractionalAvgPool, value, pooling_ratio, pseudo_random, overlapping, deterministic, seed, seed2, name
    )


def pool(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    padding: str,
    dilation_rate: Any = None,
    strides: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """Pooling over one, two or three dimensions, by the length of `window_shape`, with holes.

    Args:
        input: `(batch, *space, channels)`, or `(batch, channels, *space)`.
        window_shape: size of the window per spatial dimension.
        pooling_type: "MAX" or "AVG".
        padding: "SAME" or "VALID".
        dilation_rate: steps within the window, one per spatial dimension.
        strides: steps of the window, one per spatial dimension.
        name: name scope.
        data_format: `None` or `N...C` for channels last, `NC...` for channels second.
        dilations: other name of `dilation_rate`.

    Raises:
        ValueError: steps both of and within the window are asked for, or the pooling type is unknown.

    Source:
        `tf.compat.v1.nn.pool`.
    """
    sizes = list(window_shape)
    spatial = len(sizes)
    functions = {"MAX": (max_pool1d, max_pool, max_pool3d), "AVG": (avg_pool1d, avg_pool, avg_pool3d)}
    if pooling_type not in functions or not 1 <= spatial <= 3:
        raise ValueError(
            f"No {pooling_type} pooling over {spatial} dimensions: MAX and AVG over 1 to 3 exist."
        )
    rates = either("dilations", dilations, "dilation_rate", dilation_rate, [1] * spatial)
    rates = [rates] * spatial if isinstance(rates, int) else list(rates)
    steps = (
        [1] * spatial
        if strides is None
        else [strides] * spatial
        if isinstance(strides, int)
        else list(strides)
    )
    if any(s > 1 for s in steps) and any(r > 1 for r in rates):
        raise ValueError(f"strides {steps} > 1 cannot go together with dilation_rate {rates} > 1.")
    if padding == "SAME" and any(r > 1 for r in rates):
        raise ValueError(f'padding "SAME" cannot go together with dilation_rate {rates} > 1 in a pool.')
    first = data_format is not None and data_format.startswith("NC")
    layout = (("NCW", "NCHW", "NCDHW") if first else ("NWC", "NHWC", "NDHWC"))[spatial - 1]

    def slide(x: Any, num_spatial_dims: int, padding: str) -> Any:
        del num_spatial_dims
        return functions[pooling_type][spatial - 1](x, sizes, steps, padding, layout)

    with name_scope(name, f"{pooling_type.lower()}_pool"):
        return with_space_to_batch(
            input, rates, padding, slide, filter_shape=sizes, data_format=layout if first else None
        )
