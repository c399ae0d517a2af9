"""Discrete Fourier transforms, under TensorFlow 1's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .graph.convert import convert_to_tensor
from .graph.elements import Tensor
from .graph.opdef import get_op

__all__ = [
    "fft",
    "fft2d",
    "fft3d",
    "ifft",
    "ifft2d",
    "ifft3d",
    "irfft",
    "irfft2d",
    "irfft3d",
    "rfft",
    "rfft2d",
    "rfft3d",
]


def _full(op_type: str, public: str, sentence: str) -> Callable[..., Tensor]:
    def transform(input: Any, name: str | None = None) -> Tensor:
        made: Tensor = get_op(op_type)(input, name=name)
        return made

    transform.__name__ = transform.__qualname__ = public
    transform.__doc__ = f"""{sentence}

    Args:
        input: complex tensor.
        name: name of the op.

    Source:
        TensorFlow's op {op_type}.
    """
    return transform


fft = _full("FFT", "fft", "Fourier transform along the last dimension.")
fft2d = _full("FFT2D", "fft2d", "Fourier transform along the last two dimensions.")
fft3d = _full("FFT3D", "fft3d", "Fourier transform along the last three dimensions.")
ifft = _full("IFFT", "ifft", "Inverse Fourier transform along the last dimension.")
ifft2d = _full("IFFT2D", "ifft2d", "Inverse Fourier transform along the last two dimensions.")
ifft3d = _full("IFFT3D", "ifft3d", "Inverse Fourier transform along the last three dimensions.")


def _real(op_type: str, public: str, rank: int, inverse: bool) -> Callable[..., Tensor]:
    def transform(input: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
        x = convert_to_tensor(input)
        length = _length(x, rank, inverse) if fft_length is None else fft_length
        wide = x.dtype.name in ("float64", "complex128")
        kinds = {"Treal": "float64" if wide else "float32", "Tcomplex": "complex128" if wide else "complex64"}
        made: Tensor = get_op(op_type)(x, length, name=name, **kinds)
        return made

    what = (
        "from the half of a real tensor's spectrum" if inverse else "of a real tensor, the half that counts,"
    )
    transform.__name__ = transform.__qualname__ = public
    transform.__doc__ = f"""Fourier transform {what} along the last {rank} dimension(s).

    Args:
        input: {"complex" if inverse else "real"} tensor.
        fft_length: int32 of shape `({rank},)`: how many numbers are transformed; None for all.
        name: name of the op.

    Source:
        TensorFlow's op {op_type}.
    """
    return transform


def _length(x: Tensor, rank: int, inverse: bool) -> Any:
    from . import array

    dims = x.shape.as_list()[-rank:]
    if None not in dims:
        return np.array([*dims[:-1], max(0, 2 * (dims[-1] - 1)) if inverse else dims[-1]], np.int32)
    sizes = array.unstack(array.shape(x)[-rank:], num=rank)
    return array.stack([*sizes[:-1], 2 * (sizes[-1] - 1) if inverse else sizes[-1]])


rfft, irfft = _real("RFFT", "rfft", 1, False), _real("IRFFT", "irfft", 1, True)
rfft2d, irfft2d = _real("RFFT2D", "rfft2d", 2, False), _real("IRFFT2D", "irfft2d", 2, True)
rfft3d, irfft3d = _real("RFFT3D", "rfft3d", 3, False), _real("IRFFT3D", "irfft3d", 3, True)
