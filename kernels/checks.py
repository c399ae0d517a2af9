"""Ops that look at values; declared in `graph/ops/checks.py`."""

from __future__ import annotations

import logging
import sys
from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .registry import KernelContext, kernel
from .summarize import summarize

_LOG = logging.getLogger("weft")
_LEVELS = {
    "log(info)": logging.INFO,
    "log(warning)": logging.WARNING,
    "log(error)": logging.ERROR,
}


def on_host(c: KernelContext, value: Any) -> Any:
    """An array of the kernel's backend as a NumPy array."""
    return value.get() if hasattr(value, "get") else np.asarray(value)


@kernel("Assert")
def assert_(c: KernelContext, condition: Any, *data: Any) -> None:
    if not bool(condition):
        shown = " ".join(f"[{summarize(on_host(c, d), c.attrs['summarize'])}]" for d in data)
        raise InvalidArgumentError(c.node.name, f"assertion failed: {shown}", "", c.node.source)


@kernel("CheckNumerics")
def check_numerics(c: KernelContext, tensor: Any) -> Any:
    return _checked(c, tensor, signs=False)


@kernel("CheckNumericsV2")
def check_numerics_v2(c: KernelContext, tensor: Any) -> Any:
    return _checked(c, tensor, signs=True)


def _checked(c: KernelContext, tensor: Any, signs: bool) -> Any:
    if bool(c.xp.all(c.xp.isfinite(tensor))):
        return tensor
    found = []
    if bool(c.xp.any(c.xp.isinf(tensor))) and not signs:
        found.append("Inf")
    if signs and bool(c.xp.any(tensor == -np.inf)):
        found.append("-Inf")
    if signs and bool(c.xp.any(tensor == np.inf)):
        found.append("+Inf")
    if bool(c.xp.any(c.xp.isnan(tensor))):
        found.append("NaN")
    listed = " and ".join(found) if len(found) < 3 else "-Inf, +Inf, and NaN"
    rule = f"{c.attrs['message']} : Tensor had {listed} values"
    raise InvalidArgumentError(c.node.name, f"{c.node.op} '{c.node.name}': {rule}", "", c.node.source)


@kernel("Print")
def print_(c: KernelContext, tensor: Any, *data: Any) -> Any:
    if _may_print(c):
        shown = "".join(f"[{summarize(on_host(c, d), c.attrs['summarize'])}]" for d in data)
        print(f"{c.attrs['message']}{shown}", file=sys.stderr, flush=True)
    return tensor


def _may_print(c: KernelContext) -> bool:
    """Whether the op has printed fewer than `first_n` times in this session; counts this time."""
    limit = c.attrs["first_n"]
    if limit < 0:
        return True
    key = ("printed", c.runtime.session, c.node.name)
    count = c.runtime.resources.get(key, 0)
    c.runtime.resources[key] = count + 1
    return bool(count < limit)


@kernel("PrintV2", host=True)
def print_v2(c: KernelContext, text: Any) -> None:
    target, end = c.attrs["output_stream"], c.attrs["end"]
    line = bytes(np.asarray(text).item()).decode("utf-8", "replace")
    if target in _LEVELS:
        _LOG.log(_LEVELS[target], "%s", line)
    elif target.startswith("file://"):
        with open(target.removeprefix("file://"), "a", encoding="utf-8") as file:
            file.write(line + end)
    elif target in ("stdout", "stderr"):
        print(line, end=end, file=sys.stdout if target == "stdout" else sys.stderr, flush=True)
    else:
        known = ", ".join(("stdout", "stderr", *_LEVELS, "file://PATH"))
        raise InvalidArgumentError(
            c.node.name, f"PrintV2 '{c.node.name}': output_stream must be one of {known}, got {target!r}"
        )


@kernel("EnsureShape")
def ensure_shape(c: KernelContext, input: Any) -> Any:
    shape, wanted = tuple(np.shape(input)), c.attrs["shape"]
    if not wanted.is_compatible_with(shape):
        rule = f"the input must have a shape that fits {wanted}, got {list(shape)}"
        raise InvalidArgumentError(c.node.name, f"EnsureShape '{c.node.name}': {rule}", "", c.node.source)
    return input
