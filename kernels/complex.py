"""Complex numbers; declared in `graph/ops/complex.py`."""

from __future__ import annotations

from typing import Any

from .registry import KernelContext, kernel, ufunc

ufunc("Conj", "conj")
ufunc("Real", "real")
ufunc("Imag", "imag")
ufunc("ComplexAbs", "abs")
ufunc("Angle", "angle")


@kernel("Complex")
def complex_(c: KernelContext, real: Any, imag: Any) -> Any:
    # i * infinity is not a number in its real part, so the parts are put side by side instead of added up.
    xp = c.xp
    both = xp.stack(xp.broadcast_arrays(real, imag), axis=-1).astype(c.out_types[0].real_dtype.np)
    return xp.ascontiguousarray(both).view(c.out_dtype)[..., 0]
