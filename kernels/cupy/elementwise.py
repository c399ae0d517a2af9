"""Elementwise nodes as the source of one CUDA kernel, in the C++ that `cupy.ElementwiseKernel` takes.

The expressions are plain C++ as well, so they can be compiled and tried without a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph.dtypes import DType
from ..segment import SegmentNode

__all__ = ["FusedSource", "fusable", "fused_source"]

_C_TYPES = {"float32": "float", "float64": "double", "int32": "int", "int64": "long long", "bool": "bool"}
_FLOATS = ("float32", "float64")
_NUMBERS = (*_FLOATS, "int32", "int64")
_ALL = (*_NUMBERS, "bool")

_FLOAT_OPS = {
    "RealDiv": "({0} / {1})",
    "Div": "({0} / {1})",
    "Sqrt": "sqrt({0})",
    "Rsqrt": "(T(1) / sqrt({0}))",
    "Exp": "exp({0})",
    "Expm1": "expm1({0})",
    "Log": "log({0})",
    "Log1p": "log1p({0})",
    "Sin": "sin({0})",
    "Cos": "cos({0})",
    "Tanh": "tanh({0})",
    "Floor": "floor({0})",
    "Ceil": "ceil({0})",
    "Reciprocal": "(T(1) / {0})",
    "Sigmoid": "(T(1) / (T(1) + exp(-{0})))",
    "Abs": "fabs({0})",
    "Pow": "pow({0}, {1})",
    "TanhGrad": "({1} * (T(1) - {0} * {0}))",
    "SigmoidGrad": "({1} * {0} * (T(1) - {0}))",
    "SqrtGrad": "({1} * T(0.5) / {0})",
    "RsqrtGrad": "({1} * T(-0.5) * {0} * {0} * {0})",
    "Softplus": "(({0} > T(0) ? {0} : T(0)) + log1p(exp(-fabs({0}))))",
    "Elu": "({0} < T(0) ? expm1({0}) : {0})",
}
_NUMBER_OPS = {
    "Add": "({0} + {1})",
    "AddV2": "({0} + {1})",
    "Sub": "({0} - {1})",
    "Mul": "({0} * {1})",
    "Neg": "(-{0})",
    "Square": "({0} * {0})",
    "SquaredDifference": "(({0} - {1}) * ({0} - {1}))",
    "BiasAdd": "({0} + {1})",
    "Maximum": "(({0} != {0} || {0} > {1}) ? {0} : {1})",
    "Minimum": "(({0} != {0} || {0} < {1}) ? {0} : {1})",
    "Relu": "(({0} != {0} || {0} > T(0)) ? {0} : T(0))",
    "ReluGrad": "({1} > T(0) ? {0} : T(0))",
    "Relu6": "({0} != {0} ? {0} : ({0} > T(0) ? ({0} < T(6) ? {0} : T(6)) : T(0)))",
    "AssignAddVariableOp": "({0} + {1})",
    "AssignSubVariableOp": "({0} - {1})",
    "ResourceApplyGradientDescent": "({0} - {1} * {2})",
}
_COMPARISONS = {
    "Less": "({0} < {1})",
    "LessEqual": "({0} <= {1})",
    "Greater": "({0} > {1})",
    "GreaterEqual": "({0} >= {1})",
    "Equal": "({0} == {1})",
    "NotEqual": "({0} != {1})",
}
_BOOL_OPS = {
    "LogicalAnd": "({0} && {1})",
    "LogicalOr": "({0} || {1})",
    "LogicalNot": "(!{0})",
}
_PASSING = ("Identity", "StopGradient", "PreventGradient")


def _expression(row: SegmentNode) -> str | None:
    """The node's expression over `{0}`, `{1}` ... and its element type `T`, or None where it has none."""
    op, out = row.node.op, _result_type(row).name
    types = [t.name for t in row.in_types]
    if out not in _C_TYPES or any(t not in _C_TYPES for t in types):
        return None
    if op in _PASSING:
        return "{0}"
    if op == "Cast":
        return None if row.node.attrs.get("Truncate") else "(T)({0})"
    if op == "SelectV2":
        return "({0} ? {1} : {2})"
    if op in _COMPARISONS and all(t in _NUMBERS for t in types):
        return _COMPARISONS[op]
    if op in _BOOL_OPS:
        return _BOOL_OPS[op]
    if op == "AddN" and out in _NUMBERS:
        return "(" + " + ".join(f"{{{i}}}" for i in range(len(types))) + ")"
    if op in _FLOAT_OPS and out in _FLOATS:
        return _FLOAT_OPS[op]
    return _NUMBER_OPS.get(op) if out in _NUMBERS else None


