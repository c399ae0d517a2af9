"""Gradients compared with finite differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .framework import placeholder
from .graph.elements import Tensor
from .graph.gradients import gradients
from .graph.session_stack import default_session

__all__ = ["compute_gradient", "compute_gradient_error"]

Array = np.ndarray[Any, Any]


def compute_gradient(
    x: Any,
    x_shape: Any,
    y: Tensor,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: dict[Any, Any] | None = None,
) -> Any:
    """The Jacobian of `y` with respect to `x`, as the graph's gradients give it and as finite differences do.

    Args:
        x: a tensor, or a list of them.
        x_shape: shape of `x` as numbers, or a list of such.
        y: a tensor that depends on `x`.
        y_shape: shape of `y` as numbers.
        x_init_value: where to compare; random numbers by default. A list where `x` is one.
        delta: step of the differences.
        init_targets: what to run first, such as initializers.
        extra_feed_dict: feeds besides.

    Returns:
        Two arrays of shape `(elements of x, elements of y)`; for a list of tensors, a list of such pairs.

    Raises:
        ValueError: there is no default session, or `y` does not depend on `x`.

    Source:
        `tf.test.compute_gradient`.
    """
    session = default_session()
    if session is None:
        raise ValueError(
            "compute_gradient needs a default session: use it inside `with session.as_default():`."
        )
    if init_targets is not None:
        session.run(init_targets)
    feed = dict(extra_feed_dict or {})
    if not isinstance(x, (list, tuple)):
        return _pair(session, x, x_shape, y, y_shape, x_init_value, delta, feed)
    starts = [None] * len(x) if x_init_value is None else x_init_value
    values = [_start(t, s, v) for t, s, v in zip(x, x_shape, starts, strict=True)]
    feeds = {**feed, **dict(zip(x, values, strict=True))}
    rows = zip(x, x_shape, values, strict=True)
    return [
        _pair(session, t, s, y, y_shape, v, delta, {k: w for k, w in feeds.items() if k is not t})
        for t, s, v in rows
    ]


def _start(x: Tensor, shape: Sequence[int], value: Any) -> Array:
    if value is None:
        value = np.random.default_rng(0).random(tuple(shape))
    return np.asarray(value, x.dtype.base_dtype.np)


def _pair(
    session: Any,
    x: Tensor,
    x_shape: Any,
    y: Tensor,
    y_shape: Any,
    value: Any,
    delta: float,
    feed: dict[Any, Any],
) -> tuple[Array, Array]:
    start = _start(x, tuple(x_shape), value)
    return (
        _symbolic(session, x, start, y, tuple(y_shape), feed),
        _numeric(session, x, start, y, delta, feed),
    )


def _symbolic(session: Any, x: Tensor, start: Array, y: Tensor, y_shape: Sequence[int], feed: Any) -> Array:
    with y.graph.as_default():
        seed = placeholder(y.dtype, list(y_shape))
        (slope,) = gradients(y, [x], grad_ys=seed)
        if slope is None:
            raise ValueError(f"{y.name} does not depend on {x.name} in a way that has a gradient.")
        from .graph.convert import convert_to_tensor

        slope = convert_to_tensor(slope)
    columns = []
    for i in range(int(np.prod(y_shape, dtype=np.int64))):
        one = np.zeros(y_shape, y.dtype.np)
        one.reshape(-1)[i] = 1
        columns.append(np.asarray(session.run(slope, {**feed, x: start, seed: one})).reshape(-1))
    return np.stack(columns, 1) if columns else np.zeros((start.size, 0), start.dtype)


def _numeric(session: Any, x: Tensor, start: Array, y: Tensor, delta: float, feed: Any) -> Array:
    rows = []
    for i in range(start.size):
        ends = []
        for sign in (1, -1):
            moved = start.copy()
            moved.reshape(-1)[i] += np.asarray(sign * delta, start.dtype)
            ends.append(np.asarray(session.run(y, {**feed, x: moved})).reshape(-1))
        rows.append((ends[0] - ends[1]) / (2 * delta))
    return np.stack(rows) if rows else np.zeros((0, int(np.prod(y.shape.as_list()))), start.dtype)


def compute_gradient_error(
    x: Any,
    x_shape: Any,
    y: Tensor,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: dict[Any, Any] | None = None,
) -> float:
    """The greatest difference between the two Jacobians of `compute_gradient`; arguments and errors as there."""
    found = compute_gradient(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    pairs = found if isinstance(found, list) else [found]
    return max((float(np.abs(a - b).max()) for a, b in pairs if a.size), default=0.0)
