"""Complex numbers: made of parts, and taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from .elementwise import less, pair
from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.elements import Tensor
from .graph.opdef import get_op

__all__ = ["angle", "complex", "conj", "imag", "real"]


def complex(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """Complex numbers from real and imaginary parts.

    Args:
        real, imag: float32 or float64 tensors of shapes that broadcast.
        name: name of the op.

    Returns:
        A complex64 or complex128 tensor.

    Raises:
        TypeError: the parts are not both float32 or both float64.
    """
    with name_scope(name, "Complex") as scope:
        real, imag = pair(real, imag)
        wide = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}.get(real.dtype)
        if wide is None or imag.dtype is not real.dtype:
            raise TypeError(f"real and imag have incorrect types: {real.dtype.name} {imag.dtype.name}")
        return get_op("Complex")(real, imag, Tout=wide, name=scope)


def _part(op_type: str, x: Any, name: str | None) -> Tensor:
    return get_op(op_type)(x, Tout=x.dtype.real_dtype, name=name)


def real(input: Any, name: str | None = None) -> Tensor:
    """Real part; a real tensor itself.

    Args:
        input: a tensor of numbers.
        name: name of the op.
    """
    x = convert_to_tensor(input, name="input")
    return _part("Real", x, name) if x.dtype.is_complex else x


def imag(input: Any, name: str | None = None) -> Tensor:
    """Imaginary part; zeros for a real tensor.

    Args:
        input: a tensor of numbers.
        name: name of the op.
    """
    x = convert_to_tensor(input, name="input")
    return _part("Imag", x, name) if x.dtype.is_complex else get_op("ZerosLike")(x)


def angle(input: Any, name: str | None = None) -> Tensor:
    """Argument in radians; 0 or pi for real numbers.

    Args:
        input: a tensor of numbers.
        name: name of the op.
    """
    with name_scope(name, "Angle") as scope:
        x = convert_to_tensor(input, name="input")
        if x.dtype.is_complex:
            return _part("Angle", x, scope)
        zeros = get_op("ZerosLike")(x)
        pi = convert_to_tensor(np.pi, x.dtype)
        return get_op("SelectV2")(less(x, 0), pi, zeros, name=scope)


def conj(x: Any, name: str | None = None) -> Tensor:
    """Complex conjugate; a real tensor itself.

    Args:
        x: a tensor of numbers.
        name: name of the op.
    """
    x = convert_to_tensor(x, name="x")
    return get_op("Conj")(x, name=name) if x.dtype.is_complex else x
