"""One function over two libraries: `f(tf, *inputs)` run with weft and with TensorFlow in the place of `tf`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import weft

__all__ = ["Call", "agree", "values"]


@dataclass(frozen=True)
class Call:
    """A call to be made with both libraries.

    Attributes:
        name: of the case.
        make: `make(tf, *inputs)`, giving a tensor or nested lists and tuples of tensors.
        inputs: arrays; those of a floating type are differentiated by.
        tolerance: allowed difference, relative and absolute.
        gradient: whether gradients are compared.
    """

    name: str
    make: Callable[..., Any]
    inputs: Sequence[Any] = field(default_factory=tuple)
    tolerance: float = 2e-5
    gradient: bool = True


def agree(call: Call) -> None:
    """Fails unless both libraries give the same values and gradients."""
    import tensorflow.compat.v1 as tf

    ours, theirs = values(weft, call), values(tf, call)
    assert len(ours) == len(theirs), f"{call.name}: {len(ours)} results, TensorFlow gives {len(theirs)}"
    for index, (got, expected) in enumerate(zip(ours, theirs, strict=True)):
        _compare(got, expected, call, f"{call.name} result {index}")


def _compare(got: Any, expected: Any, call: Call, what: str) -> None:
    if expected is None or got is None:
        assert expected is None and got is None, f"{what}: {got!r}, TensorFlow gives {expected!r}"
        return
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, TensorFlow's {expected.shape}"
    assert got.dtype == expected.dtype, f"{what}: {got.dtype}, TensorFlow's {expected.dtype}"
    if got.dtype.kind in "fcV":
        wide = np.complex128 if got.dtype.kind == "c" else np.float64
        np.testing.assert_allclose(
            got.astype(wide), expected.astype(wide), rtol=call.tolerance, atol=call.tolerance, err_msg=what
        )
    else:
        np.testing.assert_array_equal(got, expected, err_msg=what)


def values(tf: Any, call: Call) -> list[Any]:
    """The call's results, then the gradients of all of them by each floating input."""
    with tf.Graph().as_default(), tf.Session() as session:
        arrays = [np.asarray(v) for v in call.inputs]
        inputs = [tf.placeholder(tf.as_dtype(a.dtype), a.shape) for a in arrays]
        found = flat(call.make(tf, *inputs))
        floating = [t for t, a in zip(inputs, arrays, strict=True) if a.dtype.kind == "f"]
        ys = [t for t in found if t.dtype.is_floating]
        grads: list[Any] = []
        if call.gradient and ys and floating:
            grads = tf.gradients(ys, floating, [_seed(tf, y, i) for i, y in enumerate(ys)])
        wanted = [*found, *(tf.convert_to_tensor(g) for g in grads if g is not None)]
        session.run(tf.global_variables_initializer())
        got = iter(session.run(wanted, dict(zip(inputs, arrays, strict=True))))
        results = [next(got) for _ in found]
        return [*results, *(None if g is None else next(got) for g in grads)]


def flat(value: Any) -> list[Any]:
    """The tensors of a nested result, a sparse tensor as its three parts."""
    if hasattr(value, "dense_shape") and hasattr(value, "indices"):
        return [value.indices, value.values, value.dense_shape]
    if isinstance(value, (list, tuple)):
        return [t for member in value for t in flat(member)]
    return [value]


def _seed(tf: Any, y: Any, index: int) -> Any:
    """Weights of a result's elements: numbers that depend on its shape alone."""
    count = tf.cast(tf.size(y), tf.float32)
    row = tf.sin(tf.range(count, dtype=tf.float32) * 0.7 + float(index))
    return tf.cast(tf.reshape(row, tf.shape(y)), y.dtype)
