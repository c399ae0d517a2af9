"""The message classes of training examples: `Example`, `Feature`, `SequenceExample` and their parts.

They are made from their description here when they are first needed, because no package that weft needs carries them.

Source:
    tensorflow/core/example/example.proto, feature.proto
"""

from __future__ import annotations

import functools
from typing import Any

__all__ = ["MESSAGES", "message_class"]

MESSAGES = (
    "BytesList",
    "Example",
    "Feature",
    "FeatureList",
    "FeatureLists",
    "Features",
    "FloatList",
    "Int64List",
    "SequenceExample",
)

_FIELDS: dict[str, tuple[tuple[int, str, str], ...]] = {
    "BytesList": ((1, "value", "repeated bytes"),),
    "FloatList": ((1, "value", "repeated float"),),
    "Int64List": ((1, "value", "repeated int64"),),
    "Feature": (
        (1, "bytes_list", "oneof BytesList"),
        (2, "float_list", "oneof FloatList"),
        (3, "int64_list", "oneof Int64List"),
    ),
    "Features": ((1, "feature", "map Feature"),),
    "FeatureList": ((1, "feature", "repeated Feature"),),
    "FeatureLists": ((1, "feature_list", "map FeatureList"),),
    "Example": ((1, "features", "Features"),),
    "SequenceExample": ((1, "context", "Features"), (2, "feature_lists", "FeatureLists")),
}
"""For each message its fields: number, name, kind."""


def message_class(name: str) -> Any:
    """The class of one of `MESSAGES`."""
    return _classes()[name]


@functools.cache
def _classes() -> dict[str, Any]:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="weft/example.proto", package="weft", syntax="proto3")
    for name, rows in _FIELDS.items():
        message = file.message_type.add(name=name)
        for number, field, kind in rows:
            _add_field(message, number, field, kind)
    pool = descriptor_pool.Default()
    pool.Add(file)
    return {n: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"weft.{n}")) for n in MESSAGES}


def _add_field(message: Any, number: int, name: str, kind: str) -> None:
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto

    mode, _, base = kind.rpartition(" ")
    row = message.field.add(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
    if mode in ("repeated", "map"):
        row.label = FieldDescriptorProto.LABEL_REPEATED
    if mode == "oneof":
        if not message.oneof_decl:
            message.oneof_decl.add(name="kind")
        row.oneof_index = 0
    if mode == "map":
        entry_name = "".join(part.capitalize() for part in name.split("_")) + "Entry"
        entry = message.nested_type.add(name=entry_name)
        entry.options.map_entry = True
        _add_field(entry, 1, "key", "string")
        _add_field(entry, 2, "value", base)
        base = f"{message.name}.{entry_name}"
    if base in ("bytes", "float", "int64", "string"):
        row.type = getattr(FieldDescriptorProto, f"TYPE_{base.upper()}")
    else:
        row.type, row.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".weft.{base}"
