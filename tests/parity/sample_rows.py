"""Sample rows of op declarations, run by TensorFlow: the values and gradients that it gives for them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from weft.graph.dtypes import DType
from weft.graph.gradients import gradients
from weft.graph.indexed_slices import IndexedSlices
from weft.graph.opdef import NoGradient, OpDecl, Sample
from weft.graph.prune import prune
from weft.graph.samples import Built, Variable
from weft.graph.shapes import TensorShape

from ..ops.running import Case, run_case, run_subgraph

_FRESH = itertools.count()


def values(decl: OpDecl, row: Sample) -> tuple[list[Any], list[Any]]:
    """What weft on NumPy and what TensorFlow give for a row: new values of written variables, then outputs."""
    import tensorflow as tf

    case = Case(decl, row)
    ours = run_case(case, "numpy")
    graph = tf.Graph()
    with graph.as_default(), _session() as session:
        inputs, setters = _inputs(case)
        session.run(setters)
        results, ops = _apply(case, inputs)
        with tf.control_dependencies(ops):
            written = [_read(case, name, inputs) for name in decl.state.writes]
        return ours, session.run([*written, *results])


def gradient_pairs(decl: OpDecl, row: Sample) -> list[tuple[Any, Any]]:
    """For each input of a row that both differentiate, weft's gradient and TensorFlow's."""
    import tensorflow as tf

    if isinstance(decl.gradient, NoGradient) or row.grad == ():
        return []
    case = Case(decl, row)
    if any(isinstance(v, (Built, Variable)) for v in case.values):
        return []
    first = len(case.decl.state.writes)
    shapes = [np.shape(v) for v in run_case(case, "numpy")[first:]]
    ours = _our_gradients(case, shapes)
    graph = tf.Graph()
    with graph.as_default(), _session() as session:
        inputs, _ = _inputs(case)
        results, _ = _apply(case, inputs)
        seeded = [
            (r, s) for r, s in zip(results, shapes, strict=True) if r.dtype.is_floating or r.dtype.is_complex
        ]
        ys = [r for r, _ in seeded]
        seeds = [_seed(s, y.dtype.as_numpy_dtype, i) for i, (y, s) in enumerate(seeded)]
        try:
            theirs = tf.gradients(ys, list(_flat(inputs)), seeds)
        except (LookupError, ValueError):
            return []
        pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None and b is not None]
        dense = [tf.convert_to_tensor(b) if isinstance(b, tf.IndexedSlices) else b for _, b in pairs]
        try:
            return [(a, b) for (a, _), b in zip(pairs, session.run(dense), strict=True)]
        except tf.errors.InvalidArgumentError:
            # An edge case that TensorFlow's own gradient cannot run.
            return []


def _our_gradients(case: Case, shapes: list[tuple[int, ...]]) -> list[Any]:
    with case.graph.as_default():
        outputs = zip(case.op.outputs, shapes, strict=True)
        seeded = [(t, s) for t, s in outputs if t.dtype.is_floating or t.dtype.is_complex]
        ys = [t for t, _ in seeded]
        seeds = [_seed(s, y.dtype.np, i) for i, (y, s) in enumerate(seeded)]
        made = [
            g._as_tensor() if isinstance(g, IndexedSlices) else g
            for g in gradients(ys, list(case.inputs), seeds)
        ]
    wanted = [g for g in made if g is not None]
    feeds = list(case.feeds)
    subgraph = prune(case.graph, wanted, feeds, [])
    used = [t for t in feeds if t.name in subgraph.feeds]
    got = iter(run_subgraph(subgraph, [case.feeds[t] for t in used], "numpy"))
    return [None if g is None else next(got) for g in made]


def _seed(shape: tuple[int, ...], dtype: Any, index: int) -> Any:
    return np.random.default_rng(index + 7).uniform(-1, 1, shape).astype(dtype)


def _session() -> Any:
    import tensorflow as tf

    v1 = tf.compat.v1
    return v1.Session(config=v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1))


def _inputs(case: Case) -> tuple[dict[str, Any], list[Any]]:
    """TensorFlow's tensors for the inputs by argument name, and ops that set the variables among them."""
    slices = case.decl.arg_slices(case.attrs)
    setters: list[Any] = []
    found: dict[str, Any] = {}
    for arg in case.decl.inputs:
        part = slices[arg.name]
        tensors = [
            _tensor(v, t.dtype, setters) for v, t in zip(case.values[part], case.inputs[part], strict=True)
        ]
        found[arg.name] = tensors if arg.is_list else tensors[0]
    return found, setters


def _tensor(value: Any, dtype: DType, setters: list[Any]) -> Any:
    import tensorflow as tf

    if isinstance(value, Variable):
        array = value.value
        handle = tf.raw_ops.VarHandleOp(
            dtype=array.dtype, shape=array.shape, shared_name=f"variable{next(_FRESH)}"
        )
        setters.append(tf.raw_ops.AssignVariableOp(resource=handle, value=array))
        return handle
    return tf.constant(value, dtype=tf.as_dtype(dtype.enum))


def _apply(case: Case, inputs: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """The op in TensorFlow's graph: its flattened outputs, and itself."""
    import tensorflow as tf
    from tensorflow.python.framework import op_def_library

    inferred = {
        name for arg in case.decl.inputs for name in (arg.type_attr, arg.number_attr, arg.type_list_attr)
    }
    attrs = {
        k: _attr(v)
        for k, v in case.attrs.items()
        if k not in inferred and not k.startswith("_") and k in case.decl.attrs
    }
    graph = tf.compat.v1.get_default_graph()
    before = len(graph.get_operations())
    op_def_library.apply_op(case.decl.name, **inputs, **attrs)
    made = graph.get_operations()[before:]
    op = next(o for o in reversed(made) if o.type == case.decl.name)
    return list(op.outputs), [op]


def _attr(value: Any) -> Any:
    import tensorflow as tf

    if isinstance(value, DType):
        return tf.as_dtype(value.enum)
    if isinstance(value, TensorShape):
        return tf.TensorShape(None if value.dims is None else list(value.dims))
    if isinstance(value, tuple):
        return [_attr(v) for v in value]
    return value


def _read(case: Case, name: str, inputs: dict[str, Any]) -> Any:
    import tensorflow as tf

    position = case.decl.arg_slices(case.attrs)[name].start
    return tf.raw_ops.ReadVariableOp(resource=inputs[name], dtype=case.values[position].value.dtype)


def _flat(inputs: dict[str, Any]) -> Any:
    for value in inputs.values():
        yield from value if isinstance(value, list) else [value]
