"""Branches: `cond`, `case`, `switch_case`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .arguments import renamed
from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import get_default_graph, name_scope
from .graph.elements import Operation, Tensor
from .graph.func_graph import FuncGraph, lift_reads
from .graph.indexed_slices import IndexedSlices
from .graph.nest import flatten, is_nested, map_structure
from .graph.ops.control import Identity
from .tracing import Results, common_shape, merged_captures, trace

__all__ = ["case", "cond", "switch_case"]

_UNLIKE = "the functions must return the same number, type, and overall structure of values, got {first} and {second}"


def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Callable[[], Any] | None = None,
    fn2: Callable[[], Any] | None = None,
) -> Any:
    """The results of one of two functions, as a condition says; only the ops of that function run.

    What the functions use is computed before, whichever of them is taken. Their own ops run where they are needed
    for results; an operation among the results has the condition's value.

    Args:
        pred: a boolean scalar tensor.
        true_fn, false_fn: functions without arguments; both return tensors, or structures of them, of one form.
        strict: keeps a list of one result as it is.
        name: name scope of the ops.
        fn1, fn2: older names of `true_fn` and `false_fn`.

    Raises:
        TypeError: `pred` is a Python bool, a function cannot be called, or the results differ in form or type.
        ValueError: a function returns nothing.

    Source:
        TensorFlow `If`, `tf.compat.v1.cond`.
    """
    true_fn = renamed("true_fn", true_fn, "fn1", fn1)
    false_fn = renamed("false_fn", false_fn, "fn2", fn2)
    for label, function in (("true_fn", true_fn), ("false_fn", false_fn)):
        if not callable(function):
            raise TypeError(f"{label} must be callable, got {function!r}.")
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool")
    with name_scope(name, "cond", [pred]) as scope:
        pred = convert_to_tensor(pred, name="pred")
        names = (f"{scope}true", f"{scope}false")
        attrs = ("then_branch", "else_branch")
        made = _branches(pred, pred, [true_fn, false_fn], names, strict)
        return made.build("If", attrs, scope)


class _Branches:
    """The traced functions of one op."""

    def __init__(self, selector: Tensor, bodies: list[FuncGraph], results: list[Results]) -> None:
        self.selector = selector
        self.bodies = bodies
        self.results = results

    def build(self, op_type: str, attr_names: Sequence[str], scope: str) -> Any:
        """Makes the op and returns its results in the functions' form."""
        graph = get_default_graph()
        lazy = _asks_for_state(self.selector)
        if not lazy:
            lift_reads(self.bodies)
        captures = merged_captures(self.bodies)
        traits = [body.traits() for body in self.bodies]
        stateful = lazy or any(t.effect or t.reads or t.writes for t in traits)
        first = self.results[0].tensors
        shapes = [
            functools.reduce(common_shape, (r.tensors[i].shape for r in self.results))
            for i in range(len(first))
        ]
        names = [body.name for body in self.bodies]
        attrs: dict[str, Any] = {
            "Tin": [t.dtype for t in captures],
            "Tout": [t.dtype for t in first],
            "output_shapes": shapes,
            **(dict(zip(attr_names, names, strict=True)) if len(attr_names) > 1 else {attr_names[0]: names}),
        }
        if op_type == "If":
            attrs["Tcond"] = self.selector.dtype
        if lazy:
            attrs["_lazy"] = True
        waits = dict.fromkeys(op for body in self.bodies for op in body.control_captures)
        with graph.control_dependencies(waits):
            op = graph.create_op(
                op_type if stateful else f"Stateless{op_type}", [self.selector, *captures], attrs, scope
            )
        if not op.outputs:
            return op
        return self.results[0].rebuilt([Identity(t) for t in op.outputs])


def _branches(
    selector: Tensor, proxy: Tensor, functions: Sequence[Any], names: Sequence[str], strict: bool
) -> _Branches:
    bodies, results = [], []
    for function, name in zip(functions, names, strict=True):
        body = FuncGraph(name)
        bodies.append(body)
        results.append(trace(body, _unpacked(function, strict), proxy=proxy))
    if any(isinstance(v, IndexedSlices) for r in results for v in flatten(r.structure)):
        results = _made_dense(bodies, results)
    for other in results[1:]:
        _require_alike(results[0], other)
    return _Branches(selector, bodies, results)


def _unpacked(function: Callable[[], Any], strict: bool) -> Callable[[], Any]:
    def call() -> Any:
        result = function()
        if result is None:
            raise ValueError(f"{getattr(function, '__name__', function)!s} must have a return value.")
        if not strict and isinstance(result, (list, tuple)) and len(result) == 1:
            return result[0]
        return result

    return call


def _made_dense(bodies: Sequence[FuncGraph], results: Sequence[Results]) -> list[Results]:
    """Results in which a sparse gradient in one branch meets a tensor in another, as tensors."""
    kinds = [[isinstance(v, IndexedSlices) for v in flatten(r.structure)] for r in results]
    if all(k == kinds[0] for k in kinds):
        return list(results)
    dense = []
    for body, result in zip(bodies, results, strict=True):
        with body.as_default():
            dense.append(
                Results(
                    map_structure(lambda v: None if v is None else convert_to_tensor(v), result.structure)
                )
            )
        body.outputs = list(dense[-1].tensors)
    return dense


