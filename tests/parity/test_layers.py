"""Layers compute what TensorFlow's compute, with variables of the same names and shapes."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft

pytestmark = pytest.mark.tensorflow

PICTURES = np.random.default_rng(0).normal(size=(2, 8, 9, 4)).astype(np.float32)
SEQUENCES = np.random.default_rng(1).normal(size=(2, 11, 4)).astype(np.float32)
VOLUMES = np.random.default_rng(2).normal(size=(2, 5, 6, 7, 3)).astype(np.float32)
ROWS = np.random.default_rng(3).normal(size=(6, 5)).astype(np.float32)

Make = Callable[[Any, Any], Any]


def _w(tf: Any, seed: int = 1) -> Any:
    return tf.random_normal_initializer(0.0, 0.3, seed=seed)


def _keys(tf: Any, *names: str) -> dict[str, Any]:
    return {f"{n}_initializer": _w(tf, i) for i, n in enumerate(names, 1)}


LAYERS: dict[str, tuple[np.ndarray[Any, Any], Make]] = {
    "dense": (ROWS, lambda t, x: t.layers.dense(x, 3, activation=t.nn.relu, **_keys(t, "kernel", "bias"))),
    "dense over sequences": (SEQUENCES, lambda t, x: t.layers.dense(x, 3, **_keys(t, "kernel"))),
    "conv1d": (SEQUENCES, lambda t, x: t.layers.conv1d(x, 3, 2, 2, **_keys(t, "kernel", "bias"))),
    "conv1d causal": (
        SEQUENCES,
        lambda t, x: t.layers.conv1d(x, 3, 2, padding="causal", dilation_rate=2, **_keys(t, "kernel")),
    ),
    "conv2d": (
        PICTURES,
        lambda t, x: t.layers.conv2d(x, 3, (3, 2), (2, 1), "same", **_keys(t, "kernel", "bias")),
    ),
    "conv2d dilated": (
        PICTURES,
        lambda t, x: t.layers.conv2d(x, 3, 3, dilation_rate=2, use_bias=False, **_keys(t, "kernel")),
    ),
    "conv3d": (VOLUMES, lambda t, x: t.layers.conv3d(x, 3, 2, 2, "same", **_keys(t, "kernel"))),
    "conv2d transpose": (
        PICTURES,
        lambda t, x: t.layers.conv2d_transpose(x, 3, (3, 4), (2, 3), **_keys(t, "kernel", "bias")),
    ),
    "conv2d transpose same": (
        PICTURES,
        lambda t, x: t.layers.conv2d_transpose(x, 3, 3, 2, "same", **_keys(t, "kernel")),
    ),
    "conv3d transpose": (
        VOLUMES,
        lambda t, x: t.layers.conv3d_transpose(x, 2, 2, 2, "same", **_keys(t, "kernel")),
    ),
    "separable conv1d": (
        SEQUENCES,
        lambda t, x: t.layers.separable_conv1d(
            x, 3, 3, 2, depth_multiplier=2, **_keys(t, "depthwise", "pointwise", "bias")
        ),
    ),
    "separable conv2d": (
        PICTURES,
        lambda t, x: t.layers.separable_conv2d(
            x, 3, 3, padding="same", depth_multiplier=2, **_keys(t, "depthwise", "pointwise")
        ),
    ),
    "max pooling 1d": (SEQUENCES, lambda t, x: t.layers.max_pooling1d(x, 3, 2, "same")),
    "max pooling 2d": (PICTURES, lambda t, x: t.layers.max_pooling2d(x, (2, 3), 2)),
    "max pooling 3d": (VOLUMES, lambda t, x: t.layers.max_pooling3d(x, 2, 2)),
    "average pooling 1d": (SEQUENCES, lambda t, x: t.layers.average_pooling1d(x, 3, 2)),
    "average pooling 2d": (PICTURES, lambda t, x: t.layers.average_pooling2d(x, 2, 2, "same")),
    "average pooling 3d": (VOLUMES, lambda t, x: t.layers.average_pooling3d(x, 2, 2)),
    "flatten": (VOLUMES, lambda t, x: t.layers.flatten(x)),
    "dropout off": (ROWS, lambda t, x: t.layers.dropout(x, 0.4)),
}


def _reference() -> Any:
    """TensorFlow with the layers that Keras 3 has no room for."""
    import tensorflow.compat.v1 as tf
    from tensorflow.python.keras.legacy_tf_layers import convolutional, core, pooling

    tf.enable_resource_variables()
    layers = types.SimpleNamespace()
    for module in (core, convolutional, pooling):
        vars(layers).update({k: v for k, v in vars(module).items() if not k.startswith("_")})
    return types.SimpleNamespace(layers=layers, **{n: getattr(tf, n) for n in _USED})


_USED = [
    "Graph",
    "Session",
    "float32",
    "global_variables",
    "global_variables_initializer",
    "gradients",
    "nn",
    "placeholder",
    "random_normal_initializer",
    "reduce_sum",
    "square",
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", LAYERS)
def test_same_numbers_and_names(name: str) -> None:
    array, make = LAYERS[name]
    ours, theirs = _run(weft, array, make), _run(_reference(), array, make)
    assert ours[0] == theirs[0]
    for mine, other in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-4, atol=2e-5)


def _run(tf: Any, array: np.ndarray[Any, Any], make: Make) -> list[Any]:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, *array.shape[1:]])
        y = make(tf, x)
        variables = tf.global_variables()
        grads = tf.gradients(tf.reduce_sum(tf.square(y)), [x, *variables])
        session.run(tf.global_variables_initializer())
        static = y.get_shape().as_list()
        names = [(v.name, v.get_shape().as_list()) for v in variables]
        return [(names, static), *session.run([y, *grads], {x: array})]
