"""Variables: kernels take the old value and give the new one; declared in `graph/ops/state.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import OutOfRangeError
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


@kernel("AssignSubVariableOp")
def assign_sub_variable(c: KernelContext, old: Any, value: Any) -> Any:
    return c.xp.subtract(old, value)


@kernel("VarIsInitializedOp")
def is_initialized(c: KernelContext, value: Any) -> Any:
    return np.bool_(value is not None)


@kernel("VariableShape")
def variable_shape(c: KernelContext, value: Any) -> Any:
    return np.array(np.shape(value), dtype=c.out_dtype)


@kernel("ResourceCountUpTo", host=True)
def count_up_to(c: KernelContext, value: Any) -> Any:
    if value >= c.attrs["limit"]:
        raise OutOfRangeError(c.node.name, f"Reached limit of {c.attrs['limit']}", "", c.node.source)
    return np.asarray(value + 1, c.out_dtype), value


@kernel("DestroyResourceOp")
def destroy_resource(c: KernelContext, handle: Any) -> None:
    c.runtime.resources.pop(handle.key, None)
