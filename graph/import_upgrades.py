"""Op types that newer ones have replaced, brought up to date when a GraphDef is imported.

An old op type is replaced only while it is not declared itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .attr_value import attr_to_proto
from .dtypes import as_dtype, float32, int32
from .opdef import find_op
from .records import Record

__all__ = ["newer", "upgrade"]

_HANDLES_V2 = (
    "FIFOQueue PaddingFIFOQueue PriorityQueue RandomShuffleQueue QueueClose QueueDequeue QueueDequeueMany "
    "QueueDequeueUpTo QueueEnqueue QueueEnqueueMany QueueIsClosed QueueSize "
    "FixedLengthRecordReader IdentityReader TFRecordReader TextLineReader WholeFileReader ReaderNumRecordsProduced "
    "ReaderNumWorkUnitsCompleted ReaderRead ReaderReadUpTo ReaderReset ReaderRestoreState ReaderSerializeState "
    "HashTable MutableHashTable MutableHashTableOfTensors MutableDenseHashTable InitializeTable "
    "InitializeTableFromTextFile LookupTableExport LookupTableFind LookupTableImport LookupTableInsert "
    "LookupTableSize Stack StackClose StackPop StackPush"
)
"""Ops on handles that were strings once and are resources now, under the same name with a V2 behind it."""

_ARRAYS_V3 = "Close Concat Gather Grad Read Scatter Size Split Write"

_RENAMED: dict[str, str] = {
    **{name: f"{name}V2" for name in _HANDLES_V2.split()},
    "TensorArrayV2": "TensorArrayV3",
    **{f"TensorArray{name}V2": f"TensorArray{name}V3" for name in _ARRAYS_V3.split()},
    **{
        f"BatchMatrix{n}": f"Matrix{n}"
        for n in ["BandPart", "Determinant", "Diag", "DiagPart", "Inverse", "SetDiag", "Solve"]
    },
    "BatchMatrixSolveLs": "MatrixSolveLs",
    "BatchMatrixTriangularSolve": "MatrixTriangularSolve",
    "BatchCholesky": "Cholesky",
    "BatchCholeskyGrad": "CholeskyGrad",
    "BatchSelfAdjointEigV2": "SelfAdjointEigV2",
    "BatchSvd": "Svd",
    **{f"Batch{way}FFT{n}": f"{way}FFT{n}" for way in ("", "I") for n in ("", "2D", "3D")},
    "ControlTrigger": "NoOp",
    "Inv": "Reciprocal",
    "InvGrad": "ReciprocalGrad",
    "PlaceholderV2": "Placeholder",
}
"""Op types that only changed their name."""


def newer(op: str) -> str:
    """The op type that has taken the place of an old one; others are given back."""
    if find_op(op) is not None:
        return op
    found = _RENAMED.get(op) or (_REBUILT[op][0] if op in _REBUILT else op)
    return op if find_op(found) is None else found


def upgrade(records: dict[str, Record]) -> None:
    """Brings old op types up to date, in place."""
    for record in list(records.values()):
        found = newer(record.op)
        if found == record.op:
            continue
        if record.op in _REBUILT:
            _REBUILT[record.op][1](record, records)
        record.op = found


def _constant(records: dict[str, Record], name: str, value: Any, user: Record) -> tuple[str, Any]:
    """A new constant beside a node."""
    while name in records:
        name += "_"
    array = np.asarray(value)
    made = records[name] = Record(name, "Const", device=user.device, place=user.place)
    made.attrs["value"] = attr_to_proto("tensor", array)
    made.attrs["dtype"] = attr_to_proto("type", as_dtype(array.dtype))
    return name, 0


def _concat(record: Record, _: dict[str, Record]) -> None:
    record.inputs = [*record.inputs[1:], *record.inputs[:1]]
    record.attrs["Tidx"] = attr_to_proto("type", int32)


def _top_k(record: Record, records: dict[str, Record]) -> None:
    given = record.attrs.pop("k", None)
    k = np.int32(min(max(given.i if given is not None else 0, -1), 2**31 - 1))
    record.inputs.append(_constant(records, f"{record.name}/k", k, record))


def _batch_norm(record: Record, records: dict[str, Record]) -> None:
    """(x - mean) / sqrt(variance + epsilon), scaled or not, plus beta: as inference always was."""
    if len(record.inputs) != 5:
        return
    x, mean, variance, beta, gamma = record.inputs
    scaled = record.attrs.pop("scale_after_normalization", None)
    if scaled is not None and not scaled.b:
        name = f"{record.name}/ones"
        while name in records:
            name += "_"
        made = records[name] = Record(name, "OnesLike", [gamma], device=record.device, place=record.place)
        if "T" in record.attrs:
            made.attrs["T"] = record.attrs["T"]
        gamma = (name, 0)
    record.inputs = [x, gamma, beta, mean, variance]
    epsilon = record.attrs.pop("variance_epsilon", None)
    if epsilon is not None:
        record.attrs["epsilon"] = epsilon
    record.attrs["is_training"] = attr_to_proto("bool", False)
    record.attrs["U"] = attr_to_proto("type", float32)


_REBUILT: dict[str, tuple[str, Callable[[Record, dict[str, Record]], None]]] = {
    "BatchNormWithGlobalNormalization": ("FusedBatchNormV3", _batch_norm),
    "Concat": ("ConcatV2", _concat),
    "TopK": ("TopKV2", _top_k),
}
"""Op types whose inputs or attributes changed: the new one, and what changes a node."""
