"""Summaries for TensorBoard: ops that make them, and a writer of event files."""

from __future__ import annotations

from typing import Any

from .ops import audio, histogram, image, merge, merge_all, scalar, tensor_summary, text
from .writer import FileWriter, FileWriterCache

__all__ = [
    "FileWriter",
    "FileWriterCache",
    "audio",
    "histogram",
    "image",
    "initialize",
    "merge",
    "merge_all",
    "scalar",
    "tensor_summary",
    "text",
]

_MESSAGES = ("Event", "SessionLog", "Summary", "SummaryDescription", "TaggedRunMetadata")


def __getattr__(name: str) -> Any:
    """Message classes, imported when they are first needed."""
    if name in _MESSAGES:
        from .. import messages

        return getattr(messages, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def initialize(graph: Any = None, session: Any = None) -> None:
    """Accepted for TensorFlow's sake: writers here need no initialization.

    Args:
        graph, session: not used.
    """
    del graph, session
