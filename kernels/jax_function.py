"""Functions in StableHLO; declared in `graph/ops/jax_function.py`. XLA runs them, whatever the backend."""

from __future__ import annotations

from typing import Any

from .registry import KernelContext, kernel


@kernel("XlaCallModule")
def xla_call_module(c: KernelContext, *inputs: Any) -> Any:
    from .jax import exported

    if c.backend == "cupy":
        return exported.on_gpu(c, *inputs)
    return exported.on_cpu(c, *inputs)
