"""Arguments that have an older name too."""

from __future__ import annotations

from typing import Any

__all__ = ["renamed"]


def renamed(name: str, value: Any, old_name: str, old_value: Any) -> Any:
    """The value of an argument that may be given by its older name.

    Args:
        name, value: the argument; None where it is not given.
        old_name, old_value: its older name, and what was given by it.

    Raises:
        ValueError: both are given.
    """
    if old_value is None:
        return value
    if value is not None:
        raise ValueError(f"Cannot specify both '{name}' and '{old_name}'.")
    return old_value