def _result_type(row: SegmentNode) -> DType:
    """Element type of the one result: an output's, or that of the variable that is written."""
    return row.node.types[0] if row.node.types else row.in_types[0]


def fusable(row: SegmentNode) -> bool:
    """Whether the node can be part of a generated kernel."""
    if len(row.outs) != 1 or row.outs[0] is None or None in row.args or not row.args:
        return False
    if row.node.op == "BiasAdd" and row.node.attrs["data_format"] != "NHWC":
        return False
    if row.node.op in ("Equal", "NotEqual") and not row.node.attrs.get("incompatible_shape_error", True):
        return False
    return _expression(row) is not None


@dataclass(frozen=True)
class FusedSource:
    """A kernel, as `cupy.ElementwiseKernel` takes it.

    Attributes:
        in_params, out_params: declarations of the parameters, `float32 x0, float32 x1`.
        body: the statements.
        args: slots of the inputs that are arrays; known scalars are part of the text.
    """

    in_params: str
    out_params: str
    body: str
    args: tuple[int, ...]


def fused_source(rows: Sequence[SegmentNode], constants: Mapping[int, Any]) -> FusedSource:
    """One kernel for nodes of which each, but the last, only feeds later ones.

    Args:
        rows: the nodes, in order.
        constants: values of slots that are known; scalars among them are written into the text.
    """
    names: dict[int, str] = {}
    params: list[tuple[int, str]] = []
    lines: list[str] = []
    for index, row in enumerate(rows):
        given = []
        for slot, dtype in zip(row.args, row.in_types, strict=True):
            assert slot is not None
            if slot not in names:
                if slot in constants and np.ndim(constants[slot]) == 0:
                    names[slot] = _literal(constants[slot], dtype)
                else:
                    names[slot] = f"x{len(params)}"
                    params.append((slot, f"{dtype.name} x{len(params)}"))
            given.append(names[slot])
        ctype = _C_TYPES[_result_type(row).name]
        text = _expression(row)
        assert text is not None
        text = text.format(*given).replace("T(", f"{ctype}(").replace("(T)", f"({ctype})")
        (out,) = row.outs
        assert out is not None
        last = index == len(rows) - 1
        names[out] = "y" if last else f"t{index}"
        # `long long(0)` is no C++: types of two words are cast the other way.
        text = text.replace("long long(", "(long long)(")
        lines.append(f"y = {text};" if last else f"const {ctype} t{index} = {text};")
    result = _result_type(rows[-1]).name
    return FusedSource(
        ", ".join(p for _, p in params), f"{result} y", "\n".join(lines), tuple(s for s, _ in params)
    )


def _literal(value: Any, dtype: DType) -> str:
    """A scalar as a C++ expression of exactly its value and type."""
    ctype = _C_TYPES[dtype.name]
    number = np.asarray(value).item()
    if dtype.is_bool:
        return "true" if number else "false"
    if dtype.is_integer:
        if number == -(2**63):
            return "(-9223372036854775807LL - 1)"
        return f"(({ctype}){number}{'LL' if dtype.size == 8 else ''})"
    if np.isnan(number):
        return f"(({ctype})(0.0 / 0.0))"
    if np.isinf(number):
        return f"(({ctype})({'-' if number < 0 else ''}1.0 / 0.0))"
    return f"(({ctype}){float(number)!r})"
