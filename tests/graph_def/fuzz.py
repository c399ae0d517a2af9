"""A fuzzer for GraphDefs: whatever comes in is imported, or refused with an InvalidArgumentError, in bounded time.

    python -m tests.graph_def.fuzz --count 100000 [--seed 0]

Each round takes a graph, changes it, and imports it. What is imported must be written and read again, and what
is refused must leave the graph as it was. A round that takes more than some seconds of processor time, more
memory than the limit, or ends in any other error is reported with the seed that makes it again.
"""

from __future__ import annotations

import argparse
import collections
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import weft as tf
from weft.graph.errors import InvalidArgumentError
from weft.graph.protos import from_text

from .mutations import mutate, mutate_bytes

__all__ = ["Failure", "corpus", "fuzz"]

SECONDS = 5.0
"""Processor time that one round may take."""

MEMORY = 8 << 30
"""Address space that the process may take."""

DATA = Path(__file__).with_name("data")


class Hang(BaseException):
    """A round takes too long."""


class Failure(AssertionError):
    """A round that ended as none may."""


def corpus() -> dict[str, Any]:
    """The graphs to change, by name: some that TensorFlow wrote, some that weft does."""
    found = {path.stem: from_text("GraphDef", path.read_text()) for path in sorted(DATA.glob("*.pbtxt"))}
    for name, build in (("network", _network), ("arrays", _arrays), ("control", _control)):
        with tf.Graph().as_default() as graph:
            build()
            found[name] = graph.as_graph_def(add_shapes=True)
    return found


def _network() -> None:
    x = tf.placeholder(tf.float32, [None, 8, 8, 1], name="x")
    labels = tf.placeholder(tf.int64, [None], name="labels")
    kernel = tf.get_variable("kernel", initializer=np.ones((3, 3, 1, 4), np.float32))
    hidden = tf.nn.relu(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME"))
    pooled = tf.nn.max_pool(hidden, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    w = tf.get_variable("w", initializer=np.ones((64, 3), np.float32))
    logits = tf.matmul(tf.reshape(pooled, [-1, 64]), w)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    tf.train.AdamOptimizer(0.1).minimize(loss)
    tf.global_variables_initializer()


def _arrays() -> None:
    x = tf.placeholder(tf.float32, [4, None], name="x")
    parts = tf.split(x, 2, axis=0)
    joined = tf.concat([tf.transpose(p) for p in parts], 1)
    tf.stack([tf.reduce_sum(joined, 1), tf.reduce_max(joined, 1)])
    tf.pad(tf.tile(x, [2, 2]), [[1, 1], [0, 2]])
    tf.gather(x, [0, 2])[:, 1:]
    tf.one_hot([0, 1], 3)
    tf.reshape(tf.range(12), tf.stack([3, tf.size([1, 2, 3, 4])]))
    tf.random_uniform([2, 2], seed=1)
    tf.cast(x, tf.bfloat16)
    tf.fill([1000, 1000], 2.0)


def _control() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    v = tf.get_variable("v", initializer=np.float32(1))
    grown = tf.cond(x > 0, lambda: v.assign_add(x), lambda: v.read_value() * 2)
    tf.while_loop(lambda i, a: i < 5, lambda i, a: (i + 1, a * x), [tf.constant(0), grown])


def one_round(graphs: dict[str, Any], seed: int) -> str:
    """Changes a graph and imports it.

    Returns:
        "imported" or "refused".

    Raises:
        Failure: neither.
    """
    chance = random.Random(seed)
    name = chance.choice(sorted(graphs))
    message: Any = mutate(graphs[name], chance)
    if chance.random() < 0.2:
        message = mutate_bytes(message.SerializeToString(), chance)
    graph = tf.Graph()
    with graph.as_default():
        try:
            with _limited():
                tf.import_graph_def(message, name=chance.choice(("", "import")))
        except InvalidArgumentError:
            if graph.get_operations() or graph.functions:
                raise Failure(f"seed {seed} ({name}): a refused graph left something behind") from None
            return "refused"
        except (Exception, Hang) as error:
            raise Failure(f"seed {seed} ({name}): {type(error).__name__}: {error}") from error
    try:
        with _limited():
            _check_round_trip(graph)
    except (Exception, Hang) as error:
        raise Failure(f"seed {seed} ({name}): written again: {type(error).__name__}: {error}") from error
    return "imported"


def _check_round_trip(graph: Any) -> None:
    back = graph.as_graph_def()
    with tf.Graph().as_default() as again:
        tf.import_graph_def(back, name="")
        assert [op.name for op in again.get_operations()] == [op.name for op in graph.get_operations()]


@contextmanager
def _limited() -> Iterator[None]:
    """Ends what is inside after `SECONDS` of processor time."""

    def end(*_: Any) -> None:
        raise Hang(f"more than {SECONDS} s")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def fuzz(count: int, seed: int = 0, stop: bool = True) -> tuple[collections.Counter[str], list[Failure]]:
    """Runs rounds.

    Args:
        count: how many.
        seed: of the first one.
        stop: whether the first failure ends it.

    Returns:
        How often graphs were imported and refused, and the failures.
    """
    graphs = corpus()
    tally: collections.Counter[str] = collections.Counter()
    failures: list[Failure] = []
    for number in range(seed, seed + count):
        try:
            tally[one_round(graphs, number)] += 1
        except Failure as failure:
            if stop:
                raise
            failures.append(failure)
            tally["failed"] += 1
    return tally, failures


def main() -> int:
    parser = argparse.ArgumentParser(description="Imports changed GraphDefs.")
    parser.add_argument("--count", type=int, default=100_000, help="rounds")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first round")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    begun, shown = time.monotonic(), 0.0
    tally: collections.Counter[str] = collections.Counter()
    kinds: collections.Counter[str] = collections.Counter()
    for first in range(options.seed, options.seed + options.count, 500):
        rounds = min(500, options.seed + options.count - first)
        found, failures = fuzz(rounds, first, stop=False)
        tally += found
        for failure in failures:
            cause = failure.__cause__
            place = traceback.extract_tb(cause.__traceback__)[-1] if cause is not None else None
            kind = f"{type(cause).__name__} at {place.filename}:{place.lineno}" if place else str(failure)
            kinds[kind] += 1
            if kinds[kind] == 1:
                print(f"{failure}\n    {kind}", flush=True)
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            rate = sum(tally.values()) / (shown - begun)
            print(f"{sum(tally.values())} of {options.count}: {dict(tally)}, {rate:.0f}/s", flush=True)
    print(f"{dict(tally)}")
    for kind, number in kinds.most_common():
        print(f"{number:6} {kind}")
    return 1 if tally["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
