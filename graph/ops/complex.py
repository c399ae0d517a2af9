"""Complex numbers: made of parts, and taken apart."""

from __future__ import annotations

from typing import Any

from .. import dtypes
from ..dtypes import DType
from ..elements import Operation, Tensor
from ..infer import per_element
from ..opdef import PURE, OpDecl, Sample, declare
from ..samples import floats, sample
from .broadcasting import broadcast_infer, like_input, sum_to_shape_of

__all__ = ["Angle", "Complex", "ComplexAbs", "Conj", "Imag", "Real", "conj"]

_COMPLEX = "{complex64, complex128} = DT_COMPLEX64"
_REAL = "{float, double} = DT_FLOAT"


def conj(x: Tensor) -> Tensor:
    """The complex conjugate of a complex tensor; any other tensor itself."""
    return Conj(x) if x.dtype.is_complex else x


def _complex_of(dtype: DType) -> DType:
    return dtypes.complex128 if dtype is dtypes.float64 else dtypes.complex64


def _complex_grad(op: Operation, grad: Tensor) -> Any:
    real, imag = op.inputs
    return sum_to_shape_of([Real(grad, Tout=real.dtype), Imag(grad, Tout=real.dtype)], real, imag)


Complex = declare(
    "Complex",
    inputs="real: T, imag: T",
    outputs="out: Tout",
    attrs=(f"T: {_REAL}", f"Tout: {_COMPLEX}"),
    infer=broadcast_infer,
    gradient=_complex_grad,
    cost=per_element(),
    state=PURE,
    samples=lambda: [
        sample(floats(2, 3), floats(3, seed=1)),
        sample(floats(3, dtype="float64"), floats(3, seed=1, dtype="float64"), Tout="complex128"),
    ],
    doc="real + i * imag, elementwise with broadcasting.",
)


def _samples(**wide: Any) -> list[Sample]:
    narrow = (floats(2, 3) + 1j * floats(2, 3, seed=1)).astype("complex64")
    return [
        sample(narrow),
        sample((floats(4) + 1j * floats(4, seed=1)).astype("complex128"), **wide),
    ]


def _part(name: str, argument: str, output: str, gradient: Any, doc: str, flops: float = 1.0) -> OpDecl:
    return declare(
        name,
        inputs=f"{argument}: T",
        outputs=f"{output}: Tout",
        attrs=(f"T: {_COMPLEX}", f"Tout: {_REAL}"),
        infer=like_input,
        gradient=gradient,
        cost=per_element(flops),
        state=PURE,
        samples=lambda: _samples(Tout="float64"),
        doc=doc,
    )


def _zeros(grad: Tensor) -> Tensor:
    from .array import ZerosLike

    return ZerosLike(grad)


def _joined(real: Tensor, imag: Tensor) -> Tensor:
    return Complex(real, imag, Tout=_complex_of(real.dtype))


def _abs_grad(op: Operation, grad: Tensor) -> Any:
    from .math import DivNoNan

    return [DivNoNan(_joined(grad, _zeros(grad)) * op.inputs[0], _joined(op.outputs[0], _zeros(grad)))]


def _angle_grad(op: Operation, grad: Tensor) -> Any:
    from .unary import Reciprocal

    z = op.inputs[0]
    real, imag = (part(z, Tout=grad.dtype) for part in (Real, Imag))
    return [-_joined(grad, _zeros(grad)) * Reciprocal(_joined(imag, real))]


Real = _part("Real", "input", "output", lambda op, grad: [_joined(grad, _zeros(grad))], "Real part.")
Imag = _part("Imag", "input", "output", lambda op, grad: [_joined(_zeros(grad), grad)], "Imaginary part.")
ComplexAbs = _part("ComplexAbs", "x", "y", _abs_grad, "Absolute value of complex numbers.", 4.0)
Angle = _part("Angle", "input", "output", _angle_grad, "Argument of complex numbers, in radians.", 30.0)

Conj = declare(
    "Conj",
    inputs="input: T",
    outputs="output: T",
    attrs="T: {complex64, complex128, variant} = DT_COMPLEX64",
    infer=like_input,
    gradient=lambda op, grad: [Conj(grad)],
    cost=per_element(),
    state=PURE,
    samples=_samples,
    doc="Complex conjugate.",
)
