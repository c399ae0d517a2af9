"""How an op type is declared: one `declare(...)` per op, every rule given, TensorFlow's OpDef as the model.

A declaration says what an op is (inputs, outputs, attributes), what it yields (shape rule), how it is
differentiated, what it costs, what state it touches, and on which samples its kernels are tested. A field
that is forgotten is a TypeError when the module is imported.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import dtypes
from .dtypes import DType
from .errors import InvalidArgumentError, NotFoundError
from .shapes import TensorShape

if TYPE_CHECKING:
    from .infer import CostContext, InferContext

__all__ = [
    "EFFECT",
    "PURE",
    "RANDOM",
    "SOURCE",
    "ArgDef",
    "AttrDef",
    "Cost",
    "NoGradient",
    "OpDecl",
    "Sample",
    "State",
    "all_ops",
    "declare",
    "find_op",
    "get_op",
    "variable",
]


@dataclass(frozen=True)
class ArgDef:
    """One input or output of an op type.

    Attributes:
        name: TensorFlow's name of the argument.
        type: a fixed element type, or None where an attribute gives it.
        type_attr: attribute that holds the element type.
        number_attr: attribute that holds how many tensors of that type the argument is.
        type_list_attr: attribute that holds a list of element types, one per tensor.
    """

    name: str
    type: DType | None = None
    type_attr: str = ""
    number_attr: str = ""
    type_list_attr: str = ""

    @property
    def is_list(self) -> bool:
        return bool(self.number_attr or self.type_list_attr)


@dataclass(frozen=True)
class AttrDef:
    """One attribute of an op type.

    Attributes:
        name: TensorFlow's name.
        type: "string", "int", "float", "bool", "type", "shape", "tensor", "func" or "list(...)" of one.
        default: default value; `REQUIRED` where there is none.
        allowed: the values that the attribute may have, or None for all.
        minimum: smallest int, or shortest list, that is allowed.
    """

    name: str
    type: str
    default: Any
    allowed: tuple[Any, ...] | None = None
    minimum: int | None = None


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()


@dataclass(frozen=True)
class NoGradient:
    """Says that an op has no gradient, and why, in words that fit into an error message.

    Attributes:
        reason: completes "has no gradient: ...".
        zero: whether its inputs simply get no gradient (a comparison) instead of raising an error.
    """

    reason: str
    zero: bool = True


@dataclass(frozen=True)
class Cost:
    """What one run of an op costs: arithmetic in FLOPs, memory traffic in bytes."""

    flops: float
    bytes: float


@dataclass(frozen=True)
class State:
    """What an op does besides computing outputs from inputs.

    Attributes:
        kind: "pure": nothing; it may be folded and shared. "source": gives a value that is not computed
            (placeholder, constant, handle). "random": draws from a counter-based stream and advances it.
            "variable": reads or writes variables. "effect": anything else that the outside can see.
        reads: names of the resource inputs whose variable's value the kernel takes in place of the handle.
        writes: names of the resource inputs whose variable's new value the kernel returns first, in order.
    """

    kind: Literal["pure", "source", "random", "variable", "effect"]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


PURE = State("pure")
SOURCE = State("source")
RANDOM = State("random")
EFFECT = State("effect")


def variable(reads: Sequence[str] = (), writes: Sequence[str] = ()) -> State:
    """State of an op that reads or writes variables through the resource inputs of those names."""
    return State("variable", tuple(reads), tuple(writes))


def write_state(state: State) -> str:
    """A state as text, for the attribute `_state` of an op that runs functions."""
    return f"{state.kind} {','.join(state.reads)} {','.join(state.writes)}"


@functools.cache
def _read_state(text: str) -> State:
    kind, reads, writes = text.split(" ")
    return State(kind, *(tuple(filter(None, names.split(","))) for names in (reads, writes)))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Sample:
    """One row of test data for an op; every check of the op runs on every row.

    Attributes:
        inputs: arrays (or Python scalars) in the order of the op's inputs; a list for a list argument.
        attrs: attributes that differ from their defaults.
        grad: positions (counted over the flattened inputs) that are differentiable on this row; None for
            all floating inputs, () for none.
        tolerance: factor on the per-dtype tolerance, for ill-conditioned rows.
    """

    inputs: tuple[Any, ...]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    grad: tuple[int, ...] | None = None
    tolerance: float = 1.0


InferRule = Callable[["InferContext"], Sequence[TensorShape]]
GradientRule = Callable[..., Sequence[Any]]
CostRule = Callable[["CostContext"], Cost]


@dataclass(frozen=True, eq=False)
class OpDecl:
    """The declaration of one op type; calling it adds such an op to the default graph.

    Attributes:
        name: op type, as in TensorFlow.
        inputs: input arguments in order.
        outputs: output arguments in order.
        attrs: attributes by name.
        infer: shape rule: from an `InferContext` to one shape per output tensor.
        gradient: from (op, *output gradients) to one gradient (or None) per input tensor; or why not. The rule of
            an op that runs functions gets None for outputs without gradient, and `wanted`: for each input whether
            its gradient is needed.
        cost: from a `CostContext` to the FLOPs and bytes of one run.
        state: what it does besides computing.
        samples: rows of test data, made when called.
        host_inputs: names of the inputs whose values decide the shape of the outputs, so a compiler needs
            them before it can compile (TensorFlow keeps them in host memory).
        dynamic: whether the output shape depends on the data of other inputs too (`Where`, `Unique`).
        doc: one sentence.
    """

    name: str
    inputs: tuple[ArgDef, ...]
    outputs: tuple[ArgDef, ...]
    attrs: Mapping[str, AttrDef]
    infer: InferRule
    gradient: GradientRule | NoGradient
    cost: CostRule
    state: State
    samples: Callable[[], Sequence[Sample]]
    host_inputs: tuple[str, ...] = ()
    dynamic: bool = False
    doc: str = ""

    def __call__(self, *inputs: Any, name: Any = None, **keywords: Any) -> Any:
        """Adds an op of this type to the default graph.

        Args:
            *inputs: values for the input arguments, in order; they may be given by keyword too.
            name: name of the op; made unique.
            **keywords: inputs by argument name, and attributes.

        Returns:
            The output tensor; a tuple of them for several outputs (a list in the place of a list
            argument); the `Operation` where there is none.

        Raises:
            InvalidArgumentError: inputs or attributes break the op's rules.
        """
        from .build import apply_op

        return apply_op(self, inputs, keywords, name)

    def state_of(self, attrs: Mapping[str, Any]) -> State:
        """What an op of this type with these attributes does besides computing.

        For an op that runs functions of the graph's library (a loop, a branch, a call) it is what they do; the
        graph works that out when the op is made and keeps it in the attribute `_state`.
        """
        text = attrs.get("_state") if self.runs_functions else None
        return self.state if text is None else _read_state(text)

    @functools.cached_property
    def runs_functions(self) -> bool:
        """Whether attributes of the op name functions of the graph's library."""
        return any(a.type in ("func", "list(func)") for a in self.attrs.values())

    def input_types(self, attrs: Mapping[str, Any]) -> list[DType]:
        """Element types of the flattened inputs under these attributes."""
        return _arg_types(self.inputs, attrs)

    def output_types(self, attrs: Mapping[str, Any]) -> list[DType]:
        """Element types of the flattened outputs under these attributes."""
        return _arg_types(self.outputs, attrs)

    def arg_slices(self, attrs: Mapping[str, Any], outputs: bool = False) -> dict[str, slice]:
        """Where each argument's tensors lie in the flattened list.

        The tensors of an argument whose types an attribute lists have entries of their own too: `input[2]`.
        """
        position, found = 0, {}
        for arg in self.outputs if outputs else self.inputs:
            count = len(_arg_types((arg,), attrs))
            found[arg.name] = slice(position, position + count)
            if arg.type_list_attr:
                found.update(
                    {f"{arg.name}[{i}]": slice(position + i, position + i + 1) for i in range(count)}
                )
            position += count
        return found

    def __repr__(self) -> str:
        return f"<op type {self.name}>"


