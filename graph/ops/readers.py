"""Readers: take names of files out of a queue and give their records one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from ..infer import CostContext, InferContext, free
from ..opdef import EFFECT, Cost, NoGradient, OpDecl, declare
from ..shapes import TensorShape

__all__ = [
    "FixedLengthRecordReaderV2",
    "IdentityReaderV2",
    "ReaderNumRecordsProducedV2",
    "ReaderNumWorkUnitsCompletedV2",
    "ReaderReadUpToV2",
    "ReaderReadV2",
    "ReaderResetV2",
    "ReaderRestoreStateV2",
    "ReaderSerializeStateV2",
    "TFRecordReaderV2",
    "TextLineReaderV2",
    "WholeFileReaderV2",
]

_NO_GRADIENT = NoGradient("it reads files")
_SCALAR = TensorShape([])


def _reader(name: str, doc: str, *attrs: str) -> OpDecl:
    return declare(
        name,
        inputs="",
        outputs="reader_handle: resource",
        attrs=(*attrs, "container: string = ''", "shared_name: string = ''"),
        infer=lambda c: [_SCALAR],
        gradient=_NO_GRADIENT,
        cost=free,
        state=EFFECT,
        samples=list,
        doc=doc,
    )


WholeFileReaderV2 = _reader("WholeFileReaderV2", "A reader of whole files.")
TextLineReaderV2 = _reader("TextLineReaderV2", "A reader of lines of text.", "skip_header_lines: int = 0")
FixedLengthRecordReaderV2 = _reader(
    "FixedLengthRecordReaderV2",
    "A reader of records of one length.",
    "header_bytes: int = 0",
    "record_bytes: int",
    "footer_bytes: int = 0",
    "hop_bytes: int = 0",
    "encoding: string = ''",
)
TFRecordReaderV2 = _reader("TFRecordReaderV2", "A reader of TFRecord files.", "compression_type: string = ''")
IdentityReaderV2 = _reader("IdentityReaderV2", "A reader that gives the names themselves.")


def _read_cost(c: CostContext) -> Cost:
    return Cost(0.0, 1e5)


def _pair(c: InferContext) -> Sequence[TensorShape]:
    return [_SCALAR, _SCALAR]


def _many(c: InferContext) -> Sequence[TensorShape]:
    c.rank("num_records", 0)
    return [TensorShape([None]), TensorShape([None])]


ReaderReadV2 = declare(
    "ReaderReadV2",
    inputs="reader_handle: resource, queue_handle: resource",
    outputs="key: string, value: string",
    attrs="",
    infer=_pair,
    gradient=_NO_GRADIENT,
    cost=_read_cost,
    state=EFFECT,
    samples=list,
    doc="The next record, and where it is from.",
)

ReaderReadUpToV2 = declare(
    "ReaderReadUpToV2",
    inputs="reader_handle: resource, queue_handle: resource, num_records: int64",
    outputs="keys: string, values: string",
    attrs="",
    infer=_many,
    gradient=_NO_GRADIENT,
    cost=_read_cost,
    state=EFFECT,
    samples=list,
    doc="The next records, no more than asked for and all of one file.",
)


def _count(name: str, output: str, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="reader_handle: resource",
        outputs=f"{output}: int64",
        attrs="",
        infer=lambda c: [_SCALAR],
        gradient=_NO_GRADIENT,
        cost=free,
        state=EFFECT,
        samples=list,
        doc=doc,
    )


ReaderNumRecordsProducedV2 = _count(
    "ReaderNumRecordsProducedV2", "records_produced", "Number of records read so far."
)
ReaderNumWorkUnitsCompletedV2 = _count(
    "ReaderNumWorkUnitsCompletedV2", "units_completed", "Number of files read to their ends so far."
)

ReaderSerializeStateV2 = declare(
    "ReaderSerializeStateV2",
    inputs="reader_handle: resource",
    outputs="state: string",
    attrs="",
    infer=lambda c: [_SCALAR],
    gradient=_NO_GRADIENT,
    cost=free,
    state=EFFECT,
    samples=list,
    doc="Where a reader is, as a string.",
)


def _state_in(c: InferContext) -> Sequence[TensorShape]:
    c.rank("state", 0)
    return []


ReaderRestoreStateV2 = declare(
    "ReaderRestoreStateV2",
    inputs="reader_handle: resource, state: string",
    outputs="",
    attrs="",
    infer=_state_in,
    gradient=_NO_GRADIENT,
    cost=free,
    state=EFFECT,
    samples=list,
    doc="Puts a reader where another was.",
)

ReaderResetV2 = declare(
    "ReaderResetV2",
    inputs="reader_handle: resource",
    outputs="",
    attrs="",
    infer=lambda c: [],
    gradient=_NO_GRADIENT,
    cost=free,
    state=EFFECT,
    samples=list,
    doc="Puts a reader back to the beginning.",
)
