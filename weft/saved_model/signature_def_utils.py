"""Signatures: which tensors of a graph are a model's inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..graph.default_graph import get_default_graph
from ..graph.elements import Tensor
from ..graph.protos import protos
from ..graph.sparse_tensor import SparseTensor
from ..graph.tensor_proto import shape_to_proto
from . import signature_constants as names

__all__ = [
    "build_signature_def",
    "build_tensor_info",
    "classification_signature_def",
    "get_tensor_from_tensor_info",
    "is_valid_signature",
    "predict_signature_def",
    "regression_signature_def",
]


def build_tensor_info(tensor: Any) -> Any:
    """A `TensorInfo` message: name, type and shape of a tensor.

    Args:
        tensor: a tensor, sparse tensor or variable.
    """
    info = protos().TensorInfo()
    if isinstance(tensor, SparseTensor):
        info.coo_sparse.values_tensor_name = tensor.values.name
        info.coo_sparse.indices_tensor_name = tensor.indices.name
        info.coo_sparse.dense_shape_tensor_name = tensor.dense_shape.name
    else:
        if not isinstance(tensor, Tensor):
            tensor = get_default_graph().as_graph_element(tensor, allow_operation=False)
        info.name = tensor.name
    info.dtype = tensor.dtype.as_datatype_enum
    info.tensor_shape.CopyFrom(shape_to_proto(tensor.shape))
    return info


def get_tensor_from_tensor_info(tensor_info: Any, graph: Any = None, import_scope: str | None = None) -> Any:
    """The tensor of a graph that a `TensorInfo` message names.

    Args:
        tensor_info: the message.
        graph: the graph; the default graph by default.
        import_scope: name scope under which the graph was imported.

    Raises:
        KeyError: there is no such tensor.
        ValueError: the message names none.
    """
    graph = get_default_graph() if graph is None else graph

    def find(name: str) -> Any:
        return graph.as_graph_element(
            f"{import_scope}/{name}" if import_scope else name, allow_operation=False
        )

    kind = tensor_info.WhichOneof("encoding")
    if kind == "name":
        return find(tensor_info.name)
    if kind == "coo_sparse":
        parts = tensor_info.coo_sparse
        return SparseTensor(
            find(parts.indices_tensor_name),
            find(parts.values_tensor_name),
            find(parts.dense_shape_tensor_name),
        )
    raise ValueError(f"The TensorInfo names no tensor: {tensor_info}")


def build_signature_def(
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    method_name: str | None = None,
    **others: Any,
) -> Any:
    """A `SignatureDef` message.

    Args:
        inputs, outputs: from names to `TensorInfo` messages.
        method_name: what the signature is for, as `signature_constants` says.
        **others: accepted for TensorFlow's sake.
    """
    del others
    made = protos().SignatureDef(method_name=method_name or "")
    for target, given in ((made.inputs, inputs), (made.outputs, outputs)):
        for name, info in (given or {}).items():
            target[name].CopyFrom(info)
    return made


def predict_signature_def(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Any:
    """The signature of a model that predicts.

    Args:
        inputs, outputs: from names to tensors.

    Raises:
        ValueError: there are none.
    """
    if not inputs or not outputs:
        raise ValueError("A signature needs inputs and outputs.")
    infos = [{n: build_tensor_info(t) for n, t in part.items()} for part in (inputs, outputs)]
    return build_signature_def(*infos, names.PREDICT_METHOD_NAME)


def classification_signature_def(examples: Any, classes: Any, scores: Any) -> Any:
    """The signature of a model that sorts examples into classes.

    Args:
        examples: string tensor of serialized examples.
        classes: string tensor of the classes' names, or None.
        scores: float32 tensor of the classes' scores, or None.

    Raises:
        ValueError: there are neither classes nor scores, or they are of another type.
    """
    if classes is None and scores is None:
        raise ValueError("A classification needs classes or scores.")
    outputs = {}
    if classes is not None:
        _of_type(classes, "string", "classes")
        outputs[names.CLASSIFY_OUTPUT_CLASSES] = build_tensor_info(classes)
    if scores is not None:
        _of_type(scores, "float32", "scores")
        outputs[names.CLASSIFY_OUTPUT_SCORES] = build_tensor_info(scores)
    _of_type(examples, "string", "examples")
    inputs = {names.CLASSIFY_INPUTS: build_tensor_info(examples)}
    return build_signature_def(inputs, outputs, names.CLASSIFY_METHOD_NAME)


def regression_signature_def(examples: Any, predictions: Any) -> Any:
    """The signature of a model that gives a number for each example.

    Args:
        examples: string tensor of serialized examples.
        predictions: float32 tensor.

    Raises:
        ValueError: they are of another type.
    """
    _of_type(examples, "string", "examples")
    _of_type(predictions, "float32", "predictions")
    return build_signature_def(
        {names.REGRESS_INPUTS: build_tensor_info(examples)},
        {names.REGRESS_OUTPUTS: build_tensor_info(predictions)},
        names.REGRESS_METHOD_NAME,
    )


def _of_type(tensor: Any, kind: str, what: str) -> None:
    if tensor.dtype.name != kind:
        raise ValueError(f"The {what} of a signature must be {kind}, got {tensor.dtype.name}.")


def is_valid_signature(signature_def: Any) -> bool:
    """Whether a signature is one of the three kinds, complete.

    Args:
        signature_def: a `SignatureDef` message, or None.
    """
    if signature_def is None or not signature_def.inputs or not signature_def.outputs:
        return False
    allowed = {
        names.PREDICT_METHOD_NAME: None,
        names.REGRESS_METHOD_NAME: {names.REGRESS_OUTPUTS},
        names.CLASSIFY_METHOD_NAME: {names.CLASSIFY_OUTPUT_CLASSES, names.CLASSIFY_OUTPUT_SCORES},
    }
    if signature_def.method_name not in allowed:
        return False
    wanted = allowed[signature_def.method_name]
    return wanted is None or (
        set(signature_def.outputs) <= wanted and set(signature_def.inputs) == {"inputs"}
    )
