"""Discrete Fourier transforms over the last one, two or three dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import CostContext, InferContext
from ..opdef import PURE, Cost, OpDecl, declare
from ..samples import floats, sample
from ..shapes import Dimension, TensorShape
from .shaping import shape_of

__all__ = [
    "FFT",
    "FFT2D",
    "FFT3D",
    "IFFT",
    "IFFT2D",
    "IFFT3D",
    "IRFFT",
    "IRFFT2D",
    "IRFFT3D",
    "RFFT",
    "RFFT2D",
    "RFFT3D",
]

_COMPLEX = "Tcomplex: {complex64, complex128} = DT_COMPLEX64"
_REAL = "Treal: {float, double} = DT_FLOAT"


def _cost(c: CostContext) -> Cost:
    count = max(c.in_elements, c.out_elements)
    return Cost(5.0 * count * np.log2(count + 1.0) + 1.0, c.in_bytes + c.out_bytes)


def _complex(*shape: int, dtype: Any = np.complex64) -> Any:
    return (floats(*shape) + 1j * floats(*shape, seed=1)).astype(dtype)


def _count(x: Tensor, rank: int) -> Any:
    """How many numbers are transformed together, as a scalar of the type of `x`."""
    from .math import Cast
    from .reduction import Prod

    known = [d for d in x.shape.as_list()[-rank:] if d is not None]
    if len(known) == rank:
        return np.asarray(math.prod(known), x.dtype.np)
    return Cast(Prod(shape_of(x)[-rank:], [0]), DstT=x.dtype)


def _full(name: str, rank: int, other: str, inverse: bool) -> OpDecl:
    def gradient(op: Operation, grad: Tensor) -> Any:
        from ..opdef import get_op
        from .math import Mul, RealDiv

        back = get_op(other)(grad)
        return [(RealDiv if inverse else Mul)(back, _count(grad, rank))]

    return declare(
        name,
        inputs="input: Tcomplex",
        outputs="output: Tcomplex",
        attrs=_COMPLEX,
        infer=lambda c: [c.rank_at_least("input", rank)],
        gradient=gradient,
        cost=_cost,
        state=PURE,
        samples=lambda: [
            sample(_complex(*(2, 3, 4, 5)[-rank - 1 :]), grad=()),
            sample(_complex(*(3, 4, 5)[-rank:], dtype=np.complex128), grad=()),
            sample(_complex(*(6, 1, 7)[-rank:]), grad=()),
        ],
        doc=f"{'Inverse d' if inverse else 'D'}iscrete Fourier transform over {rank} dimension(s).",
    )


FFT, IFFT = _full("FFT", 1, "IFFT", False), _full("IFFT", 1, "FFT", True)
FFT2D, IFFT2D = _full("FFT2D", 2, "IFFT2D", False), _full("IFFT2D", 2, "FFT2D", True)
FFT3D, IFFT3D = _full("FFT3D", 3, "IFFT3D", False), _full("IFFT3D", 3, "FFT3D", True)


def _real_infer(rank: int, last: Callable[[int], int]) -> Callable[[InferContext], Sequence[TensorShape]]:
    def infer(c: InferContext) -> Sequence[TensorShape]:
        x = c.rank_at_least("input", rank)
        if c.rank("fft_length", 1)[0] not in (None, rank):
            c.fail(f"fft_length must have {rank} members")
        length = c.value("fft_length")
        if x.rank is None:
            return [TensorShape(None)]
        sizes: list[Dimension] = [None] * rank if length is None else [int(n) for n in length]
        if any(n is not None and n < 0 for n in sizes):
            c.fail(f"fft_length must not be negative, got {sizes}")
        if sizes[-1] is not None:
            sizes[-1] = last(sizes[-1])
        return [TensorShape([*x.as_list()[:-rank], *sizes])]

    return infer


def _fitted(x: Tensor, like: Tensor, rank: int) -> Tensor:
    """The tensor cut off, or filled up with zeros, to the last dimensions of `like`."""
    from .array import ConcatV2, Pack, Slice
    from .math import Maximum, Minimum, Sub
    from .padding import Pad

    have, want = shape_of(x), shape_of(like)
    front = like.shape.rank or 0
    zeros = np.zeros(front, np.int32)
    cut = Slice(x, zeros, ConcatV2([have[:-rank], Minimum(have[-rank:], want[-rank:])], 0))
    cut_shape = shape_of(cut)
    missing = Maximum(Sub(want[-rank:], cut_shape[-rank:]), np.int32(0))
    after = ConcatV2([np.zeros(front - rank, np.int32), missing], 0)
    found = Pad(cut, Pack([zeros, after], axis=1))
    found.set_shape(like.shape)
    return found


def _forward_grad(rank: int, inverse: str) -> Callable[[Operation, Tensor], Any]:
    def gradient(op: Operation, grad: Tensor) -> Any:
        from ..opdef import get_op
        from .array import ConcatV2, Fill
        from .complex import Real
        from .math import Mul

        x, length = op.inputs
        # Half of the spectrum was left out: it counts nothing.
        whole = Fill(ConcatV2([shape_of(grad)[:-rank], length], 0), np.zeros((), np.float32))
        whole.set_shape([None] * (grad.shape.rank or 0))
        filled = _fitted(grad, whole, rank)
        back = Mul(get_op(inverse)(filled), _count(filled, rank))
        return [_fitted(Real(back, Tout=x.dtype), x, rank), None]

    return gradient


def _backward_grad(rank: int, forward: str) -> Callable[[Operation, Tensor], Any]:
    def gradient(op: Operation, grad: Tensor) -> Any:
        from ..opdef import get_op
        from .array import Range
        from .compare import Equal, LogicalOr, SelectV2
        from .math import Cast, Mul, RealDiv

        x, length = op.inputs
        spectrum = get_op(forward)(grad, length, Tcomplex=x.dtype)
        last = shape_of(spectrum)[-1]
        at, size = Range(np.int32(0), last, np.int32(1)), length[rank - 1]
        # All but the first, and for even lengths the last, stand for two numbers of the whole spectrum.
        single = LogicalOr(Equal(at, np.int32(0)), Equal(Mul(at, np.int32(2)), size))
        weight = SelectV2(single, np.asarray(1, x.dtype.np), np.asarray(2, x.dtype.np))
        scaled = RealDiv(Mul(spectrum, weight), Cast(_count(grad, rank), DstT=x.dtype))
        return [_fitted(scaled, x, rank), None]

    return gradient


def _real(name: str, rank: int) -> OpDecl:
    suffix = name.removeprefix("RFFT")
    lengths = [4, 3, 6][-rank:]
    return declare(
        name,
        inputs="input: Treal, fft_length: int32",
        outputs="output: Tcomplex",
        attrs=(_REAL, _COMPLEX),
        infer=_real_infer(rank, lambda n: n // 2 + 1),
        gradient=_forward_grad(rank, f"IFFT{suffix}"),
        cost=_cost,
        state=PURE,
        host_inputs=("fft_length",),
        samples=lambda: [
            sample(floats(*(2, 4, 3, 6)[-rank - 1 :]), lengths, grad=()),
            sample(floats(*(4, 3, 7)[-rank:], dtype=np.float64), lengths, Tcomplex=np.complex128, grad=()),
            sample(floats(*(5, 4, 9)[-rank:]), [n + 1 for n in lengths], grad=()),
        ],
        doc=f"The half of a real tensor's Fourier transform that the other follows from, over {rank} dimension(s).",
    )


def _real_back(name: str, rank: int) -> OpDecl:
    suffix = name.removeprefix("IRFFT")
    lengths = [4, 3, 6][-rank:]
    return declare(
        name,
        inputs="input: Tcomplex, fft_length: int32",
        outputs="output: Treal",
        attrs=(_REAL, _COMPLEX),
        infer=_real_infer(rank, lambda n: n),
        gradient=_backward_grad(rank, f"RFFT{suffix}"),
        cost=_cost,
        state=PURE,
        host_inputs=("fft_length",),
        samples=lambda: [
            sample(_complex(*(2, 4, 3, 4)[-rank - 1 :]), lengths, grad=()),
            sample(_complex(*(4, 3, 4)[-rank:], dtype=np.complex128), lengths, Treal=np.float64, grad=()),
            sample(_complex(*(5, 4, 6)[-rank:]), [n + 1 for n in lengths], grad=()),
        ],
        doc=f"Reverse of RFFT{suffix}.",
    )


RFFT, RFFT2D, RFFT3D = _real("RFFT", 1), _real("RFFT2D", 2), _real("RFFT3D", 3)
IRFFT, IRFFT2D, IRFFT3D = _real_back("IRFFT", 1), _real_back("IRFFT2D", 2), _real_back("IRFFT3D", 3)
