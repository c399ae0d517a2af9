"""TensorFlow's protocol buffer messages under the names that programs use, such as `tf.GraphDef`.

They come from the `tensorboard` package when one is first asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

_PLACES = {
    "AttrValue": "attr_value",
    "ClusterDef": "cluster",
    "Event": "event",
    "GraphDef": "graph",
    "GraphOptions": "config",
    "HistogramProto": "summary",
    "JobDef": "cluster",
    "LogMessage": "event",
    "MetaGraphDef": "meta_graph",
    "NameAttrList": "attr_value",
    "NodeDef": "node_def",
    "OptimizerOptions": "config",
    "SaverDef": "saver",
    "SessionLog": "event",
    "Summary": "summary",
    "SummaryDescription": "summary",
    "SummaryMetadata": "summary",
    "TaggedRunMetadata": "event",
    "TensorInfo": "meta_graph",
    "TensorProto": "tensor",
}
"""For each message the file of `tensorboard.compat.proto` that has it."""

__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"tensorboard.compat.proto.{_PLACES[name]}_pb2"), name)
