"""The heaviest ops against TensorFlow and JAX on the CPU: `python -m benchmarks.kernels [--only REGEX]`.

Each library runs in a process of its own, with as many threads; a step is one `session.run` of one op on variables.
For each op the libraries run in turn for some rounds; the ratios are medians over the rounds. weft runs twice: on
NumPy alone, its CPU devices' usual backend, and on `numpy:choose`, which compiles what XLA computes faster.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from .kernel_cases import CASES, Case
from .paired import Contender, noise, ratio

_MODULE = "benchmarks.kernels"
THREADS = 2
_LIMIT = 1.5
_LEAST_STEPS = 5

Step = Callable[[], Any]


def _session_step(tf: Any, case: Case, session: Callable[[], Any]) -> tuple[Step, Callable[[], None]]:
    """One run of the case's op, and what ends its session."""
    with tf.Graph().as_default():
        inputs = [tf.Variable(a, use_resource=True, trainable=False) for a in case.arrays()]
        made = case.build(tf, *inputs)
        init = tf.global_variables_initializer()
        sess = session()
    sess.run(init)
    return (lambda: sess.run(made)), sess.close


def _weft(backend: str) -> Callable[[Case], tuple[Step, Callable[[], None]]]:
    import weft as tf

    config = tf.ConfigProto(backends={"CPU": backend})
    return lambda case: _session_step(tf, case, lambda: tf.Session(config=config))


def _tensorflow() -> Callable[[Case], tuple[Step, Callable[[], None]]]:
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    config = tf.ConfigProto(intra_op_parallelism_threads=THREADS, inter_op_parallelism_threads=THREADS)
    return lambda case: _session_step(tf, case, lambda: tf.Session(config=config))


def _jax() -> Callable[[Case], tuple[Step, Callable[[], None]]]:
    import jax

    def start(case: Case) -> tuple[Step, Callable[[], None]]:
        if case.jax is None:
            return (lambda: None), (lambda: None)
        function = case.jax
        arrays = [jax.device_put(a) for a in case.arrays()]
        if not case.donates:
            compiled = jax.jit(lambda *a: function(jax, *a))
            return (lambda: jax.block_until_ready(compiled(*arrays))), arrays.clear
        results = function.__code__.co_argcount - 1
        kept = max(1, results - (2 if len(arrays) == 3 else 1))
        state = [jax.device_put(case.arrays()[0] * 0) for _ in range(kept)]
        rest = arrays[1:]
        donating = jax.jit(lambda *a: function(jax, *a), donate_argnums=tuple(range(kept)))

        def step() -> None:
            made = donating(*state, *rest)
            state[:] = made if isinstance(made, tuple) else [made]
            jax.block_until_ready(state)

        return step, state.clear

    return start


def serve_cases(library: str) -> None:
    """Answers `start NAME`, `round SECONDS` and `stop` on standard input."""
    make = {"tensorflow": _tensorflow, "jax": _jax}.get(library, lambda: _weft(library))()
    step: Step = time.sleep
    stop: Callable[[], None] = lambda: None  # noqa: E731
    print("#ready", flush=True)
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        answer = 0.0
        if word == "start":
            step, stop = make(CASES[rest])
            warm(step)
        elif word == "round":
            answer = median_seconds(step, float(rest))
        else:
            stop()
        print(f"#seconds {answer}", flush=True)


def warm(step: Step) -> None:
    """Runs until weft has made up its mind between NumPy and XLA."""
    for _ in range(6):
        step()
    waiting = [t for t in threading.enumerate() if t.name == "weft-compile"]
    for thread in waiting:
        thread.join(60)
    for _ in range(10 if waiting else 0):
        step()


def median_seconds(step: Step, budget: float) -> float:
    times: list[float] = []
    end = time.perf_counter() + budget
    while len(times) < _LEAST_STEPS or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


class Library(Contender):
    """A contender that runs one case after the other."""

    def ask(self, request: str) -> float:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(f"{request}\n")
        self.process.stdin.flush()
        return float(self._expect("seconds"))


def _contenders(names: Sequence[str]) -> list[Library]:
    return [Library(n, ["-c", f"from {_MODULE} import serve_cases; serve_cases({n!r})"]) for n in names]


def compare(case: Case, libraries: Sequence[Library], rounds: int, seconds: float) -> None:
    """Fills the libraries' seconds with those of a case."""
    for library in libraries:
        library.seconds.clear()
        library.ask(f"start {case.name}")
    for _ in range(rounds):
        for library in libraries:
            library.seconds.append(library.ask(f"round {seconds}"))
    for library in libraries:
        library.ask("stop")


def _row(case: Case, libraries: Sequence[Library]) -> tuple[str, float]:
    """The case's line of the table, and the better ratio to TensorFlow."""
    by_name = {c.name: c for c in libraries}
    theirs = by_name["tensorflow"]
    cells, best = [f"{case.name:36}", f"{theirs.median * 1e3:9.2f}"], math.inf
    for c in libraries:
        if c is theirs:
            continue
        low, middle, high = ratio(c, theirs)
        if c.name == "jax" and case.jax is None:
            cells.append(f"{'-':>19}")
            continue
        if c.name != "jax":
            best = min(best, middle)
        cells.append(f"{middle:5.2f} ({low:4.2f}-{high:5.2f})")
    cells.append(f"{noise(theirs):6.2f}")
    return "  ".join(cells) + ("  above" if best > _LIMIT else ""), best


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="regular expression that the ops' names must contain")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.05, help="of each round of each library")
    parser.add_argument("--without", nargs="*", default=[], choices=["numpy", "numpy:choose", "jax"])
    args = parser.parse_args(arguments)

    cases = [c for c in CASES.values() if re.search(args.only, c.name)]
    count = str(THREADS)
    os.environ.update(OPENBLAS_NUM_THREADS=count, OMP_NUM_THREADS=count, NPROC=count)
    names = [n for n in ("numpy", "numpy:choose", "tensorflow", "jax") if n not in args.without]
    libraries = _contenders(names)
    ratios = []
    try:
        for library in libraries:
            print(f"starting {library.name} ...", file=sys.stderr, flush=True)
            library.start()
        heads = [n if n == "jax" else f"weft {n}" for n in names if n != "tensorflow"]
        print("Time as a multiple of TensorFlow's: median (lowest-highest) of the rounds")
        print(f"{'':36}  {'TF ms':>9}  {'  '.join(f'{h:>18}' for h in heads)}   noise", flush=True)
        for case in cases:
            compare(case, libraries, args.rounds, args.seconds)
            line, best = _row(case, libraries)
            ratios.append(best)
            print(line, flush=True)
    finally:
        for library in libraries:
            library.stop()
    mean = math.exp(statistics.fmean(math.log(r) for r in ratios))
    above = sum(r > _LIMIT for r in ratios)
    print(f"geometric mean of weft's better ratios: {mean:.2f}; above {_LIMIT}: {above} of {len(ratios)}")
    print("noise: TensorFlow's slowest round over its fastest; 1.0 on a quiet machine")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
