"""Pictures decoded per second: an input pipeline on 1 to 4 workers against a plain Python loop.

The files are JPEG pictures, generated with a seed. The loop opens a file, decodes it with Pillow, makes it float32 and
puts 32 of them into one array. The pipeline does the same as a graph: names on one device; reader, decoder and
conversion on each worker; one queue of examples; batches of 32 on the first device, fetched by the program. Loop and
pipelines take turns; a ratio is taken within each round. Run it with `python -m benchmarks.input_pipeline`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

import weft as tf

BATCH = 32


def make_pictures(folder: Path, count: int, size: int) -> list[str]:
    """JPEG files of smooth noise, generated with a seed."""
    from PIL import Image

    rng = np.random.default_rng(0)
    paths = []
    for i in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (size // 8, size // 8, 3)).astype(np.uint8))
        path = folder / f"{i:04d}.jpg"
        coarse.resize((size, size), Image.Resampling.BICUBIC).save(path, quality=90)
        paths.append(str(path))
    return paths


def plain_loop(paths: Sequence[str]) -> Callable[[int], None]:
    """Reads and decodes so many batches."""
    from PIL import Image

    position = 0

    def run(batches: int) -> None:
        nonlocal position
        for _ in range(batches):
            pictures = []
            for _ in range(BATCH):
                with Image.open(paths[position % len(paths)]) as picture:
                    pictures.append(np.asarray(picture.convert("RGB"), np.float32) / np.float32(255))
                position += 1
            np.stack(pictures)

    return run


@contextmanager
def pipeline(target: str, paths: Sequence[str], workers: int, size: int) -> Iterator[Callable[[int], None]]:
    """Runs so many batches of the pipeline; its threads end with the block."""
    with tf.Graph().as_default():
        with tf.device("/job:client/task:0"):
            names = tf.train.string_input_producer(list(paths), shuffle=False, capacity=64)
        examples = []
        for task in range(workers):
            with tf.device(f"/job:worker/task:{task}"):
                _, content = tf.WholeFileReader().read(names)
                picture = tf.image.decode_jpeg(content, channels=3)
                picture.set_shape([size, size, 3])
                examples.append([tf.image.convert_image_dtype(picture, tf.float32)])
        with tf.device("/job:client/task:0"):
            batch = tf.train.batch_join(examples, BATCH, capacity=4 * BATCH)
        with tf.Session(target, cluster={"client": 1, "worker": workers}) as session:
            session.run(tf.global_variables_initializer())
            coord = tf.train.Coordinator()
            threads = tf.train.start_queue_runners(session, coord)
            fetch = session.make_callable(batch)

            def run(batches: int) -> None:
                for _ in range(batches):
                    fetch()

            try:
                yield run
            finally:
                coord.request_stop()
                coord.join(threads)


def measure(target: str, size: int, files: int, rounds: int, batches: int) -> None:
    """Prints the table of one target."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        paths = make_pictures(folder, files, size)
        runs = {"plain loop": plain_loop(paths)}
        for workers in (1, 2, 4):
            runs[f"{workers} workers"] = stack.enter_context(pipeline(target, paths, workers, size))
        rates: dict[str, list[float]] = {name: [] for name in runs}
        for run in runs.values():
            run(2)
        for _ in range(rounds):
            for name, run in runs.items():
                # What a queue has collected while others ran is taken out before the clock starts.
                run(0 if name == "plain loop" else 5)
                started = time.perf_counter()
                run(batches)
                rates[name].append(batches * BATCH / (time.perf_counter() - started))
    print(f"target {target}, {size}x{size} JPEG, {rounds} rounds of {batches} batches of {BATCH}:")
    base = rates["plain loop"]
    for name, found in rates.items():
        ratios = [a / b for a, b in zip(found, base, strict=True)]
        print(
            f"  {name:12} {statistics.median(found):8.0f} pictures/s   {statistics.median(ratios):5.2f} x the loop "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--target", action="append", help="local, ray (both by default)")
    parser.add_argument("--size", type=int, default=256, help="height and width in pixels")
    parser.add_argument("--files", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=10)
    args = parser.parse_args(arguments)
    for target in args.target or ["local", "ray"]:
        measure(target, args.size, args.files, args.rounds, args.batches)
    return 0


if __name__ == "__main__":
    sys.exit(main())
