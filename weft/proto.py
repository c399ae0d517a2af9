"""Variables as VariableDef messages, TensorFlow's format, and back."""

from __future__ import annotations

from typing import Any

from .graph.elements import Operation, Tensor
from .graph.graph_keys import GraphKeys
from .graph.meta_graph import register_proto_function, strip_name_scope
from .graph.protos import protos

__all__ = ["behind_read", "behind_write", "variable_def"]


def variable_def(variable: Any, export_scope: str | None = None) -> Any | None:
    """A variable as a VariableDef message, or None where it is not under `export_scope`.

    Args:
        variable: the variable.
        export_scope: name scope to leave out of the names.
    """
    if export_scope and not variable.name.startswith(export_scope.rstrip("/") + "/"):
        return None

    def name(element: Tensor | Operation) -> str:
        return strip_name_scope(element.name, export_scope)

    found = protos().VariableDef(
        variable_name=name(variable.handle),
        initializer_name=name(variable.initializer),
        snapshot_name=name(variable._as_graph_element()),
        is_resource=True,
        trainable=variable.trainable,
        synchronization=getattr(variable.synchronization, "value", 0),
        aggregation=getattr(variable.aggregation, "value", 0),
    )
    if variable.initial_value is not None:
        found.initial_value_name = name(variable.initial_value)
    info = variable._get_save_slice_info()
    if info is not None:
        part = found.save_slice_info_def
        part.full_name = info.full_name
        part.full_shape.extend(info.full_shape)
        part.var_offset.extend(info.var_offset)
        part.var_shape.extend(info.var_shape)
    return found


def behind_read(tensor: Tensor) -> Tensor:
    """The handle of a variable that a VariableDef names by its handle or, as old ones do, by its value."""
    return tensor.op.inputs[0] if tensor.op.type == "ReadVariableOp" else tensor


def behind_write(op: Operation) -> Operation:
    """The operation that sets a variable, where what an old VariableDef names is the read behind it."""
    return op.control_inputs[0] if op.type == "ReadVariableOp" and op.control_inputs else op


def _to_proto(variable: Any, export_scope: str | None = None) -> Any:
    return variable.to_proto(export_scope=export_scope)


def _from_proto(message: Any, import_scope: str | None = None) -> Any:
    from .variables import Variable

    return Variable.from_proto(message, import_scope=import_scope)


for _key in (
    GraphKeys.GLOBAL_VARIABLES,
    GraphKeys.LOCAL_VARIABLES,
    GraphKeys.MODEL_VARIABLES,
    GraphKeys.METRIC_VARIABLES,
    GraphKeys.TRAINABLE_VARIABLES,
    GraphKeys.MOVING_AVERAGE_VARIABLES,
    GraphKeys.GLOBAL_STEP,
):
    register_proto_function(_key, lambda: protos().VariableDef, _to_proto, _from_proto)
