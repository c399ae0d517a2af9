"""The ops that `benchmarks.kernels` times, each at a size that real models use.

A case is written once for weft and TensorFlow, whose functions have the same names, and once for JAX.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CASES", "Case", "raw"]

SAME = "SAME"


@dataclass(frozen=True)
class Case:
    """One op at one size.

    Attributes:
        name: for the table.
        inputs: shapes of float32 inputs, uniform in (-1, 1), or arrays.
        build: from (tensorflow or weft, *variables) to a tensor or an operation.
        jax: the same from (`jax`, *arrays); None where JAX has no such op.
        donates: whether JAX may use the memory of the first inputs, as many as the function gives results.
    """

    name: str
    inputs: Sequence[Any]
    build: Callable[..., Any]
    jax: Callable[..., Any] | None = None
    donates: bool = False

    def arrays(self) -> list[np.ndarray[Any, Any]]:
        rng = np.random.default_rng(0)
        return [
            i if isinstance(i, np.ndarray) else rng.uniform(-1, 1, i).astype(np.float32) for i in self.inputs
        ]


def raw(tf: Any, op_type: str, *inputs: Any, **attrs: Any) -> Any:
    """An op by its type, for those that no user function makes alone."""
    if tf.__name__ == "weft":
        from weft.graph.opdef import get_op

        return get_op(op_type)(*inputs, **attrs)
    from tensorflow.python.framework import op_def_registry

    names = [a.name for a in op_def_registry.get(op_type).input_arg]
    return getattr(tf.raw_ops, op_type)(**dict(zip(names, inputs, strict=True)), **attrs)


def _ints(high: int, *shape: int, dtype: Any = np.int32) -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).integers(0, high, shape).astype(dtype)


def _strided(strides: int | Sequence[int], rank: int = 2) -> list[int]:
    inner = [strides] * rank if isinstance(strides, int) else list(strides)
    return [1, *inner, 1]


def _jax_conv(stride: int = 1, padding: str = SAME, rank: int = 2, groups: int = 1) -> Callable[..., Any]:
    spatial = "DHW"[-rank:]
    numbers = (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C")

    def conv(jax: Any, x: Any, w: Any) -> Any:
        if groups > 1:
            w = w.reshape(*w.shape[:2], 1, -1)
        return jax.lax.conv_general_dilated(
            x, w, (stride,) * rank, padding, dimension_numbers=numbers, feature_group_count=groups
        )

    return conv


def _convolutions(name: str, x: Sequence[int], w: Sequence[int], stride: int = 1) -> list[Case]:
    """A 2-d convolution and its two gradients."""
    out = [x[0], -(-x[1] // stride), -(-x[2] // stride), w[-1]]
    attrs = {"strides": _strided(stride), "padding": SAME}
    forward = _jax_conv(stride)

    def by_input(jax: Any, w: Any, grad: Any) -> Any:
        shape = jax.ShapeDtypeStruct(tuple(x), grad.dtype)
        return jax.linear_transpose(lambda a: forward(jax, a, w), shape)(grad)[0]

    def by_filter(jax: Any, x: Any, grad: Any) -> Any:
        shape = jax.ShapeDtypeStruct(tuple(w), grad.dtype)
        return jax.linear_transpose(lambda b: forward(jax, x, b), shape)(grad)[0]

    return [
        Case(f"conv2d {name}", (x, w), lambda tf, x, w: raw(tf, "Conv2D", x, w, **attrs), forward),
        Case(
            f"conv2d {name}, by input",
            (w, out),
            lambda tf, w, g: raw(tf, "Conv2DBackpropInput", list(x), w, g, **attrs),
            by_input,
        ),
        Case(
            f"conv2d {name}, by filter",
            (x, out),
            lambda tf, x, g: raw(tf, "Conv2DBackpropFilter", x, list(w), g, **attrs),
            by_filter,
        ),
    ]


def _pooled(jax: Any, x: Any, size: int, stride: int, how: str) -> Any:
    start, combine = (-np.inf, jax.lax.max) if how == "max" else (0.0, jax.lax.add)
    y = jax.lax.reduce_window(x, start, combine, (1, size, size, 1), (1, stride, stride, 1), SAME)
    return y if how == "max" else y / (size * size)


def _pools(name: str, x: Sequence[int], size: int, stride: int) -> list[Case]:
    out = [x[0], -(-x[1] // stride), -(-x[2] // stride), x[3]]
    attrs = {"ksize": _strided(size), "strides": _strided(stride), "padding": SAME}

    def max_grad(jax: Any, x: Any, g: Any) -> Any:
        return jax.vjp(lambda a: _pooled(jax, a, size, stride, "max"), x)[1](g)[0]

    def avg_grad(jax: Any, g: Any) -> Any:
        shape = jax.ShapeDtypeStruct(tuple(x), g.dtype)
        return jax.linear_transpose(lambda a: _pooled(jax, a, size, stride, "avg"), shape)(g)[0]

    pooled = _reference_max_pool(x, size, stride)
    return [
        Case(
            f"max_pool {name}",
            (x,),
            lambda tf, x: raw(tf, "MaxPool", x, **attrs),
            lambda jax, x: _pooled(jax, x, size, stride, "max"),
        ),
        Case(
            f"max_pool {name}, gradient",
            (x, pooled, out),
            lambda tf, x, y, g: raw(tf, "MaxPoolGrad", x, y, g, **attrs),
            lambda jax, x, y, g: max_grad(jax, x, g),
        ),
        Case(
            f"avg_pool {name}",
            (x,),
            lambda tf, x: raw(tf, "AvgPool", x, **attrs),
            lambda jax, x: _pooled(jax, x, size, stride, "avg"),
        ),
        Case(
            f"avg_pool {name}, gradient",
            (out,),
            lambda tf, g: raw(tf, "AvgPoolGrad", list(x), g, **attrs),
            avg_grad,
        ),
    ]


def _reference_max_pool(shape: Sequence[int], size: int, stride: int) -> np.ndarray[Any, Any]:
    """What the pool gives on the first input of a case of that shape."""
    x = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    pads = []
    for extent in shape[1:3]:
        total = max((-(-extent // stride) - 1) * stride + size - extent, 0)
        pads.append((total // 2, total - total // 2))
    padded = np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (1, 2))
    return windows[:, ::stride, ::stride].max((-1, -2))


def _elementwise() -> list[Case]:
    shape = (1024, 1024)
    found = [
        Case(name, (shape,), build, function)
        for name, build, function in (
            ("tanh", lambda tf, x: tf.tanh(x), lambda jax, x: jax.numpy.tanh(x)),
            ("sigmoid", lambda tf, x: tf.sigmoid(x), lambda jax, x: jax.nn.sigmoid(x)),
            ("exp", lambda tf, x: tf.exp(x), lambda jax, x: jax.numpy.exp(x)),
            ("erf", lambda tf, x: tf.math.erf(x), lambda jax, x: jax.scipy.special.erf(x)),
            ("relu", lambda tf, x: tf.nn.relu(x), lambda jax, x: jax.nn.relu(x)),
        )
    ]
    positive = np.random.default_rng(0).uniform(0.1, 2, shape).astype(np.float32)
    return [
        *found,
        Case("log", (positive,), lambda tf, x: tf.log(x), lambda jax, x: jax.numpy.log(x)),
        Case("pow", (positive, shape), lambda tf, x, y: tf.pow(x, y), lambda jax, x, y: x**y),
        Case("add", (shape, shape), lambda tf, x, y: tf.add(x, y), lambda jax, x, y: x + y),
        Case(
            "where",
            (shape, shape),
            lambda tf, x, y: tf.where(tf.greater(x, y), x, y),
            lambda jax, x, y: jax.numpy.where(x > y, x, y),
        ),
    ]


def _products() -> list[Case]:
    return [
        Case(
            "matmul 64x3136x1024",
            ((64, 3136), (3136, 1024)),
            lambda tf, a, b: tf.matmul(a, b),
            lambda _, a, b: a @ b,
        ),
        Case(
            "matmul 512x512x512",
            ((512, 512), (512, 512)),
            lambda tf, a, b: tf.matmul(a, b),
            lambda _, a, b: a @ b,
        ),
        Case(
            "matmul transposed 3136x64x1024",
            ((64, 3136), (64, 1024)),
            lambda tf, a, b: tf.matmul(a, b, transpose_a=True),
            lambda _, a, b: a.T @ b,
        ),
        Case(
            "batch matmul 64x64x64x64",
            ((64, 64, 64), (64, 64, 64)),
            lambda tf, a, b: tf.matmul(a, b),
            lambda _, a, b: a @ b,
        ),
        Case(
            "einsum bqhd,bkhd->bhqk",
            ((8, 128, 8, 64), (8, 128, 8, 64)),
            lambda tf, a, b: tf.einsum("bqhd,bkhd->bhqk", a, b),
            lambda jax, a, b: jax.numpy.einsum("bqhd,bkhd->bhqk", a, b),
        ),
        Case(
            "cholesky 512",
            (_positive_definite(512),),
            lambda tf, a: tf.cholesky(a),
            lambda jax, a: jax.numpy.linalg.cholesky(a),
        ),
    ]


def _positive_definite(n: int) -> np.ndarray[Any, Any]:
    a = np.random.default_rng(0).normal(size=(n, n))
    return (a @ a.T + n * np.eye(n)).astype(np.float32)


def _losses() -> list[Case]:
    def sparse(jax: Any, x: Any, y: Any) -> Any:
        return -jax.numpy.take_along_axis(jax.nn.log_softmax(x), y[:, None], axis=-1)[:, 0]

    labels = np.eye(1000, dtype=np.float32)[_ints(1000, 1024)]
    return [
        Case(
            "softmax 1024x1000",
            ((1024, 1000),),
            lambda tf, x: tf.nn.softmax(x),
            lambda jax, x: jax.nn.softmax(x),
        ),
        Case(
            "sparse softmax xent 1024x1000",
            ((1024, 1000), _ints(1000, 1024)),
            lambda tf, x, y: tf.gradients(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x), x
            )[0],
            lambda jax, x, y: jax.grad(lambda a: sparse(jax, a, y).sum())(x),
        ),
        Case(
            "softmax xent 1024x1000",
            ((1024, 1000), labels),
            lambda tf, x, y: tf.gradients(tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=x), x)[
                0
            ],
            lambda jax, x, y: jax.grad(lambda a: -(jax.nn.log_softmax(a) * y).sum())(x),
        ),
    ]


def _norms() -> list[Case]:
    x, c = (32, 28, 28, 64), (64,)

    def normed(jax: Any, x: Any, s: Any, o: Any) -> Any:
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        return (x - mean) * (jax.lax.rsqrt(variance + 1e-3) * s) + o

    def lrn(jax: Any, x: Any) -> Any:
        squares = jax.lax.reduce_window(x * x, 0.0, jax.lax.add, (1, 1, 1, 11), (1, 1, 1, 1), SAME)
        return x * (1 + 1e-3 * squares) ** -0.75

    def build_lrn(tf: Any, x: Any) -> Any:
        return tf.nn.local_response_normalization(x, alpha=1e-3, beta=0.75)

    return [
        Case(
            "fused batch norm",
            (x, c, c),
            lambda tf, x, s, o: tf.nn.fused_batch_norm(x, s, o)[0],
            lambda jax, x, s, o: normed(jax, x, s, o),
        ),
        Case(
            "fused batch norm, gradient",
            (x, c, c),
            lambda tf, x, s, o: tf.gradients(tf.nn.fused_batch_norm(x, s, o)[0], x, tf.identity(x))[0],
            lambda jax, x, s, o: jax.vjp(lambda a: normed(jax, a, s, o), x)[1](x)[0],
        ),
        Case("LRN", (x,), build_lrn, lrn),
        Case(
            "LRN, gradient",
            (x,),
            lambda tf, x: tf.gradients(build_lrn(tf, x), x, tf.identity(x))[0],
            lambda jax, x: jax.vjp(lambda a: lrn(jax, a), x)[1](x)[0],
        ),
        Case("bias_add", (x, c), lambda tf, x, b: tf.nn.bias_add(x, b), lambda _, x, b: x + b),
        Case(
            "bias_add, gradient",
            (x,),
            lambda tf, g: raw(tf, "BiasAddGrad", g),
            lambda _, g: g.sum((0, 1, 2)),
        ),
    ]


def _reductions() -> list[Case]:
    x = (1024, 1024)
    return [
        Case("reduce_sum rows", (x,), lambda tf, x: tf.reduce_sum(x, 1), lambda _, x: x.sum(1)),
        Case("reduce_sum columns", (x,), lambda tf, x: tf.reduce_sum(x, 0), lambda _, x: x.sum(0)),
        Case("reduce_mean all", (x,), lambda tf, x: tf.reduce_mean(x), lambda _, x: x.mean()),
        Case("reduce_max rows", (x,), lambda tf, x: tf.reduce_max(x, 1), lambda _, x: x.max(1)),
        Case(
            "reduce_max middle",
            ((64, 128, 128),),
            lambda tf, x: tf.reduce_max(x, 1),
            lambda _, x: x.max(1),
        ),
        Case("argmax rows", (x,), lambda tf, x: tf.argmax(x, 1), lambda _, x: x.argmax(1)),
        Case("cumsum rows", (x,), lambda tf, x: tf.cumsum(x, 1), lambda jax, x: jax.numpy.cumsum(x, 1)),
        Case("cumsum columns", (x,), lambda tf, x: tf.cumsum(x, 0), lambda jax, x: jax.numpy.cumsum(x, 0)),
    ]


def _moves() -> list[Case]:
    x, image = (1024, 1024), (32, 56, 56, 64)
    return [
        Case("transpose 1024x1024", (x,), lambda tf, x: tf.transpose(x), lambda jax, x: x.T.copy()),
        Case(
            "transpose NHWC to NCHW",
            (image,),
            lambda tf, x: tf.transpose(x, [0, 3, 1, 2]),
            lambda jax, x: jax.numpy.transpose(x, (0, 3, 1, 2)),
        ),
        Case(
            "concat of 4",
            ((256, 1024),) * 4,
            lambda tf, *parts: tf.concat(parts, 1),
            lambda jax, *parts: jax.numpy.concatenate(parts, 1),
        ),
        Case(
            "split in 4",
            (x,),
            lambda tf, x: tf.split(x, 4, 1),
            lambda jax, x: jax.numpy.split(x, 4, 1),
        ),
        Case(
            "tile", ((128, 256),), lambda tf, x: tf.tile(x, [4, 8]), lambda jax, x: jax.numpy.tile(x, (4, 8))
        ),
        Case(
            "pad",
            (image,),
            lambda tf, x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]),
            lambda jax, x: jax.numpy.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))),
        ),
        Case("strided_slice", (x,), lambda tf, x: x[::2, 1::2], lambda jax, x: x[::2, 1::2]),
        Case(
            "one_hot",
            (_ints(1000, 1024),),
            lambda tf, i: tf.one_hot(i, 1000),
            lambda jax, i: jax.nn.one_hot(i, 1000),
        ),
        Case(
            "resize_bilinear",
            ((16, 64, 64, 16),),
            lambda tf, x: tf.image.resize_bilinear(x, [128, 128], half_pixel_centers=True),
            lambda jax, x: jax.image.resize(x, (16, 128, 128, 16), "bilinear"),
        ),
    ]


def _indexed() -> list[Case]:
    table, ids = (50000, 128), _ints(50000, 4096)
    rows = (4096, 128)
    sorted_ids = np.sort(_ints(1000, 8192))
    return [
        Case("gather", (table, ids), lambda tf, t, i: tf.gather(t, i), lambda _, t, i: t[i]),
        Case(
            "scatter_add",
            (table, ids, rows),
            lambda tf, t, i, u: raw(tf, "ResourceScatterAdd", t.handle, i, u),
            lambda _, t, i, u: t.at[i].add(u),
            donates=True,
        ),
        Case(
            "sparse gradient descent",
            (table, ids, rows),
            lambda tf, t, i, u: tf.train.GradientDescentOptimizer(0.1).apply_gradients(
                [(tf.IndexedSlices(tf.identity(u), tf.identity(i), tf.constant(table)), t)]
            ),
            lambda _, t, i, u: t.at[i].add(-0.1 * u),
            donates=True,
        ),
        Case(
            "segment_sum",
            ((8192, 128), sorted_ids),
            lambda tf, x, i: tf.segment_sum(x, i),
            lambda jax, x, i: jax.ops.segment_sum(x, i, 1000, indices_are_sorted=True),
        ),
        Case(
            "unsorted_segment_sum",
            ((8192, 128), _ints(1000, 8192)),
            lambda tf, x, i: tf.unsorted_segment_sum(x, i, 1000),
            lambda jax, x, i: jax.ops.segment_sum(x, i, 1000),
        ),
        Case(
            "top_k 10 of 10000",
            ((128, 10000),),
            lambda tf, x: tf.nn.top_k(x, 10)[0],
            lambda jax, x: jax.lax.top_k(x, 10)[0],
        ),
        Case(
            "sort 128x10000",
            ((128, 10000),),
            lambda tf, x: tf.sort(x),
            lambda jax, x: jax.numpy.sort(x),
        ),
    ]


def _drawn() -> list[Case]:
    shape = [1024, 1024]

    def drawn(name: str) -> Callable[..., Any]:
        return lambda jax, key: getattr(jax.random, name)(jax.random.wrap_key_data(key), tuple(shape))

    key = np.array([0, 1], np.uint32)

    def truncated(jax: Any, key: Any) -> Any:
        return jax.random.truncated_normal(jax.random.wrap_key_data(key), -2, 2, tuple(shape))

    return [
        Case("random_uniform", (key,), lambda tf, _: tf.random_uniform(shape, seed=1), drawn("uniform")),
        Case("random_normal", (key,), lambda tf, _: tf.random_normal(shape, seed=1), drawn("normal")),
        Case("truncated_normal", (key,), lambda tf, _: tf.truncated_normal(shape, seed=1), truncated),
    ]


def _optimizers() -> list[Case]:
    shape = (3136, 1024)

    def applied(optimizer: Callable[[Any], Any]) -> Callable[..., Any]:
        return lambda tf, w, g: optimizer(tf).apply_gradients([(tf.identity(g), w)])

    def adam(jax: Any, w: Any, m: Any, v: Any, g: Any) -> Any:
        m, v = m + 0.1 * (g - m), v + 0.001 * (g * g - v)
        return w - 0.001 * m / (jax.numpy.sqrt(v) + 1e-8), m, v

    def momentum(_: Any, w: Any, a: Any, g: Any) -> Any:
        a = 0.9 * a + g
        return w - 0.01 * a, a

    def rms_prop(jax: Any, w: Any, s: Any, a: Any, g: Any) -> Any:
        s = s + 0.1 * (g * g - s)
        a = 0.9 * a + 0.01 * g * jax.lax.rsqrt(s + 1e-10)
        return w - a, s, a

    return [
        Case("gradient descent", (shape, shape), applied(lambda tf: tf.train.GradientDescentOptimizer(0.01))),
        Case("Adam", (shape, shape), applied(lambda tf: tf.train.AdamOptimizer(0.001)), adam, donates=True),
        Case(
            "Momentum",
            (shape, shape),
            applied(lambda tf: tf.train.MomentumOptimizer(0.01, 0.9)),
            momentum,
            donates=True,
        ),
        Case(
            "RMSProp",
            (shape, shape),
            applied(lambda tf: tf.train.RMSPropOptimizer(0.01, 0.9, 0.9)),
            rms_prop,
            donates=True,
        ),
    ]


def _lstm() -> list[Case]:
    """Twenty steps of an LSTM cell, written out as old programs do."""
    batch, size, steps = 32, 256, 20

    def build(tf: Any, xs: Any, w: Any) -> Any:
        c = h = tf.zeros([batch, size])
        for x in tf.unstack(xs):
            i, j, f, o = tf.split(tf.matmul(tf.concat([x, h], 1), w), 4, 1)
            c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            h = tf.tanh(c) * tf.sigmoid(o)
        return h

    def jax_cells(jax: Any, xs: Any, w: Any) -> Any:
        jnp, sigmoid = jax.numpy, jax.nn.sigmoid

        def cell(carry: Any, x: Any) -> Any:
            c, h = carry
            i, j, f, o = jnp.split(jnp.concatenate([x, h], 1) @ w, 4, 1)
            c = c * sigmoid(f + 1.0) + sigmoid(i) * jnp.tanh(j)
            return (c, jnp.tanh(c) * sigmoid(o)), None

        zero = jnp.zeros((batch, size))
        return jax.lax.scan(cell, (zero, zero), xs)[0][1]

    inputs = ((steps, batch, size), (2 * size, 4 * size))
    return [
        Case("LSTM cells x20", inputs, build, jax_cells),
        Case(
            "LSTM cells x20, gradient",
            inputs,
            lambda tf, xs, w: tf.gradients(tf.reduce_sum(build(tf, xs, w)), w)[0],
            lambda jax, xs, w: jax.grad(lambda a: jax_cells(jax, xs, a).sum())(w),
        ),
    ]


def _depthwise() -> list[Case]:
    x, w = (32, 28, 28, 64), (3, 3, 64, 1)
    attrs = {"strides": _strided(1), "padding": SAME}
    forward = _jax_conv(groups=64)

    def by_input(jax: Any, w: Any, g: Any) -> Any:
        shape = jax.ShapeDtypeStruct(x, g.dtype)
        return jax.linear_transpose(lambda a: forward(jax, a, w), shape)(g)[0]

    def by_filter(jax: Any, x: Any, g: Any) -> Any:
        shape = jax.ShapeDtypeStruct(w, g.dtype)
        return jax.linear_transpose(lambda b: forward(jax, x, b), shape)(g)[0]

    return [
        Case(
            "depthwise conv",
            (x, w),
            lambda tf, x, w: raw(tf, "DepthwiseConv2dNative", x, w, **attrs),
            forward,
        ),
        Case(
            "depthwise conv, by input",
            (w, x),
            lambda tf, w, g: raw(tf, "DepthwiseConv2dNativeBackpropInput", list(x), w, g, **attrs),
            by_input,
        ),
        Case(
            "depthwise conv, by filter",
            (x, x),
            lambda tf, x, g: raw(tf, "DepthwiseConv2dNativeBackpropFilter", x, list(w), g, **attrs),
            by_filter,
        ),
        Case(
            "conv3d",
            ((4, 16, 28, 28, 16), (3, 3, 3, 16, 32)),
            lambda tf, x, w: raw(tf, "Conv3D", x, w, strides=_strided(1, 3), padding=SAME),
            _jax_conv(rank=3),
        ),
    ]


CASES: dict[str, Case] = {
    case.name: case
    for family in (
        _convolutions("5x5 of 28x28x1", (64, 28, 28, 1), (5, 5, 1, 32)),
        _convolutions("5x5 of 14x14x32", (64, 14, 14, 32), (5, 5, 32, 64)),
        _convolutions("3x3 of 28x28x64", (16, 28, 28, 64), (3, 3, 64, 64)),
        _convolutions("7x7/2 of 112x112x3", (8, 112, 112, 3), (7, 7, 3, 64), 2),
        _convolutions("1x1 of 28x28x128", (16, 28, 28, 128), (1, 1, 128, 128)),
        _depthwise(),
        _pools("2x2 of 28x28x32", (64, 28, 28, 32), 2, 2),
        _pools("3x3/2 of 56x56x64", (8, 56, 56, 64), 3, 2),
        _products(),
        _losses(),
        _norms(),
        _reductions(),
        _moves(),
        _indexed(),
        _drawn(),
        _optimizers(),
        _elementwise(),
        _lstm(),
    )
    for case in family
}
