"""Gradients under names of their own, which operations ask for with the attribute `_gradient_op_type`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .elements import Operation
from .errors import NotFoundError
from .opdef import GradientRule, NoGradient

__all__ = ["RegisterGradient", "gradient_rule", "register_gradient"]

_NAMED: dict[str, GradientRule | NoGradient] = {}


def register_gradient(name: str, rule: GradientRule | NoGradient) -> None:
    """Enters a gradient rule under a name.

    Args:
        name: the name.
        rule: from (op, *output gradients) to one gradient (or None) per input; or why there is none.

    Raises:
        KeyError: the name is taken.
    """
    if name in _NAMED:
        raise KeyError(f"A gradient is registered under the name {name!r} already.")
    _NAMED[name] = rule


class RegisterGradient:
    """Decorator that enters a function as gradient under a name, for `Graph.gradient_override_map`.

    Args:
        op_type: the name.

    Source:
        `tf.RegisterGradient`.
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError(f"op_type must be a string, got {op_type!r}.")
        self._name = op_type

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def rule(op: Operation, *grads: Any) -> list[Any]:
            made = function(op, *grads)
            return list(made) if isinstance(made, (list, tuple)) else [made]

        register_gradient(self._name, rule)
        return function


def gradient_rule(op: Operation) -> GradientRule | NoGradient:
    """The rule by which an operation is differentiated: its own, or the one of the name that it asks for.

    Raises:
        NotFoundError: nothing is registered under that name.
    """
    name = op.attrs.get("_gradient_op_type")
    if name is None:
        return op.decl.gradient
    rule = _NAMED.get(str(name))
    if rule is None:
        raise NotFoundError(
            op.name,
            f"{op.type} '{op.name}' asks for the gradient {name!r}, which nothing is registered under",
        )
    return rule