_MAX_TENSORS = 1 << 20
"""Most inputs or outputs of one op; more is a number that nobody meant."""


def _arg_types(args: Sequence[ArgDef], attrs: Mapping[str, Any]) -> list[DType]:
    types: list[DType] = []
    for arg in args:
        if arg.type_list_attr:
            types.extend(attrs[arg.type_list_attr])
            continue
        dtype = arg.type if arg.type is not None else attrs[arg.type_attr]
        count = attrs[arg.number_attr] if arg.number_attr else 1
        if count > _MAX_TENSORS:
            raise InvalidArgumentError(
                None, f"{arg.number_attr} = {count}: an op has at most {_MAX_TENSORS} tensors"
            )
        types.extend([dtype] * count)
    return types


_REGISTRY: dict[str, OpDecl] = {}


def declare(
    name: str,
    *,
    inputs: str,
    outputs: str,
    attrs: str | Sequence[str],
    infer: InferRule,
    gradient: GradientRule | NoGradient,
    cost: CostRule,
    state: State,
    samples: Callable[[], Sequence[Sample]],
    host_inputs: Sequence[str] = (),
    dynamic: bool = False,
    doc: str = "",
) -> OpDecl:
    """Declares an op type and enters it into the registry.

    Args:
        name: op type, as in TensorFlow.
        inputs: comma-separated `name: type`, in TensorFlow's notation: a fixed type (`float`), an attribute
            (`T`), a number of equal tensors (`N * T`) or an attribute that lists types (`Tin`).
        outputs: the same for the outputs.
        attrs: one `name: type = default` each, in TensorFlow's notation: `transpose_a: bool = false`,
            `T: {float, double}`, `padding: {'SAME', 'VALID'}`, `N: int >= 1`, `ksize: list(int) >= 4`.
            The sets `numbertype`, `realnumbertype`, `floattype` and `indextype` are known by name.
        infer, gradient, cost, state, samples, host_inputs, dynamic, doc: see `OpDecl`.

    Raises:
        ValueError: the op type is declared already, or a notation is not understood.
    """
    if name in _REGISTRY:
        raise ValueError(f"Op type {name} is declared twice.")
    attr_rows = [attrs] if isinstance(attrs, str) else list(attrs)
    attr_defs = {a.name: a for a in (_parse_attr(row) for row in attr_rows if row.strip())}
    decl = OpDecl(
        name=name,
        inputs=tuple(_parse_args(inputs, attr_defs)),
        outputs=tuple(_parse_args(outputs, attr_defs)),
        attrs=attr_defs,
        infer=infer,
        gradient=gradient,
        cost=cost,
        state=state,
        samples=samples,
        host_inputs=tuple(host_inputs),
        dynamic=dynamic,
        doc=doc,
    )
    _check(decl)
    _REGISTRY[name] = decl
    return decl


