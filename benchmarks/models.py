"""Whole models against TensorFlow on the CPU: `python -m benchmarks.models [--only REGEX]`.

For each model, every library runs in a process of its own with as many threads, and they take turns: seconds a
step, seconds from an empty graph to the end of the first step, and the process's peak memory. weft runs twice: on
NumPy alone, its CPU devices' usual backend, and on `numpy:choose`, which compiles what XLA computes faster.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

from .kernels import THREADS, Library, median_seconds, warm
from .model_graphs import MODELS
from .paired import noise, ratio

_MODULE = "benchmarks.models"
_TENSORFLOW = "tensorflow"


def _library(name: str) -> tuple[Any, Any]:
    if name == _TENSORFLOW:
        import tensorflow.compat.v1 as tf

        tf.disable_v2_behavior()
        return tf, tf.ConfigProto(intra_op_parallelism_threads=THREADS, inter_op_parallelism_threads=THREADS)
    import weft

    return weft, weft.ConfigProto(backends={"CPU": name})


def serve_model(library: str, model: str) -> None:
    """Answers `first`, `round SECONDS` and `memory` (in MiB) on standard input."""
    tf, config = _library(library)
    start = time.perf_counter()
    with tf.Graph().as_default():
        tf.set_random_seed(1)
        made, feeds = MODELS[model](tf)
        init = tf.global_variables_initializer()
        sess = tf.Session(config=config)
    sess.run(init)
    sess.run(made, feeds)
    first = time.perf_counter() - start

    def step() -> Any:
        return sess.run(made, feeds)

    warm(step)
    print("#ready", flush=True)
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "round":
            answer = median_seconds(step, float(rest))
        elif word == "first":
            answer = first
        else:
            answer = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"#seconds {answer}", flush=True)


def compare(model: str, names: Sequence[str], rounds: int, seconds: float) -> tuple[list[str], float]:
    """The model's lines of the table, and the better ratio to TensorFlow."""
    call = "from {} import serve_model; serve_model({!r}, {!r})"
    libraries = [Library(n, ["-c", call.format(_MODULE, n, model)]) for n in names]
    try:
        for library in libraries:
            print(f"starting {library.name} for {model} ...", file=sys.stderr, flush=True)
            library.start()
        for _ in range(rounds):
            for library in libraries:
                library.seconds.append(library.ask(f"round {seconds}"))
        first = {x.name: x.ask("first") for x in libraries}
        memory = {x.name: x.ask("memory") for x in libraries}
    finally:
        for library in libraries:
            library.stop()
    (theirs,) = (x for x in libraries if x.name == _TENSORFLOW)
    lines, best = [], math.inf
    for x in libraries:
        low, middle, high = ratio(x, theirs)
        best = best if x is theirs else min(best, middle)
        of = "" if x is theirs else f"{middle:5.2f}x ({low:.2f}-{high:.2f})"
        lines.append(
            f"{model:22} {x.name:13} {x.median * 1e3:9.2f} {of:18} {first[x.name]:6.2f} s"
            f" {memory[x.name]:7.0f} MiB {noise(x):6.2f}"
        )
    return lines, best


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="regular expression that the models' names must contain")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each round of each library")
    parser.add_argument("--without", nargs="*", default=[], choices=["numpy", "numpy:choose"])
    args = parser.parse_args(arguments)
    os.environ.update(OPENBLAS_NUM_THREADS=str(THREADS), OMP_NUM_THREADS=str(THREADS), NPROC=str(THREADS))
    names = [n for n in ("numpy", "numpy:choose", _TENSORFLOW) if n not in args.without]
    ratios = []
    print(
        f"{'':22} {'':13} {'ms a step':>9} {'of TensorFlow':18} {'first':>8} {'peak':>11} {'noise':>6}",
        flush=True,
    )
    for model in MODELS:
        if re.search(args.only, model):
            lines, best = compare(model, names, args.rounds, args.seconds)
            ratios.append(best)
            print("\n".join(lines), flush=True)
    if ratios:
        mean = math.exp(statistics.fmean(math.log(r) for r in ratios))
        print(
            f"geometric mean of weft's better ratios: {mean:.2f} (goal 0.75); largest {max(ratios):.2f} (goal 1.0)"
        )
    print("noise: a library's slowest round over its fastest; 1.0 on a quiet machine")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
