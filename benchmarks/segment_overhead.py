"""What running a segment costs above the arithmetic: `python -m benchmarks.segment_overhead`.

Compares, in one process and in turn, weft's compiled segments with the same mathematics written by hand in NumPy: a
linear-regression training step, where each array is tiny and calls are all there is; a chain of additions, which
gives the overhead of one op; a chain over arrays of a megabyte, where memory is all there is.
"""

from __future__ import annotations

import argparse
import statistics
import timeit
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_CHAIN = 50


def _segment(build: Callable[..., Any], *shapes: tuple[int, ...]) -> Any:
    """What `build` makes of placeholders, optimized for these shapes, as one segment; targets are its ops."""
    import weft as tf
    from weft.actors.step import evaluate
    from weft.graph.elements import Operation
    from weft.graph.prune import prune
    from weft.graph.rewrites import optimize
    from weft.kernels.segment import whole_segment

    graph = tf.Graph()
    with graph.as_default():
        feeds = [tf.placeholder(tf.float32, shape) for shape in shapes]
        made = build(tf, *feeds)
    is_op = isinstance(made, Operation)
    subgraph = optimize(prune(graph, [] if is_op else [made], feeds, [made] if is_op else []), evaluate)
    return whole_segment(subgraph, [subgraph.feeds[t.name] for t in feeds]).segment


def _numpy(segment: Any) -> Callable[[Sequence[Any]], Any]:
    from weft.kernels.backend import get_backend

    return get_backend("numpy").compile(segment)


def _training(tf: Any, x: Any, y: Any) -> Any:
    w, b = tf.Variable(tf.zeros([1, 1])), tf.Variable(tf.zeros([1]))
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w) + b - y))
    return tf.train.GradientDescentOptimizer(0.5).minimize(loss)


def _training_by_hand(values: Sequence[Any]) -> Any:
    """The same step as a NumPy user would write it."""
    x, y, w, b = values
    difference = np.dot(x, w) + b - y
    grad = np.float32(2 / len(x)) * difference
    return w - np.float32(0.5) * np.dot(x.T, grad), b - np.float32(0.5) * np.add.reduce(grad, axis=0)


def _training_case() -> tuple[str, Callable[[], Any], Callable[[], Any]]:
    ours = _numpy(_segment(_training, (100, 1), (100, 1)))
    x = np.random.default_rng(0).random((100, 1), dtype=np.float32)
    values = [x, x * np.float32(0.1), np.zeros((1, 1), np.float32), np.zeros(1, np.float32)]
    for a, b in zip(ours(list(values)), _training_by_hand(values), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    return "training step, 100 rows", lambda: ours(list(values)), lambda: _training_by_hand(values)


def _chain_case(size: int, name: str) -> tuple[str, Callable[[], Any], Callable[[], Any]]:
    def build(tf: Any, x: Any, y: Any) -> Any:
        for _ in range(_CHAIN):
            x = tf.add(x, y)
        return x

    ours = _numpy(_segment(build, (size,), (size,)))
    x, y = np.ones(size, np.float32), np.full(size, 0.5, np.float32)

    def by_hand() -> Any:
        total = x
        for _ in range(_CHAIN):
            total = np.add(total, y)
        return total

    np.testing.assert_array_equal(ours([x, y])[0], by_hand())
    return name, lambda: ours([x, y]), by_hand


def compare(
    ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int, seconds: float = 0.02
) -> tuple[list[float], list[float]]:
    """Seconds per call of both, measured in turn."""
    counts = []
    for call in (ours, theirs):
        call()
        counts.append(max(3, int(seconds / max(timeit.timeit(call, number=3) / 3, 1e-7))))
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for call, count, times in zip((ours, theirs), counts, found, strict=True):
            times.append(timeit.timeit(call, number=count) / count)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args(arguments)
    cases = [
        _training_case(),
        _chain_case(8, f"{_CHAIN} additions of 8 numbers"),
        _chain_case(1 << 18, f"{_CHAIN} additions of 1 MiB"),
    ]
    print(f"{'':28}{'segment':>12}{'by hand':>12}   ratio (range)")
    for name, ours, theirs in cases:
        mine, other = compare(ours, theirs, args.rounds)
        ratios = sorted(a / b for a, b in zip(mine, other, strict=True))
        print(
            f"{name:28}{min(mine) * 1e6:9.1f} µs{min(other) * 1e6:9.1f} µs   "
            f"{statistics.median(ratios):.2f}x ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )
        if "numbers" in name:
            extra = (min(mine) - min(other)) / _CHAIN
            print(f"{'  an op above its ufunc':28}{extra * 1e6:9.3f} µs")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
