"""Bytes read as another type: XLA's way; see `kernels/reinterpret.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..registry import KernelContext, kernel


@kernel("Bitcast", on="jax")
def bitcast(c: KernelContext, x: Any) -> Any:
    if c.xp is np:
        from ..reinterpret import bitcast as shared

        return shared(c, x)
    import jax

    convert = jax.lax.bitcast_convert_type
    source, target = c.in_types[0], c.out_types[0]
    if not (source.is_complex or target.is_complex):
        return convert(x, c.out_dtype)
    # XLA has no complex bit patterns: by way of bytes and pairs of floats.
    if source.is_complex:
        x = jax.numpy.stack([x.real, x.imag], axis=-1)
    octets = convert(x, np.uint8)
    lead = x.shape[:-1] if source.is_complex else x.shape
    octets = octets.reshape((*lead, source.size))
    if target.size > source.size:
        octets, lead = octets.reshape((*lead[:-1], target.size)), lead[:-1]
    elif target.size < source.size:
        lead = (*lead, source.size // target.size)
        octets = octets.reshape((*lead, target.size))
    if not target.is_complex:
        return (
            convert(octets.reshape((*lead, target.size)), c.out_dtype) if target.size > 1 else octets[..., 0]
        )
    part = np.dtype(target.real_dtype.np)
    floats = convert(octets.reshape((*lead, 2, part.itemsize)), part)
    return jax.lax.complex(floats[..., 0], floats[..., 1])
