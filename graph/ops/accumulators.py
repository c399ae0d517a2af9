"""Accumulators: gradients of several workers that add up on a device until there are enough of them."""

from __future__ import annotations

from collections.abc import Sequence

from ..infer import InferContext, free, moves
from ..opdef import EFFECT, NoGradient, OpDecl, declare
from ..shapes import TensorShape

__all__ = [
    "AccumulatorNumAccumulated",
    "AccumulatorSetGlobalStep",
    "ResourceAccumulatorApplyGradient",
    "ResourceAccumulatorNumAccumulated",
    "ResourceAccumulatorSetGlobalStep",
    "ResourceAccumulatorTakeGradient",
    "ResourceConditionalAccumulator",
    "SparseAccumulatorApplyGradient",
    "SparseAccumulatorTakeGradient",
    "SparseConditionalAccumulator",
]

_NO_GRADIENT = NoGradient("what an accumulator gives went in in other steps")
_SCALAR = TensorShape([])
_TYPE = "dtype: numbertype"


def _accumulator(name: str, doc: str) -> OpDecl:
    return declare(
        name,
        inputs="",
        outputs="handle: resource",
        attrs=(
            _TYPE,
            "shape: shape",
            "container: string = ''",
            "shared_name: string = ''",
            "reduction_type: {'MEAN', 'SUM'} = 'MEAN'",
        ),
        infer=lambda c: [_SCALAR],
        gradient=_NO_GRADIENT,
        cost=free,
        state=EFFECT,
        samples=list,
        doc=doc,
    )


ResourceConditionalAccumulator = _accumulator(
    "ResourceConditionalAccumulator", "Gradients of one variable that add up."
)
SparseConditionalAccumulator = _accumulator(
    "SparseConditionalAccumulator", "Sparse gradients of one variable that add up."
)


def _apply(c: InferContext) -> Sequence[TensorShape]:
    c.rank("handle", 0)
    c.rank("local_step", 0)
    return []


def _set_step(c: InferContext) -> Sequence[TensorShape]:
    c.rank("handle", 0)
    c.rank("new_global_step", 0)
    return []


def _take(c: InferContext) -> Sequence[TensorShape]:
    c.rank("handle", 0)
    c.rank("num_required", 0)
    return [TensorShape(None)]


def _take_sparse(c: InferContext) -> Sequence[TensorShape]:
    _take(c)
    return [TensorShape([None]), TensorShape(None), TensorShape([None])]


def _effect(name: str, inputs: str, outputs: str, attrs: tuple[str, ...], infer: object, doc: str) -> OpDecl:
    return declare(
        name,
        inputs=inputs,
        outputs=outputs,
        attrs=attrs,
        infer=infer,  # type: ignore[arg-type]
        gradient=_NO_GRADIENT,
        cost=moves,
        state=EFFECT,
        samples=list,
        doc=doc,
    )


ResourceAccumulatorApplyGradient = _effect(
    "ResourceAccumulatorApplyGradient",
    "handle: resource, local_step: int64, gradient: dtype",
    "",
    (_TYPE,),
    _apply,
    "Adds a gradient, unless it was computed for an earlier step than the accumulator's.",
)
ResourceAccumulatorTakeGradient = _effect(
    "ResourceAccumulatorTakeGradient",
    "handle: resource, num_required: int32",
    "average: dtype",
    (_TYPE,),
    _take,
    "Waits for so many gradients and takes their mean (or sum) out; the accumulator's step goes up by one.",
)
ResourceAccumulatorSetGlobalStep = _effect(
    "ResourceAccumulatorSetGlobalStep",
    "handle: resource, new_global_step: int64",
    "",
    (),
    _set_step,
    "Sets the step below which gradients are dropped.",
)
ResourceAccumulatorNumAccumulated = _effect(
    "ResourceAccumulatorNumAccumulated",
    "handle: resource",
    "num_accumulated: int32",
    (),
    lambda c: [_SCALAR],
    "How many gradients are in it.",
)
SparseAccumulatorApplyGradient = _effect(
    "SparseAccumulatorApplyGradient",
    "handle: resource, local_step: int64, gradient_indices: int64, gradient_values: dtype, gradient_shape: int64",
    "",
    (_TYPE, "has_known_shape: bool"),
    _apply,
    "Adds a sparse gradient, unless it was computed for an earlier step than the accumulator's.",
)
SparseAccumulatorTakeGradient = _effect(
    "SparseAccumulatorTakeGradient",
    "handle: resource, num_required: int32",
    "indices: int64, values: dtype, shape: int64",
    (_TYPE,),
    _take_sparse,
    "Waits for so many sparse gradients and takes their mean (or sum) out; the accumulator's step goes up by one.",
)
AccumulatorSetGlobalStep = _effect(
    "AccumulatorSetGlobalStep",
    "handle: resource, new_global_step: int64",
    "",
    (),
    _set_step,
    "Sets the step below which gradients of a sparse accumulator are dropped.",
)
AccumulatorNumAccumulated = _effect(
    "AccumulatorNumAccumulated",
    "handle: resource",
    "num_accumulated: int32",
    (),
    lambda c: [_SCALAR],
    "How many gradients are in a sparse accumulator.",
)
