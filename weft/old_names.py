"""Names that TensorFlow 1 had given up, for programs older than that; each says once what it is called now."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from . import array, elementwise, variable_functions
from . import summary as summaries

__all__ = [
    "all_variables",
    "audio_summary",
    "histogram_summary",
    "image_summary",
    "initialize_all_variables",
    "initialize_local_variables",
    "initialize_variables",
    "merge_all_summaries",
    "merge_summary",
    "mul",
    "neg",
    "pack",
    "scalar_summary",
    "sub",
    "unpack",
]

_LOG = logging.getLogger("weft")


def renamed(old: str, new: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` under its old name; the first call says what it is called now.

    Args:
        old, new: the names, as users write them.
        function: what both stand for.
    """
    told = False

    def call(*args: Any, **keywords: Any) -> Any:
        nonlocal told
        if not told:
            told = True
            _LOG.warning("tf.%s is an old name; use tf.%s", old, new)
        return function(*args, **keywords)

    call.__name__ = call.__qualname__ = old
    call.__doc__ = f"Old name of `tf.{new}`.\n\n{function.__doc__ or ''}"
    return call


_TOLD: set[str] = set()


def moved_class(old: str, new: str, cls: type) -> type:
    """A class that was asked for under its old name; the first time, it is said what it is called now.

    Args:
        old, new: the names, as users write them.
        cls: the class.
    """
    if old not in _TOLD:
        _TOLD.add(old)
        _LOG.warning("tf.%s is an old name; use tf.%s", old, new)
    return cls


initialize_all_variables = renamed(
    "initialize_all_variables",
    "global_variables_initializer",
    variable_functions.global_variables_initializer,
)
initialize_local_variables = renamed(
    "initialize_local_variables",
    "local_variables_initializer",
    variable_functions.local_variables_initializer,
)
initialize_variables = renamed(
    "initialize_variables", "variables_initializer", variable_functions.variables_initializer
)
all_variables = renamed("all_variables", "global_variables", variable_functions.global_variables)
mul = renamed("mul", "multiply", elementwise.multiply)
sub = renamed("sub", "subtract", elementwise.subtract)
neg = renamed("neg", "negative", elementwise.negative)
pack = renamed("pack", "stack", array.stack)
unpack = renamed("unpack", "unstack", array.unstack)
merge_summary = renamed("merge_summary", "summary.merge", summaries.merge)
merge_all_summaries = renamed("merge_all_summaries", "summary.merge_all", summaries.merge_all)


def _tagged(function: Callable[..., Any]) -> Callable[..., Any]:
    """The old summary functions called their first argument `tags` or `tag`."""

    def call(tag: Any, values: Any, *args: Any, **keywords: Any) -> Any:
        return function(tag, values, *args, **keywords)

    call.__doc__ = function.__doc__
    return call


scalar_summary = renamed("scalar_summary", "summary.scalar", _tagged(summaries.scalar))
histogram_summary = renamed("histogram_summary", "summary.histogram", _tagged(summaries.histogram))
image_summary = renamed("image_summary", "summary.image", _tagged(summaries.image))
audio_summary = renamed("audio_summary", "summary.audio", _tagged(summaries.audio))
