"""Files and checkpoints."""

from __future__ import annotations

from collections.abc import Sequence

from ..infer import CostContext, InferContext, free, moves
from ..opdef import EFFECT, PURE, Cost, NoGradient, declare
from ..samples import sample
from ..shapes import TensorShape

__all__ = [
    "MatchingFiles",
    "MergeV2Checkpoints",
    "ReadFile",
    "RestoreV2",
    "SaveV2",
    "ShardedFilename",
    "ShardedFilespec",
    "WriteFile",
]

_FILES = NoGradient("it deals with files")
_SCALAR = TensorShape([])


def _name_lists(c: InferContext) -> int | None:
    """Number of tensors of a checkpoint op, by its lists of names and slices."""
    c.rank("prefix", 0)
    names, slices = c.rank("tensor_names", 1), c.rank("shape_and_slices", 1)
    return c.merge(names, slices, "tensor_names and shape_and_slices must be of one length")[0]


def _save_shape(c: InferContext) -> Sequence[TensorShape]:
    number = _name_lists(c)
    if number is not None and number != len(c.attr("dtypes")):
        c.fail(f"{number} names are given for {len(c.attr('dtypes'))} tensors")
    return []


SaveV2 = declare(
    "SaveV2",
    inputs="prefix: string, tensor_names: string, shape_and_slices: string, tensors: dtypes",
    outputs="",
    attrs="dtypes: list(type) >= 1",
    infer=_save_shape,
    gradient=_FILES,
    cost=moves,
    state=EFFECT,
    samples=list,
    doc="Writes tensors to a checkpoint.",
)


def _restore_shape(c: InferContext) -> Sequence[TensorShape]:
    number = _name_lists(c)
    if number is not None and number != len(c.attr("dtypes")):
        c.fail(f"{number} names are given for {len(c.attr('dtypes'))} types")
    known = c.attrs.get("_expected_shapes")
    if known is not None:
        return [TensorShape([int(d) for d in text.split(",") if d]) for text in known]
    return [TensorShape(None) for _ in c.attr("dtypes")]


RestoreV2 = declare(
    "RestoreV2",
    inputs="prefix: string, tensor_names: string, shape_and_slices: string",
    outputs="tensors: dtypes",
    attrs="dtypes: list(type) >= 1",
    infer=_restore_shape,
    gradient=_FILES,
    cost=moves,
    state=EFFECT,
    samples=list,
    doc="Tensors from a checkpoint.",
)


def _merge_shape(c: InferContext) -> Sequence[TensorShape]:
    c.rank("checkpoint_prefixes", 1)
    c.rank("destination_prefix", 0)
    return []


MergeV2Checkpoints = declare(
    "MergeV2Checkpoints",
    inputs="checkpoint_prefixes: string, destination_prefix: string",
    outputs="",
    attrs=("delete_old_dirs: bool = true", "allow_missing_files: bool = false"),
    infer=_merge_shape,
    gradient=_FILES,
    cost=free,
    state=EFFECT,
    samples=list,
    doc="Makes one checkpoint of several.",
)


def _scalars(c: InferContext) -> Sequence[TensorShape]:
    for arg in c.decl.inputs:
        c.rank(arg.name, 0)
    return [_SCALAR]


ShardedFilename = declare(
    "ShardedFilename",
    inputs="basename: string, shard: int32, num_shards: int32",
    outputs="filename: string",
    attrs="",
    infer=_scalars,
    gradient=_FILES,
    cost=free,
    state=PURE,
    samples=lambda: [sample("model.ckpt", 1, 3)],
    doc="The name of one of several files: `base-00001-of-00003`.",
)

ShardedFilespec = declare(
    "ShardedFilespec",
    inputs="basename: string, num_shards: int32",
    outputs="filename: string",
    attrs="",
    infer=_scalars,
    gradient=_FILES,
    cost=free,
    state=PURE,
    samples=lambda: [sample("model.ckpt", 3)],
    doc="A pattern that fits the names of several files: `base-?????-of-00003`.",
)


def _read_cost(c: CostContext) -> Cost:
    return Cost(0.0, 1e5)


ReadFile = declare(
    "ReadFile",
    inputs="filename: string",
    outputs="contents: string",
    attrs="",
    infer=_scalars,
    gradient=_FILES,
    cost=_read_cost,
    state=EFFECT,
    samples=list,
    doc="The whole content of a file.",
)


def _write_shape(c: InferContext) -> Sequence[TensorShape]:
    c.rank("filename", 0)
    c.rank("contents", 0)
    return []


WriteFile = declare(
    "WriteFile",
    inputs="filename: string, contents: string",
    outputs="",
    attrs="",
    infer=_write_shape,
    gradient=_FILES,
    cost=_read_cost,
    state=EFFECT,
    samples=list,
    doc="Writes a file; folders are made, a file that is there is replaced.",
)


def _matching_shape(c: InferContext) -> Sequence[TensorShape]:
    if c.shape("pattern").rank not in (None, 0, 1):
        c.fail("pattern must be a scalar or a vector")
    return [TensorShape([None])]


MatchingFiles = declare(
    "MatchingFiles",
    inputs="pattern: string",
    outputs="filenames: string",
    attrs="",
    infer=_matching_shape,
    gradient=_FILES,
    cost=_read_cost,
    state=EFFECT,
    dynamic=True,
    samples=list,
    doc="The names of the files that fit a pattern, sorted.",
)
