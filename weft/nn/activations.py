"""Activation functions, bias, softmax and dropout."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.default_graph import name_scope
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from ..graph.ops import activation as ops
from ..graph.ops.array import ConcatV2, Rank, Transpose, shape_of
from ..graph.ops.compare import GreaterEqual, SelectV2
from ..graph.ops.losses import LogSoftmax, Softmax
from ..graph.ops.math import AddV2, Mul, Neg, RealDiv, Sub
from ..graph.ops.matmul import MatMul
from ..graph.ops.random import RandomUniform
from ..graph.ops.unary import Sigmoid, Tanh
from ..graph.random_seed import get_seed
from .common import either, tensor

__all__ = [
    "bias_add",
    "crelu",
    "dropout",
    "elu",
    "gelu",
    "leaky_relu",
    "log_softmax",
    "relu",
    "relu6",
    "relu_layer",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
    "xw_plus_b",
]


def relu(features: Any, name: str | None = None) -> Tensor:
    """max(features, 0).

    Args:
        features: numbers of any shape.
        name: name of the op.

    Source:
        TensorFlow's op `Relu`.
    """
    return ops.Relu(features, name=name)


def relu6(features: Any, name: str | None = None) -> Tensor:
    """min(max(features, 0), 6).

    Args:
        features: numbers of any shape.
        name: name of the op.

    Source:
        TensorFlow's op `Relu6`.
    """
    with name_scope(name, "Relu6") as scope:
        return ops.Relu6(tensor(features, name="features"), name=scope)


def elu(features: Any, name: str | None = None) -> Tensor:
    """exp(features) - 1 where that is negative, features elsewhere.

    Args:
        features: floats of any shape.
        name: name of the op.

    Source:
        Clevert et al. 2015, https://arxiv.org/abs/1511.07289; TensorFlow's op `Elu`.
    """
    return ops.Elu(features, name=name)


def selu(features: Any, name: str | None = None) -> Tensor:
    """Scaled exponential linear unit, under which activations keep zero mean and unit variance.

    Args:
        features: floats of any shape.
        name: name of the op.

    Source:
        Klambauer et al. 2017, https://arxiv.org/abs/1706.02515; TensorFlow's op `Selu`.
    """
    return ops.Selu(features, name=name)


def softplus(features: Any, name: str | None = None) -> Tensor:
    """log(1 + exp(features)).

    Args:
        features: floats of any shape.
        name: name of the op.

    Source:
        TensorFlow's op `Softplus`.
    """
    return ops.Softplus(features, name=name)


def softsign(features: Any, name: str | None = None) -> Tensor:
    """features / (1 + |features|).

    Args:
        features: floats of any shape.
        name: name of the op.

    Source:
        TensorFlow's op `Softsign`.
    """
    return ops.Softsign(features, name=name)


def sigmoid(x: Any, name: str | None = None) -> Tensor:
    """1 / (1 + exp(-x)).

    Args:
        x: floats or complex numbers of any shape.
        name: name of the op.

    Source:
        TensorFlow's op `Sigmoid`.
    """
    with name_scope(name, "Sigmoid") as scope:
        return Sigmoid(tensor(x, name="x"), name=scope)


def tanh(x: Any, name: str | None = None) -> Tensor:
    """Hyperbolic tangent.

    Args:
        x: floats or complex numbers of any shape.
        name: name of the op.

    Source:
        TensorFlow's op `Tanh`.
    """
    return Tanh(x, name=name)


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """features where they are positive, alpha * features elsewhere.

    Args:
        features: floats of any shape; integers become float32.
        alpha: slope for negative features.
        name: name of the op.

    Source:
        Maas et al. 2013; TensorFlow's op `LeakyRelu`.
    """
    with name_scope(name, "LeakyRelu") as scope:
        x = tensor(features, name="features")
        if x.dtype.is_integer:
            from ..graph.dtypes import float32
            from .common import cast

            x = cast(x, float32)
        return ops.LeakyRelu(x, alpha=alpha, name=scope)


def crelu(features: Any, name: str | None = None, axis: int = -1) -> Tensor:
    """relu of features and of their negative, side by side along an axis.

    Args:
        features: numbers of any shape.
        name: name scope.
        axis: axis along which the two are joined; it becomes twice as long.

    Source:
        Shang et al. 2016, https://arxiv.org/abs/1603.05201.
    """
    with name_scope(name, "CRelu") as scope:
        x = tensor(features, name="features")
        both = ConcatV2([x, Neg(x)], axis)
        return ops.Relu(both, name=scope)


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Tensor:
    """features times the normal distribution's probability of a lesser number.

    Args:
        features: floats of any shape.
        approximate: uses tanh in the place of erf.
        name: name scope.

    Source:
        Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415.
    """
    with name_scope(name, "Gelu"):
        x = tensor(features, name="features")

        def number(value: float) -> Any:
            return np.asarray(value, x.dtype.np)

        if approximate:
            cubed = Mul(Mul(x, x), x)
            inner = Mul(number(0.7978845608028654), AddV2(x, Mul(number(0.044715), cubed)))
            share = AddV2(number(1), Tanh(inner))
        else:
            share = AddV2(number(1), get_op("Erf")(RealDiv(x, number(1.4142135623730951))))
        return Mul(Mul(number(0.5), x), share)


def swish(features: Any, beta: float = 1.0) -> Tensor:
    """features * sigmoid(beta * features), also called SiLU.

    Args:
        features: floats of any shape.
        beta: how sharp the step is.

    Source:
        Ramachandran et al. 2017, https://arxiv.org/abs/1710.05941.
    """
    with name_scope(None, "swish"):
        x = tensor(features, name="features")
        scaled = x if beta == 1.0 else Mul(tensor(beta, x.dtype, "beta"), x)
        return Mul(x, Sigmoid(scaled))


silu = swish


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Tensor:
    """Adds a vector along the channels.

    Args:
        value: numbers of rank 2 or more.
        bias: one number per channel.
        data_format: `NHWC` and its like for channels last (the default), `NCHW` for channels second.
        name: name of the op.

    Raises:
        ValueError: `data_format` is neither.

    Source:
        TensorFlow's op `BiasAdd`.
    """
    with name_scope(name, "BiasAdd") as scope:
        if data_format is None or (data_format.startswith("N") and data_format.endswith("C")):
            layout = "NHWC"
        elif data_format.startswith("NC"):
            layout = "NCHW"
        else:
            raise ValueError(f"`data_format` must be of the form `N...C` or `NC...`, got {data_format!r}.")
        x = tensor(value, name="input")
        return ops.BiasAdd(x, tensor(bias, x.dtype, "bias"), data_format=layout, name=scope)


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """matmul(x, weights) + biases.

    Args:
        x: `(batch, inputs)`.
        weights: `(inputs, outputs)`.
        biases: `(outputs,)`.
        name: name of the last op.
    """
    with name_scope(name, "xw_plus_b") as scope:
        x = tensor(x, name="x")
        product = MatMul(x, tensor(weights, x.dtype, "weights"))
        return bias_add(product, tensor(biases, x.dtype, "biases"), name=scope)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """relu(matmul(x, weights) + biases).

    Args:
        x: `(batch, inputs)`.
        weights: `(inputs, outputs)`.
        biases: `(outputs,)`.
        name: name of the last op.
    """
    with name_scope(name, "relu_layer") as scope:
        x = tensor(x, name="x")
        product = MatMul(x, tensor(weights, x.dtype, "weights"))
        return relu(bias_add(product, tensor(biases, x.dtype, "biases")), name=scope)


def softmax(logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None) -> Tensor:
    """exp(logits) over its sum along an axis.

    Args:
        logits: floats of rank 1 or more.
        axis: the axis; the last by default.
        name: name of the op.
        dim: old name of `axis`.

    Source:
        TensorFlow's op `Softmax`.
    """
    return _along_last(logits, Softmax, either("axis", axis, "dim", dim, -1), name)


def log_softmax(
    logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Tensor:
    """Logarithm of the softmax along an axis.

    Args:
        logits: floats of rank 1 or more.
        axis: the axis; the last by default.
        name: name of the op.
        dim: old name of `axis`.

    Source:
        TensorFlow's op `LogSoftmax`.
    """
    return _along_last(logits, LogSoftmax, either("axis", axis, "dim", dim, -1), name)


def _along_last(logits: Any, op: Callable[..., Any], axis: int, name: str | None) -> Tensor:
    x = tensor(logits)
    rank = x.shape.rank
    if axis == -1 or (rank is not None and axis == rank - 1):
        return op(x, name=name)
    if rank is not None and not -rank <= axis < rank:
        raise ValueError(f"`axis` must be in [{-rank}, {rank}) for logits of rank {rank}, got {axis}.")
    with name_scope(name, op.name):  # type: ignore[attr-defined]
        order = swap_with_last(x, axis)
        return Transpose(op(Transpose(x, order)), order)


def swap_with_last(x: Tensor, axis: int) -> Any:
    """The order of dimensions in which `axis` and the last one have changed places."""
    rank = x.shape.rank
    if rank is not None:
        order = list(range(rank))
        order[axis], order[-1] = order[-1], order[axis]
        return order
    from ..graph.ops.array import Range
    from ..graph.ops.math import FloorMod

    count = Rank(x)
    at = FloorMod(axis, count)
    last = Sub(count, 1)
    return ConcatV2([Range(0, at, 1), [last], Range(AddV2(at, 1), last, 1), [at]], 0)


def dropout(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: int | None = None,
    name: str | None = None,
    rate: Any = None,
) -> Tensor:
    """Sets a random part of the elements to zero and scales the others up, so that the mean stays.

    Args:
        x: floats of any shape.
        keep_prob: probability that an element is kept, a number or a scalar tensor; 1 - `rate`.
        noise_shape: shape of what is drawn; a 1 in it drops whole rows or channels.
        seed: seed of the op.
        name: name scope.
        rate: probability that an element is dropped.

    Raises:
        ValueError: `x` is no float, a probability is out of range, or both or neither are given.

    Source:
        Srivastava et al. 2014; `tf.compat.v1.nn.dropout`.
    """
    if (keep_prob is None) == (rate is None):
        raise ValueError("dropout() takes one of keep_prob and rate.")
    with name_scope(name, "dropout"):
        x = tensor(x, name="x")
        if not x.dtype.is_floating:
            raise ValueError(f"x must be of a floating type, since it is scaled, got {x.dtype.name}.")
        if rate is None:
            rate = _rate_of(keep_prob, x)
        if isinstance(rate, numbers.Real):
            if not 0 <= rate < 1:
                raise ValueError(f"`rate` must be a number in [0, 1), got {rate}.")
            if rate == 0:
                return x
            scale: Any = tensor(np.asarray(1 / (1 - rate), x.dtype.np))
            limit: Any = tensor(np.asarray(rate, x.dtype.np))
        else:
            limit = tensor(rate, x.dtype, "rate")
            one = np.asarray(1, x.dtype.np)
            scale = RealDiv(one, Sub(one, limit))
        return _dropped(x, limit, scale, noise_shape, seed)


def _rate_of(keep_prob: Any, x: Tensor) -> Any:
    if isinstance(keep_prob, numbers.Real):
        if not 0 < keep_prob <= 1:
            raise ValueError(f"`keep_prob` must be a number in (0, 1], got {keep_prob}.")
        return 1 - keep_prob
    return Sub(np.asarray(1, x.dtype.np), tensor(keep_prob, x.dtype, "keep_prob"))


def _dropped(x: Tensor, limit: Tensor, scale: Tensor, noise_shape: Any, seed: int | None) -> Tensor:
    shape = shape_of(x) if noise_shape is None else _noise_shape(x, noise_shape)
    graph_seed, op_seed = get_seed(seed)
    with name_scope(None, "random_uniform"):
        drawn = RandomUniform(shape, dtype=x.dtype, seed=graph_seed or 0, seed2=op_seed or 0)
    kept = GreaterEqual(drawn, limit)
    scaled = Mul(x, scale)
    result: Tensor = SelectV2(kept, scaled, np.asarray(0, x.dtype.np))
    result.set_shape(x.shape)
    return result


def _noise_shape(x: Tensor, noise_shape: Any) -> Any:
    """The noise shape with the dimensions filled in that it leaves to `x`."""
    if isinstance(noise_shape, Tensor):
        return noise_shape
    dims = list(noise_shape)
    if any(d is None for d in dims):
        static = x.shape.as_list()
        dims = [s if d is None else d for d, s in zip(dims, static, strict=True)]
    if any(d is None for d in dims):
        raise ValueError(f"noise_shape {noise_shape} leaves open what x of shape {x.shape} does not know.")
    return dims