def get_op(name: str) -> OpDecl:
    """The declaration of an op type.

    Raises:
        NotFoundError: there is none; the message has the names that come close.
    """
    decl = find_op(name)
    if decl is None:
        import difflib

        close = difflib.get_close_matches(name, all_ops(), n=3)
        hint = f"; close to it: {', '.join(close)}" if close else ""
        raise NotFoundError(None, f"op type {name!r} is not declared{hint}")
    return decl


def find_op(name: str) -> OpDecl | None:
    """The declaration of an op type, or None."""
    found = _REGISTRY.get(name)
    return all_ops().get(name) if found is None else found


def all_ops() -> Mapping[str, OpDecl]:
    """Every declared op type, by name."""
    from . import ops  # noqa: F401 - importing the families enters their ops

    return _REGISTRY


def _check(decl: OpDecl) -> None:
    for arg in (*decl.inputs, *decl.outputs):
        for attr in (arg.type_attr, arg.number_attr, arg.type_list_attr):
            if attr and attr not in decl.attrs:
                raise ValueError(f"{decl.name}: argument {arg.name} uses unknown attribute {attr}.")
    names = {a.name for a in decl.inputs}
    for used in (*decl.host_inputs, *decl.state.reads, *decl.state.writes):
        if used not in names:
            raise ValueError(f"{decl.name}: {used!r} is not one of its inputs.")


# --- TensorFlow's notation -------------------------------------------------------------------------

_TYPE_SETS: dict[str, tuple[DType, ...]] = {
    "numbertype": tuple(d for d in dtypes.ALL if d.is_numeric),
    "realnumbertype": tuple(d for d in dtypes.ALL if d.is_numeric and not d.is_complex),
    "floattype": tuple(d for d in dtypes.ALL if d.is_floating),
    "indextype": (dtypes.int32, dtypes.int64),
}

_ARG = re.compile(r"^(\w+)\s*:\s*(?:(\w+)\s*\*\s*)?(\w+)$")
_ATTR = re.compile(
    r"^(?P<name>\w+)\s*:\s*(?P<type>list\(.+?\)|\{.*?\}|\w+)\s*(?:>=\s*(?P<minimum>-?\d+))?\s*(?:=\s*(?P<default>.+))?$",
    re.DOTALL,
)


