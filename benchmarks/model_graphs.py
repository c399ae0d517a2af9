"""The models that `benchmarks.models` times, written once for weft and TensorFlow, which share their names.

Each function builds a graph on fed batches and gives (what to run, feeds).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .inception_graph import inception_v3

__all__ = ["MODELS"]

Built = tuple[Any, dict[Any, Any]]


def _random(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _labels(count: int, classes: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, classes, count)


def _weight(tf: Any, name: str, shape: Sequence[int], deviation: float = 0.1) -> Any:
    initializer = tf.truncated_normal_initializer(stddev=deviation, seed=1)
    return tf.get_variable(name, shape, initializer=initializer, use_resource=True)


def _bias(tf: Any, name: str, size: int) -> Any:
    return tf.get_variable(name, [size], initializer=tf.constant_initializer(0.1), use_resource=True)


def conv_net(tf: Any) -> Built:
    """Two layers of 5x5 convolution and 2x2 pooling, a dense one of 1024, dropout, Adam; batches of 64."""
    x = tf.placeholder(tf.float32, [64, 28, 28, 1])
    y = tf.placeholder(tf.int64, [64])
    h, channels = x, 1
    for number, made in enumerate((32, 64)):
        w, b = _weight(tf, f"w{number}", [5, 5, channels, made]), _bias(tf, f"b{number}", made)
        h = tf.nn.relu(tf.nn.conv2d(h, w, strides=[1, 1, 1, 1], padding="SAME") + b)
        h = tf.nn.max_pool(h, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
        channels = made
    h = tf.reshape(h, [64, 7 * 7 * 64])
    h = tf.nn.relu(tf.matmul(h, _weight(tf, "w2", [7 * 7 * 64, 1024])) + _bias(tf, "b2", 1024))
    h = tf.nn.dropout(h, keep_prob=0.5)
    logits = tf.matmul(h, _weight(tf, "w3", [1024, 10])) + _bias(tf, "b3", 10)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    train = tf.train.AdamOptimizer(1e-4).minimize(loss)
    return train, {x: _random(64, 28, 28, 1), y: _labels(64, 10)}


def mlp(tf: Any) -> Built:
    """Dense layers 784-512-512-10, momentum, batches of 128."""
    x = tf.placeholder(tf.float32, [128, 784])
    y = tf.placeholder(tf.int64, [128])
    h, size = x, 784
    for number, made in enumerate((512, 512)):
        h = tf.nn.relu(tf.matmul(h, _weight(tf, f"w{number}", [size, made])) + _bias(tf, f"b{number}", made))
        size = made
    logits = tf.matmul(h, _weight(tf, "out", [size, 10])) + _bias(tf, "b", 10)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    train = tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss)
    return train, {x: _random(128, 784), y: _labels(128, 10)}


def _lstm_layer(tf: Any, name: str, inputs: Sequence[Any], batch: int, size: int) -> list[Any]:
    w, b = _weight(tf, f"{name}/w", [2 * size, 4 * size]), _bias(tf, f"{name}/b", 4 * size)
    c = h = tf.zeros([batch, size])
    outputs = []
    for x in inputs:
        i, j, f, o = tf.split(tf.matmul(tf.concat([x, h], 1), w) + b, 4, 1)
        c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        h = tf.tanh(c) * tf.sigmoid(o)
        outputs.append(h)
    return outputs


def language_model(tf: Any) -> Built:
    """Two LSTM layers of 200 written out over 20 words, vocabulary of 10,000, clipped gradients; batches of 20."""
    batch, steps, size, words = 20, 20, 200, 10000
    x = tf.placeholder(tf.int32, [batch, steps])
    y = tf.placeholder(tf.int32, [batch, steps])
    table = _weight(tf, "table", [words, size])
    hidden = tf.unstack(tf.nn.embedding_lookup(table, x), axis=1)
    for layer in ("first", "second"):
        hidden = _lstm_layer(tf, layer, hidden, batch, size)
    flat = tf.reshape(tf.stack(hidden, axis=1), [batch * steps, size])
    logits = tf.matmul(flat, _weight(tf, "out", [size, words])) + _bias(tf, "b", words)
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(y, [-1]), logits=logits)
    )
    variables = tf.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 5.0)
    train = tf.train.GradientDescentOptimizer(1.0).apply_gradients(zip(grads, variables, strict=True))
    given = np.random.default_rng(0).integers(0, words, (batch, steps + 1))
    return train, {x: given[:, :-1], y: given[:, 1:]}


def word2vec(tf: Any) -> Built:
    """Skip-gram with 64 sampled words, vocabulary of 50,000, sparse updates; batches of 128."""
    words, size, batch = 50000, 128, 128
    x = tf.placeholder(tf.int32, [batch])
    y = tf.placeholder(tf.int64, [batch, 1])
    table = _weight(tf, "table", [words, size])
    loss = tf.reduce_mean(
        tf.nn.nce_loss(
            weights=_weight(tf, "weights", [words, size]),
            biases=_bias(tf, "biases", words),
            labels=y,
            inputs=tf.nn.embedding_lookup(table, x),
            num_sampled=64,
            num_classes=words,
        )
    )
    train = tf.train.GradientDescentOptimizer(1.0).minimize(loss)
    rng = np.random.default_rng(0)
    return train, {x: np.minimum(rng.zipf(1.3, batch), words) - 1, y: rng.integers(0, words, (batch, 1))}


def inception(tf: Any) -> Built:
    """Inception v3 with random weights, forward, 4 images of 299x299."""
    images = tf.placeholder(tf.float32, [4, 299, 299, 3])
    return inception_v3(tf, images), {images: _random(4, 299, 299, 3)}


MODELS: dict[str, Callable[[Any], Built]] = {
    "conv net": conv_net,
    "MLP": mlp,
    "LSTM language model": language_model,
    "word2vec": word2vec,
    "Inception v3 forward": inception,
}
