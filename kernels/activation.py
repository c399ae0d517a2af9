"""Activation functions and their gradients; declared in `graph/ops/activation.py`."""

from __future__ import annotations

from typing import Any

from ..graph.ops.windows import channel_axis
from .columns import channel_sums
from .registry import KernelContext, kernel

SELU_SCALE = 1.0507009873554804934193349852946
SELU_SCALE_ALPHA = 1.7580993408473768599402175208123


def constant(c: KernelContext, value: float) -> Any:
    """A number in the type of the op's output."""
    return c.out_dtype.type(value)


@kernel("Relu")
def relu(c: KernelContext, x: Any) -> Any:
    return c.xp.maximum(x, constant(c, 0))


@kernel("ReluGrad")
def relu_grad(c: KernelContext, grad: Any, x: Any) -> Any:
    return c.xp.multiply(grad, c.xp.greater(x, constant(c, 0)))


@kernel("Relu6")
def relu6(c: KernelContext, x: Any) -> Any:
    return c.xp.minimum(c.xp.maximum(x, constant(c, 0)), constant(c, 6))


@kernel("Relu6Grad")
def relu6_grad(c: KernelContext, grad: Any, x: Any) -> Any:
    return c.xp.multiply(grad, (x > constant(c, 0)) & (x < constant(c, 6)))


@kernel("LeakyRelu")
def leaky_relu(c: KernelContext, x: Any) -> Any:
    return c.xp.where(x > constant(c, 0), x, x * constant(c, c.attrs["alpha"]))


@kernel("LeakyReluGrad")
def leaky_relu_grad(c: KernelContext, grad: Any, x: Any) -> Any:
    return c.xp.where(x > constant(c, 0), grad, grad * constant(c, c.attrs["alpha"]))


@kernel("Elu")
def elu(c: KernelContext, x: Any) -> Any:
    return c.xp.where(x < constant(c, 0), c.xp.expm1(c.xp.minimum(x, constant(c, 0))), x)


@kernel("EluGrad")
def elu_grad(c: KernelContext, grad: Any, y: Any) -> Any:
    return c.xp.where(y < constant(c, 0), grad * (y + constant(c, 1)), grad)


@kernel("Selu")
def selu(c: KernelContext, x: Any) -> Any:
    low = c.xp.expm1(c.xp.minimum(x, constant(c, 0))) * constant(c, SELU_SCALE_ALPHA)
    return c.xp.where(x < constant(c, 0), low, x * constant(c, SELU_SCALE))


@kernel("SeluGrad")
def selu_grad(c: KernelContext, grad: Any, y: Any) -> Any:
    low = grad * (y + constant(c, SELU_SCALE_ALPHA))
    return c.xp.where(y < constant(c, 0), low, grad * constant(c, SELU_SCALE))


@kernel("Softplus")
def softplus(c: KernelContext, x: Any) -> Any:
    # log(1 + exp(x)) without overflow.
    return c.xp.maximum(x, constant(c, 0)) + c.xp.log1p(c.xp.exp(-c.xp.abs(x)))


@kernel("SoftplusGrad")
def softplus_grad(c: KernelContext, grad: Any, x: Any) -> Any:
    small = c.xp.exp(-c.xp.abs(x))
    return grad * c.xp.where(x > constant(c, 0), constant(c, 1), small) / (small + constant(c, 1))


@kernel("Softsign")
def softsign(c: KernelContext, x: Any) -> Any:
    return x / (c.xp.abs(x) + constant(c, 1))


@kernel("SoftsignGrad")
def softsign_grad(c: KernelContext, grad: Any, x: Any) -> Any:
    return grad / c.xp.square(c.xp.abs(x) + constant(c, 1))


def along_channels(c: KernelContext, bias: Any, rank: int) -> Any:
    """A vector of channels in a shape that broadcasts against the values of the op."""
    if c.attrs.get("data_format", "NHWC") == "NCHW" and rank > 2:
        return bias.reshape(-1, *(1,) * (rank - 2))
    return bias


@kernel("BiasAdd", "BiasAddV1")
def bias_add(c: KernelContext, value: Any, bias: Any) -> Any:
    return c.xp.add(value, along_channels(c, bias, value.ndim))


@kernel("BiasAddGrad")
def bias_add_grad(c: KernelContext, grad: Any) -> Any:
    return channel_sums(c.xp, grad, channel_axis(c.attrs["data_format"], grad.ndim))
