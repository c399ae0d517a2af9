"""Build graphs of tensor operations and run them across the devices of a Ray cluster.

This module is the public interface: TensorFlow 1's names, so that `import weft as tf` is the only line of a
program that changes. What is not listed here is private.
"""

from __future__ import annotations

from .framework import (
    add_to_collection,
    add_to_collections,
    colocate_with,
    control_dependencies,
    convert_to_tensor,
    convert_to_tensor_or_indexed_slices,
    get_collection,
    get_collection_ref,
    get_default_session,
    import_graph_def,
    is_tensor,
    op_scope,
    placeholder,
    placeholder_with_default,
)
from .graph import errors
from .graph.convert import constant, register_tensor_conversion_function
from .graph.device_spec import DeviceSpec
from .graph.dimension import Dimension, dimension_value
from .graph.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    bool,
    complex64,
    complex128,
    double,
    float16,
    float32,
    float64,
    half,
    int8,
    int16,
    int32,
    int64,
    resource,
    string,
    uint8,
    uint16,
    uint32,
    uint64,
    variant,
)
from .graph.errors import OpError
from .graph.gradients import AggregationMethod, UnconnectedGradients, gradients
from .graph.graph import (
    Graph,
    GraphKeys,
    Operation,
    Tensor,
    device,
    get_default_graph,
    name_scope,
    reset_default_graph,
)
from .graph.indexed_slices import IndexedSlices
from .graph.shapes import TensorShape

__version__ = "0.1.0"
VERSION = __version__

__all__ = [
    "VERSION",
    "AggregationMethod",
    "DType",
    "DeviceSpec",
    "Dimension",
    "Graph",
    "GraphKeys",
    "IndexedSlices",
    "OpError",
    "Operation",
    "Tensor",
    "TensorShape",
    "UnconnectedGradients",
    "add_to_collection",
    "add_to_collections",
    "as_dtype",
    "bfloat16",
    "bool",
    "colocate_with",
    "complex64",
    "complex128",
    "constant",
    "control_dependencies",
    "convert_to_tensor",
    "convert_to_tensor_or_indexed_slices",
    "device",
    "dimension_value",
    "double",
    "errors",
    "float16",
    "float32",
    "float64",
    "get_collection",
    "get_collection_ref",
    "get_default_graph",
    "get_default_session",
    "gradients",
    "half",
    "import_graph_def",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_tensor",
    "name_scope",
    "op_scope",
    "placeholder",
    "placeholder_with_default",
    "register_tensor_conversion_function",
    "reset_default_graph",
    "resource",
    "string",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "variant",
]
