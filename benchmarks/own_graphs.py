"""Training graphs that the placement figures are about: the digits network, an LSTM, Inception v3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import weft as tf

__all__ = ["GRAPHS", "OwnGraph", "digits", "inception", "lstm"]


@dataclass(frozen=True)
class OwnGraph:
    """A network with its training step.

    Attributes:
        name: for tables.
        graph: holds everything.
        feeds: values for the inputs.
        forward: scores of a batch.
        train: one training step.
        init: initializes the variables.
        layers: op names' scopes in the order of the layers, for placing by hand.
    """

    name: str
    graph: tf.Graph
    feeds: dict[Any, Any]
    forward: Any
    train: Any
    init: Any
    layers: tuple[str, ...]


def digits(batch: int = 128, channels: int = 16) -> OwnGraph:
    """Two convolutions and two dense layers on pictures of 8×8, as in `examples/digits.py`."""
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(1)
        x = tf.placeholder(tf.float32, [batch, 8, 8, 1], name="x")
        y = tf.placeholder(tf.int64, [batch], name="y")
        h = tf.layers.conv2d(x, channels, 5, padding="same", activation=tf.nn.relu, name="conv1")
        h = tf.layers.max_pooling2d(h, 2, 2, name="pool1")
        h = tf.layers.conv2d(h, 2 * channels, 5, padding="same", activation=tf.nn.relu, name="conv2")
        h = tf.layers.max_pooling2d(h, 2, 2, name="pool2")
        h = tf.reshape(h, [batch, -1])
        h = tf.layers.dense(h, 64, activation=tf.nn.relu, name="dense")
        scores = tf.layers.dense(h, 10, name="out")
        train = _train(scores, y)
        init = tf.global_variables_initializer()
    rng = np.random.default_rng(0)
    feeds = {x: rng.random((batch, 8, 8, 1), np.float32), y: rng.integers(0, 10, batch)}
    return OwnGraph("digits", graph, feeds, scores, train, init, ("conv1", "conv2", "dense", "out"))


def lstm(batch: int = 64, steps: int = 20, width: int = 256, layers: int = 2) -> OwnGraph:
    """An LSTM of several layers over sequences, unrolled; its last output is classified."""
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(1)
        x = tf.placeholder(tf.float32, [batch, steps, width], name="x")
        y = tf.placeholder(tf.int64, [batch], name="y")
        sequence = tf.unstack(x, axis=1)
        for layer in range(layers):
            sequence = _lstm_layer(sequence, width, f"lstm{layer}")
        scores = tf.layers.dense(sequence[-1], 10, name="out")
        train = _train(scores, y)
        init = tf.global_variables_initializer()
    rng = np.random.default_rng(0)
    feeds = {
        x: rng.standard_normal((batch, steps, width)).astype(np.float32),
        y: rng.integers(0, 10, batch),
    }
    names = (*(f"lstm{i}" for i in range(layers)), "out")
    return OwnGraph("lstm", graph, feeds, scores, train, init, names)


def _lstm_layer(sequence: Any, width: int, name: str) -> list[Any]:
    batch = int(sequence[0].shape[0])
    outputs = []
    with tf.variable_scope(name):
        weights = tf.get_variable("kernel", [2 * width, 4 * width])
        bias = tf.get_variable("bias", [4 * width], initializer=tf.zeros_initializer())
        state, output = tf.zeros([batch, width]), tf.zeros([batch, width])
        for value in sequence:
            gates = tf.matmul(tf.concat([value, output], 1), weights) + bias
            i, j, f, o = tf.split(gates, 4, axis=1)
            state = state * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            output = tf.tanh(state) * tf.sigmoid(o)
            outputs.append(output)
    return outputs


def inception(batch: int = 2, size: int = 299, classes: int = 1000) -> OwnGraph:
    """Inception v3 (Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2015)."""
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(1)
        x = tf.placeholder(tf.float32, [batch, size, size, 3], name="x")
        y = tf.placeholder(tf.int64, [batch], name="y")
        h = _stem(x)
        scopes = ["stem"]
        for name, block in _BLOCKS:
            with tf.variable_scope(name):
                h = block(h)
            scopes.append(name)
        h = tf.reduce_mean(h, [1, 2], name="pool")
        scores = tf.layers.dense(h, classes, name="out")
        train = _train(scores, y)
        init = tf.global_variables_initializer()
    rng = np.random.default_rng(0)
    feeds = {x: rng.random((batch, size, size, 3), np.float32), y: rng.integers(0, classes, batch)}
    return OwnGraph("inception v3", graph, feeds, scores, train, init, (*scopes, "out"))


def _train(scores: Any, labels: Any) -> Any:
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=scores))
    return tf.train.GradientDescentOptimizer(0.01).minimize(loss, name="train")


def _conv(x: Any, filters: int, kernel: Any, name: str, stride: int = 1, padding: str = "same") -> Any:
    with tf.variable_scope(name):
        h = tf.layers.conv2d(x, filters, kernel, stride, padding, use_bias=False, name="conv")
        h = tf.layers.batch_normalization(h, training=True, scale=False, name="norm")
        return tf.nn.relu(h)


def _stem(x: Any) -> Any:
    with tf.variable_scope("stem"):
        h = _conv(x, 32, 3, "a", 2, "valid")
        h = _conv(h, 32, 3, "b", padding="valid")
        h = _conv(h, 64, 3, "c")
        h = tf.layers.max_pooling2d(h, 3, 2)
        h = _conv(h, 80, 1, "d", padding="valid")
        h = _conv(h, 192, 3, "e", padding="valid")
        return tf.layers.max_pooling2d(h, 3, 2)


def _chain(x: Any, name: str, *layers: tuple[int, Any]) -> Any:
    """Convolutions one after the other, as (filters, kernel)."""
    for number, (filters, kernel) in enumerate(layers):
        x = _conv(x, filters, kernel, f"{name}{number}")
    return x


def _averaged(x: Any, filters: int) -> Any:
    return _conv(tf.layers.average_pooling2d(x, 3, 1, "same"), filters, 1, "pool")


def _block35(x: Any, pool: int) -> Any:
    parts = [
        _chain(x, "one", (64, 1)),
        _chain(x, "five", (48, 1), (64, 5)),
        _chain(x, "three", (64, 1), (96, 3), (96, 3)),
        _averaged(x, pool),
    ]
    return tf.concat(parts, 3)


def _reduce17(x: Any) -> Any:
    parts = [
        _conv(x, 384, 3, "three", 2, "valid"),
        _conv(_chain(x, "double", (64, 1), (96, 3)), 96, 3, "last", 2, "valid"),
        tf.layers.max_pooling2d(x, 3, 2),
    ]
    return tf.concat(parts, 3)


def _block17(x: Any, width: int) -> Any:
    flat, tall = (1, 7), (7, 1)
    parts = [
        _chain(x, "one", (192, 1)),
        _chain(x, "seven", (width, 1), (width, flat), (192, tall)),
        _chain(x, "double", (width, 1), (width, tall), (width, flat), (width, tall), (192, flat)),
        _averaged(x, 192),
    ]
    return tf.concat(parts, 3)


def _reduce8(x: Any) -> Any:
    parts = [
        _conv(_chain(x, "three", (192, 1)), 320, 3, "last3", 2, "valid"),
        _conv(_chain(x, "seven", (192, 1), (192, (1, 7)), (192, (7, 1))), 192, 3, "last7", 2, "valid"),
        tf.layers.max_pooling2d(x, 3, 2),
    ]
    return tf.concat(parts, 3)


def _block8(x: Any) -> Any:
    three = _chain(x, "three", (384, 1))
    double = _chain(x, "double", (448, 1), (384, 3))
    parts = [
        _chain(x, "one", (320, 1)),
        _conv(three, 384, (1, 3), "three_flat"),
        _conv(three, 384, (3, 1), "three_tall"),
        _conv(double, 384, (1, 3), "double_flat"),
        _conv(double, 384, (3, 1), "double_tall"),
        _averaged(x, 192),
    ]
    return tf.concat(parts, 3)


_BLOCKS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("mixed0", lambda x: _block35(x, 32)),
    ("mixed1", lambda x: _block35(x, 64)),
    ("mixed2", lambda x: _block35(x, 64)),
    ("mixed3", _reduce17),
    ("mixed4", lambda x: _block17(x, 128)),
    ("mixed5", lambda x: _block17(x, 160)),
    ("mixed6", lambda x: _block17(x, 160)),
    ("mixed7", lambda x: _block17(x, 192)),
    ("mixed8", _reduce8),
    ("mixed9", _block8),
    ("mixed10", _block8),
)

GRAPHS: dict[str, Callable[[], OwnGraph]] = {"digits": digits, "lstm": lstm, "inception": inception}
