"""Einstein sums: products of tensors, summed over the labels that the result lacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..elements import Operation, Tensor
from ..infer import CostContext, InferContext
from ..opdef import PURE, Cost, declare
from ..samples import floats, ints, sample
from ..shapes import Dimension, TensorShape, broadcast_shapes
from .broadcasting import sum_to_shape
from .complex import conj

__all__ = ["Einsum", "split_equation"]


def split_equation(equation: str) -> tuple[list[str], str]:
    """Labels of each operand and of the result of `ab...,bc->a...c`; dots are kept as `...`.

    Raises:
        ValueError: there is no result, or the labels are not letters.
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    if not arrow:
        raise ValueError(f"equation {equation!r} must have a result: 'ij,jk->ik'")
    parts = left.split(",")
    for part in (*parts, right):
        bare = part.replace("...", "", 1)
        if not (bare == "" or (bare.isalpha() and bare.isascii())):
            raise ValueError(f"equation {equation!r}: {part!r} may have letters and one '...'")
    known = set("".join(parts))
    unknown = [label for label in right if label not in known]
    if unknown and "..." not in right:
        raise ValueError(f"equation {equation!r}: {unknown[0]!r} of the result is in no operand")
    return parts, right


def _named(labels: str) -> list[str]:
    return list(labels.replace("...", ""))


def _operand_dims(
    c: InferContext, labels: str, shape: TensorShape, sizes: dict[str, Dimension]
) -> TensorShape:
    """Enters an operand's sizes by label; gives the dimensions that its dots stand for."""
    names = _named(labels)
    if shape.rank is None:
        for label in names:
            sizes.setdefault(label, None)
        return TensorShape(None) if "..." in labels else TensorShape([])
    hidden = shape.rank - len(names)
    if hidden < 0 or (hidden and "..." not in labels):
        c.fail(f"{labels!r} of equation {c.attr('equation')!r} needs an operand of rank {len(names)}")
    before = labels.find("...") if "..." in labels else len(names)
    dims = shape.as_list()
    for label, dim in zip(names, dims[:before] + dims[before + hidden :], strict=True):
        seen = sizes.get(label)
        if None not in (seen, dim) and seen != dim:
            c.fail(f"label {label!r} of equation {c.attr('equation')!r} has sizes {seen} and {dim}")
        sizes[label] = dim if seen is None else seen
    return shape[before : before + hidden]


def _einsum_shape(c: InferContext) -> Sequence[TensorShape]:
    parts, right = split_equation(c.attr("equation"))
    if len(parts) != len(c.shapes):
        c.fail(f"equation {c.attr('equation')!r} has {len(parts)} operands")
    sizes: dict[str, Dimension] = {}
    hidden = [_operand_dims(c, labels, shape, sizes) for labels, shape in zip(parts, c.shapes, strict=True)]
    for label in _named(right):
        if label not in sizes:
            c.fail(f"label {label!r} of the result of {c.attr('equation')!r} is in no operand")
    dots = broadcast_shapes(*hidden)
    if "..." not in right:
        if dots.rank:
            c.fail(f"the result of equation {c.attr('equation')!r} must have dots, for an operand needs them")
        return [TensorShape([sizes[label] for label in right])]
    if dots.rank is None:
        return [TensorShape(None)]
    before, _, after = right.partition("...")
    dims = [sizes[label] for label in before]
    return [TensorShape([*dims, *dots, *(sizes[label] for label in after)])]


def _einsum_cost(c: CostContext) -> Cost:
    parts, _ = split_equation(c.attrs["equation"])
    sizes: dict[str, int] = {}
    hidden = 1
    for labels, shape in zip(parts, c.in_shapes, strict=True):
        names = _named(labels)
        before = labels.find("...") if "..." in labels else len(names)
        extra = len(shape) - len(names)
        sizes.update(zip(names, [*shape[:before], *shape[before + extra :]], strict=True))
        hidden = max(hidden, int(np.prod(shape[before : before + extra], dtype=np.int64)))
    work = float(np.prod([float(s) for s in sizes.values()], dtype=np.float64)) * hidden
    return Cost(2.0 * work, c.in_bytes + c.out_bytes)


def _dots_first(labels: str) -> str:
    return "..." + labels.replace("...", "") if "..." in labels else labels


def _einsum_grad(op: Operation, grad: Tensor) -> Any:
    parts, right = split_equation(op.attrs["equation"])
    if len(parts) > 2:
        raise LookupError(f"Einsum '{op.name}' has a gradient only for one or two operands")
    found = []
    for position, labels in enumerate(parts):
        others = [(parts[i], op.inputs[i]) for i in range(len(parts)) if i != position]
        found.append(_operand_grad(op.inputs[position], labels, right, grad, others))
    return found


