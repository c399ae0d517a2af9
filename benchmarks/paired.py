"""Times contenders in turn, so that a noisy machine is noisy for all of them, and prints ratios.

Each contender is a process of its own that is told how many steps to run and answers with the seconds that they
took. The contenders run in turn for some rounds; a ratio is taken within each round, and its median is quoted with
its range. The spread of a contender's own times says how noisy the machine was.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

__all__ = ["Contender", "local_ray", "noise", "ratio", "serve", "table", "take_turns"]

_READY, _DONE = "ready", "seconds"


@dataclass
class Contender:
    """A process that runs steps on request.

    Attributes:
        name: what it is, for the table.
        command: arguments of the Python process; it calls `serve`.
        seconds: seconds per step in each round.
    """

    name: str
    command: Sequence[str]
    seconds: list[float] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts the process and waits until it is warm."""
        environment = {"OMP_NUM_THREADS": "1", **os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.process = subprocess.Popen(
            [sys.executable, *self.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("BENCHMARK_VERBOSE") else subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self._expect(_READY)

    def round(self, steps: int) -> None:
        """Runs so many steps and notes the seconds that each took."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        self.seconds.append(float(self._expect(_DONE)) / steps)

    def stop(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def _expect(self, word: str) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(f"#{word}"):
                return line.removeprefix(f"#{word}").strip()
        raise RuntimeError(f"{self.name} ended early; run again with BENCHMARK_VERBOSE=1 to see why")

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def serve(run: Callable[[int], float]) -> None:
    """Answers requests on standard input: `run(steps)` gives the seconds that the steps took together."""
    print(f"#{_READY}", flush=True)
    for line in sys.stdin:
        print(f"#{_DONE} {run(int(line))}", flush=True)


def local_ray(cpus: int = 4) -> None:
    """Starts a Ray of this process's own, whatever other Ray runs on the machine."""
    import ray

    ray.init(
        address="local",
        num_cpus=cpus,
        include_dashboard=False,
        object_store_memory=256 * 2**20,
        log_to_driver=False,
        logging_level="ERROR",
    )


def take_turns(contenders: Sequence[Contender], rounds: int, steps: int) -> None:
    """Starts all contenders, runs them in turn for some rounds, and stops them."""
    try:
        for contender in contenders:
            print(f"starting {contender.name} ...", file=sys.stderr, flush=True)
            contender.start()
        for number in range(rounds):
            for contender in contenders:
                contender.round(steps)
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    finally:
        for contender in contenders:
            contender.stop()


def ratio(ours: Contender, theirs: Contender) -> tuple[float, float, float]:
    """Lowest, median and highest of the rounds' ratios of seconds."""
    rows = sorted(a / b for a, b in zip(ours.seconds, theirs.seconds, strict=True))
    return rows[0], statistics.median(rows), rows[-1]


def noise(contender: Contender) -> float:
    """Slowest round over fastest: 1.0 on a quiet machine."""
    return max(contender.seconds) / min(contender.seconds)


def table(contenders: Sequence[Contender], goals: Sequence[tuple[Contender, Contender, str]]) -> str:
    """The times of all contenders, and the ratio of each goal."""
    width = max(len(c.name) for c in contenders)
    lines = [f"{'':{width}}  µs a step  slowest/fastest round"]
    lines += [f"{c.name:{width}}  {c.median * 1e6:9.1f}  {noise(c):.2f}" for c in contenders]
    for ours, theirs, goal in goals:
        low, middle, high = ratio(ours, theirs)
        lines.append(f"{ours.name} / {theirs.name}: {middle:.2f}x ({low:.2f} to {high:.2f}); {goal}")
    return "\n".join(lines)
