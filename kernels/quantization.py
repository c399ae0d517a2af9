"""Numbers rounded to a few levels; declared in `graph/ops/quantization.py`.

Sources: Jacob et al. 2017 (the nudged range), TensorFlow's `FakeQuant*` and `QuantizeAndDequantize*`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import KernelContext, kernel
from .shaping import first


def _nudged(c: KernelContext, low: Any, high: Any) -> tuple[Any, Any, Any]:
    """The range moved so that 0 is one of its levels: its ends, and the distance between levels."""
    xp, real = c.xp, np.float32
    least = real(1 if c.attrs["narrow_range"] else 0)
    most = real(2 ** c.attrs["num_bits"] - 1)
    low, high = xp.asarray(low, dtype=real), xp.asarray(high, dtype=real)
    scale = (high - low) / (most - least)
    zero = least - low / scale
    level = xp.where(zero < least, least, xp.where(zero > most, most, xp.floor(zero + real(0.5))))
    return (least - level) * scale, (most - level) * scale, scale


def _rounded(c: KernelContext, x: Any, low: Any, high: Any) -> Any:
    xp, half = c.xp, np.float32(0.5)
    begin, end, scale = _nudged(c, low, high)
    inverse = np.float32(1) / scale
    zero = xp.floor(-begin * inverse + half)
    moved = xp.clip(x, begin, end) - begin
    out = xp.floor(moved * inverse - zero + half) * scale
    # A range of nothing has no levels.
    return xp.where((xp.asarray(low) == 0) & (xp.asarray(high) == 0), xp.zeros_like(out), out)


def _empty(c: KernelContext, low: Any, high: Any) -> Any:
    return (c.xp.asarray(low) == 0) & (c.xp.asarray(high) == 0)


@kernel("FakeQuantWithMinMaxArgs")
def fake_quant_args(c: KernelContext, x: Any) -> Any:
    return _rounded(c, x, np.float32(c.attrs["min"]), np.float32(c.attrs["max"]))


@kernel("FakeQuantWithMinMaxArgsGradient")
def fake_quant_args_gradient(c: KernelContext, gradients: Any, x: Any) -> Any:
    begin, end, _ = _nudged(c, np.float32(c.attrs["min"]), np.float32(c.attrs["max"]))
    return c.xp.where((x >= begin) & (x <= end), gradients, np.float32(0))


@kernel("FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel")
def fake_quant_vars(c: KernelContext, x: Any, low: Any, high: Any) -> Any:
    return _rounded(c, x, low, high)


@kernel("FakeQuantWithMinMaxVarsGradient", "FakeQuantWithMinMaxVarsPerChannelGradient")
def fake_quant_vars_gradient(c: KernelContext, gradients: Any, x: Any, low: Any, high: Any) -> Any:
    xp, zero = c.xp, np.float32(0)
    begin, end, _ = _nudged(c, low, high)
    empty = _empty(c, low, high)
    axes = tuple(range(np.ndim(x) - np.ndim(low)))
    inside = ((x >= begin) & (x <= end)) | empty
    below, above = (x < begin) & ~empty, (x > end) & ~empty
    return (
        xp.where(inside, gradients, zero),
        xp.where(below, gradients, zero).sum(axis=axes),
        xp.where(above, gradients, zero).sum(axis=axes),
    )


@kernel("QuantizeAndDequantizeV2")
def quantize_and_dequantize_v2(c: KernelContext, x: Any, low: Any, high: Any) -> Any:
    return _levels(c, x, low, high, c.attrs["num_bits"], c.attrs["round_mode"])


@kernel("QuantizeAndDequantizeV3")
def quantize_and_dequantize_v3(c: KernelContext, x: Any, low: Any, high: Any, num_bits: Any) -> Any:
    return _levels(c, x, low, high, first(num_bits), "HALF_TO_EVEN")


def _levels(c: KernelContext, x: Any, low: Any, high: Any, bits: int, mode: str) -> Any:
    xp, axis, real = c.xp, c.attrs["axis"], c.out_dtype.type
    if not c.attrs["range_given"]:
        others = tuple(i for i in range(np.ndim(x)) if i != axis) if axis != -1 else None
        low, high = x.min(axis=others), x.max(axis=others)
    if axis != -1:
        low, high = (v.reshape([-1 if i == axis else 1 for i in range(np.ndim(x))]) for v in (low, high))
    signed, narrow = c.attrs["signed_input"], c.attrs["narrow_range"]
    least = (-(1 << (bits - 1)) + (1 if narrow else 0)) if signed else (1 if narrow else 0)
    most = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1
    least, most = real(least), real(most)
    largest = c.out_types[0].max
    from_low = xp.where(least * low > 0, least / low, largest)
    from_high = xp.where(most * high > 0, most / high, largest)
    by_low = from_low < from_high
    scale = xp.where(by_low, from_low, from_high)
    step = xp.where(by_low, low / least if least else xp.zeros_like(low), high / most)
    begin = xp.where(by_low, low, least * step)
    end = xp.where(by_low, most * step, high)
    inside = xp.clip(x, begin, end) if c.attrs["range_given"] else x
    scaled = inside * scale
    rounded = xp.rint(scaled) if mode == "HALF_TO_EVEN" else xp.floor(scaled + real(0.5))
    return (rounded * step).astype(c.out_dtype)
