"""Functions that order ops and look at values: `group`, `tuple`, `identity`, `Assert`, `Print`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .branches import case, cond, switch_case
from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import get_default_graph, name_scope
from .graph.elements import Operation, Tensor
from .graph.indexed_slices import IndexedSlices
from .graph.ops import checks, control
from .graph.shapes import as_shape
from .loops import while_loop

__all__ = [
    "Assert",
    "Print",
    "add_check_numerics_ops",
    "case",
    "check_numerics",
    "cond",
    "ensure_shape",
    "group",
    "identity",
    "identity_n",
    "no_op",
    "switch_case",
    "tuple",
    "verify_tensor_all_finite",
    "while_loop",
    "with_dependencies",
]

_tuple = tuple


def no_op(name: str | None = None) -> Operation:
    """An operation that does nothing.

    Args:
        name: name of the op.
    """
    made: Operation = control.NoOp(name=name)
    return made


def identity(input: Any, name: str | None = None) -> Any:
    """A tensor of the same contents, made by an op of its own.

    Args:
        input: a tensor, or `IndexedSlices`, whose parts are passed on then.
        name: name of the op.
    """
    if isinstance(input, IndexedSlices):
        return _slices_identity(input, name)
    return control.Identity(input, name=name)


def _slices_identity(slices: IndexedSlices, name: str | None) -> IndexedSlices:
    with name_scope(name, "Identity"):
        shape = slices.dense_shape
        return IndexedSlices(
            control.Identity(slices.values),
            control.Identity(slices.indices),
            None if shape is None else control.Identity(shape),
        )


def identity_n(input: Sequence[Any], name: str | None = None) -> list[Tensor]:
    """Tensors of the same contents as those of a list, made by one op: all of them or none.

    Args:
        input: the tensors.
        name: name of the op.
    """
    made: list[Tensor] = control.IdentityN([convert_to_tensor(t) for t in input], name=name)
    return made


def group(*inputs: Any, name: str | None = None, **kwargs: Any) -> Operation:
    """An operation that is done when all the inputs are.

    Args:
        *inputs: operations, tensors, variables, or nested lists of these.
        name: name of the op.

    Raises:
        TypeError: an input is none of these.
    """
    if kwargs:
        raise TypeError(f"group() has no argument {', '.join(kwargs)}")
    found = list(_operations(inputs))
    if not found:
        return no_op(name)
    with (
        name_scope(name, "group_deps", list(inputs)) as scope,
        get_default_graph().control_dependencies(found),
    ):
        return no_op(scope)


def _operations(inputs: Iterable[Any]) -> Iterable[Operation]:
    for item in inputs:
        if isinstance(item, (list, _tuple)):
            yield from _operations(item)
        elif isinstance(item, dict):
            yield from _operations(item.values())
        else:
            yield _operation(item)


def _operation(item: Any) -> Operation:
    if isinstance(item, Operation):
        return item
    op = getattr(item, "op", None)
    if isinstance(op, Operation):
        return op
    element = get_default_graph().as_graph_element(item) if hasattr(item, "_as_graph_element") else None
    if element is None:
        raise TypeError(f"Expected a tensor or an operation, got {item!r} of type {type(item).__name__}")
    return element if isinstance(element, Operation) else element.op


def tuple(tensors: Sequence[Any], name: str | None = None, control_inputs: Any = None) -> list[Any]:
    """The tensors, each available only once all of them are.

    Args:
        tensors: tensors, `IndexedSlices`, or None, which stays.
        name: name scope of the ops.
        control_inputs: operations that must be done too.

    Raises:
        ValueError: there is no tensor among them.
    """
    with name_scope(name, "tuple", tensors):
        gates = [t for t in tensors if t is not None]
        if control_inputs is not None:
            gates += list(_operations(control_inputs))
        if not gates:
            raise ValueError(f"Must have at least one tensor, got {tensors!r}")
        gate = group(*gates)
        return [None if t is None else with_dependencies([gate], t) for t in tensors]


def with_dependencies(dependencies: Any, output_tensor: Any, name: str | None = None) -> Any:
    """A tensor's value, available only once some operations are done.

    Args:
        dependencies: what to wait for.
        output_tensor: a tensor or `IndexedSlices`.
        name: name of the op.
    """
    graph = get_default_graph()
    with name_scope(name, "control_dependency", [output_tensor]) as scope:
        if not isinstance(output_tensor, IndexedSlices):
            output_tensor = convert_to_tensor(output_tensor)
        with graph.colocate_with(output_tensor.op), graph.control_dependencies(_operations(dependencies)):
            return identity(output_tensor, scope)


def Assert(
    condition: Any, data: Sequence[Any], summarize: int | None = None, name: str | None = None
) -> Operation:
    """Fails the step with InvalidArgumentError where the condition is false.

    Args:
        condition: a boolean scalar.
        data: tensors to show in the message.
        summarize: how many elements of each to show; 3 by default, all where negative.
        name: name scope of the op.

    Returns:
        The operation that checks; it does so in a step that runs it, or something that waits for it.
    """
    with name_scope(name, "Assert", [condition, data]):
        made: Operation = checks.Assert(
            convert_to_tensor(condition, dtypes.bool),
            [convert_to_tensor(d) for d in data],
            summarize=3 if summarize is None else summarize,
            name="Assert",
        )
        return made


def Print(
    input_: Any,
    data: Sequence[Any],
    message: str | None = None,
    first_n: int | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Tensor:
    """`input_`; as it passes, the data are written to standard error of the process that holds its device.

    Args:
        input_: a tensor.
        data: the tensors to write.
        message: what to write before them.
        first_n: how often to write; always where it is None or negative.
        summarize: how many elements of each to write; 3 by default, all where negative.
        name: name of the op.
    """
    made: Tensor = checks.Print(
        input_,
        [convert_to_tensor(d) for d in data],
        message=message or "",
        first_n=-1 if first_n is None else first_n,
        summarize=3 if summarize is None else summarize,
        name=name,
    )
    return made


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """`tensor`; a step in which it holds a NaN or an infinity fails with InvalidArgumentError.

    Args:
        tensor: a floating tensor.
        message: begins the error's message.
        name: name of the op.
    """
    made: Tensor = checks.CheckNumerics(tensor, message=message, name=name)
    return made


def verify_tensor_all_finite(
    t: Any = None, msg: str | None = None, name: str | None = None, x: Any = None, message: str | None = None
) -> Tensor:
    """`t`; a step in which it holds a NaN or an infinity fails with InvalidArgumentError.

    Args:
        t: a floating tensor.
        msg: begins the error's message.
        name: name scope of the ops.
        x, message: other names of `t` and `msg`.
    """
    value = t if x is None else x
    text = msg if message is None else message
    if value is None or text is None:
        raise ValueError("verify_tensor_all_finite needs a tensor and a message.")
    with name_scope(name, "VerifyFinite", [value]):
        tensor = convert_to_tensor(value, name="x")
        with get_default_graph().colocate_with(tensor.op):
            return with_dependencies([check_numerics(tensor, text)], tensor)  # type: ignore[no-any-return]


def add_check_numerics_ops() -> Operation:
    """An operation that checks every floating tensor of the default graph for NaN and infinity.

    Checks run in the order in which the tensors were made, so the first one that fails names the op where the
    trouble began. Tensors inside the bodies of loops and branches are not checked.
    """
    gate: list[Operation] = []
    for op in get_default_graph().get_operations():
        for tensor in op.outputs:
            if not tensor.dtype.is_floating:
                continue
            with get_default_graph().control_dependencies(gate):
                gate = [check_numerics(tensor, f"{op.name}:{tensor.value_index}").op]
    return group(*gate)


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """`x`, whose static shape is refined by `shape`; a step in which it has another fails.

    Args:
        x: a tensor.
        shape: the shape, None in the place of any size.
        name: name of the op.

    Raises:
        InvalidArgumentError: when the graph is built or run, the shape does not fit.

    Source:
        TensorFlow `EnsureShape`.
    """
    made: Tensor = checks.EnsureShape(x, shape=as_shape(shape), name=name)
    return made