def _require_alike(first: Results, second: Results) -> None:
    from .graph.nest import assert_same_structure

    rule = _UNLIKE.format(first=first.structure, second=second.structure)
    try:
        assert_same_structure(first.structure, second.structure, expand_composites=True)
    except (TypeError, ValueError):
        raise TypeError(rule) from None
    types = [[t.dtype for t in r.tensors] for r in (first, second)]
    if types[0] != types[1]:
        raise TypeError(rule)


def _asks_for_state(pred: Tensor, depth: int = 4) -> bool:
    """Whether a condition asks if a variable has a value: then neither branch's reads may be done before it."""
    if pred.op.type == "VarIsInitializedOp":
        return True
    return depth > 0 and any(_asks_for_state(t, depth - 1) for t in pred.op.inputs)


def case(
    pred_fn_pairs: Any,
    default: Callable[[], Any] | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """The results of the first function whose condition holds.

    Args:
        pred_fn_pairs: (boolean scalar tensor, function) pairs, or a dictionary of them.
        default: the function for when no condition holds; without it the step fails then.
        exclusive: whether the step fails where more than one condition holds.
        strict: keeps a list of one result as it is.
        name: name scope of the ops.

    Raises:
        TypeError: the arguments are of other types.
        ValueError: there are no pairs.
    """
    pairs = _pairs(pred_fn_pairs)
    if not pairs:
        raise ValueError("case() needs at least one pair of a condition and a function.")
    if default is not None and not callable(default):
        raise TypeError(f"default must be callable, got {default!r}.")
    with name_scope(name, "case", [p for p, _ in pairs]):
        preds = [convert_to_tensor(p, dtypes.bool, name="pred") for p, _ in pairs]
        functions = [f for _, f in pairs]
        checks = [_at_most_one(preds)] if exclusive else []
        if default is None:
            default = functions[-1]
            checks.append(_one_of(preds))
            preds, functions = preds[:-1], functions[:-1]
        chosen: Callable[[], Any] = _strictly(default, strict)
        for pred, function in zip(reversed(preds), reversed(functions), strict=True):
            chosen = functools.partial(cond, pred, function, chosen, strict)
        with get_default_graph().control_dependencies(checks):
            return chosen()


def _strictly(function: Callable[[], Any], strict: bool) -> Callable[[], Any]:
    return _unpacked(function, strict)


def _pairs(given: Any) -> list[tuple[Any, Callable[[], Any]]]:
    pairs = list(given.items()) if isinstance(given, Mapping) else given
    if not isinstance(pairs, (list, tuple)):
        raise TypeError(f"pred_fn_pairs must be a list, tuple, or dict, got {given!r}.")
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise TypeError(f"Each entry in pred_fn_pairs must be a 2-tuple, got {pair!r}.")
        if not callable(pair[1]):
            raise TypeError(f"The function of a pair must be callable, got {pair[1]!r}.")
    return [(p, f) for p, f in pairs]


def _at_most_one(preds: Sequence[Tensor]) -> Operation:
    from .control_flow import Assert
    from .graph.ops.array import Pack
    from .graph.ops.compare import LessEqual
    from .graph.ops.math import Cast
    from .graph.ops.reduction import Sum

    count = Sum(Cast(Pack(list(preds)), DstT=dtypes.int32), [0])
    names = ", ".join(p.name for p in preds)
    data = [f"Input error: more than one of the conditions ({names}) holds:", *preds]
    return Assert(LessEqual(count, 1), data, summarize=len(preds))


def _one_of(preds: Sequence[Tensor]) -> Operation:
    from .control_flow import Assert
    from .graph.ops.compare import LogicalOr

    names = ", ".join(p.name for p in preds)
    data = [f"None of the conditions ({names}) holds, and there is no default:", *preds]
    return Assert(functools.reduce(LogicalOr, preds), data, summarize=len(preds))


def switch_case(
    branch_index: Any, branch_fns: Any, default: Callable[[], Any] | None = None, name: str = "switch_case"
) -> Any:
    """The results of the function of a number.

    Args:
        branch_index: an int32 scalar.
        branch_fns: functions without arguments, or a dictionary or list of (number, function), numbers from 0 on.
        default: the function for other numbers; the last one where it is None.
        name: name scope of the ops.

    Raises:
        TypeError, ValueError: the numbers or functions are not of that form.
    """
    functions = _numbered(branch_fns)
    if default is not None:
        functions.append(default)
    for function in functions:
        if not callable(function):
            raise TypeError(f"branch_fns must hold functions, got {function!r}.")
    with name_scope(name, "switch_case", [branch_index]) as scope:
        index = convert_to_tensor(branch_index, dtypes.int32, name="branch_index")
        names = [f"{scope}branch{i}" for i in range(len(functions))]
        made = _branches(index, index, functions, names, strict=True)
        return made.build("Case", ["branches"], scope)


def _numbered(branch_fns: Any) -> list[Any]:
    if isinstance(branch_fns, Mapping):
        pairs = list(branch_fns.items())
    elif isinstance(branch_fns, (list, tuple)) and branch_fns and all(is_nested(f) for f in branch_fns):
        pairs = list(branch_fns)
    elif isinstance(branch_fns, (list, tuple)):
        pairs = list(enumerate(branch_fns))
    else:
        raise TypeError(f"branch_fns must be a list, tuple, or dict, got {branch_fns!r}.")
    if not pairs:
        raise ValueError("switch_case() needs at least one function.")
    numbers = sorted(n for n, _ in pairs)
    if numbers != list(range(len(pairs))):
        raise ValueError(f"The numbers of branch_fns must be 0 to {len(pairs) - 1}, got {numbers}.")
    return [function for _, function in sorted(pairs, key=lambda pair: pair[0])]