def _parse_args(text: str, attrs: Mapping[str, AttrDef]) -> Iterator[ArgDef]:
    for part in filter(None, (p.strip() for p in text.split(","))):
        match = _ARG.match(part)
        if match is None:
            raise ValueError(f"Cannot read argument {part!r}: expected 'name: type'.")
        name, number, kind = match.groups()
        fixed = dtypes._BY_NAME.get(kind)
        if fixed is not None:
            yield ArgDef(name, type=fixed, number_attr=number or "")
        elif kind in attrs and attrs[kind].type == "list(type)":
            yield ArgDef(name, type_list_attr=kind)
        else:
            yield ArgDef(name, type_attr=kind, number_attr=number or "")


def _parse_attr(text: str) -> AttrDef:
    match = _ATTR.match(text.strip())
    if match is None:
        raise ValueError(f"Cannot read attribute {text!r}: expected 'name: type = default'.")
    kind, allowed = _parse_attr_type(match["type"])
    default: Any = REQUIRED
    if match["default"] is not None:
        default = _parse_default(kind, match["default"].strip())
    minimum = None if match["minimum"] is None else int(match["minimum"])
    return AttrDef(match["name"], kind, default, allowed, minimum)


def _parse_attr_type(text: str) -> tuple[str, tuple[Any, ...] | None]:
    if text.startswith("list("):
        inner, allowed = _parse_attr_type(text[5:-1].strip())
        return f"list({inner})", allowed
    if text in _TYPE_SETS:
        return "type", _TYPE_SETS[text]
    if text.startswith("{"):
        members = [m.strip() for m in text[1:-1].split(",")]
        if members[0][:1] in "'\"":
            return "string", tuple(m[1:-1] for m in members)
        types: list[DType] = []
        for member in members:
            types.extend(_TYPE_SETS.get(member) or (dtypes.as_dtype(member),))
        return "type", tuple(types)
    if text not in ("string", "int", "float", "bool", "type", "shape", "tensor", "func"):
        raise ValueError(f"Unknown attribute type {text!r}.")
    return text, None


def _parse_default(kind: str, text: str) -> Any:
    if kind.startswith("list("):
        inner = text.strip()[1:-1].strip()
        return tuple(_parse_default(kind[5:-1], part.strip()) for part in inner.split(",") if part.strip())
    if kind == "bool":
        return {"true": True, "false": False}[text.lower()]
    if kind == "int":
        return int(text)
    if kind == "float":
        return float(text)
    if kind == "string":
        return text[1:-1]
    if kind == "type":
        return dtypes.as_dtype(text.removeprefix("DT_").lower())
    if kind == "shape":
        return TensorShape(None if "unknown" in text else [int(d) for d in re.findall(r"-?\d+", text)])
    if kind == "tensor":
        return np.array([int(d) for d in re.findall(r"-?\d+", text)], dtype=np.uint8)
    raise ValueError(f"An attribute of type {kind} cannot have a default here.")


def check_attr(decl: OpDecl, attr: AttrDef, value: Any) -> Any:
    """`value` in the form in which graphs hold it.

    Strings are str (bytes where they are not UTF-8), types `DType`, shapes `TensorShape`, tensors NumPy
    arrays, lists tuples, functions `FunctionRef`.

    Raises:
        InvalidArgumentError: it is not of the attribute's type or not one of the allowed values.
    """
    from .attributes import to_attr

    try:
        value = to_attr(attr.type, value)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            None, f"{decl.name}: attribute {attr.name} must be {attr.type}, got {value!r} ({error})"
        ) from None
    members = value if attr.type.startswith("list(") else (value,)
    if attr.allowed is not None:
        for member in members:
            if member not in attr.allowed:
                listed = ", ".join(getattr(a, "name", str(a)) for a in attr.allowed)
                shown = getattr(member, "name", repr(member))
                raise InvalidArgumentError(
                    None, f"{decl.name}: attribute {attr.name} must be one of {listed}, got {shown}"
                )
    if attr.minimum is not None:
        size = len(value) if attr.type.startswith("list(") else value
        if size < attr.minimum:
            raise InvalidArgumentError(
                None, f"{decl.name}: attribute {attr.name} must be at least {attr.minimum}, got {size}"
            )
    return value
