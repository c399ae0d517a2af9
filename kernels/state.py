"""Variables: kernels take the old value and give the new one; declared in `graph/ops/state.py`."""

from __future__ import annotations

from typing import Any

from .registry import KernelContext, kernel


@kernel("ReadVariableOp")
def read_variable(c: KernelContext, value: Any) -> Any:
    return value


@kernel("AssignVariableOp")
def assign_variable(c: KernelContext, old: Any, value: Any) -> Any:
    return value


@kernel("AssignAddVariableOp")
def assign_add_variable(c: KernelContext, old: Any, value: Any) -> Any:
    return c.xp.add(old, value)
