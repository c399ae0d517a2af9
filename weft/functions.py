"""User functions: bodies of the graph's library that calls run, and functions with gradients of their own."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from .graph.convert import convert_to_tensor
from .graph.default_graph import get_default_graph, name_scope
from .graph.dtypes import DType, as_dtype
from .graph.elements import Operation, Tensor
from .graph.func_graph import FuncGraph
from .graph.gradient_registry import register_gradient
from .graph.graph_keys import GraphKeys
from .graph.nest import flatten, map_structure, pack_sequence_as
from .graph.ops.control import Identity, IdentityN
from .tracing import Results, trace

__all__ = ["Defun", "custom_gradient", "function", "grad_pass_through", "recompute_grad"]

_NUMBERS = itertools.count()


class _Function:
    """A Python function whose calls become calls of a function of the graph's library.

    It is traced once per graph and per types and shapes of its arguments.

    Args:
        python_function: the function.
        types: element types of the arguments; None where those that come in decide.
        name: name in the library; that of the Python function by default.
        gradient: name of a registered gradient, or None.
        in_order: whether what the function does to variables and to the outside happens, in the order in which it
            is written, although no result needs it.
    """

    def __init__(
        self,
        python_function: Callable[..., Any],
        types: Sequence[DType] | None,
        name: str | None,
        gradient: str | None,
        in_order: bool,
    ) -> None:
        self.python_function = python_function
        self.types = types
        self.name = name or getattr(python_function, "__name__", "function").strip("<>")
        self.gradient = gradient
        self.in_order = in_order
        self._traced: dict[Any, tuple[Any, FuncGraph, Results]] = {}
        functools.update_wrapper(self, python_function)

    def __call__(self, *args: Any, name: str | None = None, **kwargs: Any) -> Any:
        with name_scope(name, self.name) as scope:
            given = _bound(self.python_function, args, kwargs) if self.types is None else args
            if self.types is not None and len(given) != len(self.types):
                raise ValueError(f"{self.name} takes {len(self.types)} arguments, got {len(given)}.")
            flat = [
                convert_to_tensor(v, None if self.types is None else self.types[i], name=f"arg{i}")
                for i, v in enumerate(flatten(given, True))
            ]
            body, results = self.traced(given, flat)
            return self._call(body, results, flat, scope)

    def traced(self, structure: Any, arguments: Sequence[Tensor]) -> tuple[FuncGraph, Results]:
        """The body for arguments like these."""
        graph = get_default_graph()
        specs = tuple((t.dtype, t.shape, t.handle_data) for t in arguments)
        key = (id(graph), specs)
        if key not in self._traced:
            body = FuncGraph(self.name)
            for i, tensor in enumerate(arguments):
                body.add_argument(tensor.dtype, tensor.shape, f"arg{i}", tensor.handle_data)
            inner = pack_sequence_as(structure, list(body.inputs), True)

            def run(*_: Any) -> Any:
                before = len(body.get_operations())
                returned = self.python_function(*inner)
                if self.in_order:
                    body.control_outputs = _ordered(body.get_operations()[before:])
                return _without_operations(returned)

            results = trace(body, run)
            self._traced[key] = (graph, body, results)
        return self._traced[key][1:]

    def _call(self, body: FuncGraph, results: Results, flat: Sequence[Tensor], scope: str) -> Any:
        graph = get_default_graph()
        body.capture_all(body.captures)
        inputs = [*flat, *body.captures]
        traits = body.traits()
        attrs: dict[str, Any] = {
            "Tin": [t.dtype for t in inputs],
            "Tout": [t.dtype for t in results.tensors],
            "f": body.name,
            "_output_shapes": tuple(t.shape for t in results.tensors),
        }
        if self.gradient is not None:
            attrs["_gradient_op_type"] = self.gradient
        stateful = traits.effect or traits.reads or traits.writes
        kind = "StatefulPartitionedCall" if stateful else "PartitionedCall"
        with graph.control_dependencies(body.control_captures):
            op = graph.create_op(kind, inputs, attrs, scope)
        if not results.tensors:
            return op
        return results.rebuilt([Identity(t) for t in op.outputs[: len(results.tensors)]])


def _bound(
    python_function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Any, ...]:
    if not kwargs:
        return tuple(args)
    bound = inspect.signature(python_function).bind(*args, **kwargs)
    bound.apply_defaults()
    if bound.kwargs:
        raise TypeError(f"keyword-only arguments {', '.join(bound.kwargs)} cannot be tensors of a function.")
    return bound.args


def _without_operations(returned: Any) -> Any:
    """The results, with None for operations: a call runs them anyway."""
    return map_structure(lambda v: None if isinstance(v, Operation) else v, returned)


def _ordered(operations: Sequence[Operation]) -> list[Operation]:
    """Makes operations that touch variables or the outside wait for each other; gives those that must run."""
    last: Operation | None = None
    must_run = []
    for op in operations:
        state = op.state
        changes = state.kind == "effect" or bool(state.writes)
        if last is not None and (changes or state.reads) and last not in op.control_inputs:
            op.control_inputs = (*op.control_inputs, last)
        if changes:
            last = op
            must_run.append(op)
    return must_run


class Defun:
    """Decorator that makes a Python function a function of the graph's library.

    Args:
        *input_types: element types of the arguments.
        func_name: name in the library.
        python_grad_func: gradient: from (op, *output gradients) to a gradient per argument.
        grad_func: another `Defun` function that is the gradient: from arguments and output gradients to a gradient
            per argument.
        out_names: accepted for TensorFlow's sake.
        **kwargs: accepted for TensorFlow's sake.

    Source:
        TensorFlow `PartitionedCall`, `tf.compat.v1`'s `function.Defun`.
    """

    def __init__(
        self,
        *input_types: Any,
        func_name: str | None = None,
        python_grad_func: Callable[..., Any] | None = None,
        grad_func: Callable[..., Any] | None = None,
        out_names: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        del out_names, kwargs
        self._types = [as_dtype(t) for t in input_types] or None
        self._name = func_name
        if python_grad_func is not None and grad_func is not None:
            raise ValueError("python_grad_func and grad_func cannot both be given.")
        self._gradient = python_grad_func
        if grad_func is not None:
            self._gradient = lambda op, *grads: grad_func(*op.inputs, *grads)

    def __call__(self, python_function: Callable[..., Any]) -> Callable[..., Any]:
        gradient = None
        if self._gradient is not None:
            gradient = _named_gradient(self._gradient)
        return _Function(python_function, self._types, self._name, gradient, in_order=False)


def _named_gradient(rule: Callable[..., Any]) -> str:
    """Registers a gradient under a new name."""
    name = f"CustomGradient-{next(_NUMBERS)}"

    def listed(op: Operation, *grads: Any) -> list[Any]:
        made = rule(op, *grads)
        found = list(made) if isinstance(made, (list, tuple)) else [made]
        return found + [None] * (len(op.inputs) - len(found))

    register_gradient(name, listed)
    return name


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Any = None,
    autograph: bool = False,
    **kwargs: Any,
) -> Any:
    """Makes a Python function a function of the graph's library; what it does to variables happens in order.

    Args:
        func: the function; None to be used as a decorator with arguments.
        input_signature: accepted for TensorFlow's sake; it is traced for the shapes that come in.
        autograph: accepted for TensorFlow's sake; Python's own `if` and `while` see no tensor values.
        **kwargs: accepted for TensorFlow's sake.

    Source:
        TensorFlow `StatefulPartitionedCall`, `tf.function`.
    """
    del input_signature, autograph, kwargs
    if func is None:
        return function
    return _Function(func, None, None, None, in_order=True)


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a function a gradient of its own.

    Args:
        f: from tensors to (results, gradient function); the gradient function takes a gradient for each result and
            gives one for each argument. A function that uses variables has a gradient function with the argument
            `variables`; it gives (gradients of arguments, gradients of variables).

    Source:
        `tf.custom_gradient`.
    """

    @functools.wraps(f)
    def decorated(*args: Any) -> Any:
        tensors = [convert_to_tensor(a) for a in flatten(args, True)]
        graph = get_default_graph()
        before = graph.version
        returned, gradient = f(*pack_sequence_as(args, tensors, True))
        results = [convert_to_tensor(r) for r in flatten(returned, True)]
        variables = _variables_read(graph.get_operations()[before:], tensors)
        named = _named_gradient(_inputs_gradient(gradient, len(results), len(tensors), variables))
        with graph.gradient_override_map({"IdentityN": named}):
            passed = IdentityN([*results, *tensors, *(v.handle for v in variables)])
        return pack_sequence_as(returned, passed[: len(results)], True)

    return decorated


