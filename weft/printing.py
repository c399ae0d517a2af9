"""`tf.print`: tensors written as a step passes them."""

from __future__ import annotations

import sys
from typing import Any

from .graph.default_graph import name_scope
from .graph.elements import Operation, Tensor
from .graph.ops.checks import PrintV2
from .graph.sparse_tensor import SparseTensor
from .string_ops import string_format
from .variables import Variable

__all__ = ["print"]

_STREAMS = {sys.stdout: "stdout", sys.stderr: "stderr"}


def print(*inputs: Any, **kwargs: Any) -> Operation:
    """Writes tensors and other values where the op runs.

    Args:
        *inputs: tensors, variables, lists and dicts of these, or anything that can be made text.
        **kwargs: `output_stream` ("stderr", "stdout", "log(info)", "file://path" or the streams of `sys`),
            `summarize` (elements written from each end of a dimension; 3, -1 for all), `sep` (" "), `end` ("\\n"),
            `name`.

    Returns:
        The operation; it must be run, or be a control dependency of what is.

    Source:
        TensorFlow `PrintV2`.
    """
    stream = kwargs.pop("output_stream", "stderr")
    summarize, end = kwargs.pop("summarize", 3), kwargs.pop("end", "\n")
    sep, name = kwargs.pop("sep", " "), kwargs.pop("name", None)
    if kwargs:
        raise TypeError(f"tf.print has no argument {next(iter(kwargs))!r}.")
    tensors: list[Any] = []
    with name_scope(name, "print"):
        texts = [_template(value, tensors) for value in inputs]
        if texts == [_MARK] and tensors[0].dtype.name == "string" and tensors[0].shape.rank == 0:
            text = tensors[0]
        else:
            text = string_format(sep.join(texts), tensors, placeholder=_MARK, summarize=summarize)
        made: Operation = PrintV2(
            text, output_stream=stream if isinstance(stream, str) else _STREAMS.get(stream, "stderr"), end=end
        )
    return made


_MARK = "\x00{}"
"""What stands in the template for a tensor; no text of a user's holds it."""


def _template(value: Any, tensors: list[Any]) -> str:
    """The text of a value, with marks where tensors belong; those are added to `tensors`."""
    if isinstance(value, (Tensor, Variable)):
        tensors.append(value)
        return _MARK
    if isinstance(value, SparseTensor):
        tensors.extend([value.indices, value.values, value.dense_shape])
        return f"SparseTensor(indices={_MARK}, values={_MARK}, shape={_MARK})"
    if isinstance(value, dict):
        rows = (f"{k!r}: {_template(v, tensors)}" for k, v in value.items())
        return "{" + ", ".join(rows) + "}"
    if isinstance(value, (list, tuple)):
        row = ", ".join(_template(v, tensors) for v in value)
        return f"[{row}]" if isinstance(value, list) else f"({row})"
    return str(value)
