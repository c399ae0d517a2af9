"""Inception v3 (Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2015), inference form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["inception_v3"]


class _Layers:
    """Convolutions with batch norm and relu, and pools, with variables numbered in order."""

    def __init__(self, tf: Any) -> None:
        self.tf = tf
        self.count = 0

    def conv(self, x: Any, made: int, kernel: Sequence[int], stride: int = 1, padding: str = "SAME") -> Any:
        tf, name = self.tf, f"conv{self.count}"
        self.count += 1
        shape = [*kernel, int(x.shape[-1]), made]
        deviation = (2.0 / (shape[0] * shape[1] * shape[2])) ** 0.5
        w = tf.get_variable(
            name, shape, initializer=tf.random_normal_initializer(stddev=deviation, seed=1), use_resource=True
        )
        y = tf.nn.conv2d(x, w, strides=[1, stride, stride, 1], padding=padding)
        scale, offset, mean = (tf.fill([made], v) for v in (1.0, 0.0, 0.0))
        y = tf.nn.fused_batch_norm(
            y, scale, offset, mean, tf.fill([made], 1.0), epsilon=1e-3, is_training=False
        )[0]
        return tf.nn.relu(y)

    def chain(self, x: Any, *layers: tuple[int, Sequence[int]]) -> Any:
        for made, kernel in layers:
            x = self.conv(x, made, kernel)
        return x

    def max_pool(self, x: Any) -> Any:
        return self.tf.nn.max_pool(x, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="VALID")

    def avg_pool(self, x: Any, size: int = 3, padding: str = "SAME") -> Any:
        return self.tf.nn.avg_pool(x, ksize=[1, size, size, 1], strides=[1, 1, 1, 1], padding=padding)

    def joined(self, *branches: Any) -> Any:
        return self.tf.concat(branches, 3)


def inception_v3(tf: Any, images: Any) -> Any:
    """Logits of 1001 classes for `(batch, 299, 299, 3)` images."""
    net = _Layers(tf)
    x = net.conv(images, 32, (3, 3), 2, "VALID")
    x = net.conv(x, 32, (3, 3), padding="VALID")
    x = net.max_pool(net.conv(x, 64, (3, 3)))
    x = net.conv(x, 80, (1, 1), padding="VALID")
    x = net.max_pool(net.conv(x, 192, (3, 3), padding="VALID"))
    for pooled in (32, 64, 64):
        x = _mixed_35(net, x, pooled)
    x = net.joined(
        net.conv(x, 384, (3, 3), 2, "VALID"),
        net.conv(net.chain(x, (64, (1, 1)), (96, (3, 3))), 96, (3, 3), 2, "VALID"),
        net.max_pool(x),
    )
    for inner in (128, 160, 160, 192):
        x = _mixed_17(net, x, inner)
    x = net.joined(
        net.conv(net.conv(x, 192, (1, 1)), 320, (3, 3), 2, "VALID"),
        net.conv(net.chain(x, (192, (1, 1)), (192, (1, 7)), (192, (7, 1))), 192, (3, 3), 2, "VALID"),
        net.max_pool(x),
    )
    for _ in range(2):
        x = _mixed_8(net, x)
    x = tf.reshape(net.avg_pool(x, 8, "VALID"), [int(images.shape[0]), 2048])
    w = tf.get_variable(
        "logits", [2048, 1001], initializer=tf.random_normal_initializer(stddev=0.02), use_resource=True
    )
    return tf.matmul(x, w)


def _mixed_35(net: _Layers, x: Any, pooled: int) -> Any:
    return net.joined(
        net.conv(x, 64, (1, 1)),
        net.chain(x, (48, (1, 1)), (64, (5, 5))),
        net.chain(x, (64, (1, 1)), (96, (3, 3)), (96, (3, 3))),
        net.conv(net.avg_pool(x), pooled, (1, 1)),
    )


def _mixed_17(net: _Layers, x: Any, inner: int) -> Any:
    row, column = (1, 7), (7, 1)
    long = ((inner, (1, 1)), (inner, column), (inner, row), (inner, column), (192, row))
    return net.joined(
        net.conv(x, 192, (1, 1)),
        net.chain(x, (inner, (1, 1)), (inner, row), (192, column)),
        net.chain(x, *long),
        net.conv(net.avg_pool(x), 192, (1, 1)),
    )


def _mixed_8(net: _Layers, x: Any) -> Any:
    split: Callable[[Any], Any] = lambda y: net.joined(net.conv(y, 384, (1, 3)), net.conv(y, 384, (3, 1)))  # noqa: E731
    return net.joined(
        net.conv(x, 320, (1, 1)),
        split(net.conv(x, 384, (1, 1))),
        split(net.chain(x, (448, (1, 1)), (384, (3, 3)))),
        net.conv(net.avg_pool(x), 192, (1, 1)),
    )
