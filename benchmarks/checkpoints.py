"""Checkpoints written and read, in MB/s, against the disk itself.

Variables of a given total size lie on 1, 2 or 4 devices. Writing is `Saver.save` without the graph; reading is
`Saver.restore`. The disk's own figures are those of a program that writes the same bytes to one file, with fsync as
the saver does, and reads them back into memory. All take turns; a ratio is taken within each round. What was just
written is still in the system's memory, for all contenders alike, so reading says what the software costs, not the
disk. Run it with `python -m benchmarks.checkpoints`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import weft as tf

Pair = tuple[Callable[[], None], Callable[[], None]]
"""What writes, and what reads."""


def plain_file(folder: Path, arrays: Sequence[np.ndarray[Any, Any]]) -> Pair:
    """The bytes of all arrays in one file."""
    path = folder / "plain"

    def write() -> None:
        with open(path, "wb") as file:
            for array in arrays:
                file.write(memoryview(array).cast("B"))
            file.flush()
            os.fsync(file.fileno())

    def read() -> None:
        with open(path, "rb") as file:
            for array in arrays:
                file.readinto(memoryview(np.empty_like(array)).cast("B"))

    return write, read


@contextmanager
def saver(target: str, folder: Path, arrays: Sequence[np.ndarray[Any, Any]], devices: int) -> Iterator[Pair]:
    """A checkpoint of as many variables, spread over devices."""
    with tf.Graph().as_default():
        for i, array in enumerate(arrays):
            with tf.device(f"/job:ps/task:{i % devices}"):
                tf.get_variable(f"v{i}", array.shape, initializer=tf.random_uniform_initializer(seed=i))
        save = tf.train.Saver(max_to_keep=1)
        with tf.Session(target, cluster={"ps": devices}) as session:
            session.run(tf.global_variables_initializer())
            prefix = str(folder / f"m{devices}")

            def write() -> None:
                save.save(session, prefix, write_meta_graph=False, write_state=False)

            yield write, lambda: save.restore(session, prefix)


def measure(target: str, megabytes: int, variables: int, rounds: int, folder: str | None) -> None:
    """Prints the table of one target."""
    count = megabytes * 2**20 // 4 // variables
    arrays = [np.random.default_rng(i).random(count, np.float32) for i in range(variables)]
    total = sum(a.nbytes for a in arrays) / 1e6
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        pairs = {"plain file": plain_file(place, arrays)}
        for devices in (1, 2, 4):
            pairs[f"{devices} devices"] = stack.enter_context(saver(target, place, arrays, devices))
        rates: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in pairs}
        for pair in pairs.values():
            for call in pair:
                call()
        for _ in range(rounds):
            for name, pair in pairs.items():
                for call, found in zip(pair, rates[name], strict=True):
                    started = time.perf_counter()
                    call()
                    found.append(total / (time.perf_counter() - started))
    print(f"target {target}, {total:.0f} MB in {variables} variables, {rounds} rounds:")
    base = rates["plain file"]
    for name, both in rates.items():
        texts = []
        for kind, found, floor in zip(("write", "read"), both, base, strict=True):
            ratios = [a / b for a, b in zip(found, floor, strict=True)]
            texts.append(
                f"{kind} {statistics.median(found):6.0f} MB/s, {statistics.median(ratios):4.2f} x "
                f"({min(ratios):.2f} to {max(ratios):.2f})"
            )
        print(f"  {name:11} {'   '.join(texts)}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--target", action="append", help="local, ray (both by default)")
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--variables", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where to write; the system's folder for temporary files by default")
    args = parser.parse_args(arguments)
    for target in args.target or ["local", "ray"]:
        measure(target, args.megabytes, args.variables, args.rounds, args.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
