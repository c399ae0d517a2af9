"""Every public function and class says what it does, and what each of its arguments is."""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import weft

REFERENCE = re.compile(
    r"[Aa]rguments?\b|\bas (?:for |there|in |of )?`|; see|the same as|Old name of |[Ee]rrors as"
)
"""A docstring may point at another function that has the same arguments."""


def _public(module: Any, prefix: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, Any]]:
    """Names and values of what the package and its public modules offer, each value once."""
    seen = set() if seen is None else seen
    for name in module.__all__:
        value = getattr(module, name)
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, ModuleType):
            if value.__name__.startswith("weft.") and hasattr(value, "__all__"):
                yield from _public(value, f"{prefix}{name}.", seen)
        elif callable(value) and str(getattr(value, "__module__", "")).startswith("weft"):
            yield f"{prefix}{name}", value


def _parameters(value: Any) -> list[str]:
    """Names of the parameters that need a word; `name` and the fields of tuples and enumerations do not."""
    plain = isinstance(value, type) and issubclass(value, (tuple, enum.Enum, Exception))
    if plain or isinstance(value, weft.flags.FlagValues):
        return []
    try:
        return [p for p in inspect.signature(value).parameters if p not in ("self", "cls", "name")]
    except (TypeError, ValueError):
        return []


def test_public_names_have_docstrings() -> None:
    missing = [name for name, value in _public(weft) if not inspect.getdoc(value)]
    assert not missing, f"without a docstring: {missing}"


def test_arguments_are_described() -> None:
    missing = []
    for name, value in _public(weft):
        text, parameters = inspect.getdoc(value) or "", _parameters(value)
        told = "Args:" in text or "Attributes:" in text or REFERENCE.search(text)
        if parameters and not told and not any(f"`{p}`" in text for p in parameters):
            missing.append(f"{name}({', '.join(parameters)})")
    assert not missing, "arguments without a word:\n" + "\n".join(missing)
