"""Ops whose values come from outside a step; declared in `graph/ops/source.py` and `graph/ops/state.py`.

Programs fill the slots of these nodes themselves. The kernels say which backends hold such values, and serve
those who run nodes one by one.
"""

from __future__ import annotations

from typing import Any

from ..graph.errors import InvalidArgumentError
from .handles import ResourceHandle
from .registry import KernelContext, kernel


@kernel("Const")
def const(c: KernelContext) -> Any:
    return c.attrs["value"]


@kernel("Placeholder")
def placeholder(c: KernelContext) -> Any:
    raise InvalidArgumentError(
        c.node.name,
        f"You must feed a value for placeholder tensor '{c.node.name}' with dtype {c.out_types[0].name} "
        f"and shape {c.attrs['shape']}",
        "",
        c.node.source,
    )


@kernel("VarHandleOp")
def var_handle(c: KernelContext) -> ResourceHandle:
    return ResourceHandle("variable", c.attrs["container"], c.attrs["shared_name"] or c.node.name)
