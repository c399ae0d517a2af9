"""Stacks; declared in `graph/ops/stacks.py`."""

from __future__ import annotations

from typing import Any

from .registry import KernelContext, kernel


class Stack:
    """What a stack's handle holds at run time: the stack itself, so that it goes when the step is over."""

    def __init__(self, elem_type: Any, max_size: int) -> None:
        self.elem_type = elem_type
        self.max_size = max_size
        self.values: list[Any] = []
        self.closed = False


@kernel("StackV2")
def stack(c: KernelContext, max_size: Any) -> Any:
    return Stack(c.attrs["elem_type"], int(max_size))


def _open(stack: Stack) -> Stack:
    if stack.closed:
        raise ValueError("the stack is closed")
    return stack


@kernel("StackPushV2")
def push(c: KernelContext, handle: Any, elem: Any) -> Any:
    found = _open(handle)
    if c.in_types[1] is not found.elem_type:
        raise ValueError(f"the stack holds {found.elem_type.name}, got {c.in_types[1].name}")
    if 0 <= found.max_size <= len(found.values):
        raise ValueError(f"the stack overflows its maximum of {found.max_size} values")
    found.values.append(elem)
    return elem


@kernel("StackPopV2")
def pop(c: KernelContext, handle: Any) -> Any:
    found = _open(handle)
    if c.out_types[0] is not found.elem_type:
        raise ValueError(f"the stack holds {found.elem_type.name}, not {c.out_types[0].name}")
    if not found.values:
        raise ValueError("the stack is empty")
    return found.values.pop()


@kernel("StackCloseV2")
def close(c: KernelContext, handle: Any) -> None:
    handle.closed = True
    handle.values.clear()
