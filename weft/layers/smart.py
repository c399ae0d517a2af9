"""A choice that is made while the graph is built where it can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.constant_value import constant_value
from ..graph.convert import is_tensor_like

__all__ = ["known_bool", "smart_cond"]


def known_bool(pred: Any) -> bool | None:
    """The truth value where it is known while the graph is built, else None."""
    if isinstance(pred, (bool, int, np.bool_)):
        return bool(pred)
    if pred is None:
        return False
    if is_tensor_like(pred):
        value = constant_value(pred) if not hasattr(pred, "handle") else None
        return None if value is None else bool(value)
    raise TypeError(f"A bool or a boolean tensor is needed, got {pred!r}.")


def smart_cond(
    pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any], name: str | None = None
) -> Any:
    """What `true_fn` or `false_fn` gives, whichever `pred` says; a `cond` only where `pred` is not known."""
    known = known_bool(pred)
    if known is not None:
        return true_fn() if known else false_fn()
    from ..control_flow import cond

    return cond(pred, true_fn, false_fn, name=name)
