"""Functions in StableHLO inside a compiled segment."""

from __future__ import annotations

from typing import Any

from ..registry import KernelContext, kernel


@kernel("XlaCallModule", on="jax")
def xla_call_module(c: KernelContext, *inputs: Any) -> Any:
    from .exported import call

    return call(c, *inputs)
