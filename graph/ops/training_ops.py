"""The updates that optimizers make, dense and for the rows that a sparse gradient names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..infer import CostContext, InferContext
from ..opdef import Cost, OpDecl, Sample, declare, variable
from ..samples import floats, var
from ..shapes import TensorShape
from .state import NO_GRADIENT

__all__ = ["RULES"]


def _slots(c: InferContext) -> TensorShape:
    """The shape that all the variables of the update have."""
    shape = TensorShape(None)
    for name in c.decl.state.writes:
        handle = c.handle(name)
        if handle is None:
            continue
        if handle.dtype is not c.attr("T"):
            c.fail(f"the variable {name} is of type {handle.dtype.name}, not {c.attr('T').name}")
        shape = c.merge(shape, handle.shape, "all the variables must have the same shape")
    return shape


def _infer(c: InferContext) -> Sequence[TensorShape]:
    shape = _slots(c)
    gradient = "delta" if any(a.name == "delta" for a in c.decl.inputs) else "grad"
    sparse = any(a.name == "indices" for a in c.decl.inputs)
    if sparse:
        indices = c.rank("indices", 1)
        if shape.dims is not None:
            shape = TensorShape([indices[0], *shape.dims[1:]]) if shape.dims else c.fail("it must have rows")
    c.merge(c.shape(gradient), shape, f"{gradient} must be of shape {shape}")
    for arg in c.decl.inputs:
        if arg.name not in (*c.decl.state.writes, gradient, "indices"):
            c.rank(arg.name, 0)
    return []


def _cost(slots: int, flops: float) -> Callable[[CostContext], Cost]:
    def cost(c: CostContext) -> Cost:
        elements = c.in_elements
        return Cost(flops * elements, c.in_bytes * (1 + 2 * slots))

    return cost


RULES: dict[str, tuple[tuple[str, ...], str]] = {}
"""For each update rule (`Adam`), its variables and the names of the other inputs of the dense form, in order."""

_NUMBERS = {
    "lr": 0.1,
    "alpha": 0.1,
    "momentum": 0.9,
    "rho": 0.9,
    "epsilon": 1e-3,
    "beta": 0.9,
    "beta1": 0.9,
    "beta2": 0.99,
    "beta1_power": 0.8,
    "beta2_power": 0.95,
    "l1": 0.05,
    "l2": 0.1,
    "l2_shrinkage": 0.02,
    "lr_power": -0.5,
    "logbase": 1.0,
    "sign_decay": 0.7,
}


def _sample(
    names: Sequence[str],
    slots: Sequence[str],
    dtype: Any,
    sparse: bool,
    indices: Sequence[int] = (2, 0),
    flags: Mapping[str, bool] | None = None,
) -> Sample:
    """A row with moderate numbers; second moments and sums of squares are positive."""
    inputs: list[Any] = []
    for position, name in enumerate(names):
        if name in slots:
            low = -1.0 if name in ("var", "m", "mom", "linear", "gradient_accumulator", "mg") else 0.5
            high = 0.2 if name == "mg" else 1.5
            inputs.append(var(floats(4, 3, low=low, high=high, seed=position, dtype=dtype)))
        elif name in ("grad", "delta"):
            inputs.append(floats(*((len(indices), 3) if sparse else (4, 3)), seed=11, dtype=dtype))
        elif name == "indices":
            inputs.append(np.array(indices, np.int32 if dtype == np.float32 else np.int64))
        elif name == "global_step":
            inputs.append(np.int64(3))
        else:
            inputs.append(dtype(_NUMBERS[name]))
    return Sample(tuple(inputs), dict(flags or {}))


def _declare(
    op: str, slots: Sequence[str], names: Sequence[str], flags: Sequence[str], flops: float, doc: str
) -> OpDecl:
    kinds = dict.fromkeys(slots, "resource") | {"indices": "Tindices", "global_step": "int64"}
    sparse = "indices" in names
    flag_names = [f.partition(":")[0] for f in flags]
    default_on = [n for n, f in zip(flag_names, flags, strict=True) if f.endswith("true")]

    def samples() -> list[Sample]:
        rows = [_sample(names, slots, np.float32, sparse), _sample(names, slots, np.float64, sparse)]
        if sparse:
            repeated = [(3, 1, 3, 3, 0), ()]
            rows += [_sample(names, slots, np.float32, sparse, indices=i) for i in repeated]
        flipped = [{flag: flag not in default_on} for flag in flag_names]
        return rows + [_sample(names, slots, np.float32, sparse, flags=flags) for flags in flipped]

    return declare(
        op,
        inputs=", ".join(f"{n}: {kinds.get(n, 'T')}" for n in names),
        outputs="",
        attrs=(
            "T: numbertype",
            *(("Tindices: indextype",) if sparse else ()),
            "use_locking: bool = false",
            *flags,
        ),
        infer=_infer,
        gradient=NO_GRADIENT,
        cost=_cost(len(slots), flops),
        state=variable(reads=slots, writes=slots),
        samples=samples,
        doc=doc,
    )


def _rule(
    rule: str,
    slots: str,
    dense: str,
    sparse: str,
    flags: Sequence[str],
    flops: float,
    doc: str,
) -> None:
    """Declares `ResourceApply<rule>` and, where `sparse` names its inputs, `ResourceSparseApply<rule>`."""
    slot_names = slots.split()
    RULES[rule] = (tuple(slot_names), dense)
    _declare(f"ResourceApply{rule}", slot_names, [*slot_names, *dense.split()], flags, flops, f"{doc}.")
    if sparse:
        names = [*slot_names, *sparse.split()]
        _declare(f"ResourceSparseApply{rule}", slot_names, names, flags, flops, f"{doc}, for some rows.")


_NESTEROV = ("use_nesterov: bool = false",)
_UPDATE_SLOTS = ("update_slots: bool = true",)
_LINEAR_BY_LR = ("multiply_linear_by_lr: bool = false",)

_rule("GradientDescent", "var", "alpha delta", "", (), 2, "Gradient descent: var - alpha * delta")
_rule(
    "ProximalGradientDescent",
    "var",
    "alpha l1 l2 delta",
    "alpha l1 l2 grad indices",
    (),
    8,
    "Gradient descent followed by shrinkage (FOBOS, Duchi and Singer 2009)",
)
_rule(
    "Adadelta",
    "var accum accum_update",
    "lr rho epsilon grad",
    "lr rho epsilon grad indices",
    (),
    14,
    "Adadelta (Zeiler 2012)",
)
_rule("Adagrad", "var accum", "lr grad", "lr grad indices", _UPDATE_SLOTS, 6, "Adagrad (Duchi et al. 2011)")
_rule(
    "AdagradV2",
    "var accum",
    "lr epsilon grad",
    "lr epsilon grad indices",
    _UPDATE_SLOTS,
    7,
    "Adagrad with epsilon outside of the root",
)
_rule(
    "ProximalAdagrad",
    "var accum",
    "lr l1 l2 grad",
    "lr l1 l2 grad indices",
    (),
    14,
    "Adagrad followed by shrinkage",
)
_rule(
    "AdagradDA",
    "var gradient_accumulator gradient_squared_accumulator",
    "grad lr l1 l2 global_step",
    "grad indices lr l1 l2 global_step",
    (),
    12,
    "Adagrad with dual averaging",
)
_rule(
    "Ftrl",
    "var accum linear",
    "grad lr l1 l2 lr_power",
    "grad indices lr l1 l2 lr_power",
    _LINEAR_BY_LR,
    20,
    "Follow the regularized leader (McMahan et al. 2013)",
)
_rule(
    "FtrlV2",
    "var accum linear",
    "grad lr l1 l2 l2_shrinkage lr_power",
    "grad indices lr l1 l2 l2_shrinkage lr_power",
    _LINEAR_BY_LR,
    22,
    "Follow the regularized leader, with shrinkage of the weights",
)
_rule("Momentum", "var accum", "lr grad momentum", "lr grad indices momentum", _NESTEROV, 4, "Momentum")
_rule(
    "KerasMomentum",
    "var accum",
    "lr grad momentum",
    "lr grad indices momentum",
    _NESTEROV,
    4,
    "Momentum with the learning rate inside of the accumulator",
)
_rule(
    "Adam",
    "var m v",
    "beta1_power beta2_power lr beta1 beta2 epsilon grad",
    "",
    _NESTEROV,
    12,
    "Adam (Kingma and Ba 2014)",
)
_rule(
    "AdamWithAmsgrad",
    "var m v vhat",
    "beta1_power beta2_power lr beta1 beta2 epsilon grad",
    "",
    (),
    13,
    "Adam with the largest second moment so far (Reddi et al. 2018)",
)
_rule(
    "AdaMax",
    "var m v",
    "beta1_power lr beta1 beta2 epsilon grad",
    "",
    (),
    9,
    "Adam with the infinity norm (Kingma and Ba 2014)",
)
_rule(
    "RMSProp",
    "var ms mom",
    "lr rho momentum epsilon grad",
    "lr rho momentum epsilon grad indices",
    (),
    11,
    "RMSProp (Hinton, Tieleman 2012)",
)
_rule(
    "CenteredRMSProp",
    "var mg ms mom",
    "lr rho momentum epsilon grad",
    "lr rho momentum epsilon grad indices",
    (),
    16,
    "RMSProp over the estimated variance of the gradient (Graves 2013)",
)
_rule(
    "AddSign",
    "var m",
    "lr alpha sign_decay beta grad",
    "",
    (),
    9,
    "AddSign (Bello et al. 2017)",
)
_rule(
    "PowerSign",
    "var m",
    "lr logbase sign_decay beta grad",
    "",
    (),
    9,
    "PowerSign (Bello et al. 2017)",
)
