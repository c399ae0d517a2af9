"""Ops that compute nothing; declared in `graph/ops/control.py`."""

from __future__ import annotations

from typing import Any

from .registry import KernelContext, kernel


@kernel("NoOp")
def no_op(c: KernelContext) -> None:
    return None


@kernel("Identity", "PlaceholderWithDefault")
def identity(c: KernelContext, x: Any) -> Any:
    return x


@kernel("Snapshot")
def snapshot(c: KernelContext, x: Any) -> Any:
    return x.copy()


@kernel("IdentityN")
def identity_n(c: KernelContext, *inputs: Any) -> Any:
    return inputs if len(inputs) > 1 else inputs[0]
