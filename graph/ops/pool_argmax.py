"""Max pooling that gives the positions of the maxima too, and max pooling whose window is an input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, per_element, per_input
from ..opdef import PURE, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape
from .conv import kept
from .pool import max_pool_of, pool_cost, pool_rows, pooled_shape
from .windows import Geometry

__all__ = [
    "MaxPoolGradGradV2",
    "MaxPoolGradGradWithArgmax",
    "MaxPoolGradV2",
    "MaxPoolGradWithArgmax",
    "MaxPoolV2",
    "MaxPoolWithArgmax",
]

_WINDOW = ("ksize: list(int) >= 4", "strides: list(int) >= 4")
_ARGMAX = ("padding: {'SAME', 'VALID'}", "include_batch_in_index: bool = false", "T: realnumbertype")
_KEPT = ("ksize", "strides", "padding", "include_batch_in_index")
_SMALL: dict[str, Any] = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}


def _with_argmax_infer(c: InferContext) -> Sequence[TensorShape]:
    return [pooled_shape(c, c.rank("input", 4))] * 2


def _with_argmax_grad(op: Operation, grad: Tensor, _: Any) -> Any:
    return [MaxPoolGradWithArgmax(op.inputs[0], grad, op.outputs[1], **kept(op, _KEPT))]


def _rows(make: Callable[..., Any]) -> list[Any]:
    """Sample rows in the one layout that these ops know; `make` is given (x, output shape, attributes)."""
    rows = pool_rows(lambda x, out, attrs: None if "data_format" in attrs else (floats(*x), out, attrs))
    tied: dict[str, Any] = {"ksize": [1, 2, 2, 1], "strides": [1, 1, 1, 1], "padding": "SAME"}
    rows.append((ints(2, 3, 3, 2, high=2).astype(np.float32), (2, 3, 3, 2), tied))
    found = [make(*row) for row in rows if row is not None]
    x, out, attrs = rows[0]
    return [*found, make(x, out, {**attrs, "include_batch_in_index": True})]


MaxPoolWithArgmax = declare(
    "MaxPoolWithArgmax",
    inputs="input: T",
    outputs="output: T, argmax: Targmax",
    attrs=(*_WINDOW, "Targmax: indextype = DT_INT64", *_ARGMAX),
    infer=_with_argmax_infer,
    gradient=_with_argmax_grad,
    cost=pool_cost,
    state=PURE,
    samples=lambda: [
        *_rows(lambda x, out, attrs: sample(x, grad=() if len(np.unique(x)) < x.size else None, **attrs)),
        sample(floats(1, 4, 4, 1), Targmax=np.int32, **_SMALL),
    ],
    doc="Greatest element of each window, and its number among the image's elements (or the batch's).",
)


def _argmax_of(x: Any, attrs: Any) -> Any:
    """The second output in NumPy, for sample rows of the gradients, which take it as an input."""
    g = Geometry.of(attrs, x.shape[1:3], attrs["ksize"][1:3], "NHWC")
    batch, height, width, channels = x.shape
    out = np.zeros((batch, *g.outputs, channels), np.int64)
    for n, i, j, k in np.ndindex(*out.shape):
        rows = range(
            max(i * g.strides[0] - g.pads[0][0], 0),
            min(i * g.strides[0] - g.pads[0][0] + g.ksizes[0], height),
        )
        columns = range(
            max(j * g.strides[1] - g.pads[1][0], 0), min(j * g.strides[1] - g.pads[1][0] + g.ksizes[1], width)
        )
        best = max(((r, s) for r in rows for s in columns), key=lambda at: x[n, at[0], at[1], k])
        number = (best[0] * width + best[1]) * channels + k
        offset = n * height * width * channels if attrs.get("include_batch_in_index") else 0
        out[n, i, j, k] = number + offset
    return out


def _grad_infer(c: InferContext) -> Sequence[TensorShape]:
    x = c.rank("input", 4)
    pooled = pooled_shape(c, x)
    c.merge(pooled, c.shape("grad"), f"grad must be of the pool's shape {pooled}")
    c.merge(pooled, c.shape("argmax"), f"argmax must be of the pool's shape {pooled}")
    return [x]


def _grad_grad(op: Operation, grad: Tensor) -> Any:
    x, _, argmax = op.inputs
    return [None, MaxPoolGradGradWithArgmax(x, grad, argmax, **kept(op, _KEPT)), None]


MaxPoolGradWithArgmax = declare(
    "MaxPoolGradWithArgmax",
    inputs="input: T, grad: T, argmax: Targmax",
    outputs="output: T",
    attrs=(*_WINDOW, *_ARGMAX, "Targmax: indextype"),
    infer=_grad_infer,
    gradient=_grad_grad,
    cost=per_element(),
    state=PURE,
    samples=lambda: _rows(
        lambda x, out, attrs: sample(x, floats(*out, seed=2), _argmax_of(x, attrs), grad=[1], **attrs)
    ),
    doc="Gradient of MaxPoolWithArgmax: each window's gradient goes to the position that `argmax` names.",
)


def _grad_grad_infer(c: InferContext) -> Sequence[TensorShape]:
    x = c.merge(c.rank("input", 4), c.shape("grad"), "grad must be of the shape of input")
    pooled = pooled_shape(c, x)
    return [c.merge(pooled, c.shape("argmax"), f"argmax must be of the pool's shape {pooled}")]


def _grad_grad_grad(op: Operation, grad: Tensor) -> Any:
    x, _, argmax = op.inputs
    return [None, MaxPoolGradWithArgmax(x, grad, argmax, **kept(op, _KEPT)), None]


MaxPoolGradGradWithArgmax = declare(
    "MaxPoolGradGradWithArgmax",
    inputs="input: T, grad: T, argmax: Targmax",
    outputs="output: T",
    attrs=(*_WINDOW, *_ARGMAX, "Targmax: indextype"),
    infer=_grad_grad_infer,
    gradient=_grad_grad_grad,
    cost=per_element(),
    state=PURE,
    samples=lambda: _rows(
        lambda x, out, attrs: sample(x, floats(*x.shape, seed=2), _argmax_of(x, attrs), grad=[1], **attrs)
    ),
    doc="The elements of `grad` at the positions that `argmax` names.",
)


_FORMAT = ("padding: {'SAME', 'VALID'}", "data_format: {'NHWC', 'NCHW'} = 'NHWC'")
_GIVEN = ("ksize", "strides")


def _window_known(c: InferContext) -> dict[str, Any] | None:
    """The attributes that MaxPool would have, or None while the window is not known."""
    ksize, strides = c.value("ksize"), c.value("strides")
    for name in _GIVEN:
        shape = c.rank(name, 1)
        if shape[0] not in (None, 4):
            c.fail(f"{name} must have 4 members")
    if ksize is None or strides is None:
        return None
    return {**c.attrs, "ksize": tuple(int(k) for k in ksize), "strides": tuple(int(s) for s in strides)}


def _v2_shape(c: InferContext, x: TensorShape) -> TensorShape:
    attrs = _window_known(c)
    if attrs is None:
        dims = x.as_list()
        channel = 1 if c.attr("data_format") == "NCHW" else 3
        return TensorShape(d if i in (0, channel) else None for i, d in enumerate(dims))
    return pooled_shape(c, x, attrs)


def _v2_grad_infer(c: InferContext) -> Sequence[TensorShape]:
    x = c.rank("orig_input", 4)
    pooled = _v2_shape(c, x)
    c.merge(pooled, c.shape("orig_output"), f"orig_output must be of the pool's shape {pooled}")
    c.merge(pooled, c.shape("grad"), f"grad must be of the pool's shape {pooled}")
    return [x]


def _v2_grad_grad_infer(c: InferContext) -> Sequence[TensorShape]:
    x = c.merge(c.rank("orig_input", 4), c.shape("grad"), "grad must be of orig_input's shape")
    pooled = _v2_shape(c, x)
    return [c.merge(pooled, c.shape("orig_output"), f"orig_output must be of the pool's shape {pooled}")]


def _v2_grad(op: Operation, grad: Tensor) -> Any:
    x, ksize, strides = op.inputs
    attrs = kept(op, ("padding", "data_format"))
    return [MaxPoolGradV2(x, op.outputs[0], grad, ksize, strides, **attrs), None, None]


def _v2_rows(make: Callable[..., Any]) -> list[Any]:
    """Sample rows; `make` is given (x, output shape, window, strides, attributes left)."""

    def row(x: Any, out: Any, attrs: dict[str, Any]) -> Any:
        rest = {k: v for k, v in attrs.items() if k not in _GIVEN}
        return make(floats(*x), out, attrs["ksize"], attrs["strides"], rest, attrs)

    return pool_rows(row)


MaxPoolV2 = declare(
    "MaxPoolV2",
    inputs="input: T, ksize: int32, strides: int32",
    outputs="output: T",
    attrs=(
        "T: {half, bfloat16, float, double, int32, int64, uint8, int16, int8, uint16} = DT_FLOAT",
        *_FORMAT,
    ),
    infer=lambda c: [_v2_shape(c, c.rank("input", 4))],
    gradient=_v2_grad,
    cost=per_input(2.0),
    state=PURE,
    host_inputs=_GIVEN,
    samples=lambda: _v2_rows(lambda x, out, k, s, rest, attrs: sample(x, k, s, **rest)),
    doc="MaxPool whose window and strides are inputs.",
)


def _v2_grad_grad(op: Operation, grad: Tensor) -> Any:
    x, y, _, ksize, strides = op.inputs
    attrs = kept(op, ("padding", "data_format"))
    return [None, None, MaxPoolGradGradV2(x, y, grad, ksize, strides, **attrs), None, None]


MaxPoolGradV2 = declare(
    "MaxPoolGradV2",
    inputs="orig_input: T, orig_output: T, grad: T, ksize: int32, strides: int32",
    outputs="output: T",
    attrs=(*_FORMAT, "T: realnumbertype = DT_FLOAT"),
    infer=_v2_grad_infer,
    gradient=_v2_grad_grad,
    cost=per_input(2.0),
    state=PURE,
    host_inputs=_GIVEN,
    samples=lambda: _v2_rows(
        lambda x, out, k, s, rest, attrs: sample(
            x, max_pool_of(x, attrs), floats(*out, seed=2), k, s, grad=[2], **rest
        )
    ),
    doc="MaxPoolGrad whose window and strides are inputs.",
)


def _v2_grad_grad_grad(op: Operation, grad: Tensor) -> Any:
    x, y, _, ksize, strides = op.inputs
    attrs = kept(op, ("padding", "data_format"))
    return [None, None, MaxPoolGradV2(x, y, grad, ksize, strides, **attrs), None, None]


MaxPoolGradGradV2 = declare(
    "MaxPoolGradGradV2",
    inputs="orig_input: T, orig_output: T, grad: T, ksize: int32, strides: int32",
    outputs="output: T",
    attrs=(*_FORMAT, "T: realnumbertype"),
    infer=_v2_grad_grad_infer,
    gradient=_v2_grad_grad_grad,
    cost=per_input(2.0),
    state=PURE,
    host_inputs=_GIVEN,
    samples=lambda: _v2_rows(
        lambda x, out, k, s, rest, attrs: sample(
            x, max_pool_of(x, attrs), floats(*x.shape, seed=2), k, s, grad=[2], **rest
        )
    ),
    doc="MaxPoolGradGrad whose window and strides are inputs.",
)