def _inputs_gradient(
    gradient: Callable[..., Any], results: int, arguments: int, variables: Sequence[Any]
) -> Callable[..., Any]:
    def rule(op: Operation, *grads: Any) -> list[Any]:
        incoming = grads[:results]
        if variables:
            parameters = inspect.signature(gradient).parameters
            if "variables" not in parameters and not any(
                p.kind is p.VAR_KEYWORD for p in parameters.values()
            ):
                raise TypeError(
                    "The function uses variables, so its gradient function needs an argument variables=None."
                )
            made, of_variables = gradient(*incoming, variables=list(variables))
        else:
            made, of_variables = gradient(*incoming), []
        found = flatten(made) if isinstance(made, (list, tuple)) else [made]
        if len(found) != arguments:
            raise ValueError(f"The gradient function gives {len(found)} gradients for {arguments} arguments.")
        return [*[None] * results, *found, *of_variables]

    return rule


def _variables_read(operations: Sequence[Operation], arguments: Sequence[Tensor]) -> list[Any]:
    """The trainable variables that some operations read."""
    handles = {t for op in operations if op.type == "ReadVariableOp" for t in op.inputs}
    known = get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES)
    taken = {t.op.inputs[0] for t in arguments if t.op.type == "ReadVariableOp"}
    snapshots = {t.op.inputs[0] for op in operations for t in op.inputs if t.op.type == "ReadVariableOp"}
    return [v for v in known if getattr(v, "handle", None) in (handles | snapshots) - taken]


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose gradient is that of the identity.

    Args:
        f: from tensors to tensors of the same shapes.
    """

    @custom_gradient
    def passed(*args: Any) -> Any:
        return f(*args), lambda *grads: grads if len(grads) > 1 else grads[0]

    return passed


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose gradient computes its intermediate values again instead of keeping them.

    Args:
        f: from tensors to tensors; it may use variables.
    """
    from .graph.gradients import gradients

    @functools.wraps(f)
    def outer(*args: Any) -> Any:
        @custom_gradient
        def inner(*tensors: Any) -> Any:
            returned = f(*tensors)

            def gradient(*grads: Any, variables: Sequence[Any] = ()) -> Any:
                graph = get_default_graph()
                with graph.control_dependencies([g for g in grads if g is not None]):
                    again = [Identity(t) for t in tensors]
                ys = flatten(f(*again))
                made = gradients(ys, [*again, *variables], list(grads))
                own = made[: len(again)]
                return (own, made[len(again) :]) if variables else own

            return returned, gradient

        return inner(*args)

    return outer