def _operand_grad(
    x: Tensor, labels: str, right: str, grad: Tensor, others: list[tuple[str, Tensor]]
) -> Tensor:
    """The gradient for one operand: the equation with the operand and the result changing places.

    Labels that only this operand has are put back as ones and repeated; repeated labels become diagonals; the dots
    come first in between, where they can be summed to the operand's own.
    """
    distinct = "".join(dict.fromkeys(_named(labels)))
    reachable = set(right) | {label for other, _ in others for label in other}
    kept = "".join(label for label in distinct if label in reachable)
    has_dots = "..." in right or any("..." in other for other, _ in others)
    result = ("..." if has_dots else "") + kept
    given = ",".join([right, *(other for other, _ in others)])
    found = Einsum([grad, *(conj(t) for _, t in others)], equation=f"{given}->{result}")
    if has_dots and "..." not in labels:
        found = _without_dots(found, len(kept))
    summed_alone = [label for label in distinct if label not in reachable]
    whole = ("..." if "..." in labels else "") + distinct
    if summed_alone or (has_dots and "..." in labels) or (not has_dots and "..." in labels):
        found = _fitted(found, x, labels, whole, kept)
    if whole == labels:
        return found
    return Einsum([found], equation=f"{whole}->{labels}")


def _without_dots(found: Tensor, named: int) -> Tensor:
    """Sums over the leading dimensions that the operand does not have."""
    from .reduction import Sum

    if found.shape.rank is None:
        raise LookupError("the gradient of an Einsum with dots needs tensors of known rank")
    return Sum(found, list(range(found.shape.rank - named)))


def _fitted(found: Tensor, x: Tensor, labels: str, whole: str, kept: str) -> Tensor:
    """`found`, labelled `...kept`, in the shape of `x` labelled `whole`: some dimensions summed, some repeated."""
    from .array import BroadcastTo, ExpandDims, shape_of

    model = x if whole == labels else Einsum([x], equation=f"{labels}->{whole}")
    names = [label for label in whole if label != "."]
    for position, label in enumerate(names):
        if label not in kept:
            found = ExpandDims(found, position - len(names))
    found = sum_to_shape(found, model) if "..." in whole else found
    if found.shape.is_fully_defined() and found.shape == model.shape:
        return found
    return BroadcastTo(found, shape_of(model))


Einsum = declare(
    "Einsum",
    inputs="inputs: N * T",
    outputs="output: T",
    attrs=("equation: string", "N: int >= 1", "T: type"),
    infer=_einsum_shape,
    gradient=_einsum_grad,
    cost=_einsum_cost,
    state=PURE,
    samples=lambda: [
        sample([floats(2, 3), floats(3, 4, seed=1)], equation="ij,jk->ik"),
        sample([floats(2, 3, 4), floats(2, 4, 5, seed=1)], equation="bij,bjk->bik"),
        sample([floats(2, 3, 4), floats(4, 5, seed=1)], equation="...i,ij->...j"),
        sample([floats(2, 1, 3, 4), floats(5, 4, 2, seed=1)], equation="...ij,...jk->...ik"),
        sample([floats(2, 3), floats(4, seed=1)], equation="ij,k->jik"),
        sample([floats(2, 3, 4)], equation="ijk->ki"),
        sample([floats(3, 3)], equation="ii->i"),
        sample([floats(3, 3)], equation="ii->"),
        sample([floats(3)], equation="i->ii"),
        sample([floats(2, 3, 4), floats(3, 5, seed=1)], equation="aij,ik->ak"),
        sample([floats(2, 3, 3), floats(3, 2, seed=1)], equation="bii,ij->bj"),
        sample([floats(3, 2, 4), floats(2, 4, seed=1)], equation="i...,...->...i"),
        sample([floats(3, 2, 4), floats(3, seed=1)], equation="i...,i->..."),
        sample([floats(3, 2, 4), floats(4, 2, seed=1)], equation="i...j,jk->k...i"),
        sample([floats(3, 1, 4), floats(2, 4, seed=1)], equation="i...j,...j->i..."),
        sample([floats(3), floats(3, seed=1)], equation="i,i->"),
        sample([floats(3, 2), floats(4, 3, seed=1, dtype="float32")], equation="ji,kj->ik"),
        sample([ints(2, 3), ints(3, 2, seed=1)], equation="ij,jk->ik"),
        sample([floats(2, 3, dtype="float64"), floats(2, 3, seed=1, dtype="float64")], equation="ij,ij->j"),
        sample(
            [floats(2, 3) + 1j * floats(2, 3, seed=2), floats(3, 2) + 1j * floats(3, 2, seed=3)],
            equation="ij,jk->ik",
        ),
        sample([floats(0, 3), floats(3, 2)], equation="ij,jk->ik", grad=()),
    ],
    doc="Products of the operands' elements, summed over the labels that the result lacks.",
)
